"""Drives of so many pings that the older ones lie in the store: what was heard before them stays outside."""

from msgspec.structs import replace

from shared.domain.log.record import events_of
from tests.domain.world import World, at, fix


def long_drive(world: World) -> None:
    """An end that waits for its start 50 km away; half an hour later a drive of 150 pings over 15 km."""
    world.end(0, 50)
    for n in range(150):
        world.start(30 + n / 10, n / 10)


def test_an_end_that_waits_for_its_start_is_no_place_of_the_long_drive_after_it() -> None:
    world = World(car=None)
    long_drive(world)
    assert len(world.trail) == 100
    world.end(45, 15)
    world.tick(60)
    (trip,) = world.log
    assert (trip.started_at, trip.distance_km) == (at(30), 17.3)
    assert trip.from_.position == fix(30, 0).position
    assert replace(fix(0, 50), is_end=True) in world.state.events


def test_a_start_that_comes_late_finds_its_end_though_older_pings_lie_in_the_store() -> None:
    world = World(car=None)
    long_drive(world)
    world.start(-10, 45)
    world.end(45, 15)
    world.tick(60)
    assert [trip.started_at for trip in world.log] == [at(-10)]
    (record,) = world.store.records.values()
    assert len(events_of(record)) == 153
