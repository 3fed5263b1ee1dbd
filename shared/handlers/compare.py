"""Answers whether a car's log adds up to its odometer."""

from typing import Any

from flask import Request

from shared.domain import fitting
from shared.domain.car.odometer import Reading, source_view
from shared.domain.driver import Caller
from shared.domain.log.gap_row import GapRow
from shared.domain.log.trip import shown_km
from shared.handlers import fields
from shared.handlers.fields import zulu
from shared.services.comparison import compare


def show(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """The comparison of one car, the default one if none is named, else of the trips without a car."""
    year = fields.whole(request, "year", fitting.YEARS)
    found = compare(caller.account, fields.query_car_id(request), year)
    result, readings = found.result, [_reading(reading) for reading in found.readings]
    return {
        "user": caller.account.email,
        "car_id": found.car_id,
        "start_odometer_km": result.start_odometer_km,
        "comparison": {
            "actual_odometer_km": result.actual_odometer_km,
            "calculated_km": result.calculated_km,
            "difference_km": result.difference_km,
            "difference_percent": result.difference_percent,
            "status": result.status,
            "reading_at": readings[0]["at"] if readings else None,
        },
        "closed": result.closed,
        "gaps": [_gap(gap) for gap in found.gaps],
        "timeline": result.timeline,
        "odometer_readings": readings,
        "warnings": found.warnings,
    }, 200


def _reading(reading: Reading) -> dict[str, Any]:
    return {"at": zulu(reading.at), "odometer_km": reading.km, "source": source_view(reading)}


def _gap(gap: GapRow) -> dict[str, Any]:
    return {
        "after_trip": gap.after_trip,
        "before_trip": gap.before_trip,
        "from_odometer_km": shown_km(gap.from_m),
        "to_odometer_km": shown_km(gap.to_m),
        "missing_km": gap.missing_km,
        "from": zulu(gap.since),
        "until": zulu(gap.until),
    }
