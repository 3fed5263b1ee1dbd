"""Owns what the book knows of a drive: when it was, in which car, what its trail says, what its driver said of it.

The words of the phone themselves are kept in the drive's record. A summary is what the kilometres follow from, small
enough that those of many drives fit into a driver's state, and it is kept with the row of its trip for the same reason.
"""

from datetime import datetime

import msgspec

from shared.domain.place.geo import Position


class Mark(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """How far a trail had come at a moment (aware UTC), counted from the begin of its drive; where the phone was then.

    `dense_m` is the length of its parts whose fixes are at most two minutes apart. Of the other parts, `sparse_m` is
    the straight way from fix to fix, and `sparse_s` the time that they took.
    """

    at: datetime
    dense_m: int = 0
    sparse_m: int = 0
    sparse_s: int = 0
    lat: float | None = None
    lng: float | None = None

    @property
    def position(self) -> Position | None:
        """WGS84 degrees, or None where the phone did not know within three minutes."""
        return None if self.lat is None or self.lng is None else Position(self.lat, self.lng)


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a driver said of a trip, as far as kilometres, times and the car follow from it. None: said nothing.

    `car_id` counts where `has_car` is set, for they may have said that it was in no car. Odometers and distance are in
    metres. What is deleted has its kilometres in a gap.
    """

    began_at: datetime | None = None
    ended_at: datetime | None = None
    has_car: bool = False
    car_id: str | None = None
    from_m: int | None = None
    to_m: int | None = None
    distance_m: int | None = None
    is_deleted: bool = False
    is_touched: bool = False


class Summary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One drive as the phone told of it, or with `is_by_hand` as its driver entered it.

    One that was `moved` from another system is a fact of its own kind: it is as it was there, and what was said of it
    there counts as if its driver had said it, but where they say otherwise.

    `id` is that of its record, `car_id` the car that the phone named. `marks` lie at its begin, at its end and, between
    them, at each reading of a car and each few minutes. Where no start was heard `begun` is false, and `began_at` is
    its end; where no end was heard `ended` is false, and `ended_at` is the last sign of it. `silences` are the
    stretches in which nothing was heard for longer than a start may resume a drive. `trip_ids` has the id of the trip
    that came of it, and where it was split those of all parts.
    """

    id: str
    began_at: datetime
    ended_at: datetime
    car_id: str | None = None
    is_stray: bool = False
    begun: bool = True
    ended: bool = True
    marks: tuple[Mark, ...] = ()
    silences: tuple[tuple[datetime, datetime], ...] = ()
    default_car_id: str | None = None
    driver: str = ""
    is_by_hand: bool = False
    moved: Said | None = None
    said: Said = Said()
    trip_ids: tuple[str, ...] = ()


class Drive(msgspec.Struct, frozen=True, kw_only=True):
    """A drive as it was, as far as phone and cars tell: a summary, or a part of one that was two drives.

    `began` and `ended` say how begin and end are known. `is_car_unsure` where nothing told which car it was.
    """

    summary: Summary
    part: int = 0
    car_id: str | None
    began_at: datetime
    ended_at: datetime
    began_estimated: bool = False
    ended_estimated: bool = False
    is_car_unsure: bool = False
