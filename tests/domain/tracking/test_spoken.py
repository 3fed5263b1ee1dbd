"""What a driver says of a trip by hand: nothing that is told later changes it, takes it away or brings it back."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.log.correcting import corrected, entered
from shared.domain.log.record import events_of
from shared.domain.log.trip import Endpoint, Trip
from shared.domain.log.words import identified
from shared.domain.tracking.events import Ended, Started
from tests.domain.world import World, at, fix


def says(world: World, trip: Trip, **fields: Any) -> Trip:
    """The driver corrects a trip; the trip as it is then."""
    world.change(trip, corrected(trip, fields, "UTC", world.now))
    return world.trips[trip.id]


def one_drive(end_km: float | None = None) -> World:
    """A drive of about ten kilometres from 0 to 20 that is over; the car is read afterwards if `end_km` is given."""
    world = World()
    world.start(0, 0)
    world.read(-5, 1000, now=1)
    world.end(20, 8)
    world.read(21, end_km) if end_km else world.tick(40)
    return world


def joined() -> World:
    """A drive with a silence, in which the car stood: two trips of one drive."""
    world = World()
    world.start(0, 0)
    world.read(-5, 1000, now=1)
    world.read(21, 1010, now=22)
    world.read(29, 1010, now=30)
    world.start(60, 8)
    world.end(80, 0)
    world.read(81, 1020)
    return world


def test_a_pending_trip_that_its_driver_set_stays_as_they_set_it() -> None:
    world = one_drive()
    said = says(world, world.log[0], kind="business", purpose="A customer", distance_km=24.0)
    world.read(100, 1000)
    world.read(400, 1000)
    (kept,) = world.log
    assert (kept.id, kept.kind, kept.purpose, kept.distance_km) == (said.id, "business", "A customer", 24.0)
    assert kept.excess_km == pytest.approx(24.0, abs=0.11)


def test_what_is_said_once_more_leaves_the_row_as_the_car_has_it() -> None:
    world = one_drive(1010)
    first = says(world, world.log[0], distance_km=24.0)
    again = says(world, first, distance_km=24.0, notes="as before")
    assert (again.end_odometer_km, again.end_odometer_known, again.notes) == (1010.0, "read", "as before")
    assert (again.excess_km, again.distance_km) == (first.excess_km, 24.0)
    assert again.revision == first.revision + 1


def test_what_is_told_during_a_trip_that_its_driver_touched_belongs_to_it_and_changes_nothing() -> None:
    world = one_drive(1010)
    said = says(world, world.log[0], purpose="A customer")
    world.take(Ended(fix(10, 4), "car"), 100)
    world.take(Started(fix(12, 5), "car"), 100)
    world.tick(120)
    (kept,) = world.log
    assert (kept.started_at, kept.ended_at, kept.distance_km) == (said.started_at, said.ended_at, said.distance_km)
    (record,) = world.store.records.values()
    assert len(events_of(record)) == 4


def test_a_start_soon_after_a_trip_that_its_driver_touched_begins_another_one() -> None:
    world = one_drive(1010)
    said = says(world, world.log[0], purpose="A customer")
    world.take(Started(fix(22, 9), "car"), 100)
    world.take(Ended(fix(50, 20), "car"), 100)
    world.read(101, 1024, now=130)
    world.tick(200)
    first, second = world.log
    assert (first.id, first.started_at, first.ended_at) == (said.id, at(0), at(20))
    assert second.started_at == at(22)
    assert first.distance_km + second.distance_km == pytest.approx(24.0)


def test_what_is_told_before_and_after_a_trip_that_its_driver_touched_is_never_one_drive() -> None:
    world = World()
    world.start(0, 0)
    world.read(-1, 1000, now=0.5)
    world.start(5, 5)
    for measured in (10, 16, 22):
        world.read(measured, 1009)
    world.start(60, 8)
    world.end(70, 14)
    world.read(71, 1016)
    says(world, world.log[-1], kind="business")
    world.start(110, 14)
    world.take(Started(fix(5, 5), "car"), 111)
    world.end(118, 20)
    world.read(119, 1023)
    world.tick(200)
    assert [(trip.started_at, trip.ended_at, trip.distance_km) for trip in world.log] == [
        (at(0), at(10), 9.0),
        (at(60), at(70), 7.0),
        (at(110), at(118), 7.0),
    ]


def test_a_trip_whose_end_was_lost_ends_where_its_driver_saw_it_end() -> None:
    world = World()
    for minute in (0, 5, 10):
        world.start(minute, minute)
    world.read(-5, 1000, now=10.5)
    for measured in (12, 18, 24):
        world.read(measured, 1012)
    world.tick(200)
    (trip,) = world.log
    assert trip.ended_at == at(12), "the car stood by then"
    assert says(world, trip, purpose="A customer").ended_at == at(12)
    world.read(300, 1012)
    assert world.log[0].ended_at == at(12)
    assert says(world, world.log[0], ended_at=at(11).isoformat()).ended_at == at(11)
    assert says(world, world.log[0], ended_at=None).ended_at == at(12)


def test_of_a_drive_that_was_two_one_part_can_be_touched_and_the_other_stays() -> None:
    world = joined()
    first, second = world.log
    said = says(world, second, purpose="Back again", kind="private")
    assert [(trip.id, trip.started_at, trip.ended_at) for trip in world.log] == [
        (first.id, first.started_at, first.ended_at),
        (second.id, second.started_at, second.ended_at),
    ]
    assert (said.purpose, world.distances) == ("Back again", [10.0, 10.0])
    assert len({one.id for one in world.state.told}) == 2
    assert sum(len(record.kinds) for record in world.store.records.values()) == 3


def test_of_a_drive_that_was_two_one_part_can_be_deleted() -> None:
    world = joined()
    first, second = world.log
    world.change(second, None)
    assert [trip.id for trip in world.log] == [first.id]
    world.take(Ended(fix(80, 0), "car"), 100)
    world.tick(120)
    assert [trip.id for trip in world.log] == [first.id]


def entered_at(world: World, since: int, distance_km: float) -> None:
    """A trip by hand of a quarter of an hour."""
    times = {"started_at": at(since).isoformat(), "ended_at": at(since + 15).isoformat()}
    said = {**times, "from_": Endpoint(), "to": Endpoint(), "distance_km": distance_km}
    world.change(
        None, identified(entered("d@example.com", "car", "UTC", said, world.now), f"20260302T{since:06d}Z-000000")
    )


def test_a_trip_that_lies_between_two_odometers_of_a_car_leaves_those_beside_it_where_they_are() -> None:
    world = World()
    world.now = at(3000)
    for minute, km in ((245, 12504.7), (512, 12370.0), (2265, 12318.7)):
        world.read_by_eye("car", Reading(at(minute), km, source="eye", is_confirmed=True))
    for since, distance_km in ((2640, 24.8), (2571, 14.3), (505, 6.8), (421, 11.8), (1303, 13.1)):
        entered_at(world, since, distance_km)
    assert [trip.from_m for trip in world.log] == [12_504_700, 12_516_500, None, 12_318_700, 12_333_000]
    placed = [trip for trip in world.log if trip.from_m is not None]
    assert [b.set_on_m for b in placed[1:]] == [(b.from_m or 0) - (a.to_m or 0) for a, b in pairwise(placed)]


def in_another_car() -> World:
    """A drive there in the own car, one back in another while it stood, and one back from where it stands."""
    world = World()
    for since, is_own in ((0, True), (60, False), (300, True)):
        world.read(since - 1, 1000 if since == 0 else 1018, now=since - 0.5)
        for minute in range(since, since + 20, 2):
            world.start(minute, 0.9 * (minute - since) if since == 0 else 18 - 0.9 * (minute - since))
            if not is_own:
                world.read(minute, 1018)
        world.end(since + 20, 18 if since == 0 else 0)
        world.read(since + 25, 1036 if since == 300 else 1018)
    world.read(400, 1036)
    return world


@pytest.mark.parametrize("said", [{"kind": "private"}, {"notes": "A taxi"}, {"distance_km": 19.0}], ids=str)
def test_a_trip_in_no_car_stays_there_whatever_its_driver_says_of_it(said: dict[str, Any]) -> None:
    world = in_another_car()
    before = [(trip.id, trip.car_id, trip.from_m, trip.to_m) for trip in world.log]
    assert [car_id for _, car_id, _, _ in before] == ["car", None, "car"]
    trip = says(world, world.log[1], **said)
    assert trip.has("car_unsure"), "which car it was is still to be said"
    assert [(trip.id, trip.car_id, trip.from_m, trip.to_m) for trip in world.log] == before
    world.read(500, 1036)
    assert not says(world, trip, car_id=None).has("car_unsure")


def test_a_trip_in_no_car_that_is_deleted_leaves_no_gap_in_a_car() -> None:
    world = in_another_car()
    world.change(world.log[1], None)
    assert [(trip.from_m, trip.to_m) for trip in world.log] == [(1_000_000, 1_018_000), (1_018_000, 1_036_000)]
    assert world.store.gaps_by_id == {}


def test_a_trip_that_was_deleted_is_a_gap_before_the_next() -> None:
    world = one_drive(1010)
    world.change(world.log[0], None)
    world.start(100, 8)
    world.end(120, 0)
    world.read(121, 1020)
    (trip,) = world.log
    assert (trip.started_at, trip.distance_km, trip.gap_before_km) == (at(100), 10.0, 10.0)


def test_a_trip_by_hand_takes_its_kilometres_out_of_the_gap_around_it() -> None:
    world = one_drive(1010)
    world.read(190, 1050)
    world.start(200, 8)
    world.end(220, 0)
    world.read(221, 1060)
    (gap,) = world.store.gaps_by_id.values()
    assert gap.missing_km == 40.0
    blank = replace(world.log[0], summary=None, source="manual", started_at=at(100), ended_at=at(110), id="by-hand")
    world.change(None, corrected(replace(blank, set_by_hand=()), {"distance_km": 15.0}, "UTC", world.now))
    assert world.distances == [10.0, 15.0, 10.0]
    assert sum(one.missing_km for one in world.store.gaps_by_id.values()) == pytest.approx(25.0)


# --- whatever follows

later_words = st.lists(
    st.tuples(
        st.sampled_from(["start", "end"]), st.integers(-30, 60), st.one_of(st.none(), st.integers(0, 12)), st.booleans()
    ),
    max_size=8,
)
WORDS: dict[str, dict[str, Any]] = {
    "purpose": {"purpose": "A customer"},
    "kind": {"kind": "business"},
    "distance": {"distance_km": 12.3},
    "times": {"started_at": at(2).isoformat(), "ended_at": at(25).isoformat()},
}


def hear(world: World, words: list[tuple[str, int, int | None, bool]]) -> None:
    """These words arrive after noon, and then the car speaks."""
    for n, (name, minute, km_north, waits) in enumerate(words):
        heard = fix(minute, km_north)
        world.take(Ended(heard, "car") if name == "end" else Started(heard, "car"), 240 + n)
        if waits:
            world.tick(240 + n + 0.5)
    world.tick(300)
    world.read(500, 1030)
    world.read(600, 1030)
    world.tick(700)


@settings(max_examples=60)
@given(st.sampled_from(sorted(WORDS)), later_words, st.sampled_from([None, 1010.0]))
def test_a_trip_that_was_touched_is_never_changed_or_taken_away_by_what_is_told_later(
    word: str, words: list[tuple[str, int, int | None, bool]], end_km: float | None
) -> None:
    world = one_drive(end_km)
    said = says(world, world.log[0], **WORDS[word])
    hear(world, words)
    kept = world.trips[said.id]
    assert (kept.started_at, kept.ended_at, kept.car_id) == (said.started_at, said.ended_at, said.car_id)
    assert (kept.purpose, kept.kind, kept.set_by_hand) == (said.purpose, said.kind, said.set_by_hand)
    if word == "distance":
        assert kept.distance_km == 12.3


@settings(max_examples=60)
@given(later_words, st.sampled_from([None, 1010.0]))
def test_a_trip_that_was_deleted_never_comes_back(
    words: list[tuple[str, int, int | None, bool]], end_km: float | None
) -> None:
    world = one_drive(end_km)
    (gone,) = world.log
    world.change(gone, None)
    hear(world, words)
    assert gone.id not in world.trips
    assert not [trip for trip in world.log if trip.started_at < gone.ended_at and trip.ended_at > gone.started_at]
