"""Owns what a caller sends to go on in a list, newest first: text to them, a moment and an id to us."""

import base64
import binascii
import re
from datetime import datetime

from shared.domain.car.odometer import READING_ID, KeptReading
from shared.domain.fitting import Unfit, moment
from shared.domain.log.trip import TRIP_ID, Trip
from shared.handlers.problems import bad


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
    return base64.urlsafe_b64encode(f"{at.isoformat()} {row_id}".encode()).decode().rstrip("=")


def _position(cursor: str | None, ids: re.Pattern[str]) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        at, row_id = text.split(" ")
        if not ids.fullmatch(row_id):
            raise ValueError("no id of ours")
        return moment(at, "cursor", "UTC"), row_id
    except (binascii.Error, ValueError, Unfit) as error:
        raise bad("cursor", "is not one of ours") from error
