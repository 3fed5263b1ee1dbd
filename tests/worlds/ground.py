"""The plane on which the worlds lie, and the roads across it. Metres east and north of a square in Utrecht."""

from bisect import bisect_right
from functools import lru_cache
from itertools import pairwise
from math import cos, hypot, pi, radians, sin
from typing import NamedTuple

ROADS = 500  # that are remembered: a world is drawn again whenever something is taken from it
SQUARE = (52.0907, 5.1214)  # WGS84 degrees, latitude first
M_PER_DEGREE = 111_195.0
STEP_M = 30.0  # roads are drawn in steps of this length
WIDE_WAVE_M, NARROW_WAVE_M = 9_000.0, 600.0
NARROW_SLOPE = 0.35  # what fixes a minute apart do not see of a road: three per cent of its length


class Point(NamedTuple):
    """Metres east and north of the square."""

    x_m: float
    y_m: float


def straight_m(a: Point, b: Point) -> float:
    """How far two points are apart, in metres."""
    return hypot(b.x_m - a.x_m, b.y_m - a.y_m)


def lat_lng(point: Point) -> tuple[float, float]:
    """A point in WGS84 degrees (sinusoidal projection; within 60 km of the square true to one per cent)."""
    lat = SQUARE[0] + point.y_m / M_PER_DEGREE
    return lat, SQUARE[1] + point.x_m / (M_PER_DEGREE * cos(radians(lat)))


class Road:
    """A winding way through some points. `bend` is the slope of its curves: 0.5 adds 6 % to its length, 1.2 30 %."""

    def __init__(self, through: tuple[Point, ...], bend: float) -> None:
        self._points, self._marks_m = _drawn(through, bend)

    @property
    def length_m(self) -> int:
        """Its length in whole metres."""
        return round(self._marks_m[-1])

    def at(self, m: float) -> Point:
        """The point after so many metres."""
        n = min(max(bisect_right(self._marks_m, m), 1), len(self._points) - 1)
        a, b = self._points[n - 1], self._points[n]
        step_m = self._marks_m[n] - self._marks_m[n - 1]
        share = min(max((m - self._marks_m[n - 1]) / step_m, 0.0), 1.0) if step_m else 0.0
        return Point(a.x_m + share * (b.x_m - a.x_m), a.y_m + share * (b.y_m - a.y_m))


@lru_cache(ROADS)
def _drawn(through: tuple[Point, ...], bend: float) -> tuple[list[Point], list[float]]:
    """The points of a road, and how far along it each lies."""
    points, marks_m = list(through[:1]), [0.0]
    for a, b in pairwise(through):
        points += _winding(a, b, bend)
    for a, b in pairwise(points):
        marks_m.append(marks_m[-1] + straight_m(a, b))
    return points, marks_m


def _winding(a: Point, b: Point, bend: float) -> list[Point]:
    far_m = straight_m(a, b) or 1.0
    east, north = (b.x_m - a.x_m) / far_m, (b.y_m - a.y_m) / far_m
    steps = max(2, round(far_m / STEP_M))
    waves = ((max(1, round(far_m / WIDE_WAVE_M)), bend), (max(1, round(far_m / NARROW_WAVE_M)), NARROW_SLOPE))
    made = []
    for n in range(1, steps + 1):
        share = n / steps
        # Whole waves, so that a road ends where it should.
        aside_m = sum(slope * far_m / (2 * pi * count) * sin(2 * pi * count * share) for count, slope in waves)
        along_m = share * far_m
        made.append(Point(a.x_m + along_m * east - aside_m * north, a.y_m + along_m * north + aside_m * east))
    return made
