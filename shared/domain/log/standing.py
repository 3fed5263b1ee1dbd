"""Owns what the readings of one car say of when it stood and when it drove, whatever drives the phone told of."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from shared.domain.car.belief import is_drivable
from shared.domain.car.odometer import FINEST_KM, SAME_KM, Reading, same_km
from shared.domain.log.evidence import apart_m
from shared.domain.place.geo import Position
from shared.domain.thresholds import (
    COARSE_STOOD_FOR,
    OLD_ANSWER_AFTER,
    ROSE_KM,
    ROSE_KM_H,
    STOOD_FOR,
    STOOD_M,
)


class Stand(NamedTuple):
    """A car stood from one moment to another, at least; `km` is what its odometer showed."""

    since: datetime
    until: datetime
    km: float


class Watched:
    """The readings of a car by time, without those that tell no moment and without old answers under new times."""

    def __init__(self, readings: Iterable[Reading]) -> None:
        ordered = sorted({reading for reading in readings if reading.is_of_one_moment}, key=_by_time)
        # A car that never says that it drives says nothing of its state.
        self.has_states = any(reading.driving for reading in ordered)
        self.readings = _without_old_answers(ordered)
        self._times = [reading.at for reading in self.readings]

    def until(self, moment: datetime) -> Reading | None:
        """The last reading at a moment or before."""
        n = bisect_right(self._times, moment)
        return self.readings[n - 1] if n else None

    def since(self, moment: datetime) -> Reading | None:
        """The first reading at a moment or after."""
        n = bisect_left(self._times, moment)
        return self.readings[n] if n < len(self.readings) else None

    def within(self, since: datetime, until: datetime) -> Sequence[Reading]:
        """The readings from one moment to another, both included."""
        return self.readings[bisect_left(self._times, since) : bisect_right(self._times, until)]

    def is_parked(self, reading: Reading) -> bool:
        """Whether the car itself says that it stands."""
        return self.has_states and not reading.driving

    @cached_property
    def stands(self) -> list[Stand]:
        """Whenever two readings at least show that it stood, for so long that no drive stops."""
        runs = _runs(self.readings, lambda first, one: not one.driving and not first.driving and _unmoved(first, one))
        return [Stand(run[0].at, run[-1].at, run[0].km) for run in runs if self._is_stand(run)]

    def _is_stand(self, run: Sequence[Reading]) -> bool:
        stood_for = run[-1].at - run[0].at
        if not any(is_coarse(reading) for reading in run):
            return stood_for >= STOOD_FOR
        is_seen = self.has_states or all(position_of(reading) for reading in run)
        return is_seen and stood_for >= COARSE_STOOD_FOR


def position_of(reading: Reading) -> Position | None:
    """Where the car says that it was."""
    return None if reading.lat is None or reading.lng is None else Position(reading.lat, reading.lng)


def is_coarse(reading: Reading) -> bool:
    """Whether a car can show the same and have moved."""
    return reading.resolution_km > FINEST_KM


def has_risen(a: Reading, b: Reading) -> bool:
    """Whether the second shows more kilometres than the first, on one odometer; a coarse one is late, but never for
    nothing."""
    return b.km - a.km > SAME_KM and is_drivable(a, b)


def drove_on(a: Reading, b: Reading) -> bool:
    """Whether a car went between two readings so far and so fast that it was driving most of the time."""
    if not has_risen(a, b):
        return False
    surely_km = b.km - a.km - (a.resolution_km if is_coarse(a) or is_coarse(b) else 0.0)
    hours = (b.at - a.at).total_seconds() / 3600
    return surely_km >= ROSE_KM and surely_km >= ROSE_KM_H * hours


def _by_time(reading: Reading) -> tuple[datetime, float, bool, float, float, float, str]:
    return (
        reading.at,
        reading.km,
        reading.driving,
        reading.lat or 0.0,
        reading.lng or 0.0,
        reading.resolution_km,
        reading.source,
    )


def _without_old_answers(readings: Sequence[Reading]) -> list[Reading]:
    """A car that says for ten minutes that it drives, and stays where it is, tells what was: that counts once."""
    kept: list[Reading] = []
    for run in _runs(readings, lambda first, one: first.driving and one.driving and _unmoved(first, one)):
        is_old = run[-1].at - run[0].at >= OLD_ANSWER_AFTER
        kept += run[:1] if is_old else run
    return kept


def _runs(readings: Sequence[Reading], belongs: Callable[[Reading, Reading], bool]) -> list[list[Reading]]:
    runs: list[list[Reading]] = []
    for reading in readings:
        if runs and belongs(runs[-1][0], reading):
            runs[-1].append(reading)
        else:
            runs.append([reading])
    return runs


def _unmoved(a: Reading, b: Reading) -> bool:
    return same_km(a, b) and apart_m(position_of(a), position_of(b)) <= STOOD_M
