"""Owns how a trip is stored: as the fields of its row, and what the book knows of its drive as one text.

For that has lists in lists, which Firestore takes none of, and nobody asks for a part of it.
"""

from typing import Any

import msgspec
from msgspec.structs import replace

from shared.domain.log.summary import Summary
from shared.domain.log.trip import Trip
from shared.repositories.documents import from_document, to_document


def trip_document(trip: Trip) -> dict[str, Any]:
    """The fields of a trip as they are stored."""
    summary = msgspec.json.encode(trip.summary).decode() if trip.summary else None
    return {**to_document(replace(trip, summary=None)), "summary": summary}


def trip_of(fields: dict[str, Any]) -> Trip:
    """The trip that a document holds."""
    trip = from_document({**fields, "summary": None}, Trip)
    text = fields.get("summary")
    return replace(trip, summary=msgspec.json.decode(text, type=Summary)) if text else trip
