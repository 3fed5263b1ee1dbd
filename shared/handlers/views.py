"""Owns how trips and sums look in answers."""

from typing import Any

import msgspec

from shared.domain.car.odometer import Reading
from shared.domain.log.sums import Sums
from shared.domain.log.trip import Trip
from shared.handlers.fields import local, zulu

INTERNAL = ("timezone", "year", "month", "gap", "gps_km", "from_m", "to_m", "summary")


def trip_view(trip: Trip) -> dict[str, Any]:
    """A trip as callers see it: its own times in its time zone."""
    view: dict[str, Any] = msgspec.to_builtins(trip)
    view |= {name: local(getattr(trip, name), trip.timezone) for name in ("started_at", "ended_at")}
    view |= {name: zulu(getattr(trip, name)) for name in ("created_at", "updated_at")}
    return {name: value for name, value in view.items() if name not in INTERNAL}


def sums_view(sums: Sums) -> dict[str, Any]:
    """Sums in km."""
    return {
        "trip_count": sums.trip_count,
        "total_km": sums.total_m / 1000,
        "business_km": sums.business_m / 1000,
        "private_km": sums.private_m / 1000,
        "unclassified_km": sums.unclassified_m / 1000,
    }


def source_view(reading: Reading) -> str:
    """Who said what an odometer showed."""
    return "car" if reading.source == "car" else "manual"
