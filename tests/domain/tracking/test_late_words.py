"""What the phone says late: whichever order it comes in, it makes the drives that it would have made in time."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.log.record import events_of
from shared.domain.tracking.events import Ended, Started
from tests.domain.world import World, at, fix


def say(world: World, word: str, minutes: float, km_north: float | None, now: float) -> str:
    """A word of the phone that arrives at a minute; what the phone is told."""
    heard = fix(minutes, km_north)
    return world.take(Ended(heard, "car") if word == "end" else Started(heard, "car"), now).status


def two_drives_over() -> World:
    """Ten kilometres from 0 to 20, and ten back from 100 to 120, with the car read beside each."""
    world = World()
    world.start(0, 0)
    world.read(-5, 1000, now=1)
    world.end(20, 8)
    world.read(21, 1010)
    world.read(95, 1010 + 10, now=96)
    world.start(100, 0)
    world.end(120, 8)
    world.read(121, 1030)
    return world


def rows(world: World) -> list[tuple[object, ...]]:
    """The trips by time with all that follows from the facts."""
    return [
        (
            trip.started_at,
            trip.ended_at,
            trip.car_id,
            trip.start_odometer_km,
            trip.end_odometer_km,
            trip.distance_km,
            trip.gap_before_km,
            trip.flags,
            trip.from_,
            trip.to,
            trip.route,
        )
        for trip in world.log
    ]


def settled(world: World, now: float = 400) -> World:
    """When no more words come."""
    world.tick(now)
    return world


# --- between drives that are over


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_whole_drive_that_comes_late_is_a_trip_between_the_others(order: tuple[int, ...]) -> None:
    world = two_drives_over()
    assert [trip.gap_before_km for trip in world.log] == [0, 10.0]
    ids = [trip.id for trip in world.log]
    words = [("start", 60, 8.0), ("ping", 70, 4.0), ("end", 80, 0.0)]
    statuses = [say(world, *words[n], now=150 + n / 10) for n in order]
    assert set(statuses) <= {"ping_recorded", "end_noted"}
    assert world.state.drive is None
    settled(world)
    assert [(trip.started_at, trip.distance_km, trip.gap_before_km) for trip in world.log] == [
        (at(0), 10.0, 0),
        (at(60), 10.0, 0),
        (at(100), 10.0, 0),
    ]
    assert [trip.id for trip in world.log if trip.started_at != at(60)] == ids


def test_late_words_wait_a_minute_for_more_and_somebody_looks_then() -> None:
    world = two_drives_over()
    say(world, "ping", 10, 4, now=150)
    assert world.next_poll_at == at(151)
    world.tick(150.5)
    assert len(world.state.late) == 1
    world.tick(151)
    assert world.state.late == ()
    assert sum(len(record.kinds) for record in world.store.records.values()) == 5


def test_late_words_that_come_on_and_on_are_not_kept_waiting_without_bounds() -> None:
    world = two_drives_over()
    for n in range(150):
        say(world, "start", 60 + n / 10, 8 - n / 20, now=150 + n / 10)
        assert len(world.state.late) <= 100
    say(world, "end", 80, 0, now=165)
    settled(world)
    assert [trip.started_at for trip in world.log] == [at(0), at(60), at(100)]
    (record,) = [record for record in world.store.records.values() if record.began_at == at(60)]
    assert len(record.kinds) == 151


def test_the_same_late_drive_again_changes_nothing() -> None:
    world = two_drives_over()
    for now in (150, 200):
        say(world, "start", 60, 8, now)
        say(world, "end", 80, 0, now + 0.1)
        world.tick(now + 20)
        if now == 150:
            once = world.log, world.store.records
    assert (world.log, world.store.records) == once


# --- beside a drive that is over


def test_a_start_that_comes_late_moves_the_begin_of_its_trip_and_takes_its_part_of_the_gap() -> None:
    world = World()
    world.start(-60, -8)
    world.read(-61, 990, now=-59)
    world.end(-40, 0)
    world.read(-39, 1000)
    world.start(10, 10)
    world.end(20, 20)
    world.read(21, 1026)
    before = world.log[-1]
    assert before.gap_before_km >= 10
    assert say(world, "start", 6, 6, now=40) == "ping_recorded"
    settled(world)
    trip = world.log[-1]
    assert (trip.id, trip.started_at, trip.ended_at) == (before.id, at(6), at(20))
    assert trip.from_.position == fix(6, 6).position
    assert trip.gap_before_km < before.gap_before_km
    assert trip.distance_km + trip.gap_before_km == pytest.approx(26.0)
    assert trip.revision == before.revision + 1
    assert sum(gap.missing_km for gap in world.store.gaps_by_id.values()) == pytest.approx(trip.gap_before_km)


def test_a_ping_that_comes_late_belongs_to_the_trip_around_it() -> None:
    world = two_drives_over()
    before = world.log[0]
    assert say(world, "ping", 10, 4, now=150) == "ping_recorded"
    settled(world)
    after = world.log[0]
    assert (after.id, after.started_at, after.ended_at, after.distance_km) == (before.id, at(0), at(20), 10.0)
    record = world.store.records[after.summary.id if after.summary else ""]
    assert [heard.at for heard in events_of(record)] == [at(0), at(10), at(20)]
    assert len(world.store.records) == 2


def test_an_end_that_comes_when_the_next_drive_goes_on_ends_the_one_before() -> None:
    world = World()
    world.start(0, 0)
    assert world.start(60, 8) == "ping_recorded"
    assert say(world, "end", 20, 8, now=60.5) == "ending"
    world.tick(62)
    assert world.drives == [(at(0), at(20))]
    assert world.state.drive
    assert world.state.drive.started_at == at(60)


def test_an_end_that_comes_when_the_next_trip_is_over_ends_the_one_before() -> None:
    """Its end was lost, so its trip ended at the last sign of it; then the end comes after all."""
    world = World()
    world.start(0, 0)
    world.read(-5, 1000, now=1)
    world.start(180, 8)
    world.end(200, 16)
    world.read(201, 1020)
    assert [trip.started_at for trip in world.log] == [at(0), at(180)]
    say(world, "end", 20, 8, now=230)
    settled(world)
    first, second = world.log
    assert (first.started_at, first.ended_at) == (at(0), at(20))
    assert second.started_at == at(180)
    assert first.distance_km + second.distance_km == pytest.approx(20.0)


def test_an_end_that_comes_into_a_silence_of_a_drive_that_is_over_makes_two_of_it() -> None:
    world = World()
    world.start(0, 0)
    world.read(-5, 1000, now=1)
    world.start(60, 8)
    world.end(80, 0)
    world.read(81, 1020)
    (one,) = world.log
    say(world, "end", 20, 8, now=120)
    settled(world)
    assert [(trip.started_at, trip.ended_at) for trip in world.log] == [(at(0), at(20)), (at(60), at(80))]
    assert sum(world.distances) == pytest.approx(20.0)
    assert one.id in world.trips
    assert len(world.store.records) == 2


def test_a_start_that_comes_late_makes_one_drive_of_two_that_it_joins() -> None:
    """A drive that was resumed within five minutes of its end, of which the phone told only later."""
    world = World()
    world.start(0, 0)
    world.read(-5, 1000, now=1)
    world.end(20, 8)
    world.start(26, 9)
    world.end(40, 16)
    world.read(41, 1020)
    assert len(world.log) == 2
    say(world, "start", 23, 8.5, now=60)
    settled(world)
    (trip,) = world.log
    assert (trip.started_at, trip.ended_at, trip.distance_km) == (at(0), at(40), 20.0)
    assert len(world.store.records) == 1


# --- ends without starts


def test_an_end_that_comes_before_its_start_waits_for_it() -> None:
    world = World()
    world.read(-5, 1000, now=-4)
    assert world.end(20, 8) == "end_noted"
    assert say(world, "start", 0, 0, now=20.5) == "trip_started"
    world.read(21, 1010, now=22)
    assert [(trip.started_at, trip.ended_at, trip.distance_km) for trip in world.log] == [(at(0), at(20), 10.0)]


def test_an_end_whose_start_never_comes_is_a_trip_of_the_kilometres_that_no_trip_has() -> None:
    world = World()
    world.read(-30, 1000, now=-29)
    assert world.end(20, 8) == "end_noted"
    world.read(21, 1010)
    settled(world)
    (trip,) = world.log
    assert (trip.ended_at, trip.distance_km, trip.car_id) == (at(20), 10.0, "car")
    assert at(-30) < trip.started_at < at(20)


def test_an_end_without_a_start_and_without_kilometres_is_no_trip() -> None:
    world = World()
    world.read(-30, 1000, now=-29)
    world.end(20, 8)
    world.read(21, 1000)
    settled(world)
    assert world.log == []
    assert not world.state.of_car("car").pending_since


# --- any order


WORDS = (
    ("start", 0, 0.0),
    ("ping", 8, 3.0),
    ("end", 20, 8.0),
    ("start", 60, 8.0),
    ("end", 80, 0.0),
    ("start", 100, 0.0),
    ("ping", 112, 5.0),
    ("end", 120, 8.0),
)
ONE_DAY = [
    *WORDS,
    ("start", 150, 8.0),
    ("start", 160, 12.0),
    ("end", 163, 13.0),
    ("start", 166, 13.0),
    ("end", 180, 20.0),
]


def arriving(words: list[tuple[float, int]]) -> World:
    """The words of a day, each with its minute of arrival; the car is read before all and after all, polls fail."""
    world = World()
    world.read(-5, 1000, now=-4)
    moments = sorted([*((now, 0, n) for now, n in words), *((float(now), 1, -1) for now in range(0, 700, 25))])
    for now, _, n in moments:
        if n < 0:
            world.fail(now)
        else:
            say(world, *ONE_DAY[n], now=now)
    world.fail(730)
    world.read(740, 1048)
    world.read(800, 1048)
    world.tick(900)
    return world


IN_TIME = rows(arriving([(float(word[1]), n) for n, word in enumerate(ONE_DAY)]))


def test_in_time_it_is_four_trips() -> None:
    assert [(trip[0], trip[1]) for trip in IN_TIME] == [
        (at(0), at(20)),
        (at(60), at(80)),
        (at(100), at(120)),
        (at(150), at(180)),
    ]


@settings(max_examples=25)
@given(
    st.lists(st.floats(0, 400), min_size=len(ONE_DAY), max_size=len(ONE_DAY)), st.sets(st.integers(0, len(ONE_DAY) - 1))
)
def test_any_order_of_arrival_gives_the_same_rows(delays: list[float], late: set[int]) -> None:
    words = [(word[1] + (delays[n] if n in late else 0.0), n) for n, word in enumerate(ONE_DAY)]
    world = arriving(words)
    assert rows(world) == IN_TIME
    assert world.state.late == ()


@settings(max_examples=30)
@given(st.permutations(range(len(ONE_DAY))), st.lists(st.integers(0, len(ONE_DAY) - 1), max_size=6))
def test_so_it_does_where_all_of_it_comes_at_once_and_some_of_it_again(order: list[int], again: list[int]) -> None:
    world = arriving([(200 + place / 20, n) for place, n in enumerate([*order, *again])])
    assert rows(world) == IN_TIME
