"""Owns odometer readings and which of them can be believed. A value counts for the moment it was measured.

What a car or its driver said is a fact and is kept. Whether it is believed is its standing, which can change.
"""

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
# Values of one report carry slightly different times; beyond this they speak of different moments.
SAME_MOMENT = timedelta(minutes=2)
RISEN_KM = 0.5
FINEST_KM = 0.1
ReadingSource = Literal["car", "eye"]  # its cloud, or a driver who looked at the dashboard
Standing = Literal["believed", "not_believed"]
Disbelief = Literal[
    "out of range",
    "measured in the future",
    "of no one moment",
    "falls",
    "above a later one",
    "jumps",
    "replaced",  # its driver said another one of the same moment
]


class Reading(msgspec.Struct, frozen=True, omit_defaults=True):
    """An odometer value in km, `at` when it was measured (aware UTC); `driving` if the car said that it drives.

    Where only an interval is known, `since` is the earliest moment that it can be from, and `at` the latest. The
    odometer stood from `km` up to, but not at, `km + resolution_km`. A driver's state holds many of these: what is
    usual is left out.
    """

    at: datetime
    km: float
    driving: bool = False
    lat: float | None = None
    lng: float | None = None
    since: datetime | None = None
    resolution_km: float = FINEST_KM
    source: ReadingSource = "car"
    is_confirmed: bool = False
    begins_series: bool = False

    @property
    def is_of_one_moment(self) -> bool:
        """Whether it is known well enough when it was measured."""
        return self.since is None or self.at - self.since <= SAME_MOMENT


def why_not_believed(reading: Reading, known: Sequence[Reading], now: datetime) -> Disbelief | None:
    """Why a reading cannot be true beside those known already (by time), or None if it can."""
    if not 0 < reading.km <= HIGHEST_KM:
        return "out of range"
    if reading.at > now + CLOCK_TOLERANCE:
        return "measured in the future"
    if not reading.is_of_one_moment:
        # Taken for one of its latest moment, the odometer of a trip's start would be that of its end.
        return "of no one moment"
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
