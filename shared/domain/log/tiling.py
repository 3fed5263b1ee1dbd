"""Owns the rule that the rows of a car tile its odometer: without a hole, without an overlap, to the metre."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from shared.domain.log.gap_row import GapRow
from shared.domain.log.trip import Trip, km, shown_km

Row = Trip | GapRow


class NotTiled(Exception):
    """Rows that were to be stored do not tile the odometer. That is a bug, and nothing of it may be stored."""


def along(row: Row) -> tuple[datetime, int, int, bool]:
    """Orders the rows of a car by time, and those of one moment along the odometer; of alike ones, without a length,
    the one first before which it was set on."""
    at = row.since if isinstance(row, GapRow) else row.started_at
    return at, row.from_m or 0, row.to_m or 0, not row.set_on_m


def why_not_tiled(rows: Sequence[Row]) -> str | None:
    """What is wrong with rows of a car, in their order along its odometer; None where nothing is."""
    for row in rows:
        if why := why_not_sound(row):
            return why
    for before, row in pairwise(rows):
        begins_m = (before.to_m or 0) + row.set_on_m
        if row.from_m != begins_m:
            return f"{row.id} begins at {row.from_m} m and not at {begins_m} m, where {before.id} ends"
    return None


def why_not_sound(row: Row) -> str | None:
    """What is wrong with a row by itself, which has a stretch of the odometer; None where nothing is."""
    if row.from_m is None or row.to_m is None or row.from_m > row.to_m:
        return f"{row.id} has no stretch of the odometer: from {row.from_m} m to {row.to_m} m"
    if isinstance(row, GapRow):
        return None if 0 <= row.business_m <= row.missing_m else f"{row.id} has {row.business_m} m of business"
    if row.excess_km < 0:
        return f"{row.id} shows less than its stretch of the odometer"
    due_km = km(shown_km(row.to_m) - shown_km(row.from_m) + row.excess_km)
    return None if km(row.distance_km) == due_km else f"{row.id} shows {row.distance_km} km and not {due_km} km"
