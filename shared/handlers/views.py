"""Owns how sums and readings look in answers; for trips see shared.domain.log.shown."""

from typing import Any

from shared.domain.car.odometer import Reading
from shared.domain.log.trip import Sums


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
