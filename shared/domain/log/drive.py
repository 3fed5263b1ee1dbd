"""Owns a drive that is over, before anybody has measured it."""

from datetime import datetime
from typing import Literal

import msgspec

from shared.domain.car.odometer import Reading
from shared.domain.place.trail import Fix

EndedBecause = Literal[
    "a later start",
    "the car confirmed the end",
    "the grace after the end is over",
    "the car stood still",
    "nothing was heard any more",
]


class Drive(msgspec.Struct, frozen=True, kw_only=True):
    """A trip that is over, for the ledger to measure. `trail_blocks` of older fixes lie in the store.

    `before` is the next start, where that is known already: a later reading says nothing of this trip.
    """

    car_id: str | None
    started_at: datetime
    ended_at: datetime
    fixes: tuple[Fix, ...]
    trail_blocks: int
    readings: tuple[Reading, ...]
    why: EndedBecause
    before: datetime | None = None


class EarlierStart(msgspec.Struct, frozen=True):
    """A start that came when its trip was saved already, as one that begins at a later moment."""

    trip_id: str
    fix: Fix
    begun_at: datetime
