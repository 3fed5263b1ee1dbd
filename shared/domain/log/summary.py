"""Owns what the book knows of a drive: when it was, in which car, what its trail says, what its driver said of it.

The words of the phone themselves are kept in the drive's record. A summary is what the kilometres follow from, small
enough that those of many drives fit into a driver's state, and it is kept with the row of its trip for the same reason.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import msgspec
import polyline

from shared.domain.place.geo import Position
from shared.domain.thresholds import POSITION_DECIMALS

BEGIN_OF_TIME = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Mark(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """How far a trail had come at a moment (aware UTC), counted from the begin of its drive; where the phone was then.

    `dense_m` is the length of its parts whose fixes are close in time. Of the other parts, `sparse_m` is
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
        """WGS84 degrees, or None where the phone did not know; of begin and end it knows within three minutes."""
        return None if self.lat is None or self.lng is None else Position(self.lat, self.lng)


def trail_of(marks: Sequence[Mark]) -> str:
    """Marks as one text, a fifth as long as they are: times to a microsecond, positions to 6 decimals.

    Of three lines in Google's encoding, each tells what changes from mark to mark: when and how far by dense parts, how
    far and how long by others, and where. Which marks have a position stands last, unless all have one.
    """
    if not marks:
        return ""
    places = [mark.position for mark in marks]
    known = [place for place in places if place]
    sparse = [(mark.sparse_m, mark.sparse_s) for mark in marks]
    lines = [
        polyline.encode([((mark.at - BEGIN_OF_TIME) // MICROSECOND, mark.dense_m) for mark in marks], 0),
        polyline.encode(sparse, 0) if any(map(any, sparse)) else "",
        polyline.encode(known, POSITION_DECIMALS) if known else "",
        "" if all(places) else "".join("p" if place else "-" for place in places),
    ]
    return " ".join(lines).rstrip()


@lru_cache(maxsize=1024)
def _marks_of(trail: str) -> tuple[Mark, ...]:
    if not trail:
        return ()
    progress, sparse, places, located, *_ = [*trail.split(" "), "", "", "", ""]
    told = polyline.decode(progress, 0)
    positions = iter(polyline.decode(places, POSITION_DECIMALS) if places else ())
    return tuple(
        Mark(BEGIN_OF_TIME + at * MICROSECOND, round(dense_m), round(sparse_m), round(sparse_s), *where)
        for (at, dense_m), (sparse_m, sparse_s), where in zip(
            told,
            polyline.decode(sparse, 0) if sparse else [(0, 0)] * len(told),
            (next(positions) if letter == "p" else (None, None) for letter in located or "p" * len(told)),
            strict=True,
        )
    )


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a driver said of a trip, as far as kilometres, times and the car follow from it. None: said nothing.

    `car_id` counts where `has_car` is set, for they may have said that it was in no car. Odometers and distance are in
    metres. What is deleted has its kilometres in a gap. What they touched first keeps the times that it had for them,
    `seen_since` and `seen_until`, where these were others than the phone told. Where no phone named a car it is where
    they saw it: in `seen_car_id`, if it `has_seen_car`. Two that they made of one have `kept_m` of the odometer, which
    are those that it had.
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
    seen_since: datetime | None = None
    seen_until: datetime | None = None
    has_seen_car: bool = False
    seen_car_id: str | None = None
    is_seen_unsure: bool = False
    kept_m: int | None = None


class Piece(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of the trips of which a driver made one: when it was, and what they had said of its kilometres, in metres.

    It had so many of the odometer by then, `had_m`. Those that it has whatever is known are `kept_m`.
    """

    began_at: datetime
    ended_at: datetime
    from_m: int | None = None
    to_m: int | None = None
    distance_m: int | None = None
    kept_m: int | None = None
    had_m: int | None = None


class Settled(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """What a drive was found to be when its stretch of the log was settled: in which car, from when until when, and
    what of that was a guess. Neither another car nor what is said of other drives changes that any more."""

    car_id: str | None
    began_at: datetime
    ended_at: datetime
    is_car_unsure: bool = False
    is_end_unknown: bool = False


class Summary(msgspec.Struct, frozen=True, kw_only=True, array_like=True, omit_defaults=True):
    """One drive as the phone told of it, or with `is_by_hand` as its driver entered it.

    One that was `moved` from another system is a fact of its own kind: it is as it was there, and what was said of it
    there counts as if its driver had said it, but where they say otherwise.

    `id` is that of its record, `car_id` the car that the phone named. `trail` has its marks as one text: at its begin,
    at its end and, between them, every few minutes. Where no start was heard `begun` is false, and `began_at` is its
    end; where no end was heard `ended` is false, and `ended_at` is the last sign of it. `silences` are the stretches in
    which nothing was heard for longer than a start may resume a drive. `trip_ids` has the id of the trip that came of
    it, and where it was split those of all parts. Where its driver made it of several, these are its `pieces`, by time.
    `settled` is what was found where its stretch of the log is opened anew, and counts until its driver says otherwise.
    What is rarely said stands last: it takes no room where it is not.
    """

    id: str
    began_at: datetime
    ended_at: datetime
    trail: str = ""
    default_car_id: str | None = None
    trip_ids: tuple[str, ...] = ()
    car_id: str | None = None
    silences: tuple[tuple[datetime, datetime], ...] = ()
    driver: str = ""
    is_stray: bool = False
    begun: bool = True
    ended: bool = True
    is_by_hand: bool = False
    moved: Said | None = None
    said: Said = Said()
    pieces: tuple[Piece, ...] = ()
    settled: Settled | None = None

    @property
    def marks(self) -> tuple[Mark, ...]:
        """How far its trail had come, by time."""
        return _marks_of(self.trail)

    @property
    def has_car(self) -> bool:
        """Whether driver or phone said in which car it was, or that it was in none; if not, `named_car_id` is None."""
        said = self.said
        is_told = self.car_id is not None or self.is_stray or self.is_by_hand
        return said.has_car or said.has_seen_car or is_told

    @property
    def named_car_id(self) -> str | None:
        """In which car it was, for all that its driver says or saw, else as the phone told."""
        if self.said.has_car:
            return self.said.car_id
        if self.said.has_seen_car:
            return self.said.seen_car_id
        return None if self.is_stray else self.car_id

    @property
    def since(self) -> datetime:
        """When it began, for all that its driver says or saw, else as the phone told."""
        return self.said.began_at or self.said.seen_since or self.began_at

    @property
    def until(self) -> datetime:
        """When it ended, for all that its driver says or saw, else as the phone told."""
        return self.said.ended_at or self.said.seen_until or self.ended_at


class Drive(msgspec.Struct, frozen=True, kw_only=True):
    """A drive as it was, as far as phone and cars tell: a summary, or a part of one that was two drives.

    One of the pieces of a trip that its driver made of several knows the `whole`.

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
    whole: "Drive | None" = None
