"""The bill and what gives way, computed from invented counts, hold by examples done by hand."""

from datetime import UTC, datetime

import pytest

from shared.settings import DEFAULTS_S
from tools.deploy.functions import BY_NAME, FUNCTIONS
from tools.measure import assumptions, counting, prices
from tools.measure.bill import Line, bill, by_service, calls_a_month, cold_starts, filled, runs_a_month, total_usd
from tools.measure.counting import Counted
from tools.measure.metering import Message
from tools.measure.playing import Calls, billed_bytes
from tools.measure.prices import GIB, Price
from tools.measure.scale import a_second, ceilings
from tools.measure.storage import stored_bytes

DRIVERS, MANY = 100_000, 1_000_000
# Those that the sums below were done with; a function that comes later changes nothing in them.
VIEWED = ("trips", "stats", "compare", "cars", "locations", "settings")
TRIPS, VIEWS, DAYS = 60 * DRIVERS, 30 * DRIVERS, 30.4375 * DRIVERS
RUNS = 1441 * 30.4375  # of the clock


def trip(starts: int) -> dict[str, Calls]:
    """Each other function once, with ten reads and three writes by the poller, two of them of the state."""
    start = Calls(starts, 2 * starts, starts, messages=1, message_bytes=2000, states_written=starts)
    due = Calls(1, 1, messages=1, message_bytes=2000)
    end = Calls(1, 2, 1, states_written=1)
    return {"webhook_start": start, "webhook_end": end, "poller": Calls(1, 10, 3, states_written=2), "scheduler": due}


@pytest.fixture
def counted() -> Counted:
    """A trip of one start, or of ten with pings; ten reads a view of a page, five a daily look."""
    day = {"scheduler": Calls(1, 1, messages=1, message_bytes=2000), "poller": Calls(1, 5, 4)}
    views = {name: Calls(1, 10, answer_bytes=1000) for name in VIEWED}
    runs = {"poll-all": Calls(1, 1), "read-odometers": Calls(1, 1)}
    return Counted(trip(1), trip(10), views, day, runs, 1, 1000, 1000, 100, 5000)


def line(lines: list[Line], price: Price) -> Line:
    (found,) = (line for line in lines if line.price is price)
    return found


def test_what_is_free_is_not_paid_and_what_is_over_it_is() -> None:
    price = Price("S", "things", 0.5, 1000, "things", 2000, "page")
    assert price.charge_usd(2000) == 0
    assert price.charge_usd(6000) == pytest.approx(2.0)


def test_a_small_message_is_billed_as_1000_bytes_twice_and_a_large_one_by_its_size() -> None:
    now = datetime.now(UTC)
    assert billed_bytes(Message(b"x" * 64, "1", now)) == 2000
    assert billed_bytes(Message(b"x" * 3000, "12", now, {"ab": "cde"})) == 2 * (3000 + 2 + 5 + 20)


def test_runs_of_a_schedule_are_counted_and_those_of_certain_days_are_not_guessed() -> None:
    runs = [runs_a_month(cron) for cron in ("* * * * *", "30 3 * * *", "0,30 * * * *")]
    assert runs == pytest.approx([each * 30.4375 for each in (1440, 1, 48)])
    with pytest.raises(ValueError, match="no count is known"):
        runs_a_month("0 0 1 * *")


def test_the_polls_of_a_trip_follow_from_the_default_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    def polls(pings: bool = False) -> int:
        return sum(1 for step in counting.steps(pings) if step.shows is not None)

    assert polls() == polls(pings=True) == 1 + 5 + 2 + 1  # the last one for the addresses
    monkeypatch.setitem(DEFAULTS_S, "POLL_EVERY_S", 600.0)
    assert polls() == 1 + 2 + 2 + 1
    monkeypatch.setitem(DEFAULTS_S, "POLL_AFTER_END_S", 20.0)
    assert polls() == 1 + 2 + 3 + 1  # at once, after 20 s, and 40 s later


def test_a_function_starts_at_most_once_in_15_minutes_and_never_oftener_than_it_is_called() -> None:
    assert cold_starts(Calls(7)) == 7
    assert cold_starts(Calls(10_000_000)) == pytest.approx(2922)


def test_calls_add_up_by_trips_views_and_clock(counted: Counted) -> None:
    calls = calls_a_month(counted, DRIVERS, pings=False)
    assert calls["poller"][:3] == (TRIPS + DAYS, 10 * TRIPS + 5 * DAYS, 3 * TRIPS + 4 * DAYS)
    assert calls["stats"] == Calls(VIEWS, 10 * VIEWS, answer_bytes=1000 * VIEWS)
    # The clock's runs do not depend on the drivers; what they find does.
    assert calls["scheduler"][:2] == pytest.approx((RUNS, RUNS + TRIPS + DAYS))
    assert calls["scheduler"].messages == TRIPS + DAYS
    assert set(calls) == {function.name for function in FUNCTIONS}


def test_what_drivers_are_reminded_of_is_looked_at_every_day_by_a_message_each(counted: Counted) -> None:
    calls = calls_a_month(counted._replace(reminded=Calls(1, 7, messages=1)), DRIVERS, pings=False)["reminders"]
    assert (calls.calls, calls.reads, calls.messages) == pytest.approx((DAYS, 7 * DAYS, DAYS))


def test_a_bill_of_100_000_drivers_is_that_done_by_hand(counted: Counted) -> None:
    lines = bill(counted, DRIVERS, pings=False)
    reads = TRIPS * (2 + 2 + 10 + 1) + VIEWS * 60 + DAYS * 6 + RUNS
    assert line(lines, prices.READS).usd == pytest.approx((reads - 1_521_875) / 100_000 * 0.033)
    # Five writes a trip, four a daily look, two keys on thirty days.
    assert line(lines, prices.WRITES).amount == TRIPS * 5 + DAYS * 4 + DRIVERS * 60
    stored_gib = DRIVERS * (5000 + 12 * (60 * 1000 + 30.4375 * 100)) / GIB
    assert line(lines, prices.STORED).usd == pytest.approx((stored_gib - 1) * 0.165)
    assert line(lines, prices.BACKUPS).usd == pytest.approx(stored_gib * 14 * 0.033)
    # Rounded up to 100 ms; a run of the clock publishes 206 messages of 1 ms.
    called_s = TRIPS * (0.1 + 0.1 + 1.5) + VIEWS * (0.2 + 0.1 + 0.2 + 3 * 0.1) + DAYS * 1.5 + RUNS * 0.3
    assert line(lines, prices.VCPU).amount == pytest.approx(called_s + 10 * 2922 * 4)
    assert line(lines, prices.MEMORY).amount == pytest.approx(line(lines, prices.VCPU).amount / 2)
    assert line(lines, prices.MESSAGES).amount == (TRIPS * 2 + DAYS) * 2000
    assert sum(by_service(lines).values()) == pytest.approx(total_usd(lines))


def test_calls_that_share_instances_pay_for_what_waits_or_works_at_once(counted: Counted) -> None:
    lines = bill(counted, DRIVERS, pings=False, shared=True)
    working_s = (2 * TRIPS + 6 * VIEWS + RUNS) * 0.020 + (TRIPS + DAYS) * 0.001
    assert line(lines, prices.VCPU).amount == pytest.approx(((TRIPS + DAYS) * 1.5 / 16 + working_s) / 0.6)
    # 160 polls of 1.5 s at once wait in 15 instances of 16; 1,000 starts keep 20 processors busy.
    assert filled(BY_NAME["poller"], Calls(160)) == pytest.approx(15)
    assert filled(BY_NAME["webhook_start"], Calls(1000)) == pytest.approx(20)


def test_no_deployed_function_keeps_idle_instances_for_which_the_bill_has_no_line() -> None:
    assert [function.name for function in FUNCTIONS if function.min_instances] == []
    # One vCPU is the least of an instance that takes several requests, and what is billed here.
    assert min(function.concurrency for function in FUNCTIONS) > 1


def test_the_busiest_minute_has_its_share_of_a_working_days_trips_and_the_daily_look_is_over(counted: Counted) -> None:
    trips_a_s = 60 * MANY / 30.4375 * 1.15 * 0.110 * 1.5 / 3600
    busy = a_second(counted, MANY, pings=True)
    assert busy["webhook_start"].calls == pytest.approx(10 * trips_a_s)
    assert busy["poller"].reads == pytest.approx(10 * trips_a_s)
    assert (busy["scheduler"].calls, busy["scheduler"].messages) == pytest.approx((1 / 60, trips_a_s))


def test_what_gives_way_is_asked_for_just_what_there_is_at_that_number_of_drivers(counted: Counted) -> None:
    found = ceilings(counted, MANY)
    shares = [each.share for each in found]
    assert shares == sorted(shares)
    for each in found:
        (again,) = (one for one in ceilings(counted, int(MANY * each.share)) if one.what == each.what)
        # The clock's runs do not grow with the drivers.
        if not any(f"`{function.name}`" in each.what for function in FUNCTIONS if function.schedules):
            assert again.asked == pytest.approx(again.allowed, rel=0.01), each.what
    (index,) = (each for each in found if "16 shards" in each.what)
    assert index.asked == pytest.approx(60 * MANY * 13 * 1.15 * 0.110 * 1.5 / 3600 / 30.4375)


def test_the_evening_has_as_many_trips_as_cbs_counted() -> None:
    assert pytest.approx(9.7 / (2.73 * 16.8), rel=0.05) == 2 * assumptions.BUSIEST_HOUR


def test_stored_bytes_are_those_of_firestores_own_example() -> None:
    fields = {"type": "Personal", "done": False, "priority": 1, "description": "Learn Cloud Firestore"}
    # The document has 147 bytes, an index entry 103 and those of its field's name and value, up- and downwards.
    entries = sum(2 * (103 + len(name) + 1 + size) for name, size in zip(fields, (9, 1, 8, 22), strict=True))
    assert stored_bytes("users/jeff/tasks/my_task_id", fields) == 147 + entries
