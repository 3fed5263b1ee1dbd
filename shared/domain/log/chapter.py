"""Owns the chapters of a car's book: the parts that are settled, each between two stands of which the odometer is sure.

A chapter is folded by itself, from what was driven, read and said in it: nothing that becomes known of another one
changes it. So what a driver says of it later gives the same rows as a fold of all that is known.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import itemgetter
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from shared.domain.log.gap_row import Explained
from shared.domain.log.outlines import Start, TripOutline
from shared.domain.log.summary import Drive, Settled, Summary
from shared.domain.log.trip import Trip
from shared.domain.log.words import summary_of

T = TypeVar("T")


class Chapter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A settled part of the book of a car, from `begin` (None: from the first that is known) to `end`.

    Its gaps are cut at New Year in `timezone` (IANA name). The car had got another odometer `series` times before it,
    and `series_behind` times when it was settled. Its rows lie in the log; `times` is a hash of when its trips were.
    `without_trip` are its drives of which no trip came, or was deleted; `explained` is what the driver said of its
    kilometres.
    """

    car_id: str
    begin: Start | None = None
    end: Start
    timezone: str = ""
    series: int = 0
    series_behind: int = 0
    without_trip: tuple[Summary, ...] = ()
    explained: tuple[Explained, ...] = ()
    times: str = ""

    @property
    def id(self) -> str:
        """That of its document: no car has two that end at one moment."""
        return chapter_id(self.car_id, self.end.at)

    @property
    def since(self) -> datetime | None:
        """When it begins; None where that is before all that is known."""
        return self.begin.at if self.begin else None

    def has(self, moment: datetime) -> bool:
        """Whether a moment lies in it."""
        return (self.since is None or self.since < moment) and moment <= self.end.at


def chapter_id(car_id: str, end: datetime) -> str:
    """The id of the chapter of a car that ends at a moment."""
    return f"{car_id}.{end:%Y%m%dT%H%M%S.%fZ}"


def within(chapter: Chapter, by_time: Sequence[tuple[datetime, T]]) -> list[T]:
    """What of some facts, each with its moment (aware UTC) and in that order, lies in a chapter."""
    first = bisect_right(by_time, chapter.since, key=itemgetter(0)) if chapter.since else 0
    return [one for _, one in by_time[first : bisect_right(by_time, chapter.end.at, key=itemgetter(0))]]


def times_of(trips: Iterable[tuple[str, datetime, datetime]]) -> str:
    """A hash of which trips a chapter has, by their ids, and from when until when each was (aware UTC)."""
    lines = sorted(f"{id_} {began_at.isoformat()} {ended_at.isoformat()}" for id_, began_at, ended_at in trips)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def settled_trip(trip: Trip) -> Summary:
    """The drive of a row that is settled: it was in the car, and at the time, that the row has."""
    found = Settled(trip.car_id, trip.started_at, trip.ended_at, trip.has("car_unsure"), trip.has("end_unknown"))
    return _settled(summary_of(trip), found, trip.id)


def settled_outline(outline: TripOutline, trip_id: str) -> Summary:
    """The drive of a trip that is about to be settled, as its row will tell it."""
    drive = outline.drive
    ends = (drive.began_at, drive.ended_at)
    found = Settled(outline.car_id, *ends, outline.has("car_unsure"), outline.has("end_unknown"))
    return _settled(drive.summary, found, trip_id)


def settled_drive(drive: Drive) -> Summary:
    """A drive of which no trip came, as it was found."""
    found = Settled(drive.car_id, drive.began_at, drive.ended_at, drive.is_car_unsure, drive.ended_estimated)
    return replace(drive.summary, trip_ids=(), settled=found)


def _settled(summary: Summary, found: Settled, trip_id: str) -> Summary:
    """One that was a part of a drive is a drive of its own by now."""
    is_part = found.began_at > summary.began_at or found.ended_at < summary.ended_at
    if is_part and not (summary.is_by_hand or summary.said.is_touched):
        # Who stores chapters or reads a state has no drive to divide: it would be a part of each cold start.
        from shared.domain.log.dividing import part_of

        return replace(part_of(summary, found.began_at, found.ended_at, trip_id), settled=found)
    return replace(summary, trip_ids=(trip_id,), settled=found)
