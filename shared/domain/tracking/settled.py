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


def is_open(state: DriverState, row: Row) -> bool:
    """Whether a row of a car may still change by what phone or car say."""
    if isinstance(row, Trip) and (row.from_m is None or is_told(state, row)):
        return is_told(state, row)
    return row.car_id is None or not is_settled(state, row.car_id, _ends_at(row))


def has_history(state: DriverState, former: Row | None, row: Row | None) -> bool:
    """Whether a change of a row is told: from when it is settled, or its driver first said something of it. Neither is
    so of a new trip in no car."""
    rows = [one for one in (former, row) if one]
    return any(map(_is_touched, rows)) or any(_is_settled(state, one, is_new=former is None) for one in rows)


def _is_touched(row: Row) -> bool:
    if isinstance(row, GapRow):
        return row.is_touched or row.explained_as is not None
    return row.source == "manual" or bool(row.set_by_hand) or bool(row.summary and row.summary.said.is_touched)


def _is_settled(state: DriverState, row: Row, *, is_new: bool) -> bool:
    if row.car_id:
        return is_settled(state, row.car_id, _ends_at(row))
    return not is_new and isinstance(row, Trip) and not is_told(state, row)


def _ends_at(row: Row) -> datetime:
    return row.until if isinstance(row, GapRow) else row.ended_at
