"""Owns what is remembered of one driver between two events: the trip going on, and where each car was last parked.

The phase of a trip is not stored but follows from the phone's events in the order of their own times. So it
cannot depend on the order in which they arrive.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from shared.domain.car.asking import Asking
from shared.domain.car.odometer import Reading
from shared.domain.place.trail import Fix
from shared.domain.thresholds import Rules

Phase = Literal["driving", "ending", "paused"]

TRAIL_BLOCK = 100  # fixes moved out of the state at a time
KEPT_FIXES = 10  # the newest, which stay when a block is moved
KEPT_READINGS = 60
KEPT_ENDS = 20


class End(Fix, frozen=True, omit_defaults=True):
    """The phone left the car; `paused` if that was at a place of kind pause."""

    paused: bool = False


class Parked(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a car since its last trip: the trip, its end, the last believed reading.

    `begun_at` is where that trip begins as far as it is known, and `free_since` the end of the one before.
    """

    ended_at: datetime
    trip_id: str | None = None
    last: Reading | None = None
    pending_since: datetime | None = None
    begun_at: datetime | None = None
    free_since: datetime | None = None


class Unaddressed(msgspec.Struct, frozen=True, omit_defaults=True):
    """Ids of trips whose addresses are still to be found; not before `retry_at`, which grows with the failures."""

    trips: tuple[str, ...] = ()
    failures: int = 0
    retry_at: datetime | None = None

    def due_at(self, now: datetime) -> datetime | None:
        """When they are looked up next; None where there are none."""
        if not self.trips:
            return None
        return max(now, self.retry_at) if self.retry_at else now


class Leg(msgspec.Struct):
    """A trip as far as the phone tells: from the first start to an end that no start followed in time."""

    started_at: datetime
    last_at: datetime
    car_id: str | None = None
    ended_at: datetime | None = None
    paused: bool = False

    @property
    def phase(self) -> Phase:
        """Ending once the phone left the car, paused at a place of kind pause, driving otherwise."""
        if self.ended_at:
            return "ending"
        return "paused" if self.paused else "driving"


class TripState(msgspec.Struct, frozen=True, kw_only=True):
    """One driver's memory; times are aware UTC. Without a trip going on `active` is false and most of it is empty."""

    active: bool = False
    started_at: datetime | None = None
    car_id: str | None = None
    fixes: tuple[Fix, ...] = ()
    ends: tuple[End, ...] = ()
    trail_blocks: int = 0
    trail_fixes: int = 0
    trail_km: float = 0.0
    trail_last: Fix | None = None
    readings: tuple[Reading, ...] = ()
    rejected: int = 0
    heard_at: datetime | None = None
    failures: int = 0
    polls_after_end: int = 0
    car_retry_at: datetime | None = None
    next_poll_at: datetime | None = None
    closed_until: datetime | None = None
    parked: dict[str, Parked] = {}
    log_changes: int = 0
    unaddressed: Unaddressed = Unaddressed()
    asking: Asking = Asking()

    def known_readings(self, car_id: str) -> tuple[Reading, ...]:
        """The believed readings of the car by time, from its last parked one."""
        parked = self.parked.get(car_id)
        last = (parked.last,) if parked and parked.last else ()
        return last + (self.readings if self.car_id == car_id else ())

    @property
    def pending_car_id(self) -> str | None:
        """The car whose last trip still waits for its end odometer while nothing is going on."""
        waiting = [(parked.ended_at, car_id) for car_id, parked in self.parked.items() if parked.pending_since]
        return max(waiting)[1] if waiting and not self.active else None


def legs(state: TripState, rules: Rules) -> list[Leg]:
    """The trips that the phone's events make, by time; all but the last are over.

    An end without a start before it waits for one. At equal times a start comes before an end.
    """
    found: list[Leg] = []
    if state.trail_last and state.started_at:
        found.append(Leg(state.started_at, state.trail_last.at, state.car_id))
    for event in _by_time(state):
        if isinstance(event, End):
            _leave(found, event)
        else:
            _enter(found, event, rules)
    return found


def _by_time(state: TripState) -> Iterable[Fix]:
    return sorted((*state.fixes, *state.ends), key=lambda event: (event.at, isinstance(event, End)))


def _leave(found: list[Leg], end: End) -> None:
    if not found or found[-1].ended_at:
        return
    leg = found[-1]
    leg.last_at = max(leg.last_at, end.at)
    leg.paused = end.paused
    leg.ended_at = None if end.paused else end.at


def _enter(found: list[Leg], start: Fix, rules: Rules) -> None:
    leg = found[-1] if found else None
    if leg is None or _begins_anew(leg, start, rules):
        found.append(Leg(start.at, start.at, start.car_id))
        return
    leg.started_at = min(leg.started_at, start.at)
    leg.last_at = max(leg.last_at, start.at)
    leg.car_id = leg.car_id or start.car_id
    leg.ended_at, leg.paused = None, False


def _begins_anew(leg: Leg, start: Fix, rules: Rules) -> bool:
    other_car = bool(start.car_id and leg.car_id and start.car_id != leg.car_id)
    too_late = bool(leg.ended_at and start.at - leg.ended_at > rules.resume_within)
    return other_car or too_late
