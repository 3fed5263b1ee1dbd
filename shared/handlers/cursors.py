"""Owns what a caller sends to go on in a list of trips, newest first: text to them, start and id of a trip to us."""

import base64
import binascii
from datetime import datetime

from shared.domain.fitting import Unfit, moment
from shared.domain.log.trip import TRIP_ID, Trip
from shared.handlers.problems import bad


def cursor_of(trip: Trip) -> str:
    """What a caller sends to go on after a trip, newest first."""
    return base64.urlsafe_b64encode(f"{trip.started_at.isoformat()} {trip.id}".encode()).decode().rstrip("=")


def position_of(cursor: str | None) -> tuple[datetime, str] | None:
    """The start and the id of the trip that a cursor stands for. Raises 400."""
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        at, trip_id = text.split(" ")
        if not TRIP_ID.fullmatch(trip_id):
            raise ValueError("no id of a trip")
        return moment(at, "cursor", "UTC"), trip_id
    except (binascii.Error, ValueError, Unfit) as error:
        raise bad("cursor", "is not one of ours") from error
