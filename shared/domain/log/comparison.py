"""Owns the check of a car's log against its odometer: difference, gaps, timeline. Limits marked ours are no law."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from shared.domain.car.odometer import Reading
from shared.domain.log.trip import Sums, Trip, km

WARN_PERCENT = 2.0  # ours
WARN_GAP_KM = 1.0  # ours
ComparisonStatus = Literal["ok", "warning", "no_reading"]
CLOSED_GAP_KM = 0.5  # ours: what an odometer without decimals can hide


class Month(msgspec.Struct, frozen=True):
    """The sums of one month, `name` as yyyy-mm."""

    name: str
    sums: Sums


class Comparison(msgspec.Struct, frozen=True):
    """The log of one car held against its odometer, in km."""

    start_odometer_km: float | None
    actual_odometer_km: float | None
    calculated_km: float | None
    difference_km: float | None
    difference_percent: float | None
    status: ComparisonStatus
    closed: bool
    timeline: list[dict[str, Any]]


def compared(
    start_km: float | None, latest: Reading | None, months: Sequence[Month], gaps: Sequence[Trip]
) -> Comparison:
    """Holds start odometer plus logged distance against the newest reading. `gaps` are the trips with one before."""
    driven_km = sum(month.sums.total_m for month in months) / 1000
    calculated_km = None if start_km is None else km(start_km + driven_km)
    difference_km = percent = None
    if latest and calculated_km is not None:
        difference_km = km(latest.km - calculated_km)
        percent = round(100 * difference_km / latest.km, 2)
    wide = any(abs(trip.gap_before_km) > WARN_GAP_KM for trip in gaps)
    actual_km = (latest.km - start_km) if latest and start_km is not None else 0.0
    off = difference_km is not None and abs(difference_km) > max(actual_km, 0.0) * WARN_PERCENT / 100
    no_reading = latest is None or start_km is None
    return Comparison(
        start_odometer_km=start_km,
        actual_odometer_km=latest.km if latest else None,
        calculated_km=calculated_km,
        difference_km=difference_km,
        difference_percent=percent,
        status="no_reading" if no_reading else "warning" if wide or off else "ok",
        closed=all(0 <= trip.gap_before_km <= CLOSED_GAP_KM for trip in gaps),
        timeline=_timeline(start_km or 0.0, months),
    )


def _timeline(start_km: float, months: Sequence[Month]) -> list[dict[str, Any]]:
    lines, total_m = [], 0
    for month in months:
        total_m += month.sums.total_m
        lines.append(
            {
                "month": month.name,
                "trip_count": month.sums.trip_count,
                "distance_km": month.sums.total_m / 1000,
                "cumulative_km": km(start_km + total_m / 1000),
            }
        )
    return lines
