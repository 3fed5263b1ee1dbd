"""Owns the gap between two trips of a car: the kilometres between where one ended and where the next began."""

from msgspec.structs import replace

from shared.domain.log.rows import Rows
from shared.domain.log.trip import Gap, Trip, end_odometer_km, km


def linked(trip: Trip, previous: Trip | None) -> Trip:
    """The trip with the gap between the end of the one before on the same car and its own start.

    A negative gap is an overlap: the odometers of the two contradict each other.
    """
    left_at_km = None if previous is None else end_odometer_km(previous)
    if previous is None or left_at_km is None or trip.start_odometer_km is None or trip.car_id is None:
        return replace(trip, gap=None, gap_before_km=0.0)
    gap_km = km(trip.start_odometer_km - left_at_km)
    gap = Gap(previous.id, left_at_km, previous.ended_at) if gap_km else None
    return replace(trip, gap=gap, gap_before_km=gap_km)


def relink(rows: Rows, old: Trip | None, new: Trip | None) -> None:
    """Puts a trip in, changed or taken out, with the gaps that follow from it: its own and its neighbours'."""
    if new:
        rows.put(new)
        rows.put(linked(new, rows.before(new.car_id, new.started_at)))
    elif old:
        rows.drop(old)
    for car_id, started_at in sorted({(trip.car_id, trip.started_at) for trip in (old, new) if trip}, key=str):
        if following := rows.after(car_id, started_at):
            link(rows, following)


def link(rows: Rows, trip: Trip) -> None:
    """The gap before a trip, as it follows from the one before by now."""
    changed = linked(trip, rows.before(trip.car_id, trip.started_at))
    if changed != trip:
        rows.put(changed)
