"""Owns odometer readings and which of them can be believed. A value counts for the moment it was measured.

What a car or its driver said is a fact and is kept. Whether it is believed is its standing, which can change.
"""

import re
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

import msgspec

SAME_KM = 0.05  # readings are kept to 0.1 km
HIGHEST_KM = 2_000_000.0
CLOCK_TOLERANCE = timedelta(minutes=5)
# Values of one report carry slightly different times; beyond this they speak of different moments.
SAME_MOMENT = timedelta(minutes=2)
RISEN_KM = 0.5
FINEST_KM = 0.1
# Of those that the migration wrote and of ours: the moment, then whatever can stand in a document's id and in a path.
READING_ID = re.compile(r"[0-9]{5,8}T[0-9]{6}\.[0-9]{6}Z[!-.0-~]{1,150}")
# What its driver said: read from the dashboard, on a garage's or an inspection's paper, at a charger, by a device.
WordSource = Literal["eye", "garage", "inspection", "charging", "device"]
# Those of a trip are no readings of their own: they live as long as the trip says them, and "struck" is what is left of
# them where its driver deleted it.
ReadingSource = Literal["car", WordSource, "typed", "struck"]
Standing = Literal["believed", "not_believed", "withdrawn"]
Disbelief = Literal[
    "out of range",
    "measured in the future",
    "of no one moment",
    "falls",
    "above a later one",
    "jumps",
    "old news",  # an old value under a new time
    "sentinel",  # what cars of this make tell when they know none
    "another series",  # of an odometer that is no longer in the car
    "replaced",  # its driver said another one, beside which it cannot be true
    "withdrawn",  # its driver took it back
]
# What is not believed for these reasons was never held against anything.
NEVER_FOLDED: frozenset[Disbelief] = frozenset({"out of range", "measured in the future", "of no one moment"})


class Reading(msgspec.Struct, frozen=True, omit_defaults=True):
    """An odometer value in km, `at` when it was measured (aware UTC); `driving` if the car said that it drives.

    Where only an interval is known, `since` is the earliest moment that it can be from, and `at` the latest. The
    odometer stood from `km` up to, but not at, `km + resolution_km`. One that its driver confirmed holds against what
    the car said; with one that begins a series the car has another odometer from then on. A driver's state holds many
    of these: what is usual is left out.
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
    def is_word(self) -> bool:
        """Whether its driver said it, and not the car itself."""
        return self.source != "car"

    @property
    def is_of_one_moment(self) -> bool:
        """Whether it is known well enough when it was measured."""
        return self.since is None or self.at - self.since <= SAME_MOMENT


class Judged(NamedTuple):
    """What is thought of a reading, and why it does not count if it does not."""

    standing: Standing | None
    why: Disbelief | Literal[""] = ""


def judged(why_not: Disbelief | None) -> Judged:
    """What is thought of a reading that something speaks against, or nothing."""
    return Judged("not_believed", why_not) if why_not else Judged("believed")


WITHDRAWN = Judged("withdrawn", "withdrawn")


class KeptReading(NamedTuple):
    """A reading as it is kept: under which id, what is thought of it and why, when it became known (aware UTC).

    It has no standing where nobody judged it.
    """

    id: str
    reading: Reading
    standing: Standing | None
    why: Disbelief | Literal[""]
    fetched_at: datetime

    @property
    def judged(self) -> Judged:
        """What is thought of it."""
        return Judged(self.standing, self.why)

    @property
    def counts(self) -> bool:
        """Whether nothing speaks against it."""
        return self.standing in ("believed", None)

    @property
    def is_folded(self) -> bool:
        """Whether it was ever held against others, and was not taken back."""
        return self.standing in ("believed", "not_believed") and self.why not in NEVER_FOLDED


def reading_view(car_id: str, reading: Reading, standing: Standing | None) -> dict[str, Any]:
    """What there is to tell of a reading, by the names that the API has for it, as plain JSON values."""
    view: dict[str, Any] = msgspec.to_builtins(
        {
            "car_id": car_id,
            "at": reading.at,
            "since": reading.since,
            "odometer_km": reading.km,
            "source": reading.source,
            "resolution_km": reading.resolution_km,
            "confirm": reading.is_confirmed,
            "new_series": reading.begins_series,
            "standing": standing,
        }
    )
    return view


def same_km(a: Reading, b: Reading) -> bool:
    """Whether two readings show the same odometer."""
    return abs(a.km - b.km) <= SAME_KM


def source_view(reading: Reading) -> str:
    """Who said what an odometer showed."""
    return "car" if reading.source == "car" else "manual"
