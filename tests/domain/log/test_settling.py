"""Drives one after another of which the car's cloud said nothing: none is lost, and the odometer decides together."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.domain.log.trip import Trip
from tests.domain.world import World, at

FROM_KM = 1000.0
START, END = "start_odometer_estimated", "end_odometer_estimated"


def silent(legs_km: Sequence[float]) -> World:
    """A car that was read before the first of some drives, each so many km straight on, and then no more."""
    world, north_km = World(), 0.0
    for n, leg_km in enumerate(legs_km):
        world.start(60 * n, north_km)
        if n == 0:
            world.read(-1, FROM_KM, now=1)
        north_km += leg_km
        world.end(60 * n + 20, north_km)
        world.tick(60 * n + 40)
    return world


def odometers(log: Sequence[Trip]) -> list[tuple[float | None, float | None]]:
    return [(trip.start_odometer_km, trip.end_odometer_km) for trip in log]


def test_trips_nobody_read_go_on_from_each_other_by_gps_and_keep_waiting() -> None:
    world = silent((10, 4))
    assert odometers(world.log) == [(FROM_KM, None), (FROM_KM + 13, None)]
    assert [trip.flags for trip in world.log] == [
        ("odometer_pending",),
        ("odometer_pending", START),
    ]
    assert [trip.gap_before_km for trip in world.log] == [0, 0]


def test_a_reading_after_several_silent_drives_is_shared_out_by_gps() -> None:
    world = silent((10, 4, 6))
    world.read(150, FROM_KM + 23)  # GPS says 26
    assert world.distances == [11.5, 4.6, 6.9]
    assert odometers(world.log) == [(1000, 1011.5), (1011.5, 1016.1), (1016.1, 1023)]
    assert [trip.flags for trip in world.log] == [
        (END,),
        (START, END),
        (START,),
    ]
    assert {trip.distance_source for trip in world.log} == {"gps"}
    assert [trip.gap_before_km for trip in world.log] == [0, 0, 0]
    assert world.log[1].business_km + world.log[1].private_km in (0, 4.6)


def test_a_short_drive_after_a_long_silent_one_is_not_lost_by_what_gps_was_wrong() -> None:
    world = silent((20,))  # by GPS 26 km, which in fact were 22
    world.start(60, 20)
    world.end(70, 22)  # in fact 2.4 km
    world.read(71, FROM_KM + 24.4)
    assert len(world.log) == 2
    assert sum(world.distances) == pytest.approx(24.4)
    assert world.distances == [22.2, 2.2]
    assert world.dropped == []


def test_a_reading_on_the_next_drive_shares_out_what_was_driven_until_then() -> None:
    world = silent((20,))
    world.start(60, 20)
    world.start(65, 25)
    world.read(65, FROM_KM + 29, driving=True)  # GPS says 26 and 6.5
    world.end(70, 30)
    world.read(71, FROM_KM + 35)
    assert odometers(world.log) == [(1000, 1023.2), (1023.2, 1035)]
    assert [trip.flags for trip in world.log] == [(END,), (START,)]


def test_a_reading_just_before_the_next_drive_settles_the_silent_ones_exactly() -> None:
    world = silent((10, 4))
    world.start(120, 14)
    world.read(119, FROM_KM + 16.8, now=121)  # GPS says 18.2
    world.end(130, 16)
    world.read(131, FROM_KM + 19.3)
    assert odometers(world.log) == [(1000, 1012), (1012, 1016.8), (1016.8, 1019.3)]
    assert world.log[1].flags == (START,)
    assert (world.log[2].flags, world.log[2].distance_source) == ((), "odometer")


def test_what_gps_cannot_explain_is_no_silent_drives_share_but_a_gap() -> None:
    world = silent((10, 4))
    world.read(150, FROM_KM + 60)
    assert world.distances == [13, 5.2]
    assert odometers(world.log) == [(1000, 1013), (1054.8, 1060)]
    assert [trip.gap_before_km for trip in world.log] == [0, 41.8]
    assert [trip.flags for trip in world.log] == [(END,), (START,)]


@pytest.mark.parametrize(
    ("read_km", "expected", "gap_km", "last_flags"),
    [
        (16.8, [(1000, 1012), (1012, 1016.8), (1016.8, 1019.3)], 0, (START,)),
        (
            60,
            [(1000, 1013), (1013, 1018.2), (1060, 1062.5)],
            41.8,
            (START, END),
        ),
    ],
)
def test_when_nobody_asks_for_their_ends_any_more_the_start_of_the_next_drive_settles_silent_ones(
    read_km: float, expected: list[tuple[float, float]], gap_km: float, last_flags: tuple[str, ...]
) -> None:
    world, days = silent((10, 4)), 2 * 24 * 60
    world.tick(days)
    world.start(days + 2, 14)
    world.read(days + 1, FROM_KM + read_km, now=days + 3)
    world.end(days + 12, 16)
    world.read(days + 13, FROM_KM + read_km + 2.5)
    assert odometers(world.log) == expected
    assert [trip.gap_before_km for trip in world.log] == [0, 0, gap_km]
    assert [trip.flags for trip in world.log] == [(END,), last_flags, ()]


def test_a_drive_that_the_car_alone_can_tell_leaves_a_silent_one_waiting() -> None:
    world = silent((10,))
    world.start(60)
    world.end(80)
    world.tick(100)
    assert [trip.flags[0] for trip in world.log] == ["odometer_pending", "odometer_pending"]


def test_silent_drives_in_which_the_car_never_moved_are_no_trips() -> None:
    world = silent((10, 4))
    world.read(150, FROM_KM)
    assert world.log == []


@given(
    legs=some.lists(some.tuples(some.floats(1, 40), some.floats(0.8, 1.25)), min_size=1, max_size=8),
    last_has_word=some.booleans(),
)
def test_however_wrong_gps_is_no_silent_drive_is_lost_and_the_sum_is_the_odometers(
    legs: list[tuple[float, float]], last_has_word: bool
) -> None:
    world = silent([leg_km for leg_km, _ in legs])
    driven_km = round(sum(leg_km * 1.3 * wrong for leg_km, wrong in legs), 1)
    minute = 60 * len(legs)
    if last_has_word:
        world.start(minute, sum(leg_km for leg_km, _ in legs))
        world.end(minute + 20, sum(leg_km for leg_km, _ in legs) + 5)
        driven_km = round(driven_km + 5.5, 1)
    world.read(minute + 21, FROM_KM + driven_km)
    assert [trip.started_at for trip in world.log] == [at(60 * n) for n in range(len(legs) + last_has_word)]
    assert sum(trip.distance_km + trip.gap_before_km for trip in world.log) == pytest.approx(driven_km, abs=0.01)
    assert all(trip.distance_km > 0 and trip.gap_before_km >= 0 for trip in world.log)
    assert not any("odometer_pending" in trip.flags for trip in world.log)
