"""Owns how a trip is told outside, to callers and in its history: by the names that the API has, in JSON values."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from shared.domain.log.trip import Trip

# What there is to know of a drive that its driver deleted: it is never divided, so its silences say nothing more.
OF_DRIVE = (
    "id", "began_at", "ended_at", "trail", "default_car_id", "car_id", "is_stray", "begun", "ended", "is_by_hand",
    "moved", "driver", "pieces",
)  # fmt: skip
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
    view = {name: value for name, value in trip_view(trip).items() if name != "route"}
    if trip.summary is None:
        return view
    drive = {name: getattr(trip.summary, name) for name in OF_DRIVE}
    told = {"drive": {**drive, "since": trip.started_at, "until": trip.ended_at}, "said": trip.summary.said}
    plain: dict[str, Any] = msgspec.to_builtins(told)
    return view | plain


def local(at: datetime, timezone: str) -> str:
    """A moment in ISO 8601 with the offset of a time zone, to the second."""
    return at.astimezone(ZoneInfo(timezone)).isoformat(timespec="seconds")


def zulu(at: datetime) -> str:
    """A moment in ISO 8601 in UTC with a Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
