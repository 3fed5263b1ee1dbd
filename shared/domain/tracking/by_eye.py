"""Owns what an odometer that a driver read by eye means for the state. Whether it is believed is decided before."""

from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.tracking.machine import Outcome, Settlement
from shared.domain.tracking.state import KEPT_READINGS, Parked, TripState


def seen_by_eye(state: TripState, car_id: str, reading: Reading) -> Outcome:
    """The state that knows the reading where it is the car's newest, and the trip that waited for it.

    Of the trip going on it is a reading like the car's own; else it is where the car stands. An older one than those
    that are remembered changes nothing here: it is for the history alone.
    """
    parked = state.parked.get(car_id)
    last = parked.last if parked else None
    if parked and (reading.at < parked.ended_at or (last and reading.at < last.at)):
        return Outcome(state=state)
    if state.active and state.car_id == car_id and not (last and reading.at == last.at):
        others = [other for other in state.readings if other.at != reading.at]
        readings = sorted((*others, reading), key=lambda other: other.at)
        # The first stays: it may be the start odometer.
        return Outcome(state=replace(state, readings=(*readings[:1], *readings[1:][-(KEPT_READINGS - 1) :])))
    settlement = Settlement(parked.trip_id, reading) if parked and parked.pending_since and parked.trip_id else None
    stands = replace(parked, last=reading, pending_since=None) if parked else Parked(reading.at, last=reading)
    return Outcome(state=replace(state, parked={**state.parked, car_id: stands}), settlement=settlement)
