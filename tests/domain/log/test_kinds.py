"""What kind of trip is proposed: each line of the table, and that no proposal changes a distance."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.domain.log.correcting import corrected
from shared.domain.log.kinds import Habits, proposed_kind, telling_place
from shared.domain.log.laying import Owner
from shared.domain.place.geo import Position
from shared.domain.place.places import Place
from tests.domain.world import HOME, World

AMSTERDAM = "Europe/Amsterdam"
HOUSE = Place("1", "Home", *HOME)
OFFICE = Place("2", "Office", HOME[0] + 10 / 111.195, HOME[1], kind="business")
CUSTOMER = Place("3", "Customer", HOME[0] + 20 / 111.195, HOME[1], kind="business")
SISTER = Place("4", "Sister", HOME[0] + 30 / 111.195, HOME[1])
FUEL = Place("5", "Fuel", HOME[0] + 40 / 111.195, HOME[1], kind="pause")
PLACES = (HOUSE, OFFICE, CUSTOMER, SISTER, FUEL)
WEEK = Habits("mixed", (6, 7), ("08:30", "18:00"))

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # ten o'clock in Amsterdam
SUNDAY = MONDAY - timedelta(days=1)
EVENING = MONDAY + timedelta(hours=10)


def proposed(begin: Place | None, end: Place | None, started_at: datetime = MONDAY, habits: Habits = WEEK) -> str:
    return proposed_kind(begin, end, started_at, AMSTERDAM, habits)


@pytest.mark.parametrize("started_at", [MONDAY, SUNDAY, EVENING])
@pytest.mark.parametrize(
    "ends", [(HOUSE, OFFICE), (OFFICE, HOUSE), (OFFICE, SISTER), (OFFICE, CUSTOMER)], ids=lambda ends: str(ends[0].id)
)
def test_between_business_and_home_or_other_business_it_is_business_on_any_day_at_any_hour(
    ends: tuple[Place, Place], started_at: datetime
) -> None:
    assert proposed(*ends, started_at) == "business"


@pytest.mark.parametrize(
    "ends", [(HOUSE, SISTER), (None, None), (OFFICE, None), (None, HOUSE), (OFFICE, OFFICE)], ids=str
)
def test_any_other_ends_are_judged_by_the_clock(ends: tuple[Place | None, Place | None]) -> None:
    assert proposed(*ends, SUNDAY) == "private"
    assert proposed(*ends, EVENING) == "private"
    assert proposed(*ends, MONDAY) == "mixed"


def test_without_habits_nothing_is_proposed_but_what_the_places_say() -> None:
    assert proposed(HOUSE, SISTER, SUNDAY, Habits()) == "unclassified"
    assert proposed(HOUSE, SISTER, SUNDAY, Habits(default_kind="private")) == "private"
    assert proposed(HOUSE, OFFICE, SUNDAY, Habits()) == "business"


@pytest.mark.parametrize(
    ("time", "kind"), [("08:29", "private"), ("08:30", "mixed"), ("17:59", "mixed"), ("18:00", "private")]
)
def test_business_hours_hold_from_their_first_minute_to_before_their_last(time: str, kind: str) -> None:
    assert proposed(None, None, datetime.fromisoformat(f"2026-03-02T{time}+01:00")) == kind


@pytest.mark.parametrize(
    ("at", "kind"),
    [
        ("2026-03-02T23:00+01:00", "mixed"),
        ("2026-03-03T05:59+01:00", "mixed"),
        ("2026-03-03T06:00+01:00", "private"),
        ("2026-03-06T23:00+01:00", "mixed"),  # Friday night
        ("2026-03-07T01:00+01:00", "private"),  # what is after midnight belongs to Saturday
    ],
)
def test_hours_that_end_before_they_begin_go_over_midnight(at: str, kind: str) -> None:
    night = replace(WEEK, business_hours=("22:00", "06:00"))
    assert proposed(None, None, datetime.fromisoformat(at), night) == kind


def test_two_equal_times_are_the_whole_day() -> None:
    assert proposed(None, None, EVENING, replace(WEEK, business_hours=("00:00", "00:00"))) == "mixed"


@pytest.mark.parametrize(
    ("at", "timezone", "kind"),
    [
        ("2026-03-01T22:59Z", AMSTERDAM, "private"),
        ("2026-03-01T23:01Z", AMSTERDAM, "mixed"),
        ("2026-03-01T23:01Z", "Europe/London", "private"),
        ("2026-07-05T22:01Z", AMSTERDAM, "mixed"),  # summer time
        ("2026-03-27T23:01Z", AMSTERDAM, "private"),
    ],
)
def test_the_day_is_that_of_the_start_in_the_drivers_time_zone(at: str, timezone: str, kind: str) -> None:
    days = Habits("mixed", (6, 7))
    assert proposed_kind(None, None, datetime.fromisoformat(at), timezone, days) == kind


def test_a_pause_place_tells_nothing_and_hides_no_place_around_it() -> None:
    assert telling_place(PLACES, Position(FUEL.lat, FUEL.lng)) is None
    charger = replace(FUEL, lat=OFFICE.lat, lng=OFFICE.lng)
    assert telling_place((OFFICE, charger), Position(OFFICE.lat, OFFICE.lng)) == OFFICE
    assert telling_place(PLACES, None) is None


def driven(habits: Habits, places: tuple[Place, ...] = PLACES, km: float = 10, end_km: float = 1010) -> World:
    world = World(places=places)
    world.owner = Owner("d@example.com", AMSTERDAM, habits)
    world.start(0, 0)
    world.read(-10, 1000, now=0)
    world.end(20, km)
    world.read(21, end_km)
    return world


def test_a_drive_becomes_a_trip_of_the_proposed_kind_with_its_kilometres_divided() -> None:
    (trip,) = driven(WEEK).log
    assert (trip.kind, trip.distance_km, trip.business_km, trip.private_km) == ("business", 10, 10, 0)
    assert (trip.from_.place, trip.to.place) == ("Home", "Office")
    (trip,) = driven(replace(WEEK, private_days=(1,)), places=()).log
    assert (trip.kind, trip.business_km, trip.private_km) == ("private", 0, 10)


def test_a_kind_that_the_driver_set_stays_when_the_end_odometer_comes_later() -> None:
    world = World(places=PLACES)
    world.owner = Owner("d@example.com", AMSTERDAM, WEEK)
    world.start(0, 0)
    world.read(-10, 1000, now=0)
    world.end(20, 10)
    world.tick(40)
    (waiting,) = world.log
    assert (waiting.kind, waiting.flags) == ("business", ("odometer_pending",))
    world.change(waiting, corrected(waiting, {"kind": "private"}, "UTC", world.now))
    world.read(50, 1012)
    (done,) = world.log
    assert (done.kind, done.distance_km, done.business_km, done.private_km) == ("private", 12, 0, 12)


kinds = st.sampled_from(["business", "private", "mixed", "unclassified"])
hours = st.none() | st.tuples(*[st.times().map(lambda time: f"{time:%H:%M}")] * 2)
habits = st.builds(Habits, kinds, st.lists(st.integers(1, 7)).map(tuple), hours)


@given(habits, st.sets(st.sampled_from(PLACES)).map(tuple), st.integers(1, 40))
def test_no_habit_and_no_place_changes_what_was_driven(habits: Habits, places: tuple[Place, ...], km: int) -> None:
    plain, proposal = (driven(each, where, km, 1000 + km).log for each, where in ((Habits(), ()), (habits, places)))
    if not plain or not proposal:
        assert plain == proposal == []  # it ended at a place of kind pause, and goes on
        return
    (one,), (other,) = plain, proposal
    blank = {"kind": "unclassified", "business_km": 0.0, "private_km": 0.0, "from_": one.from_, "to": one.to}
    assert replace(other, **blank) == one
    divided = other.business_km + other.private_km
    assert divided == (0 if other.kind == "unclassified" else other.distance_km)
