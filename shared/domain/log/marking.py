"""Owns the marks of a trail: how far a phone had come at a few moments of a drive, which is all that the book needs."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple, TypeVar

from shared.domain.log.evidence import sums_at
from shared.domain.log.summary import Mark
from shared.domain.place.geo import Position, distance_km
from shared.domain.place.trail import Fix, located
from shared.domain.thresholds import (
    DENSE_FIXES,
    FASTEST_FIX_KM_H,
    FIX_OFF_KM,
    LEAST_LEG_KM,
    LONE_FIX_OFF_KM,
    MARK_EVERY,
    MOST_MARKS,
    WORD_SLACK,
    WRONG_TOGETHER,
)

T = TypeVar("T")
NOTHING = timedelta(0)


class Point(NamedTuple):
    """A fix of which the position is known."""

    at: datetime
    position: Position


class _Step(NamedTuple):
    """From one point to the next: what it adds to each of the three sums of a mark."""

    since: datetime
    until: datetime
    dense_m: float = 0.0
    sparse_m: float = 0.0
    sparse_s: float = 0.0

    def share(self, moment: datetime) -> float:
        """How much of it lies before a moment, from 0 to 1."""
        if moment >= self.until:
            return 1.0
        return max((moment - self.since) / (self.until - self.since), 0.0)


def marks(
    fixes: Sequence[Fix], began_at: datetime, ended_at: datetime, moments: Iterable[datetime]
) -> tuple[Mark, ...]:
    """The marks of a drive by time, at most 40: at its begin and its end, at the moments inside it, on both sides of a
    hole in the trail, and else about every five minutes.

    What is before the first or after the last fix that can be measured with is a hole of which no way is known. How
    many moments are asked for changes no mark but those that are left out where there are too many.
    """
    # Of two fixes of one moment one is enough: nobody is on the way between them.
    at_once = {fix.at: Point(fix.at, fix.position) for fix in reversed(located(fixes)) if fix.position}
    points = [point for point in _reachable(sorted(at_once.values())) if began_at <= point.at <= ended_at]
    steps = list(_steps(points, began_at, ended_at))
    times = _times(points, began_at, ended_at, moments)
    half = (ended_at - began_at) / 2
    # Of a drive of minutes a fix at the one end is near to the other end too: it says nothing of where that is.
    halves = {
        began_at: [point for point in points if point.at - began_at <= half],
        ended_at: [point for point in points if ended_at - point.at <= half],
    }
    return tuple(
        _mark(moment, steps, halves[moment], WORD_SLACK) if moment in halves else _mark(moment, steps, points, NOTHING)
        for moment in times
    )


# --- how far


def _steps(points: Sequence[Point], began_at: datetime, ended_at: datetime) -> Iterable[_Step]:
    if not points:
        yield _hole(began_at, ended_at)
        return
    yield _hole(began_at, points[0].at)
    counted = points[0]
    for a, b in pairwise(points):
        is_dense = b.at - a.at <= DENSE_FIXES
        counted = counted if is_dense else a
        way_km = distance_km(counted.position, b.position)
        way_m = 1000 * way_km if way_km >= LEAST_LEG_KM else 0.0
        # A way that grew in small legs was driven since the last that counted, not in the last of them alone.
        since = counted.at if way_m else a.at
        yield _Step(since, b.at, dense_m=way_m) if is_dense else _hole(a.at, b.at, way_m)
        counted = b if way_m or not is_dense else counted
    yield _hole(points[-1].at, ended_at)


def _hole(since: datetime, until: datetime, way_m: float = 0.0) -> _Step:
    return _Step(since, until, sparse_m=way_m, sparse_s=(until - since).total_seconds())


def _mark(moment: datetime, steps: Sequence[_Step], points: Sequence[Point], slack: timedelta) -> Mark:
    passed = [(step, step.share(moment)) for step in steps if step.since < moment or step.until <= moment]
    lat, lng = _position(moment, points, slack) or (None, None)
    return Mark(
        at=moment,
        dense_m=round(sum(step.dense_m * share for step, share in passed)),
        sparse_m=round(sum(step.sparse_m * share for step, share in passed)),
        sparse_s=round(sum(step.sparse_s * share for step, share in passed)),
        lat=lat,
        lng=lng,
    )


def _position(moment: datetime, points: Sequence[Point], slack: timedelta) -> Position | None:
    """Where the phone was at a moment: between two fixes of a dense trail, else where a fix so near to it says."""
    after = bisect_left(points, moment, key=lambda point: point.at)
    around = points[max(after - 1, 0) : after + 1]
    if len(around) == 2 and NOTHING < around[1].at - around[0].at <= DENSE_FIXES:
        (since, a), (until, b) = around
        share = (moment - since) / (until - since)
        if share <= 1:
            return Position(a.lat + share * (b.lat - a.lat), a.lng + share * (b.lng - a.lng))
    near = [point for point in around if abs(point.at - moment) <= slack]
    return min(near, key=lambda point: abs(point.at - moment)).position if near else None


# --- when


def _times(
    points: Sequence[Point], began_at: datetime, ended_at: datetime, moments: Iterable[datetime]
) -> list[datetime]:
    """The moments of the marks by time: those asked for, and as many others as there is room for."""
    asked = sorted({moment for moment in moments if began_at < moment < ended_at})
    times = sorted({began_at, *thinned(asked, MOST_MARKS - 2), ended_at})
    beside = [moment for moment in _beside_holes(points, began_at, ended_at) if moment not in times]
    times = sorted({*times, *thinned(beside, MOST_MARKS - len(times))})
    every = [_where_known(moment, points) for moment in _each_while(began_at, ended_at)]
    apart = sorted({moment for moment in every if _is_apart(moment, times)})
    return sorted({*times, *thinned(apart, MOST_MARKS - len(times))})


def _beside_holes(points: Sequence[Point], began_at: datetime, ended_at: datetime) -> list[datetime]:
    times = [began_at, *(point.at for point in points), ended_at]
    holes = [(a, b) for a, b in pairwise(times) if b - a > MARK_EVERY]
    return sorted({moment for hole in holes for moment in hole})


def _each_while(began_at: datetime, ended_at: datetime) -> list[datetime]:
    return [began_at + n * MARK_EVERY for n in range(1, (ended_at - began_at) // MARK_EVERY + 1)]


def _where_known(moment: datetime, points: Sequence[Point]) -> datetime:
    """A moment, or that of a fix near to it, where no dense trail says where the phone was then."""
    after = bisect_left(points, moment, key=lambda point: point.at)
    around = [point.at for point in points[max(after - 1, 0) : after + 1]]
    if len(around) == 2 and around[1] - around[0] <= DENSE_FIXES:
        return moment
    return min(
        (at for at in around if abs(at - moment) < MARK_EVERY / 2), key=lambda at: abs(at - moment), default=moment
    )


def _is_apart(moment: datetime, times: Sequence[datetime]) -> bool:
    after = bisect_right(times, moment)
    return all(abs(moment - other) >= MARK_EVERY / 2 for other in times[max(after - 1, 0) : after + 1])


def thinned(items: Sequence[T], most: int) -> Sequence[T]:
    """At most so many of them, spread evenly."""
    if len(items) <= most:
        return items
    return [items[n * len(items) // most] for n in range(most)]


# --- what no car can have reached


def _reachable(points: Sequence[Point]) -> list[Point]:
    """The points without those that no car could have come from, nor gone to: up to three together are wrong."""
    runs = _runs(points)
    while out := _unreachable(runs):
        runs = _runs([point for n, run in enumerate(runs) if n not in out for point in run])
    return [point for run in runs for point in run]


def _runs(points: Sequence[Point]) -> list[list[Point]]:
    """The points in runs, from none of which a car could have come to the next."""
    runs: list[list[Point]] = []
    for point in points:
        if runs and _can_reach(runs[-1][-1], point, FIX_OFF_KM):
            runs[-1].append(point)
        else:
            runs.append([point])
    return runs


def _unreachable(runs: Sequence[Sequence[Point]]) -> set[int]:
    """Which runs are wrong. Of wrong ones side by side every second: what is between two wrong ones may be right."""
    out = set[int]()
    for n in range(1, len(runs) - 1):
        if len(runs[n]) <= WRONG_TOGETHER and n - 1 not in out:
            out.add(n)
    return out or _unreachable_ends(runs)


def _unreachable_ends(runs: Sequence[Sequence[Point]]) -> set[int]:
    if len(runs) != 2 or _can_reach(runs[0][-1], runs[1][0], LONE_FIX_OFF_KM):
        return set()
    return {n for n in (0, 1) if len(runs[n]) <= WRONG_TOGETHER and len(runs[n]) <= len(runs[1 - n])}


def _can_reach(a: Point, b: Point, off_km: float) -> bool:
    hours = (b.at - a.at) / timedelta(hours=1)
    return distance_km(a.position, b.position) <= off_km + FASTEST_FIX_KM_H * hours


def marked(trail: Sequence[Mark], moment: datetime, words: Sequence[Fix]) -> tuple[Mark, ...]:
    """The marks of a drive with one at a moment of it as well, where its phone was then as far as its words tell."""
    if any(mark.at == moment for mark in trail):
        return tuple(trail)
    n = bisect_left(trail, moment, key=lambda mark: mark.at)
    is_seen = 0 < n < len(trail)
    made = _between_marks(trail[n - 1], trail[n], moment, words) if is_seen else _at(trail, moment)
    return (*trail[:n], made, *trail[n:])


def _between_marks(a: Mark, b: Mark, moment: datetime, words: Sequence[Fix]) -> Mark:
    """A mark between two others: of their way it has what the dense part of the words has by then, else by time."""
    seen = marks(words, a.at, b.at, (moment,))
    there = next(mark for mark in seen if mark.at == moment)
    whole_m = seen[-1].dense_m
    share = there.dense_m / whole_m if whole_m else (moment - a.at) / (b.at - a.at)
    dense_m, sparse_m, sparse_s = (round(x + share * (y - x)) for x, y in zip(_sums(a), _sums(b), strict=True))
    return Mark(moment, dense_m, sparse_m, sparse_s, there.lat, there.lng)


def between(marks: Sequence[Mark], since: datetime, until: datetime) -> tuple[Mark, ...]:
    """The marks of a part of a drive, counted from its own begin: there are some at both of its ends."""
    inside = {mark.at: mark for mark in marks if since <= mark.at <= until}
    for moment in (since, until):
        if moment not in inside:
            inside[moment] = _at(marks, moment)
    ordered = sorted(inside.values(), key=lambda mark: mark.at)
    return tuple(counted_from(Mark(since), ordered[0], mark) for mark in ordered)


def counted_from(begin: Mark, zero: Mark, mark: Mark) -> Mark:
    """A mark as one of a trail in which the sums are those of `begin` where they were those of `zero`."""
    dense_m, sparse_m, sparse_s = (b + m - z for b, z, m in zip(_sums(begin), _sums(zero), _sums(mark), strict=True))
    return Mark(mark.at, dense_m, sparse_m, sparse_s, mark.lat, mark.lng)


def _at(marks: Sequence[Mark], moment: datetime) -> Mark:
    dense_m, sparse_m, sparse_s = map(round, sums_at(marks, moment))
    return Mark(moment, dense_m, sparse_m, sparse_s)


def _sums(mark: Mark) -> tuple[int, int, int]:
    return mark.dense_m, mark.sparse_m, mark.sparse_s
