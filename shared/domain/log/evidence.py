"""Owns how far a drive can have gone between two moments by what the phone saw of it: at least, best, at most."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from shared.domain.log.summary import Mark
from shared.domain.place.geo import Position, distance_km
from shared.domain.thresholds import (
    DENSE_BEST,
    DENSE_LEAST,
    DENSE_LESS_M,
    DENSE_MOST,
    DENSE_MOST_M,
    FAST_KM_H,
    SLOW_KM_H,
    STRAIGHT_BEST,
    STRAIGHT_LESS_M,
    UNSEEN_KM_H,
)


class Bounds(NamedTuple):
    """Metres: at least, at best guess, at most by the trail, and at most with what a late phone did not see."""

    least: float
    best: float
    most: float
    slack: float

    def plus(self, other: "Bounds") -> "Bounds":
        """Both together."""
        return Bounds(*(a + b for a, b in zip(self, other, strict=True)))


NOTHING = Bounds(0.0, 0.0, 0.0, 0.0)
LEVELS = len(NOTHING)
_time_of = attrgetter("at")


def exactly(metres: float) -> Bounds:
    """So far, and neither less nor more."""
    return Bounds(metres, metres, metres, metres)


class Seen(NamedTuple):
    """What a trail says between two moments, in metres and seconds, and whether it has two positions at least.

    `straight_m` is what of the sparse way lies between two positions in that time: only that was surely driven then.
    """

    dense_m: float
    sparse_m: float
    sparse_s: float
    straight_m: float
    is_located: bool

    @property
    def trail_m(self) -> float:
        """The length of the trail."""
        return self.dense_m + self.sparse_m


def seen(marks: Sequence[Mark], since: datetime, until: datetime) -> Seen:
    """What the marks of a drive say between two moments; between marks it drives evenly, beyond them nobody saw it."""
    a, b = sums_at(marks, since), sums_at(marks, until)
    within = marks[bisect_left(marks, since, key=_time_of) : bisect_right(marks, until, key=_time_of)]
    first = next((mark for mark in within if mark.lat is not None), None)
    last = next((mark for mark in reversed(within) if mark.lat is not None), None)
    straight_m = last.sparse_m - first.sparse_m if first and last else 0
    return Seen(b[0] - a[0], b[1] - a[1], b[2] - a[2], straight_m, first is not last)


def bounds(found: Seen) -> Bounds:
    """How far a car can have gone along what was seen. Ours; see the thresholds.

    A dense trail is a little shorter than its road. Two positions say that it went the straight line at least, and no
    detour is too long for the time. Where nothing is known, the time alone says something.
    """
    hours, dense_m, sparse_m = found.sparse_s / 3600, found.dense_m, found.sparse_m
    least = max(0.0, DENSE_LEAST * dense_m - DENSE_LESS_M) + max(0.0, found.straight_m - STRAIGHT_LESS_M)
    slow_km_h = SLOW_KM_H if found.is_located else UNSEEN_KM_H
    best = DENSE_BEST * dense_m + max(STRAIGHT_BEST * sparse_m, 1000 * slow_km_h * hours)
    most = DENSE_MOST * dense_m + (DENSE_MOST_M if dense_m else 0.0)
    most += max(1000 * FAST_KM_H * hours, STRAIGHT_BEST * sparse_m)
    return Bounds(least, max(least, best), max(most, best), max(most, best))


def apart_m(a: Position | None, b: Position | None) -> float:
    """How far two positions are apart, in metres; nothing where one is not known."""
    return 1000 * distance_km(a, b) if a and b else 0.0


def sums_at(marks: Sequence[Mark], moment: datetime) -> tuple[float, float, float]:
    """The three sums of marks at a moment, in metres, metres and seconds; between two of them it drives evenly.

    Beyond them nobody saw anything, and the time alone goes on.
    """
    if not marks:
        return 0.0, 0.0, moment.timestamp()
    n = bisect_right(marks, moment, key=_time_of)
    if n == 0 or n == len(marks):
        mark = marks[min(n, len(marks) - 1)]
        return mark.dense_m, mark.sparse_m, mark.sparse_s + (moment - mark.at).total_seconds()
    a, b = marks[n - 1], marks[n]
    share = (moment - a.at) / (b.at - a.at)
    return (
        a.dense_m + share * (b.dense_m - a.dense_m),
        a.sparse_m + share * (b.sparse_m - a.sparse_m),
        a.sparse_s + share * (b.sparse_s - a.sparse_s),
    )
