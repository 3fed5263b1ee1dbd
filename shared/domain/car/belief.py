"""Owns which odometer readings of a car are believed: the cheapest path through all of them, by their own time.

No reading is sacred. To leave one out has a price, to take the car for one with another odometer has a higher one, and
what costs least is what happened. So two that agree win against one, whichever came first.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from shared.domain.car.odometer import Reading
from shared.domain.thresholds import (
    BREAK_PRICE,
    FASTEST_KM_PER_H,
    FURTHEST_KM,
    FURTHEST_KM_PER_H,
    LATE_BY,
    PRICES,
    SENTINEL_PRICE,
    SENTINELS_KM,
    SUPERSEDED_PRICE,
)

DEAR = 10_000  # what is never left out


class Run(NamedTuple):
    """Readings that show the same odometer one after another: `first` measured first, `last` told last."""

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


def believed(readings: Sequence[Reading]) -> Belief:
    """Which readings of a car are believed; they may come in any order, and each counts once."""
    runs = _runs(sorted(set(readings), key=sort_key))
    path = _cheapest(runs)
    series: list[list[Reading]] = []
    for before, n in zip((None, *path), path, strict=False):
        if before is None or _breaks(runs[before], runs[n]):
            series.append([])
        series[-1].extend(runs[n].readings)
    taken = set(path)
    doubted = [reading for n, run in enumerate(runs) if n not in taken for reading in run.readings]
    return Belief(tuple(map(tuple, series)), tuple(doubted))


def sort_key(reading: Reading) -> tuple[datetime, float, bool, str]:
    """Orders readings by time, and those of one moment always in the same way."""
    return reading.at, reading.km, reading.driving, reading.source


def is_drivable(earlier: Reading, later: Reading, since: datetime | None = None) -> bool:
    """Whether a car can have got from one odometer to the other; `since` when it showed the former first.

    At most 200 km/h and three minutes of wrong clocks, and on long ways 60 km/h and 500 km.
    """
    rise_km = later.km - earlier.km
    hours = (later.at - (since or earlier.since or earlier.at) + LATE_BY) / timedelta(hours=1)
    most_km = min(FASTEST_KM_PER_H * hours, FURTHEST_KM + FURTHEST_KM_PER_H * hours)
    return -max(earlier.resolution_km, later.resolution_km) < rise_km <= most_km + later.resolution_km


def _runs(readings: Sequence[Reading]) -> list[Run]:
    runs = list[list[Reading]]()
    for reading in readings:
        if runs and runs[-1][-1].km == reading.km and not reading.begins_series:
            runs[-1].append(reading)
        else:
            runs.append([reading])
    return [Run(tuple(run)) for run in runs]


def _cheapest(runs: Sequence[Run]) -> tuple[int, ...]:
    """The numbers of the runs on the cheapest path; of paths that cost the same, the one that takes the earlier."""
    prices = [_price(runs, n) for n in range(len(runs))]
    before = [0]
    for price in prices:
        before.append(before[-1] + price)
    best = list[tuple[int, tuple[int, ...]]]()
    for n, run in enumerate(runs):
        ways = [(before[n], (n,))]
        ways += [
            (cost + before[n] - before[m + 1] + _passage(runs[m], run), (*path, n))
            for m, (cost, path) in enumerate(best)
        ]
        best.append(min(ways))
    whole = [(cost + before[-1] - before[n + 1], path) for n, (cost, path) in enumerate(best)]
    return min(whole)[1] if whole else ()


def _price(runs: Sequence[Run], n: int) -> int:
    """What it costs to leave a run out, in tenths of a reading of a car."""
    run = runs[n]
    if any(reading.is_confirmed or reading.begins_series for reading in run.readings):
        return DEAR
    if run.first.km in SENTINELS_KM or run.first.km <= 0:
        return SENTINEL_PRICE
    later = runs[n + 1 :]
    if run.first.source == "eye" and any(one.first.source == "eye" and _breaks(run, one) for one in later):
        return SUPERSEDED_PRICE
    return max(PRICES.get(reading.source, PRICES["eye"]) for reading in run.readings)


def _passage(earlier: Run, later: Run) -> int:
    if later.first.begins_series:
        return 0
    return BREAK_PRICE if _breaks(earlier, later) else 0


def _breaks(earlier: Run, later: Run) -> bool:
    return later.first.begins_series or not is_drivable(
        earlier.last, later.first, earlier.first.since or earlier.first.at
    )
