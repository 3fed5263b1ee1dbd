"""Owns odometer readings and which of them can be believed. A value counts for the moment it was measured."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

SAME_KM = 0.05  # readings are kept to 0.1 km
HIGHEST_KM = 2_000_000.0
# A car that was not asked for weeks may have gone far; one that was asked an hour ago may not.
JUMP_KM = 1_500.0
JUMP_KM_PER_DAY = 1_000.0
CLOCK_TOLERANCE = timedelta(minutes=5)
RISEN_KM = 0.5
ReadingSource = Literal["car", "manual"]
Disbelief = Literal["out of range", "measured in the future", "falls", "above a later one", "jumps"]


class Reading(msgspec.Struct, frozen=True, omit_defaults=True):
    """An odometer value in km, `at` when it was measured (aware UTC); `driving` if the car said that it drives."""

    at: datetime
    km: float
    driving: bool = False
    lat: float | None = None
    lng: float | None = None


def why_not_believed(reading: Reading, known: Sequence[Reading], now: datetime) -> Disbelief | None:
    """Why a reading cannot be true beside those known already (by time), or None if it can."""
    if not 0 < reading.km <= HIGHEST_KM:
        return "out of range"
    if reading.at > now + CLOCK_TOLERANCE:
        return "measured in the future"
    before = [other for other in known if other.at <= reading.at]
    after = [other for other in known if other.at > reading.at]
    if before and reading.km < before[-1].km - SAME_KM:
        return "falls"
    if after and reading.km > after[0].km + SAME_KM:
        return "above a later one"
    if before and _jumps(before[-1], reading):
        return "jumps"
    return None


def _jumps(earlier: Reading, later: Reading) -> bool:
    days = (later.at - earlier.at) / timedelta(days=1)
    return later.km - earlier.km > max(JUMP_KM, JUMP_KM_PER_DAY * days)


def same_km(a: Reading, b: Reading) -> bool:
    """Whether two readings show the same odometer."""
    return abs(a.km - b.km) <= SAME_KM
