"""A start that comes when its trip is saved already, as one that begins later: calls may come in any order."""

import pytest
from msgspec.structs import replace

from shared.domain.thresholds import Rules
from shared.domain.tracking.events import Started
from tests.domain.world import World, at, fix

FROM_KM = 1000.0


def saved_from_its_middle(settled: bool = True) -> World:
    """A drive of 20 km in 20 minutes, whose calls came from the end back to minute 10, and then the car's word or the
    end of the wait. Another trip ended 40 minutes before."""
    world = World()
    world.start(-60, -8)
    world.read(-61, FROM_KM - 10, now=-59)
    world.end(-40, 0)
    world.read(-39, FROM_KM, now=-38)
    assert world.end(20, 20) == "ignored"
    assert world.take(Started(fix(19, 19), "car"), 20).status == "trip_started"
    for minutes in range(18, 9, -1):
        world.take(Started(fix(minutes, minutes), "car"), 20)
    world.read(21, FROM_KM + 26, now=40) if settled else world.tick(40)
    assert [trip.started_at for trip in world.log] == [at(-60), at(10)]
    return world


def late(world: World, minutes: float, km_north: float | None, now: float = 45) -> str:
    return world.take(Started(fix(minutes, km_north), "car"), now).status


def test_it_moves_the_beginning_of_the_trip_and_takes_its_part_of_the_gap() -> None:
    world = saved_from_its_middle()
    before = world.log[-1]
    assert late(world, 0, 0) == "ping_recorded"
    trip = world.log[-1]
    assert (trip.id, trip.started_at, trip.ended_at) == (before.id, at(0), at(20))
    assert (trip.from_.lat, trip.to) == (fix(0, 0).lat, before.to)
    assert trip.distance_km + trip.gap_before_km == before.distance_km + before.gap_before_km
    assert (trip.distance_km, trip.gap_before_km, trip.start_odometer_km) == (26, 0, FROM_KM)
    assert trip.end_odometer_km == FROM_KM + 26
    assert trip.gap is None
    assert trip.gps_km == pytest.approx(26, abs=0.1)
    assert trip.business_km + trip.private_km in (0, 26)
    assert trip.revision == before.revision + 1


def test_of_a_trip_that_is_still_by_gps_the_distance_grows() -> None:
    world = saved_from_its_middle(settled=False)
    assert world.log[-1].distance_km == pytest.approx(13, abs=0.1)
    late(world, 0, 0)
    assert world.log[-1].distance_km == pytest.approx(26, abs=0.1)
    world.read(50, FROM_KM + 25)
    trip = world.log[-1]
    assert (trip.started_at, trip.distance_km, trip.distance_source, trip.flags) == (at(0), 25, "odometer", ())


def test_it_comes_twice_and_changes_nothing_the_second_time_and_an_even_earlier_one_counts_too() -> None:
    world = saved_from_its_middle()
    late(world, 5, 5)
    once = world.log[-1]
    assert (late(world, 5, 5), late(world, 7, 7)) == ("ignored", "ignored")
    assert world.log[-1] == once
    assert late(world, 1, 1) == "ping_recorded"
    assert world.log[-1].started_at == at(1)


def test_without_a_position_it_moves_the_time_alone() -> None:
    world = saved_from_its_middle()
    before = world.log[-1]
    late(world, 0, None)
    expected = replace(before, started_at=at(0), revision=2, updated_at=world.now)
    assert world.log[-1] == expected


@pytest.mark.parametrize("minutes", [-37, -40, -50, -111])
def test_one_that_belongs_to_the_trip_before_or_is_too_old_moves_nothing(minutes: float) -> None:
    world = saved_from_its_middle()
    before = world.log
    assert late(world, minutes, 0) == "ignored"
    assert world.log == before


def test_one_of_another_car_moves_nothing() -> None:
    world = saved_from_its_middle()
    before = world.log
    assert world.take(Started(fix(0, 0, car_id="van"), "car"), 45).status == "ignored"
    assert world.log == before


def test_what_the_driver_has_altered_stays() -> None:
    for alter in ({"distance_source": "manual"}, {"started_at": at(9)}):
        world = saved_from_its_middle()
        altered = replace(world.log[-1], **alter)
        world.trips[altered.id] = altered
        late(world, 0, 0)
        assert world.log[-1] == altered


def test_after_a_drive_that_was_no_trip_nothing_is_moved() -> None:
    world = World(rules=Rules())
    world.start(0, 0)
    world.read(-1, FROM_KM, now=1)
    world.end(20, 20)
    world.read(21, FROM_KM + 26, now=22)
    world.start(60, 20)
    world.end(62, 20)
    world.read(63, FROM_KM + 26, now=64)
    assert [len(world.log), len(world.dropped)] == [1, 1]
    before = world.log
    assert late(world, 50, 20, now=70) == "ignored"
    assert world.log == before


def test_a_phone_that_never_says_where_it_is_moves_the_beginning_too() -> None:
    world = World()
    world.end(20)
    world.take(Started(fix(10), "car"), 20)
    world.tick(40)
    assert late(world, 0, None) == "ping_recorded"
    (trip,) = world.log
    assert (trip.started_at, trip.ended_at, trip.route) == (at(0), at(20), "")
