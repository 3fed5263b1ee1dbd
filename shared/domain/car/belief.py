"""Owns which odometer readings of a car are believed: the cheapest path through all of them, by their own time.

No reading is sacred. To leave one out has a price, to take the car for one with another odometer has a higher one, and
what costs least is what happened. So two that agree win against one, whichever came first.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from shared.domain.car.odometer import HIGHEST_KM, Disbelief, Reading
from shared.domain.thresholds import (
    BREAK_PRICE,
    DEAR,
    FASTEST_KM_PER_H,
    FURTHEST_KM,
    FURTHEST_KM_PER_H,
    LATE_BY,
    PRICES,
    SENTINEL_PRICE,
    SENTINELS_KM,
    SUPERSEDED_PRICE,
)

HOUR = timedelta(hours=1)


class Run(NamedTuple):
    """Readings that show the same odometer one after another. However often it is told, it is one word of the car."""

    readings: tuple[Reading, ...]

    @property
    def first(self) -> Reading:
        """The one that was measured first."""
        return self.readings[0]

    @property
    def last(self) -> Reading:
        """The one that was measured last."""
        return self.readings[-1]


class Belief(NamedTuple):
    """The believed readings by time, one tuple for each odometer that the car had; and those that are not believed."""

    series: tuple[tuple[Reading, ...], ...]
    doubted: tuple[Reading, ...]

    @property
    def breaks(self) -> tuple[tuple[Reading, Reading], ...]:
        """Where the car got another odometer: the last reading of the one and the first of the other."""
        return tuple((before[-1], after[0]) for before, after in pairwise(self.series))

    def why_doubted(self, reading: Reading) -> Disbelief:
        """Why a reading is not believed, as its driver is told."""
        if not 0 < reading.km <= HIGHEST_KM or reading.km in SENTINELS_KM:
            return "sentinel"
        before = [one for one in _all(self.series) if one.at <= reading.at]
        after = [one for one in _all(self.series) if one.at > reading.at]
        if reading.is_word and any(one.is_word and not is_drivable(reading, one) for one in after):
            return "replaced"
        if before and reading.km < before[-1].km:
            return "another series" if len(self.series) > 1 and _fits(self.series[0], reading) else "falls"
        if before and not is_drivable(before[-1], reading):
            return "jumps"
        return "above a later one" if after and reading.km > after[0].km else "jumps"


def believed(readings: Iterable[Reading]) -> Belief:
    """Which readings of a car are believed; they may come in any order, and each counts once."""
    runs = _runs(_in_order(readings))
    path = _cheapest(runs)
    series: list[list[Reading]] = [[]] if path else []
    for before, n in zip((path[0], *path) if path else (), path, strict=False):
        if before != n and _breaks(runs[before], runs[n]):
            series.append([])
        series[-1].extend(runs[n].readings)
    doubted = [reading for n, run in enumerate(runs) if n not in set(path) for reading in run.readings]
    return Belief(tuple(map(tuple, series)), tuple(doubted))


def sort_key(reading: Reading) -> tuple[Any, ...]:
    """Orders readings by time, and those of one moment always in the same way: the highest of them before the others,
    which fall behind it. What a car showed before, it may well tell once more; what it will show, it cannot tell."""
    return (
        reading.at,
        -reading.km,
        reading.driving,
        reading.source,
        reading.since or reading.at,
        reading.resolution_km,
        reading.lat or 0.0,
        reading.lng or 0.0,
        reading.is_confirmed,
        reading.begins_series,
    )


def is_drivable(earlier: Reading, later: Reading, since: datetime | None = None) -> bool:
    """Whether a car can have got from one odometer to the other; `since` when it showed the former first.

    At most 200 km/h and three minutes of wrong clocks, and on long ways 60 km/h and 500 km.
    """
    rise_km = later.km - earlier.km
    if rise_km <= -max(earlier.resolution_km, later.resolution_km):
        return False
    hours = (later.at - (since or earlier.since or earlier.at) + LATE_BY) / HOUR
    most_km = min(FASTEST_KM_PER_H * hours, FURTHEST_KM + FURTHEST_KM_PER_H * hours)
    return rise_km <= most_km + later.resolution_km


# --- runs


def _in_order(readings: Iterable[Reading]) -> list[Reading]:
    """The readings by time. One of which only an interval is known stands where its value fits into that."""
    ordered = sorted(set(readings), key=sort_key)
    vague = [reading for reading in ordered if not reading.is_of_one_moment]
    if not vague:
        return ordered
    exact = [reading for reading in ordered if reading.is_of_one_moment]
    times = {reading: _moment_of(reading, exact) for reading in vague}
    return sorted(ordered, key=lambda reading: (times.get(reading, reading.at), *sort_key(reading)[1:]))


def _moment_of(vague: Reading, exact: Sequence[Reading]) -> datetime:
    since = vague.since or vague.at
    below = [one.at for one in exact if since <= one.at <= vague.at and one.km <= vague.km]
    return max(below, default=since)


def _runs(readings: Sequence[Reading]) -> list[Run]:
    runs = list[list[Reading]]()
    for reading in readings:
        if runs and runs[-1][-1].km == reading.km and not reading.begins_series:
            runs[-1].append(reading)
        else:
            runs.append([reading])
    return [Run(tuple(run)) for run in runs]


# --- the cheapest path


def _cheapest(runs: Sequence[Run]) -> tuple[int, ...]:
    """The numbers of the runs on the cheapest path; of paths that cost the same, the one that takes the earlier."""
    left_out = [0, *accumulate(_price(runs, n) for n in range(len(runs)))]
    costs, paths = list[int](), list[tuple[int, ...]]()
    for n, run in enumerate(runs):
        ways = [(left_out[n], tuple[int, ...]())]
        least, cheapest = left_out[n], min(costs, default=0)
        for m in range(n - 1, -1, -1):
            skipped = left_out[n] - left_out[m + 1]
            if skipped + cheapest > least:
                break
            cost = costs[m] + skipped + _passage(runs[m], run)
            least = min(least, cost)
            ways.append((cost, paths[m]))
        costs.append(least)
        paths.append(min((*path, n) for cost, path in ways if cost == least))
    whole = [
        (cost + left_out[-1] - left_out[n + 1], path) for n, (cost, path) in enumerate(zip(costs, paths, strict=True))
    ]
    return min(whole)[1] if whole else ()


def _price(runs: Sequence[Run], n: int) -> int:
    """What it costs to leave a run out, in tenths of a reading of a car."""
    run = runs[n]
    if any(reading.is_confirmed or reading.begins_series for reading in run.readings):
        return DEAR
    if run.first.km in SENTINELS_KM or not 0 < run.first.km <= HIGHEST_KM:
        return SENTINEL_PRICE
    if all(map(_is_look, run.readings)) and any(_is_look(one.first) and _breaks(run, one) for one in runs[n + 1 :]):
        return SUPERSEDED_PRICE
    return max(PRICES.get(reading.source, PRICES["eye"]) for reading in run.readings)


def _is_look(reading: Reading) -> bool:
    """Whether somebody looked at the odometer, for no trip."""
    return reading.source not in ("car", "typed", "struck")


def _passage(earlier: Run, later: Run) -> int:
    if later.first.begins_series:
        return 0
    return BREAK_PRICE if _breaks(earlier, later) else 0


def _breaks(earlier: Run, later: Run) -> bool:
    if later.first.begins_series:
        return True
    return not is_drivable(earlier.last, later.first, earlier.first.since or earlier.first.at)


def _all(series: Iterable[Sequence[Reading]]) -> list[Reading]:
    return [reading for one in series for reading in one]


def _fits(series: Sequence[Reading], reading: Reading) -> bool:
    """Whether a reading is one of an odometer, as if that were still in the car."""
    return is_drivable(series[-1], reading)
