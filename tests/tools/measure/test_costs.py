"""The costs: README says what a new count makes of them, and the computation holds by examples done by hand."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from shared.settings import DEFAULTS_S
from tools.costs import measuring, prices, scale_drawing, scale_report
from tools.costs.assumptions import DURATIONS, Habits
from tools.costs.bill import Line, bill, billed_ms, by_service, calls_a_month, cold_starts, runs_a_month, total_usd
from tools.costs.counts import Calls, Measured
from tools.costs.drawing import PARTS, drawing
from tools.costs.measuring import PAGES, measure
from tools.costs.playing import billed_bytes
from tools.costs.prices import GIB, PRICES, Price
from tools.costs.report import BEGIN, END, PICTURE, put_into, section
from tools.costs.storage import document_bytes, entry_bytes, name_bytes, stored_bytes
from tools.deploy.functions import FUNCTIONS
from tools.measure.metering import Message

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()
HABITS = Habits(trips=10, views=2, key_days=5, log_months=1)


def section_of(readme: str) -> str:
    return BEGIN + readme.partition(BEGIN)[2].partition(END)[0] + END


@pytest.fixture
def one_call_each() -> Measured:
    """Each function once a trip or a look, with ten reads each."""
    trip = {name: Calls(1, 10, 1, messages=1, message_bytes=2000) for name in ("webhook_start", "webhook_end")}
    trip |= {"poller": Calls(1, 10, 3), "scheduler": Calls(1, 1, messages=1, message_bytes=2000)}
    view = {name: Calls(1, 10, answer_bytes=1000) for name in PAGES}
    ticks = {"poll-all": Calls(1, 1), "read-odometers": Calls(1, 1)}
    day = {"scheduler": Calls(1, 1, messages=1, message_bytes=2000), "poller": Calls(1, 5, 3)}
    return Measured(trip, trip, view, ticks, 1, 1000, 1000, 5000, day, 100)


def priced(lines: list[Line], price: Price) -> Line:
    (line,) = (line for line in lines if line.price is price)
    return line


def test_readme_the_page_on_scale_and_the_pictures_are_what_a_new_count_makes() -> None:
    measured = measure()
    assert section_of(README) == section(measured), "run `python -m tools.costs --write`"
    assert (ROOT / PICTURE).read_text() == drawing(measured)
    text = (ROOT / scale_report.PAGE).read_text()
    assert text == scale_report.page(text, measured)
    assert (ROOT / scale_report.PICTURE).read_text() == scale_drawing.drawing(measured)
    # A start and an end write the driver's state and nothing else; a poll once to claim it and once for what it found.
    states = {name: calls.states_written for name, calls in measured.trip.items()}
    assert states == {"webhook_start": 1, "webhook_end": 1, "scheduler": 0, "poller": states["poller"]}
    assert 2 * measured.trip["poller"].calls <= states["poller"] < measured.trip["poller"].writes


def test_the_tool_starts_its_own_emulators_and_prints_the_same() -> None:
    taken = ("FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST", "CREDENTIALS_KEYS", "GOOGLE_CLOUD_PROJECT")
    env = {name: value for name, value in os.environ.items() if name not in taken}
    command = [sys.executable, "-m", "tools.costs"]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == section_of(README) + "\n"


def test_the_polls_of_a_trip_follow_from_the_default_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    def polls(pings: bool = False) -> int:
        return sum(1 for step in measuring.steps(pings) if step.shows is not None)

    assert polls() == polls(pings=True) == 1 + 5 + 2 + 1  # the last one for the addresses
    monkeypatch.setitem(DEFAULTS_S, "POLL_EVERY_S", 600.0)
    assert polls() == 1 + 2 + 2 + 1
    monkeypatch.setitem(DEFAULTS_S, "POLL_AFTER_END_S", 20.0)
    assert polls() == 1 + 2 + 3 + 1  # at once, after 20 s, and 40 s later


def test_what_is_free_is_not_paid_and_what_is_over_it_is() -> None:
    price = Price("S", "things", 0.5, 1000, "thing", 2000, "https://example.com", "2026-01-01")
    assert price.charge_usd(2000) == 0
    assert price.charge_usd(6000) == pytest.approx(2.0)


@pytest.mark.parametrize(("ms", "billed"), [(1, 100), (80, 100), (100, 100), (100.5, 200), (1500, 1500)])
def test_the_time_of_a_call_is_rounded_up_to_100_ms(ms: float, billed: float) -> None:
    assert billed_ms(ms) == billed


def test_a_small_message_is_billed_as_1000_bytes_twice_and_a_large_one_by_its_size() -> None:
    now = datetime.now(UTC)
    assert billed_bytes(Message(b"x" * 64, "1", now)) == 2000
    assert billed_bytes(Message(b"x" * 3000, "12", now, {"ab": "cde"})) == 2 * (3000 + 2 + 5 + 20)


@pytest.mark.parametrize(
    ("cron", "runs_a_day"), [("* * * * *", 1440), ("*/5 * * * *", 288), ("30 3 * * *", 1), ("0,30 */6 * * *", 8)]
)
def test_runs_of_a_schedule_are_counted(cron: str, runs_a_day: int) -> None:
    assert runs_a_month(cron) == pytest.approx(runs_a_day * 365.25 / 12)


def test_a_schedule_for_certain_days_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="no count is known"):
        runs_a_month("0 0 1 * *")


def test_a_function_starts_at_most_once_in_15_minutes_and_never_oftener_than_it_is_called() -> None:
    assert cold_starts(Calls(7)) == 7
    assert cold_starts(Calls(10_000_000)) == pytest.approx(2922)


def test_calls_add_up_by_trips_looks_and_clock(one_call_each: Measured) -> None:
    calls = calls_a_month(one_call_each, 3, False, HABITS)
    # Three drivers' cars are looked at on 91 days altogether.
    assert calls["poller"] == Calls(30 + 91, 300 + 91 * 5, 90 + 91 * 3)
    assert calls["stats"] == Calls(6, 60, answer_bytes=6000)
    # The clock's runs do not depend on the drivers; what they find does.
    assert calls["scheduler"].calls == 43_830 + 30
    assert (calls["scheduler"].reads, calls["scheduler"].messages) == (43_860 + 30 + 91, 30 + 91)


def test_a_bill_of_100_000_drivers_is_that_done_by_hand(one_call_each: Measured) -> None:
    lines = bill(one_call_each, 100_000, False, HABITS)
    days, runs = 3_043_750, 43_860
    reads = 1_000_000 * 31 + 200_000 * 60 + days * 6 + runs
    assert priced(lines, prices.READS).amount == reads
    assert priced(lines, prices.READS).usd == pytest.approx((reads - 1_521_875) / 100_000 * 0.033)
    # Five writes a trip, two keys on five days, three a daily look.
    assert priced(lines, prices.WRITES).amount == 1_000_000 * 5 + 100_000 * 10 + days * 3
    stored_gib = (100_000 * (5000 + 10 * 1000) + days * 100) / GIB
    assert priced(lines, prices.STORED).usd == pytest.approx((stored_gib - 1) * 0.165)
    assert priced(lines, prices.BACKUPS).usd == pytest.approx(stored_gib * 14 * 0.033)
    called_s = 1_000_000 * (0.1 + 0.1 + 1.5) + 200_000 * (0.2 + 0.1 + 0.2 + 3 * 0.1) + days * 1.5 + runs * 0.2
    assert priced(lines, prices.VCPU).amount == pytest.approx(called_s + 10 * 2922 * 4)
    assert priced(lines, prices.MEMORY).amount == pytest.approx(priced(lines, prices.VCPU).amount / 2)
    assert priced(lines, prices.MESSAGES).amount == (1_000_000 * 3 + days) * 2000


def test_the_sum_is_of_all_services_and_the_picture_shows_all_of_it(one_call_each: Measured) -> None:
    lines = bill(one_call_each, 100_000, True, HABITS)
    assert {line.price for line in lines} == set(PRICES)
    assert sum(by_service(lines).values()) == pytest.approx(total_usd(lines))
    assert sum(part.usd(lines) for part in PARTS) == pytest.approx(total_usd(lines))


@pytest.mark.parametrize("price", PRICES, ids=lambda price: f"{price.service}, {price.what}")
def test_every_price_has_a_source_and_a_date(price: Price) -> None:
    assert price.source.startswith("https://cloud.google.com/")
    assert date(2026, 1, 1) <= date.fromisoformat(price.seen_on) <= datetime.now(UTC).date()
    assert price.source in README


def test_every_deployed_function_has_figures_and_no_other(one_call_each: Measured) -> None:
    assert set(DURATIONS) == {function.name for function in FUNCTIONS}
    assert set(calls_a_month(one_call_each, 1, False, HABITS)) == set(DURATIONS)
    # One vCPU is the least of an instance that takes several requests, and what is billed here.
    assert min(function.concurrency for function in FUNCTIONS) > 1


def test_no_deployed_function_keeps_idle_instances_for_which_the_bill_has_no_line() -> None:
    assert [function.name for function in FUNCTIONS if function.min_instances] == []


def test_a_function_or_a_schedule_without_figures_stops_the_computation(one_call_each: Measured) -> None:
    for lacking in (
        one_call_each._replace(view={"trips": Calls(1), "stats": Calls(1)}),
        one_call_each._replace(idle_ticks={}),
    ):
        with pytest.raises(KeyError):
            bill(lacking, 1, False, HABITS)


def test_stored_bytes_are_those_of_firestores_own_example() -> None:
    path = "users/jeff/tasks/my_task_id"
    fields = {"type": "Personal", "done": False, "priority": 1, "description": "Learn Cloud Firestore"}
    assert name_bytes(path) == 44
    assert document_bytes(path, fields) == 147
    assert entry_bytes(path) + len("done ") + 1 == 109
    sizes = {"type": 9, "done": 1, "priority": 8, "description": 22}
    entries = sum(2 * (entry_bytes(path) + len(name) + 1 + size) for name, size in sizes.items())
    assert stored_bytes(path, fields) == 147 + entries


def test_the_section_is_put_between_its_markers_and_nowhere_else() -> None:
    assert put_into(f"a\n{BEGIN}old{END}\nb", f"{BEGIN}new{END}") == f"a\n{BEGIN}new{END}\nb"
    with pytest.raises(ValueError, match="lacks the markers"):
        put_into("a", "b")
