"""A drive as a phone records one: a fix every quarter of a minute, metres off the road, with bends and a tunnel."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import cos, pi, radians, sin
from random import Random
from typing import NamedTuple

from tests.system.fixtures import UTRECHT, Driver, Stack

FIX_EVERY = timedelta(seconds=15)
KM_PER_DEGREE = 111.2
SCATTER_KM = 0.006
ROAD_BY_STRAIGHT = 1.13  # as much longer is the road from fix to fix, by the odometer of a drive that was recorded
# km/h, a quarter of a minute each: streets with lights, a motorway, streets.
STREETS = (0, 18, 32, 44, 28, 0, 0, 30, 46, 50, 48, 22, 0, 34, 50, 40, 26, 0, 24, 48)
SPEEDS = (*STREETS, *(62, 88, 100, 99, 101, 97, 102, 98) * 5, *STREETS[::-1])
TUNNEL = range(34, 38)  # where no satellite is seen


class Recorded(NamedTuple):
    """Fixes with their moments, and how far the car went (km)."""

    fixes: list[tuple[datetime, tuple[float, float]]]
    driven_km: float


def recorded(ends_at: datetime) -> Recorded:
    """The same drive each time, moved to a moment."""
    dice, (lat, lng), fixes, driven_km = Random(15), UTRECHT, [], 0.0
    for n, speed in enumerate(SPEEDS):
        # A road that bends to and fro: it turns by as much as a third of a circle, and back.
        bearing, step_km = 1.2 * sin(n / 7) + pi / 2, speed / 240 / ROAD_BY_STRAIGHT
        lat += step_km * cos(bearing) / KM_PER_DEGREE
        lng += step_km * sin(bearing) / (KM_PER_DEGREE * cos(radians(lat)))
        driven_km += speed / 240
        seen = [place + dice.gauss(0, SCATTER_KM) / KM_PER_DEGREE for place in (lat, lng)]
        if n not in TUNNEL:
            fixes.append((ends_at - FIX_EVERY * (len(SPEEDS) - 1 - n), (seen[0], seen[1])))
    return Recorded(fixes, driven_km)


def replay(driver: Driver) -> Recorded:
    """Sends every fix, as if the drive had ended two minutes ago."""
    drive = recorded(datetime.now(UTC) - timedelta(minutes=2))
    driver.set_car(odometer_km=20_000.0, measured_at=drive.fixes[0][0] - timedelta(minutes=3))
    for n, (at, position) in enumerate(drive.fixes):
        driver.phone("start", at, position)
        if n == 0 and driver.account.default_car_id:
            driver.wait_read(20_000.0)
    driver.phone("end", *drive.fixes[-1])
    return drive


def test_a_drive_of_many_fixes_is_one_trip_by_odometer(driver: Driver) -> None:
    drive = replay(driver)
    driver.set_car(odometer_km=20_019.9, measured_at=drive.fixes[-1][0] + timedelta(minutes=1))
    (trip,) = driver.wait_trips(1)
    assert (trip["distance_km"], trip["distance_source"]) == (19.9, "odometer")


def test_a_drive_of_many_fixes_without_a_car_is_one_trip_by_gps(start_stack: Callable[..., Stack]) -> None:
    driver = start_stack(RESUME_WITHIN_S="60").driver(car=False)
    drive = replay(driver)
    (trip,) = driver.wait_trips(1)
    assert 0.89 * drive.driven_km <= trip["distance_km"] <= 1.07 * drive.driven_km
    assert trip["distance_source"] == "gps"
