"""Owns what there is to tell of the drive going on, while it does."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from shared.domain.car.belief import believed
from shared.domain.car.odometer import Reading
from shared.domain.log.trip import km
from shared.domain.place.trail import trail_distance_km
from shared.domain.thresholds import Rules
from shared.domain.tracking.ending import gone_on_since
from shared.domain.tracking.state import UNKNOWN_CAR, DriverState, GoingOn, Phase, leg_of


class SoFar(NamedTuple):
    """The drive going on by now: its car, how far it has gone in km, the newest odometer, how many fixes there are."""

    car_id: str | None
    phase: Phase
    started_at: datetime
    distance_km: float
    reading: Reading | None
    points: int


def so_far(state: DriverState, drive: GoingOn, rules: Rules) -> SoFar:
    """What is known of the drive going on."""
    leg, car_id = leg_of(state, rules), None if drive.car_id == UNKNOWN_CAR else drive.car_id
    readings = _believed(state, car_id or "")
    last = (drive.last,) if drive.last else ()
    gps_km = drive.km + trail_distance_km((*last, *state.events))
    went_on = leg and leg.phase == "paused" and gone_on_since(state, drive, leg.last_at)
    return SoFar(
        car_id=car_id,
        phase="driving" if went_on or not leg else leg.phase,
        started_at=drive.started_at,
        distance_km=_gone_km(readings, drive.started_at, gps_km),
        reading=readings[-1] if readings else None,
        points=drive.points + sum(1 for heard in state.events if heard.position and not heard.is_end),
    )


def _believed(state: DriverState, car_id: str) -> list[Reading]:
    """What is believed of a car's odometer since it was another one."""
    series = believed(state.known_readings(car_id)).series
    return [*series[-1]] if series else []


def _gone_km(readings: Sequence[Reading], started_at: datetime, gps_km: float) -> float:
    """By odometer since the last reading before it began, or by GPS where that says more."""
    since = [reading for reading in readings if reading.at <= started_at][-1:] or list(readings[:1])
    return km(max([gps_km, *(readings[-1].km - reading.km for reading in since)]))
