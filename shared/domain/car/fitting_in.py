"""Owns whether a driver's word on an odometer can be true beside the readings that are known of the car."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from shared.domain.car.odometer import Disbelief, Reading
from shared.domain.thresholds import FASTEST_KM_PER_H, FURTHEST_KM, FURTHEST_KM_PER_H, LATE_BY

AT_LEAST = 2  # so often the car must have said it: one value alone may be a fault of its cloud


def drivable(earlier: Reading, later: Reading) -> bool:
    """Whether a car can come from one reading to a later one of the same odometer, in the time between them."""
    took, rise_km = later.at - earlier.at, later.km - earlier.km
    resolution_km = max(earlier.resolution_km, later.resolution_km)
    most_km = min(FASTEST_KM_PER_H * _hours(took + LATE_BY), FURTHEST_KM + FURTHEST_KM_PER_H * _hours(took))
    return -resolution_km <= round(rise_km, 3) <= most_km


def fits(a: Reading, b: Reading) -> bool:
    """Whether two readings of the same odometer can both be true, whichever is the earlier one."""
    earlier, later = sorted((a, b), key=lambda reading: reading.at)
    # Of one moment neither is the earlier one.
    return drivable(earlier, later) or (a.at == b.at and drivable(later, earlier))


def beside(reading: Reading, known: Iterable[Reading]) -> tuple[Reading, ...]:
    """Those of the known readings that this one cannot be true beside, by time; of another odometer none is."""
    known = sorted(known, key=lambda other: other.at)
    since, until = _series(reading, known)
    return tuple(
        other
        for other in known
        if (since is None or other.at >= since) and (until is None or other.at < until) and not fits(reading, other)
    )


def contradicts(reading: Reading, known: Iterable[Reading]) -> tuple[Reading, ...]:
    """What the car itself said at least twice, and what this reading cannot be true beside, by time; else nothing.

    One value of the car alone refuses no word of its driver, and two that contradict each other do not either.
    """
    against = [other for other in beside(reading, known) if not other.is_word]
    agreeing = [one for one in against if any(other is not one and fits(one, other) for other in against)]
    return tuple(agreeing) if len(agreeing) >= AT_LEAST else ()


def nearest(reading: Reading, others: Iterable[Reading], most: int) -> tuple[Reading, ...]:
    """At most so many of the others, those that are nearest to the reading in time, by time."""
    found = sorted(others, key=lambda other: abs(other.at - reading.at))[:most]
    return tuple(sorted(found, key=lambda other: other.at))


def why_beside(reading: Reading, against: Sequence[Reading]) -> Disbelief:
    """Why a reading cannot be true beside others: by the nearest of them."""
    (other,) = nearest(reading, against, 1)
    if other.at <= reading.at and reading.km < other.km:
        return "falls"
    if other.at > reading.at and reading.km > other.km:
        return "above a later one"
    return "jumps"


def _series(reading: Reading, known: Sequence[Reading]) -> tuple[datetime | None, datetime | None]:
    """Since when the car has the odometer of a reading, and from when on another one, as far as its driver said so."""
    begun = [other.at for other in known if other.begins_series]
    before = [at for at in begun if at <= reading.at]
    since = reading.at if reading.begins_series else max(before, default=None)
    return since, min((at for at in begun if at > reading.at), default=None)


def _hours(took: timedelta) -> float:
    return took / timedelta(hours=1)
