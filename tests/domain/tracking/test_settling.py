"""What stays open of a log and what is settled: the rows in the store are always those that the state makes."""

import random

import pytest
from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.log.correcting import entered
from shared.domain.log.drive import Heard
from shared.domain.log.record import recorded
from shared.domain.log.rows import Rows
from shared.domain.log.summary import Said, Summary
from shared.domain.log.tiling import Row
from shared.domain.log.trip import Endpoint
from shared.domain.log.words import identified
from shared.domain.thresholds import KEPT_DRIVES, KEPT_READINGS, MOST_LATE, MOST_RECORDED
from shared.domain.tracking.events import CarRead, Ended, Event, NotAsked, Started
from shared.domain.tracking.keeping import refolded
from shared.domain.tracking.settling import thinned
from shared.domain.tracking.state import DriverState
from tests.domain.world import Store, World, at, fix

HOUR, DAY = 60, 24 * 60


def test_the_rows_follow_from_the_readings_that_are_left_where_there_are_too_many() -> None:
    world, km = World(), 10_000.0
    world.read(-30, km)
    for begin in range(0, 600, 100):
        world.start(begin, 0)
        for minute in range(5, 80, 5):
            km += 5
            world.start(begin + minute - 1, minute * 0.8)
            world.read(begin + minute, km, driving=True)
        world.end(begin + 80, 64)
        km += 1
        world.read(begin + 81, km)
    assert len(world.state.known_readings("car")) <= KEPT_READINGS
    assert world.distances == [76.0] * 6
    assert stretches(world.store) == stretches(laid_anew(world))


def two_days(world: World, km: float = 10_000.0) -> None:
    """A car that is read daily, and nobody drives it."""
    for day in (1, 2):
        world.read(day * DAY, km)


def test_a_car_that_is_read_seconds_after_each_start_is_settled_all_the_same() -> None:
    world = World()
    world.read(-HOUR, 10_000.0)
    drive(world, 0, 1)
    world.read(28, 10_027.0, now=61)
    world.start(190, 27)
    world.read(190.05, 10_027.0, now=190.5)
    drive(world, 190, -1)
    world.read(218, 10_054.0, now=260)
    two_days(world, 10_054.0)
    start = world.state.of_car("car").start
    assert start
    assert (start.m, start.at < at(190)) == (10_027_000, True)


def test_what_lies_behind_a_gap_is_settled_and_the_next_trip_still_tells_of_it() -> None:
    world = World()
    world.read(-HOUR, 10_000.0)
    world.read(-HOUR / 2, 10_020.0)
    world.read(-5, 10_020.0)
    drive(world, 0, 1)
    world.read(28, 10_047.0, now=61)
    two_days(world, 10_047.0)
    start = world.state.of_car("car").start
    assert start
    assert (start.m, world.state.of_car("car").gap_before_km) == (10_020_000, 20.0)
    world.read(3 * DAY, 10_047.0)
    assert [(trip.distance_km, trip.gap_before_km) for trip in world.log] == [(27.0, 20.0)]


def test_where_a_car_stood_on_its_way_is_remembered_longer_than_what_it_told_while_it_drove() -> None:
    told = [Summary(id=str(n), began_at=at(200 * n), ended_at=at(200 * n + 100)) for n in range(4)]
    readings = [
        Reading(at(200 * n + minute), 10_000 + 100 * n + min(minute, 50) + max(minute - 60, 0), driving=minute < 50)
        for n in range(4)
        for minute in range(0, 100, 5)
    ]
    kept = {one.at for one in thinned(readings, told)}
    assert {at(200 * n + minute) for n in range(4) for minute in (50, 60)} <= kept


def test_a_deleted_drive_keeps_its_kilometres_as_long_as_its_car_has_not_said_how_far_it_went() -> None:
    world = World()
    world.read(-5, 10_000.0)
    drive(world, 0, 1)
    drive(world, 90, -1)
    world.change(world.log[-1], None)
    for hour in range(3, 40):
        world.fail(hour * HOUR)
    world.read(40 * HOUR, 10_054.0)
    assert world.distances == [27.0]
    assert [gap.missing_km for gap in world.store.gaps_by_id.values()] == [27.0]


def test_drives_of_a_car_of_which_no_odometer_is_known_are_remembered_in_bounds_and_their_trips_stay() -> None:
    world = World()
    for day in range(40):
        for begin in (0, 200):
            drive(world, day * DAY + begin, 1)
            world.tick(day * DAY + begin + HOUR)
    assert len(world.state.told) <= KEPT_DRIVES
    assert len(world.trips) == 80


def test_trips_by_hand_of_a_car_of_which_no_odometer_is_known_are_remembered_in_bounds() -> None:
    world = World()
    for n in range(2 * KEPT_DRIVES):
        times = {"started_at": at(-n * HOUR - 30).isoformat(), "ended_at": at(-n * HOUR).isoformat()}
        said = {**times, "from_": Endpoint(), "to": Endpoint(), "distance_km": 12.0}
        trip = entered(world.owner.user, "car", "UTC", said, world.now)
        world.change(None, identified(trip, f"20260101T000000Z-{n:06x}"))
    assert len(world.state.told) <= KEPT_DRIVES
    assert len(world.trips) == 2 * KEPT_DRIVES


def drive(world: World, begin: int, way: int) -> None:
    """27 km in 27 minutes, there or back."""
    for minute in range(27):
        world.start(begin + minute, minute if way > 0 else 27 - minute)
    world.end(begin + 27, 27 if way > 0 else 0)
    world.fail(begin + 30)
    world.fail(begin + 60)


def laid_anew(world: World) -> Store:
    """All rows of what is open, as if none were in the store."""
    store = Store()
    rows = Rows(store)
    refolded(DriverState(), world.state, rows, world.owner, world.now)
    store.put(rows)
    return store


def stretches(store: Store) -> dict[str, tuple[int | None, int | None]]:
    rows: list[Row] = [*store.trips_by_id.values(), *store.gaps_by_id.values()]
    return {row.id: (row.from_m, row.to_m) for row in rows}


@pytest.mark.parametrize("seed", range(6))
def test_what_is_settled_leaves_of_the_rest_the_rows_that_are_in_the_store(seed: int) -> None:
    world = World(cars=("car", "two"))
    for minute, event in days_of(random.Random(seed)):
        world.take(event, minute)
        rows, kept = stretches(laid_anew(world)), stretches(world.store)
        assert rows == {id_: stretch for id_, stretch in kept.items() if id_ in rows}


def days_of(chance: random.Random) -> list[tuple[float, Event]]:
    """Three days of drives in two cars by their arrival: words that come late and name no car, kilometres of nobody."""
    told, begin, here, km = list[tuple[float, Event]](), 0.0, 0.0, {"car": 10_000.0, "two": 15_000.0}
    while begin < 3 * DAY:
        begin += chance.choice((3, 6, 20, 90, 300, 700))
        lasts, late, car_id = chance.choice((4, 12, 25, 50)), chance.choice((0, 0, 300)), chance.choice(("car", "two"))
        there = here + chance.choice((1, -1)) * lasts * chance.choice((0, 0.8, 1))
        km[car_id] += abs(there - here) + chance.choice((0, 0, 0, 5, 40))
        told.append((begin + late, Started(fix(begin, here), "car")))
        told.append((begin + lasts + late, Ended(fix(begin + lasts, there), "car")))
        if chance.random() < 0.8:
            reading = Reading(at(begin + lasts + 0.4), round(km[car_id], 1))
            told.append((begin + lasts + chance.choice((1, 20, 200)), CarRead(car_id, reading)))
        begin, here = begin + lasts, there
    told += [(float(minute), NotAsked(None)) for minute in range(0, 5 * DAY, 45)]
    return sorted(told, key=lambda one: one[0])


def test_a_trip_of_which_no_words_are_kept_stays_whatever_is_heard_beside_it() -> None:
    moved = Summary(id="moved", began_at=at(0), ended_at=at(20), car_id="car", moved=Said(distance_m=10_000))
    world = World()
    world.state = replace(world.state, told=(moved,))
    world.end(22, 1)
    world.tick(40)
    assert "moved" in [one.id for one in world.state.told]


def test_a_drive_whose_record_is_full_does_not_grow_by_the_one_that_follows_it() -> None:
    full = recorded("full", [Heard(at(n / 10)) for n in range(MOST_RECORDED)])
    world = World()
    told = Summary(id="full", began_at=at(0), ended_at=at(MOST_RECORDED / 10), ended=False)
    world.state, world.store.records["full"] = replace(world.state, told=(told,)), full
    world.start(1_110, 0)
    world.end(1_120, 5)
    world.tick(1_200)
    assert world.store.records["full"] == full
    assert len(world.state.told) == 2


def test_one_commit_changes_at_most_two_hundred_rows_of_the_fullest_log(monkeypatch: pytest.MonkeyPatch) -> None:
    cars, changed = ("car", "van"), list[int]()
    world = World(cars=cars)
    put = world.store.put

    def counted(rows: Rows) -> None:
        changed.append(len(rows.trips) + len(rows.gaps))
        put(rows)

    monkeypatch.setattr(world.store, "put", counted)
    for n in range(KEPT_DRIVES):  # each with a gap behind it
        begin = 3 * DAY + 20 * n
        world.start(begin, 0.9 * n, cars[n % 2])
        world.end(begin + 8, 0.9 * n + 5, cars[n % 2])
        world.read(begin + 9.5, 1000.0 + 30 * (n + 1), now=begin + 10, car_id=cars[n % 2])
        world.tick(begin + 16)
    now = 3 * DAY + 20 * KEPT_DRIVES + 30
    for n in range(MOST_LATE - 1):  # and between them as many words as can wait, each of another drive
        heard = fix(now - 1430 + 14 * n, 3.0 * n, cars[(n + 1) % 2])
        world.take(Started(heard, "car"), now)
    world.tick(now + 10)
    assert len(world.trips) > KEPT_DRIVES
    assert 100 < max(changed) <= 200
