"""Owns how a trip is told outside, to callers and in its history: by the names that the API has, in JSON values."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from shared.domain.log.summary import Said
from shared.domain.log.trip import Trip

INTERNAL = ("timezone", "year", "month", "gps_km", "from_m", "to_m", "set_on_m", "summary")


def trip_view(trip: Trip) -> dict[str, Any]:
    """A trip as callers see it: its own times in its time zone."""
    view: dict[str, Any] = msgspec.to_builtins(trip)
    view |= {name: local(getattr(trip, name), trip.timezone) for name in ("started_at", "ended_at")}
    view |= {name: zulu(getattr(trip, name)) for name in ("created_at", "updated_at")}
    return {name: value for name, value in view.items() if name not in INTERNAL}


def trip_facts(trip: Trip) -> dict[str, Any]:
    """A trip as its history tells it: with its drive and what its driver said of that, from which it follows; its route
    lies in the record of the drive."""
    told = {"drive": trip.summary.id, "said": _said(trip.summary.said)} if trip.summary else {}
    return {name: value for name, value in trip_view(trip).items() if name != "route"} | told


def _said(said: Said) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(said)
    return plain


def local(at: datetime, timezone: str) -> str:
    """A moment in ISO 8601 with the offset of a time zone, to the second."""
    return at.astimezone(ZoneInfo(timezone)).isoformat(timespec="seconds")


def zulu(at: datetime) -> str:
    """A moment in ISO 8601 in UTC with a Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
