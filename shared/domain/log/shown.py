"""Owns how a trip is told outside, to callers and in its history: by the names that the API has, in JSON values."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from shared.domain.log.gap_row import GapRow
from shared.domain.log.sums import Sums
from shared.domain.log.tiling import Row
from shared.domain.log.trip import Trip, shown_km

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


def gap_view(gap: GapRow) -> dict[str, Any]:
    """A gap as callers see it: its times in its time zone."""
    return {
        "row": "gap",
        "id": gap.id,
        "from_odometer_km": shown_km(gap.from_m),
        "to_odometer_km": shown_km(gap.to_m),
        "missing_km": gap.missing_km,
        "since": local(gap.since, gap.timezone),
        "until": local(gap.until, gap.timezone),
        "explained_as": gap.explained_as,
        "reason": gap.reason,
        "business_km": gap.business_km,
        "revision": gap.revision,
    }


def row_view(row: Row) -> dict[str, Any]:
    """A row of a log as callers see it, a trip or a gap. Where the car got another odometer before it, `set_on_km` is
    how far that was set on."""
    view = gap_view(row) if isinstance(row, GapRow) else {"row": "trip", **trip_view(row)}
    return {**view, "set_on_km": row.set_on_m / 1000} if row.set_on_m else view


def log_sums_view(sums: Sums) -> dict[str, Any]:
    """Sums over all rows of a log, in km; `pending` are the trips that wait for their odometer."""
    gaps = {"gap_km": sums.gap_m, "explained_km": sums.explained_m, "explained_business_km": sums.explained_business_m}
    shown = {name: metres / 1000 for name, metres in {**gaps, "excess_km": sums.excess_m}.items()}
    return {**sums_view(sums), **shown, "pending": sums.pending}


def sums_view(sums: Sums) -> dict[str, Any]:
    """Sums over trips, in km."""
    return {
        "trip_count": sums.trip_count,
        "total_km": sums.total_m / 1000,
        "business_km": sums.business_m / 1000,
        "private_km": sums.private_m / 1000,
        "unclassified_km": sums.unclassified_m / 1000,
    }


def local(at: datetime, timezone: str) -> str:
    """A moment in ISO 8601 with the offset of a time zone, to the second."""
    return at.astimezone(ZoneInfo(timezone)).isoformat(timespec="seconds")


def zulu(at: datetime) -> str:
    """A moment in ISO 8601 in UTC with a Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
