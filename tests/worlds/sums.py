"""What a car's odometer went between its first and its last reading, beside what its log has for that."""

from collections.abc import Sequence
from typing import NamedTuple

from tests.worlds import tolerances as tol
from tests.worlds.cloud import Told
from tests.worlds.evidence import Evidence
from tests.worlds.log import Gap, Trip
from tests.worlds.matching import Matched
from tests.worlds.plan import seconds
from tests.worlds.playing import Run


class Sum(NamedTuple):
    """Metres by odometer, in trips (without what they show beyond their stretch) and in gaps; `off_m` is tolerated."""

    driven_m: float
    trips_m: float
    gaps_m: float
    off_m: float

    @property
    def text(self) -> str:
        """For people."""
        driven, trips, gaps = (f"{m / 1000:.1f}" for m in (self.driven_m, self.trips_m, self.gaps_m))
        return f"{driven} km by odometer, {trips} in trips, {gaps} in gaps"


def sum_of(run: Run, evidence: Evidence, matched: Matched, car: str) -> Sum | None:
    """That of a car between the first and the last true reading of it while it stood.

    None where there are no two of them, or where a trip reaches out of that time: nobody knows its share.
    """
    readings = evidence.standing_readings(car)
    if len(readings) < 2:
        return None
    first, last = readings[0], readings[-1]
    trips = [trip for trip in run.log.trips if trip.car == car]
    sides = [_side(trip, matched, first, last) for trip in trips]
    if "across" in sides:
        return None
    inside = [trip for trip, side in zip(trips, sides, strict=True) if side == "inside"]
    gaps = [_inside_m(gap, first, last) for gap in run.log.gaps if gap.car == car]
    rows = len(inside) + len(gaps)
    return Sum(
        driven_m=1000 * (last.answer.odometer_km - first.answer.odometer_km),
        trips_m=1000 * sum(trip.km - trip.excess_km for trip in inside),
        gaps_m=sum(gaps),
        off_m=tol.ROUNDED_M + tol.ROUNDED_ROW_M * rows + evidence.hidden_m(car),
    )


def _side(trip: Trip, matched: Matched, first: Told, last: Told) -> str:
    """Whether a trip lies between two readings, by the drives that it stands for, else by its own times."""
    spans: list[tuple[float, float]] = [(drive.begins_s, drive.ends_s) for drive in matched.drives_of(trip)]
    spans = spans or [(seconds(trip.start), seconds(trip.end))]
    found: Sequence[bool] = [
        first.measured_s <= begins_s + tol.OVERLAP_S and ends_s - tol.OVERLAP_S <= last.measured_s
        for begins_s, ends_s in spans
    ]
    return "inside" if all(found) else "across" if any(found) else "outside"


def _inside_m(gap: Gap, first: Told, last: Told) -> float:
    """The part of a gap between two readings, by the odometer, else whole by its time."""
    if gap.km > 0 and gap.from_km is not None and gap.to_km is not None:
        from_km, to_km = max(gap.from_km, first.answer.odometer_km), min(gap.to_km, last.answer.odometer_km)
        return 1000 * max(to_km - from_km, 0.0)
    until_s = seconds(gap.until) if gap.until else 0.0
    return 1000 * gap.km if first.measured_s <= until_s <= last.measured_s + tol.PHONE_OFF_S else 0.0
