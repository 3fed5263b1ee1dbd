"""What docs/scale.md computes holds by examples done by hand, whatever the counts are."""

from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from shared.domain.asking import Budget
from tools.costs import limits, scale
from tools.costs.assumptions import HOUR_TRIPS, LOOK_HOUR
from tools.costs.counts import Calls, Measured
from tools.costs.limits import PUBLISHED, Published
from tools.costs.measuring import PAGES
from tools.costs.scale import BUSIEST_HOUR, a_second, ceilings, in_hour, instances, load, outage
from tools.costs.scale_drawing import KINDS, drawing
from tools.costs.scale_report import PARTS, page
from tools.deploy.functions import BY_NAME

PAGE = (Path(__file__).parents[3] / "docs" / "scale.md").read_text()
MANY = 1_000_000
# Of 60 trips a month and driver, on a working day, from 17 to 18.
TRIPS = 249_363


def trip(starts: int) -> dict[str, Calls]:
    """Each other function once, with ten reads and three writes by the poller, two of them of the state."""
    start = Calls(starts, 2 * starts, starts, messages=1, message_bytes=2000, states_written=starts)
    poll = Calls(1, 10, 3, states_written=2)
    due = Calls(1, 1, messages=1, message_bytes=2000)
    return {"webhook_start": start, "webhook_end": Calls(1, 2, 1, states_written=1), "poller": poll, "scheduler": due}


@pytest.fixture
def counted() -> Measured:
    """A trip of one start, or of ten with pings; a look of ten reads at each page."""
    ticks = {"poll-all": Calls(1, 1), "read-odometers": Calls(1, 1)}
    day = {"scheduler": Calls(1, 1, messages=1, message_bytes=2000), "poller": Calls(1, 5, 4)}
    return Measured(trip(1), trip(10), {name: Calls(1, 10) for name in PAGES}, ticks, 1, 1000, 1000, 5000, day, 100)


def test_the_hours_of_a_day_are_all_of_its_trips_and_the_evening_has_what_cbs_counted() -> None:
    assert len(HOUR_TRIPS) == 24
    assert sum(HOUR_TRIPS) == 1000
    assert sum(HOUR_TRIPS[16:18]) / 1000 == pytest.approx(9.7 / (2.73 * 16.8), rel=0.03)
    assert sum(HOUR_TRIPS[7:9]) / sum(HOUR_TRIPS[16:18]) == pytest.approx(2.4 / 2.8, rel=0.03)


def test_an_hour_has_its_share_of_a_working_days_trips_and_the_busiest_minute_half_as_many_more() -> None:
    assert BUSIEST_HOUR == 17
    assert in_hour(60 * MANY, 17) == TRIPS == round(60 * MANY / (365.25 / 12) * 1.15 * 0.110)
    assert a_second(3600) == 1.5


def test_the_load_of_an_hour_is_that_of_its_trips_views_ticks_and_keys(counted: Measured) -> None:
    views, keys = in_hour(30 * MANY, 17), in_hour(2 * 30 * MANY, 17)
    busiest = load(counted, MANY, True)
    assert busiest.functions["webhook_start"] == trip(10)["webhook_start"].times(TRIPS)
    assert busiest.functions["stats"] == Calls(views, 10 * views)
    # The clock ticks each minute, however many polls are due.
    assert busiest.functions["scheduler"].calls == 60
    assert busiest.functions["scheduler"].messages == TRIPS
    assert busiest.total.writes == TRIPS * (10 + 1 + 3) + keys
    assert busiest.total.states_written == TRIPS * (10 + 1 + 2)
    assert scale.due_in_busiest_minute(counted, MANY) == pytest.approx(TRIPS * 1.5 / 60)


def test_the_daily_look_is_in_its_hour_and_in_no_other(counted: Measured) -> None:
    for hour in range(24):
        polls = load(counted, MANY, False, hour).functions["poller"].calls - in_hour(60 * MANY, hour)
        assert polls == (MANY if hour == LOOK_HOUR else 0)


def test_instances_follow_from_what_waits_or_from_the_processor_whichever_is_more(counted: Measured) -> None:
    needed = {one.function.name: one for one in instances(counted, MANY, True)}
    polls_a_s, starts_a_s = TRIPS * 1.5 / 3600, 10 * TRIPS * 1.5 / 3600
    assert needed["poller"].calls_a_s == pytest.approx(polls_a_s)
    # 156 polls of 1.5 s are at 60 % of 17 instances of 16; 1,039 starts of 20 ms are at 60 % of 35 processors.
    assert needed["poller"].needed == 17 == -(-polls_a_s * 1.5 / 16 // 0.6)
    assert needed["webhook_start"].needed == 35 == -(-starts_a_s * 0.020 // 0.6)
    assert needed["scheduler"].call_s == pytest.approx(0.080 + polls_a_s * 60 * 0.001)
    assert {one.function.name for one in instances(counted, 1, False) if one.needed != 1} == set()


def test_calls_that_share_instances_pay_for_what_waits_or_works_at_once(counted: Measured) -> None:
    trips, views, days = 60 * MANY, 30 * MANY, 30_437_500
    polls_s = (trips + days) * 1.5 / 16
    starts_s, ends_s, views_s = trips * 0.020, trips * 0.020, 6 * views * 0.020
    # Published messages work for 1 ms each; the clock's 43,860 runs are next to nothing.
    scheduler_s = (trips + days) * 0.001 + 43_860 * 0.020
    busy_s = (polls_s + starts_s + ends_s + views_s + scheduler_s) / 0.6
    requests = 3 * trips + days + 6 * views + 43_860
    usd = (busy_s - 180_000) * 0.000024 + (busy_s / 2 - 360_000) * 0.0000025 + (requests - 2_000_000) * 0.4 / 1_000_000
    assert scale.shared_run_usd(counted, MANY, False) == pytest.approx(usd)


def test_what_gives_way_is_asked_for_just_what_there_is_at_that_number_of_drivers(counted: Measured) -> None:
    found = ceilings(counted, MANY)
    assert [each.gives_way_at for each in found] == sorted(each.gives_way_at for each in found)
    for each in found:
        (again,) = (one for one in ceilings(counted, each.gives_way_at) if one.what == each.what)
        assert again.asked == pytest.approx(again.allowed, rel=0.01), each.what
    (index,) = (each for each in found if "16 shards" in each.what)
    assert index.gives_way_at == pytest.approx(MANY * 8000 / (TRIPS * 13 * 1.5 / 3600), rel=0.001)


def test_the_deployed_instances_take_what_threads_and_processors_let_them() -> None:
    assert scale.calls_a_s_at_most(BY_NAME["poller"]) == pytest.approx(10 * 16 / 1.5)
    assert scale.calls_a_s_at_most(BY_NAME["webhook_start"]) == pytest.approx(10 / 0.020)


@pytest.mark.parametrize(("rate", "minutes"), [(0, 0), (500, 0), (501, 5), (750, 5), (751, 10), (500 * 1.5**4, 20)])
def test_the_rule_wants_five_minutes_for_each_half_more(rate: float, minutes: int) -> None:
    assert scale.minutes_to_reach(rate) == minutes


@pytest.mark.parametrize(("operations", "minutes"), [(0, 0), (150_000, 5), (150_001, 10), (375_000, 10)])
def test_the_rule_lets_so_much_be_done_in_a_while(operations: int, minutes: int) -> None:
    assert scale.minutes_to_do(operations) == minutes


def test_the_first_days_drivers_ask_for_what_the_rule_begins_with(counted: Measured) -> None:
    first = scale.first_day_drivers(counted, MANY, True)
    asked = a_second(scale.operations(load(counted, first, True).total))
    assert asked == pytest.approx(limits.RULE_START, rel=0.01)
    assert scale.days_to_grow(1000, 1000) == 0
    assert scale.days_to_grow(1000, 1501) == 2


def test_an_outage_loses_what_no_phone_repeats_and_its_polls_drain_by_what_the_poller_can_do_more(
    counted: Measured,
) -> None:
    found = outage(counted, MANY)
    assert found.starts_lost == found.ends_lost == round(TRIPS / 6)
    assert found.pings_lost == round(9 * TRIPS / 6)
    assert found.waiting == round(TRIPS * 26 / 60)  # one poll a driver under way, however long it lasts
    assert found.polls_a_s == pytest.approx(17 * 16 / 1.5)
    assert found.drain_s == pytest.approx(found.waiting / (17 * 16 / 1.5 - TRIPS / 3600), rel=0.001)
    assert found.ticks == -(-found.drain_s // 60)


@pytest.mark.parametrize(
    ("budget", "allowed", "asked"),
    [
        (Budget(20, timedelta(hours=1)), 20, 8),
        (Budget(500, timedelta(days=1), a_read=6), 83, 60 / (365.25 / 12) * 1.15 * 8 + 1),
        (Budget(500, timedelta(days=30), a_read=3), 166, (60 / (365.25 / 12) * 8 + 1) * 30),
    ],
)
def test_a_car_asks_for_a_trip_an_hour_or_for_a_days_trips_and_its_look(
    counted: Measured, budget: Budget, allowed: int, asked: float
) -> None:
    nine = counted._replace(trip={"poller": Calls(9)})
    found = scale.brand(nine, budget)
    assert (found.reads_allowed, found.reads_asked) == (allowed, pytest.approx(asked))
    assert found.is_enough == (asked <= allowed)


def test_each_part_is_put_between_its_markers_and_the_words_around_them_stay(counted: Measured) -> None:
    bare = "\n".join(f"words {name}\n<!-- scale: {name} -->\nformer words\n<!-- /scale: {name} -->" for name in PARTS)
    text = page(bare, counted)
    assert "former words" not in text
    assert all(f"words {name}\n<!-- scale: {name} -->\n\n{write(counted)}" in text for name, write in PARTS.items())
    assert page(text, counted) == text
    with pytest.raises(ValueError, match="lacks the markers"):
        page("words", counted)


def test_the_picture_is_a_drawing_with_a_line_for_each_kind(counted: Measured) -> None:
    svg = ElementTree.fromstring(drawing(counted))
    strokes = [element.get("stroke") for element in svg.iter("{http://www.w3.org/2000/svg}path")]
    assert all(strokes.count(kind.colour) == 1 for kind in KINDS)


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda published: published.what[:40])
def test_every_published_figure_has_an_address_and_a_day_and_stands_on_the_page(published: Published) -> None:
    assert published.source.startswith(("https://", "http://"))
    assert published.source in PAGE
    if published.seen_on[:1].isdigit():
        assert date(2026, 1, 1) <= date.fromisoformat(published.seen_on)
    else:
        assert "README" in published.seen_on
