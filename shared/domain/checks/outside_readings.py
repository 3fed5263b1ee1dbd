"""17: what garages, inspections and chargers wrote down fits the log."""

from bisect import bisect_left, bisect_right
from datetime import datetime

from shared.domain.car.odometer import KeptReading
from shared.domain.checks.check import NOT_APPLICABLE, Check, Outcome, Text, unless
from shared.domain.checks.examined import Examined
from shared.domain.log.gap_row import GapRow
from shared.domain.log.tiling import Row
from shared.domain.thresholds import OUTSIDE_WITHIN_KM

OUTSIDE = ("garage", "inspection", "charging")


def outcome(examined: Examined) -> Outcome:
    """Fails where such a reading, believed or not, is off what the rows of its moment allow.

    While a car stands, that is one odometer. While it drives, or nobody saw it, it is all from begin to end.
    """
    log = examined.log
    told = [kept for kept in log.readings if kept.reading.source in OUTSIDE and kept.standing != "withdrawn"]
    placed = [row for row in examined.following if row.from_m is not None and row.to_m is not None]
    if not told or not placed:
        return NOT_APPLICABLE
    off = (kept.id for kept in told if _off_km(kept, placed) > OUTSIDE_WITHIN_KM)
    return unless(off, "fails", ADVICE, limit_km=round(OUTSIDE_WITHIN_KM))


def _off_km(kept: KeptReading, rows: list[Row]) -> float:
    """How far a reading is off what the rows allow at its moment, or at any of those that it can be from."""
    reading = kept.reading
    allowed_m = (_least_m(reading.since or reading.at, rows), _most_m(reading.at, rows))
    below_km = min(allowed_m) / 1000 - (reading.km + reading.resolution_km)
    return max(below_km, reading.km - max(allowed_m) / 1000, 0.0)


def _least_m(at: datetime, rows: list[Row]) -> int:
    """Where the odometer was at least, in metres; nobody knows where it was before the first row."""
    if at < _since(rows[0]):
        return 0
    n = bisect_left(rows, at, key=_until)
    return rows[n].from_m or 0 if n < len(rows) else rows[-1].to_m or 0


def _most_m(at: datetime, rows: list[Row]) -> int:
    n = bisect_right(rows, at, key=_since)
    return rows[n - 1].to_m or 0 if n else rows[0].from_m or 0


def _since(row: Row) -> datetime:
    return row.since if isinstance(row, GapRow) else row.started_at


def _until(row: Row) -> datetime:
    return row.until if isinstance(row, GapRow) else row.ended_at


ADVICE = Text(
    "Deze standen ({count}) van garage, keuring of laadpaal wijken meer dan {limit_km} km af van je ritten. Kijk de"
    " stand en de datum op het papier na, en de ritten van die dag. De grens van {limit_km} km is van ons.",
    "These odometers ({count}) of a garage, an inspection or a charger are more than {limit_km} km off your trips. Look"
    " at odometer and date on the paper, and at the trips of that day. The limit of {limit_km} km is ours.",
)
CHECK = Check(
    17,
    "law",
    Text("Standen van garage, keuring en laadpaal passen", "Odometers of garage, inspection and charger fit"),
    outcome,
)
