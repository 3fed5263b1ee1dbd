"""Drives of so many pings that the older ones lie in the store: what was heard before them stays outside."""

from msgspec.structs import replace

from shared.domain.log.record import events_of
from shared.domain.tracking.events import Started
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
    (trip,) = [trip for trip in world.log if trip.ended_at == at(45)]
    assert (trip.started_at, trip.distance_km) == (at(30), 15.3)
    assert trip.from_.position == fix(30, 0).position
    kept = [heard for record in world.store.records.values() for heard in events_of(record)]
    assert replace(fix(0, 50), is_end=True) in kept


def test_a_start_that_comes_late_finds_its_end_though_older_pings_lie_in_the_store() -> None:
    world = World(car=None)
    long_drive(world)
    world.take(Started(fix(-10, 45)), 45)
    world.end(45, 15)
    world.tick(60)
    world.tick(120)
    assert [(trip.started_at, trip.ended_at) for trip in world.log] == [(at(-10), at(0)), (at(30), at(45))]
    assert sorted(len(events_of(record)) for record in world.store.records.values()) == [2, 151]


def test_an_end_that_comes_late_for_a_ping_in_the_store_changes_nothing_of_the_drive() -> None:
    world = World()
    for n in range(150):
        world.start(n / 10, n / 10)
    assert world.end(5, 5) == "ignored"
    world.end(15, 15)
    world.tick(60)
    assert [(trip.started_at, trip.ended_at) for trip in world.log] == [(at(0), at(15))]
