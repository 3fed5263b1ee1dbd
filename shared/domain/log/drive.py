"""Owns the words of the phone that a drive is made of, and what is kept of them."""

import hashlib
from datetime import datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from shared.domain.place.trail import Fix

EndedBecause = Literal[
    "a later start",
    "the car confirmed the end",
    "the grace after the end is over",
    "the car stood still",
    "nothing was heard any more",
    "it is as long as a drive can be",
    "the driver dropped it",
]

Shape = Literal["part", "merged"]


class Heard(Fix, frozen=True, omit_defaults=True):
    """One word of the phone: that it is in the car, or with `is_end` that it left it; `is_pause` at such a place.

    It came `delay_s` after its own time. `is_stray` if it names a car that the driver does not have. `by` is the label
    of the key with which it was said, where that tells who drove.
    """

    delay_s: float = 0.0
    is_end: bool = False
    is_pause: bool = False
    is_stray: bool = False
    by: str = ""

    @property
    def word(self) -> "Heard":
        """It without how it came: whenever and by whichever key it comes again, it is the same word."""
        return replace(self, delay_s=0.0, by="")


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """A drive that is over: what was said of it, by time, older words in so many `blocks` in the store; why it is."""

    events: tuple[Heard, ...]
    blocks: int = 0
    why: EndedBecause


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the phone said of one drive, by time. The first event was at `began_at` (aware UTC).

    `kinds` has one letter an event. The other texts have one entry an event, nothing for what was not said: `seconds`
    since the event before, the `delays_s` after which each came, `accuracies_m`, in `named` which of the `cars` it
    named, and in `said_by` which of the `drivers` said it. `positions` is a polyline of precision 6 of those that have
    one. `is_dropped` if its driver wanted no trip.
    """

    id: str
    began_at: datetime
    kinds: str
    seconds: str
    delays_s: str
    positions: str = ""
    accuracies_m: str = ""
    cars: tuple[str, ...] = ()
    named: str = ""
    drivers: tuple[str, ...] = ()
    said_by: str = ""
    is_dropped: bool = False


def shaped_id(shape: Shape, began_at: datetime, ended_at: datetime, car_id: str | None) -> str:
    """The id of a drive that is not as the phone told of it: a part of one, or several merged."""
    return drive_id(began_at, ended_at, f"{shape} {car_id}")


def drive_id(began_at: datetime, ended_at: datetime, car_id: str | None) -> str:
    """The id under which the events of a drive are kept: a driver's drives on one car never have both times alike."""
    digest = hashlib.sha256(f"{began_at.isoformat()}|{ended_at.isoformat()}|{car_id}".encode()).hexdigest()
    return f"{began_at:%Y%m%dT%H%M%SZ}-{digest[:12]}"
