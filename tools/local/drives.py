"""Owns the demo's two drives: plausible courses between Dutch towns, made from a speed profile with stops."""

from datetime import datetime, timedelta
from itertools import pairwise
from math import cos, radians
from typing import NamedTuple

from shared.domain.thresholds import POSITION_DECIMALS

FIX_EVERY = timedelta(seconds=15)
KM_PER_DEGREE = 111.2

# Speeds in km/h, a quarter of a minute each: out of town, a motorway, into town, with lights on the way.
# fmt: off
PROFILE = (
    0, 18, 32, 44, 28, 0, 0, 30, 46, 50, 48, 22, 0, 34, 50, 62, 74, 88,
    96, 100, 101, 99, 97, 100, 102, 100, 92, 60, 74, 95, 100, 100, 98, 84, 66, 50,
    44, 20, 0, 0, 0, 26, 48, 50, 47, 30, 0, 22, 45, 38, 30, 18, 8, 0,
)
# fmt: on


class Sample(NamedTuple):
    """Where the car is at a moment, and how far it has gone (km)."""

    at: datetime
    lat: float
    lng: float
    driven_km: float


DRIVE_KM = sum(PROFILE) * (FIX_EVERY / timedelta(hours=1))
LASTS = FIX_EVERY * (len(PROFILE) - 1)


class Course(NamedTuple):
    """The corners of a road course, WGS84 degrees, from where a drive begins to where it ends; the town it is near."""

    corners: tuple[tuple[float, float], ...]
    town: str = ""

    def back(self) -> "Course":
        """The same way in the other direction."""
        return self._replace(corners=self.corners[::-1])


def drive(course: Course, begins_at: datetime) -> list[Sample]:
    """One fix every 15 s along the course, at the speeds of the profile."""
    samples, driven_km, moment = [], 0.0, begins_at
    for speed in PROFILE:
        driven_km += speed * (FIX_EVERY / timedelta(hours=1))
        samples.append(Sample(moment, *_at(course, driven_km), driven_km))
        moment += FIX_EVERY
    return samples


def as_far_as_a_drive_goes(town: str, *corners: tuple[float, float]) -> Course:
    """The beginning of a course: a drive back has to begin where the one there ended."""
    course, passed, length_km = Course(corners, town), [corners[0]], 0.0
    for a, b in pairwise(corners):
        length_km += _length_km(a, b)
        if length_km >= DRIVE_KM:
            break
        passed.append(b)
    return course._replace(corners=(*passed, _at(course, DRIVE_KM)))


def _at(course: Course, driven_km: float) -> tuple[float, float]:
    rest_km = driven_km
    for a, b in pairwise(course.corners):
        length_km = _length_km(a, b)
        if rest_km <= length_km:
            share = rest_km / length_km
            lat, lng = a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
            return round(lat, POSITION_DECIMALS), round(lng, POSITION_DECIMALS)  # as fine as it is kept
        rest_km -= length_km
    return course.corners[-1]


def _length_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    north_km = (b[0] - a[0]) * KM_PER_DEGREE
    east_km = (b[1] - a[1]) * KM_PER_DEGREE * cos(radians(a[0]))
    length: float = (north_km**2 + east_km**2) ** 0.5
    return length


# fmt: off
UTRECHT = as_far_as_a_drive_goes(
    "Utrecht", (52.0907, 5.1214), (52.0823, 5.1102), (52.0721, 5.0934), (52.0562, 5.0821),
               (52.0248, 5.0817), (51.9934, 5.0911), (51.9582, 5.1203), (51.9301, 5.1633))
EINDHOVEN = as_far_as_a_drive_goes(
    "Eindhoven", (51.4416, 5.4697), (51.4522, 5.4503), (51.4705, 5.4402), (51.4988, 5.4318),
                 (51.5302, 5.4103), (51.5611, 5.3722), (51.5983, 5.3401), (51.6411, 5.3102))
# fmt: on
