"""Owns what of a log is settled: no news of phone or car changes it any more, only what its driver says."""

from datetime import datetime

from shared.domain.log.gap_row import GapRow
from shared.domain.log.tiling import Row
from shared.domain.log.trip import Trip
from shared.domain.tracking.state import DriverState


def is_settled(state: DriverState, car_id: str, moment: datetime) -> bool:
    """Whether a moment lies before what is open of the log of a car."""
    start = state.of_car(car_id).start
    return start is not None and not start.is_said and moment <= start.at


def is_told(state: DriverState, trip: Trip) -> bool:
    """Whether the state remembers the drive of a trip."""
    return any(trip.id in one.trip_ids for one in state.told)


def has_history(state: DriverState, row: Row) -> bool:
    """Whether every change of a row is told: from when it is settled, or its driver first said something of it."""
    if isinstance(row, GapRow):
        return row.explained_as is not None or is_settled(state, row.car_id, row.until)
    is_touched = row.source == "manual" or bool(row.set_by_hand) or (row.summary and row.summary.said.is_touched)
    return is_touched or (is_settled(state, row.car_id, row.ended_at) if row.car_id else not is_told(state, row))
