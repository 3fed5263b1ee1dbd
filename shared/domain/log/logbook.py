"""Owns a car's log as it is read: trips and gaps in one list, oldest first, page by page."""

from collections.abc import Sequence
from datetime import datetime
from heapq import merge
from typing import NamedTuple

from msgspec.structs import replace

from shared.domain.log.gap_row import GapRow
from shared.domain.log.gap_rows import row_of
from shared.domain.log.outlines import GapOutline
from shared.domain.log.tiling import Row
from shared.domain.log.trip import Trip

OPEN = "open-"  # before a car's id: the id of the gap behind its last finished drive, which is not stored


class Position(NamedTuple):
    """How far a log was read: the times and the ids of the last trip and of the last gap, each None if none was."""

    trip: tuple[datetime, str] | None = None
    gap: tuple[datetime, str] | None = None


def page_of(
    trips: Sequence[Trip], gaps: Sequence[GapRow], behind: GapRow | None, limit: int, after: Position
) -> tuple[list[Row], Position | None]:
    """At most so many rows, oldest first, and from where the next page goes on; None where this is the last one.

    Trips and gaps are those after a position, each by time: one more than the limit of both if there are so many.
    `behind` comes after all of them.
    """
    sorts: tuple[Sequence[Row], Sequence[Row]] = trips, gaps
    last = [behind] if behind and len(trips) <= limit and len(gaps) <= limit else []
    rows = [*merge(*sorts, key=_order), *last]
    taken = rows[:limit]
    return taken, _position(taken, after) if len(rows) > limit else None


def row_behind(
    user: str, car_id: str, timezone: str, stretch: tuple[int, int], since: datetime, until: datetime
) -> GapRow:
    """What lies behind a car's last finished drive, as a gap: its stretch of the odometer in metres, and its time."""
    row = row_of(user, car_id, GapOutline(*stretch, since, until), timezone, since)
    return replace(row, id=f"{OPEN}{car_id}", updated_at=until)


def is_of(row: Row, year: int | None, month: int | None) -> bool:
    """Whether a row counts for a year and a month; each of them is any where it is None."""
    return year in (None, row.year) and month in (None, row.month)


def _order(row: Row) -> tuple[datetime, int, str]:
    """By time; of rows that begin at one moment, that comes first which lies lower on the odometer."""
    began_at = row.since if isinstance(row, GapRow) else row.started_at
    return began_at, -1 if row.from_m is None else row.from_m, row.id


def _position(rows: Sequence[Row], after: Position) -> Position:
    trips = [(row.started_at, row.id) for row in rows if isinstance(row, Trip)]
    gaps = [(row.since, row.id) for row in rows if isinstance(row, GapRow)]
    return Position(trips[-1] if trips else after.trip, gaps[-1] if gaps else after.gap)
