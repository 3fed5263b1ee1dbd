"""Owns how sums and readings look in answers; for trips see shared.domain.log.shown."""

from typing import Any

import msgspec

from shared.domain.car.car import Car
from shared.domain.car.odometer import Reading
from shared.domain.log.gap_row import GapRow
from shared.domain.log.sums import Sums
from shared.domain.log.trip import shown_km
from shared.handlers.fields import local

CREDENTIALS_OF_CAR = ("login_refusals", "credentials_set_at")


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


def car_view(car: Car, is_default: bool) -> dict[str, Any]:
    """A car as callers see it, without what its credentials are about."""
    view = {name: value for name, value in msgspec.structs.asdict(car).items() if name not in CREDENTIALS_OF_CAR}
    return {**view, "default": is_default}


def log_sums_view(sums: Sums) -> dict[str, Any]:
    """Sums over all rows of a log, in km; `pending` are the trips that wait for their odometer."""
    gaps = {"gap_km": sums.gap_m, "explained_km": sums.explained_m, "explained_business_km": sums.explained_business_m}
    shown = {name: metres / 1000 for name, metres in {**gaps, "excess_km": sums.excess_m}.items()}
    return {**sums_view(sums), **shown, "pending": sums.pending}


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
