"""Owns what a caller sends to go on in a list: text to them, times and ids of rows to us."""

import base64
import binascii
import re
from datetime import datetime

from shared.domain.car.odometer import READING_ID, KeptReading
from shared.domain.fitting import Unfit, moment
from shared.domain.log.gap_row import GAP_ID
from shared.domain.log.history import Entry
from shared.domain.log.logbook import Position
from shared.domain.log.trip import TRIP_ID, Trip
from shared.handlers.problems import bad

ENTRY = re.compile(r"[0-9]{1,8}")
NONE = "-"
NO_ROW = f"{NONE} {NONE}"  # where no trip, or no gap, was read yet


def cursor_of(trip: Trip) -> str:
    """What a caller sends to go on after a trip, newest first."""
    return _cursor(trip.started_at, trip.id)


def position_of(cursor: str | None) -> tuple[datetime, str] | None:
    """The start and the id of the trip that a cursor stands for. Raises 400."""
    return _position(cursor, TRIP_ID)


def reading_cursor(kept: KeptReading) -> str:
    """What a caller sends to go on after a reading, newest first."""
    return _cursor(kept.reading.at, kept.id)


def position_in_readings(cursor: str | None) -> tuple[datetime, str] | None:
    """When the reading that a cursor stands for was measured, and its id. Raises 400."""
    return _position(cursor, READING_ID)


def _cursor(at: datetime, row_id: str) -> str:
    return _encoded(f"{at.isoformat()} {row_id}")


def _position(cursor: str | None, ids: re.Pattern[str]) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    try:
        at, row_id = _decoded(cursor).split(" ")
        return _row(at, row_id, ids)
    except (binascii.Error, ValueError, Unfit) as error:
        raise bad("cursor", "is not one of ours") from error


def log_cursor_of(position: Position) -> str:
    """What a caller sends to go on in the rows of a log, oldest first."""
    return _encoded(" ".join(f"{row[0].isoformat()} {row[1]}" if row else NO_ROW for row in position))


def log_position_of(cursor: str | None) -> Position:
    """How far a log was read by a cursor; nothing without one. Raises 400."""
    if cursor is None:
        return Position()
    try:
        trip_at, trip_id, gap_at, gap_id = _decoded(cursor).split(" ")
        trip = _row(trip_at, trip_id, TRIP_ID) if trip_at != NONE else None
        return Position(trip, _row(gap_at, gap_id, GAP_ID) if gap_at != NONE else None)
    except (binascii.Error, ValueError, Unfit) as error:
        raise bad("cursor", "is not one of ours") from error


def entry_cursor(entry: Entry) -> str:
    """What a caller sends to go on after an entry of the history."""
    return _encoded(str(entry.n))


def entry_number(cursor: str | None) -> int:
    """The number of the entry that a cursor stands for; 0 without one. Raises 400."""
    if cursor is None:
        return 0
    try:
        return int(ENTRY.fullmatch(_decoded(cursor))[0])  # type: ignore[index]  # no match is a TypeError
    except (binascii.Error, ValueError, TypeError) as error:
        raise bad("cursor", "is not one of ours") from error


def _row(at: str, row_id: str, form: re.Pattern[str]) -> tuple[datetime, str]:
    if not form.fullmatch(row_id):
        raise ValueError("no id of a row")
    return moment(at, "cursor", "UTC"), row_id


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decoded(cursor: str) -> str:
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
