"""The trip machine: decides when a trip begins, goes on and is over. How far it went is decided by the ledger.

| event          | no trip                   | driving                 | ending                    | paused       |
|----------------|---------------------------|-------------------------|---------------------------|--------------|
| Started        | begins                    | ping                    | resumes, or begins anew   | drives on    |
| Ended          | kept for a late start     | ending, paused at place | same end, or earlier      | ending       |
| CarRead        | settles the last trip     | drives on, or was over  | over if measured after it | drives on    |
| CarUnreachable | asks later and later      | asks later and later    | over after the grace      | asks later   |
| Tick           | -                         | over if stale           | over after the grace      | over if stale|
| LookedAt       | stored, last parked       | -                       | -                         | -            |
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

import msgspec
from msgspec.structs import replace

from shared.domain.car.asking import looked
from shared.domain.car.odometer import Disbelief, Reading, same_km, why_not_believed
from shared.domain.log.drive import Drive, EarlierStart
from shared.domain.log.trip import Trip
from shared.domain.place.places import Place, place_at
from shared.domain.place.trail import Fix, in_order, sort_key, trail_distance_km
from shared.domain.thresholds import Rules
from shared.domain.tracking.ending import STILL_FOR, close, ended_since, stale_since, stood_still_since
from shared.domain.tracking.schedule import after_failure, scheduled
from shared.domain.tracking.state import (
    KEPT_ENDS,
    KEPT_FIXES,
    KEPT_READINGS,
    TRAIL_BLOCK,
    End,
    Leg,
    Parked,
    TripState,
    legs,
)

FORGET_AN_END_AFTER = timedelta(hours=24)
GIVE_UP_SETTLING_AFTER = timedelta(hours=24)

Status = Literal["trip_started", "ping_recorded", "trip_resumed", "ending", "paused", "ignored", ""]
WhyIgnored = Literal["no_active_trip", "trip_already_closed", "trip_went_on", ""]


class Started(msgspec.Struct, frozen=True):
    """The phone connected, or pings. `default_car_id` counts where the phone names no car."""

    fix: Fix
    default_car_id: str | None = None


class Ended(msgspec.Struct, frozen=True):
    """The phone left the car."""

    fix: Fix


class CarRead(msgspec.Struct, frozen=True):
    """The car's cloud answered; the reading is None where the answer held no odometer."""

    car_id: str
    reading: Reading | None
    lease_until: datetime | None = None


class CarUnreachable(msgspec.Struct, frozen=True):
    """The car's cloud failed; it may have said how long to wait."""

    car_id: str
    retry_after: timedelta = timedelta(0)
    lease_until: datetime | None = None


class Tick(msgspec.Struct, frozen=True):
    """Time passed and the car was not asked: there is none, or it must not be asked now, or `not_before` a moment."""

    has_car: bool = True
    lease_until: datetime | None = None
    not_before: datetime | None = None


class LookedAt(msgspec.Struct, frozen=True):
    """The daily look at one car is done; the reading is None where the car said nothing or was not asked.

    `known` is the newest reading that the log holds of a car of which the state knows none.
    """

    car_id: str
    reading: Reading | None = None
    known: Reading | None = None


Event = Started | Ended | CarRead | CarUnreachable | Tick | LookedAt


class Settlement(msgspec.Struct, frozen=True):
    """The end odometer that a finished trip was waiting for."""

    trip_id: str
    reading: Reading


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What comes of an event: the new state, and all that must be stored in the same commit."""

    state: TripState
    status: Status = ""
    reason: WhyIgnored = ""
    drives: tuple[Drive, ...] = ()
    settlement: Settlement | None = None
    earlier_start: EarlierStart | None = None
    car_id: str | None = None
    reading: Reading | None = None
    rejected: Disbelief | None = None
    trail_block: tuple[Fix, ...] = ()
    poll_now: bool = False


def advance(
    state: TripState | None, event: Event, now: datetime, rules: Rules, places: Sequence[Place] = ()
) -> Outcome:
    """What an event makes of a driver's state. Pure; the same event twice changes nothing the second time.

    `now` is the moment of arrival (aware UTC); what happened when is judged by the times that the events carry.
    """
    state = state or TripState()
    match event:
        case Started():
            return _started(state, event, now, rules)
        case Ended():
            return _ended(state, event, now, rules, places)
        case CarRead():
            return _car_read(state, event, now, rules, places)
        case CarUnreachable():
            return _car_unreachable(state, event, now, rules, places)
        case Tick():
            return _look(Outcome(state=state), event.lease_until, now, rules, places, event.has_car, event.not_before)
        case LookedAt():
            return _looked_at(state, event, now)


# --- the phone ---------------------------------------------------------------------------------------------------


def _started(state: TripState, event: Started, now: datetime, rules: Rules) -> Outcome:
    fix = event.fix
    if _is_over(state, fix.at):
        return _began_earlier(state, fix, rules)
    if fix in state.fixes:
        return Outcome(state=state, status="ping_recorded")
    before = _leg(state, rules)
    state, stale = _close_if_stale(state, before, fix.at, now, rules)
    before = None if stale else before
    fixes = state.fixes if before else _since(state.fixes, fix.at - STILL_FOR)
    heard = replace(state, fixes=tuple(in_order((*fixes, fix))), heard_at=now)
    settled = _take_legs(heard, event.default_car_id, rules)
    begun = before is None or bool(settled.drives)
    stood = not begun and before is not None and before.phase != "driving"
    resumed = stood and legs(settled.state, rules)[-1].phase == "driving"
    late = before is None and _resumes_saved(state, fix, rules)
    if begun:
        settled = _ask_car(settled, now)
    elif resumed:
        settled = replace(settled, state=replace(settled.state, polls_after_end=0))
    status: Status = "trip_resumed" if resumed or late else "trip_started" if begun else "ping_recorded"
    return replace(_compact(settled), status=status, drives=(*stale, *settled.drives))


def _began_earlier(state: TripState, start: Fix, rules: Rules) -> Outcome:
    """A start from before a trip that is saved already moves its beginning, as it would have while the trip went on."""
    ignored = Outcome(state=state, status="ignored", reason="trip_already_closed")
    car_id = start.car_id or state.car_id or ""
    parked = state.parked.get(car_id)
    if parked is None or parked.trip_id is None or parked.begun_at is None or parked.ended_at != state.closed_until:
        return ignored
    resumes_former = parked.free_since is not None and start.at - parked.free_since <= rules.resume_within
    if resumes_former or not timedelta(0) < parked.begun_at - start.at <= rules.stale_after:
        return ignored
    moved = replace(state, parked={**state.parked, car_id: replace(parked, begun_at=start.at)})
    earlier = EarlierStart(parked.trip_id, start, parked.begun_at)
    return Outcome(state=moved, status="ping_recorded", earlier_start=earlier)


def _resumes_saved(state: TripState, start: Fix, rules: Rules) -> bool:
    """Whether a start came too late to keep its trip from being saved: the ledger will put the two together."""
    ended_at, car_id = state.closed_until, start.car_id or state.car_id
    if ended_at is None or start.at - ended_at > rules.resume_within:
        return False
    parked = state.parked.get(car_id or "")
    return car_id is None or (parked is not None and parked.pending_since is not None and parked.ended_at == ended_at)


def _ended(state: TripState, event: Ended, now: datetime, rules: Rules, places: Sequence[Place]) -> Outcome:
    end = _end_at(event.fix, places)
    if _is_over(state, end.at):
        return Outcome(state=state, status="ignored", reason="no_active_trip")
    if state.trail_last and end.at < state.trail_last.at:
        return Outcome(state=state, status="ignored", reason="trip_went_on")
    before = _leg(state, rules)
    # A start that came while the car stood still may be the one that this end belongs to.
    fixes = state.fixes if before else _since(state.fixes, end.at - rules.stale_after)
    kept = replace(state, fixes=fixes, ends=_with_end(state.ends, end, now))
    if not any(leg.started_at <= end.at for leg in legs(kept, rules)):
        return Outcome(state=replace(kept, fixes=state.fixes), status="ignored", reason="no_active_trip")
    settled = _take_legs(replace(kept, heard_at=now), state.car_id, rules)
    after = legs(settled.state, rules)[-1]
    if after.phase == "paused":
        return _told(settled, "paused")
    if after.phase == "driving" and not settled.drives:
        return _told(settled, "ignored", "trip_went_on")
    if before is None or before.ended_at is None or settled.drives:
        settled = _ask_car(settled, now)
    return _told(settled, "ending")


def _told(outcome: Outcome, status: Status, reason: WhyIgnored = "") -> Outcome:
    return replace(outcome, status=status, reason=reason)


def _leg(state: TripState, rules: Rules) -> Leg | None:
    return legs(state, rules)[-1] if state.active else None


def _end_at(fix: Fix, places: Sequence[Place]) -> End:
    paused = place_at(places, fix.position, "pause") is not None
    return End(fix.at, fix.lat, fix.lng, fix.accuracy_m, fix.car_id, paused)


def _since(fixes: Sequence[Fix], moment: datetime) -> tuple[Fix, ...]:
    return tuple(fix for fix in fixes if fix.at >= moment)


def _is_over(state: TripState, moment: datetime) -> bool:
    return state.closed_until is not None and moment <= state.closed_until


def _with_end(ends: tuple[End, ...], end: End, now: datetime) -> tuple[End, ...]:
    recent = [kept for kept in {*ends, end} if now - kept.at <= FORGET_AN_END_AFTER]
    return tuple(sorted(recent, key=lambda kept: (*sort_key(kept), kept.paused))[-KEPT_ENDS:])


def _take_legs(state: TripState, default_car_id: str | None, rules: Rules) -> Outcome:
    """Closes every leg but the last, which becomes the trip going on."""
    fallback_car_id = state.car_id if state.active else default_car_id
    found = legs(state, rules)
    drives: list[Drive] = []
    for leg, following in pairwise(found):
        leg.car_id = leg.car_id or fallback_car_id
        drive, state = close(state, leg, leg.ended_at or leg.last_at, "a later start", following.started_at)
        drives.append(drive)
        fallback_car_id = default_car_id
    car_id = found[-1].car_id or fallback_car_id
    readings = state.readings if car_id == state.car_id else ()
    state = replace(state, active=True, started_at=found[-1].started_at, car_id=car_id, readings=readings)
    return Outcome(state=state, drives=tuple(drives))


def _ask_car(outcome: Outcome, now: datetime) -> Outcome:
    return replace(outcome, state=replace(outcome.state, next_poll_at=now, polls_after_end=0), poll_now=True)


def _compact(outcome: Outcome) -> Outcome:
    """Moves the oldest fixes out of the state, so that the thousandth ping costs what the first did."""
    state = outcome.state
    if len(state.fixes) < TRAIL_BLOCK + KEPT_FIXES:
        return outcome
    block = state.fixes[:TRAIL_BLOCK]
    last = (state.trail_last,) if state.trail_last else ()
    state = replace(
        state,
        fixes=state.fixes[TRAIL_BLOCK:],
        ends=tuple(end for end in state.ends if end.at > block[-1].at),
        trail_blocks=state.trail_blocks + 1,
        trail_fixes=state.trail_fixes + TRAIL_BLOCK,
        trail_km=state.trail_km + trail_distance_km((*last, *block)),
        trail_last=max((*last, block[-1]), key=lambda fix: fix.at),
    )
    return replace(outcome, state=state, trail_block=block)


def _close_if_stale(
    state: TripState, leg: Leg | None, start_at: datetime, now: datetime, rules: Rules
) -> tuple[TripState, tuple[Drive, ...]]:
    """A start long after the last sign of a trip begins another one; one that is merely late does not."""
    over = stale_since(state, leg, now, rules) if leg else None
    if leg is None or over is None or start_at - over[0] < rules.stale_after:
        return state, ()
    drive, state = close(state, leg, *over)
    return state, (drive,)


# --- the car -----------------------------------------------------------------------------------------------------


def _car_read(state: TripState, event: CarRead, now: datetime, rules: Rules, places: Sequence[Place]) -> Outcome:
    answered = replace(state, failures=0, car_retry_at=None)
    return _look(_believe(answered, event.car_id, event.reading, now), event.lease_until, now, rules, places)


def _car_unreachable(
    state: TripState, event: CarUnreachable, now: datetime, rules: Rules, places: Sequence[Place]
) -> Outcome:
    failed = after_failure(state, event.retry_after, now, rules)
    return _look(Outcome(state=failed), event.lease_until, now, rules, places)


def _look(
    outcome: Outcome,
    lease_until: datetime | None,
    now: datetime,
    rules: Rules,
    places: Sequence[Place],
    has_car: bool = True,
    not_before: datetime | None = None,
) -> Outcome:
    """Closes the trip if it is over by now, and plans the next poll."""
    state = _give_up_settling(outcome.state, now)
    leg = _leg(state, rules)
    over = leg and (
        ended_since(state, leg, now, rules, has_car)
        or stood_still_since(state, leg, places)
        or stale_since(state, leg, now, rules)
    )
    if leg and over:
        drive, state = close(state, leg, *over)
        return replace(outcome, state=state, drives=(*outcome.drives, drive))
    return replace(outcome, state=scheduled(state, leg, now, rules, lease_until, has_car, not_before))


def _looked_at(state: TripState, event: LookedAt, now: datetime) -> Outcome:
    """Takes the reading of a daily look. Of a trip that began meanwhile nothing changes, its own poll asks anew."""
    if state.active or state.pending_car_id:
        return Outcome(state=replace(state, asking=replace(state.asking, to_look_at=())))
    asking = looked(state.asking, event.car_id)
    state = replace(state, asking=asking, next_poll_at=now if asking.to_look_at else state.unaddressed.due_at(now))
    parked, reading = state.parked.get(event.car_id), event.reading
    last = (parked and parked.last) or event.known
    left_at = max((moment for moment in (parked and parked.ended_at, last and last.at) if moment), default=None)
    if reading is None or (left_at and reading.at <= left_at):
        return Outcome(state=state)
    if why := why_not_believed(reading, (last,) if last else (), now):
        return Outcome(state=replace(state, rejected=state.rejected + 1), car_id=event.car_id, rejected=why)
    if not reading.driving:
        kept = replace(parked, last=reading) if parked else Parked(reading.at, last=reading)
        state = replace(state, parked={**state.parked, event.car_id: kept})
    return Outcome(state=state, car_id=event.car_id, reading=reading)


def _believe(state: TripState, car_id: str, reading: Reading | None, now: datetime) -> Outcome:
    """Takes a reading in if it is new and can be true, and settles the trip that waited for it."""
    parked = state.parked.get(car_id)
    current = state.active and car_id == state.car_id
    waiting = parked is not None and parked.pending_since is not None
    known = state.known_readings(car_id)
    old = parked is not None and reading is not None and reading.at < parked.ended_at
    if reading is None or old or not (current or waiting) or reading.at in {other.at for other in known}:
        return Outcome(state=state)
    if why := why_not_believed(reading, known, now):
        return Outcome(state=replace(state, rejected=state.rejected + 1), car_id=car_id, rejected=why)
    before_trip = not current or state.started_at is None or reading.at <= state.started_at
    settlement = None
    if parked and waiting and parked.trip_id and before_trip and not reading.driving:
        settlement = Settlement(parked.trip_id, reading)
        settled = replace(parked, last=reading if not current else parked.last, pending_since=None)
        state = replace(state, parked={**state.parked, car_id: settled})
    if current:
        state = _take_in(state, reading, known, now)
    return Outcome(state=state, car_id=car_id, reading=reading, settlement=settlement)


def _take_in(state: TripState, reading: Reading, known: Sequence[Reading], now: datetime) -> TripState:
    earlier = [other for other in known if other.at < reading.at]
    moved = reading.driving or bool(earlier and not same_km(earlier[-1], reading))
    readings = tuple(sorted((*state.readings, reading), key=lambda kept: kept.at))
    # The first stays: it may be the start odometer.
    readings = readings[:1] + readings[1:][-(KEPT_READINGS - 1) :]
    return replace(state, readings=readings, heard_at=now if moved else state.heard_at)


def _give_up_settling(state: TripState, now: datetime) -> TripState:
    """Stops asking for an end odometer after a day; the trip stays flagged, the next one may still settle it."""
    kept = {
        car_id: replace(parked, pending_since=None)
        if parked.pending_since and now - parked.pending_since > GIVE_UP_SETTLING_AFTER
        else parked
        for car_id, parked in state.parked.items()
    }
    return state if kept == state.parked else replace(state, parked=kept)


def remember(state: TripState, car_id: str, trip: Trip, now: datetime, rules: Rules) -> TripState:
    """The state with the trip that came of a drive; asked on where it still waits for its end odometer."""
    pending = trip.has("odometer_pending")
    begun_at = trip.started_at if trip.ended_at == state.parked[car_id].ended_at else None
    parked = replace(state.parked[car_id], trip_id=trip.id, pending_since=now if pending else None, begun_at=begun_at)
    state = replace(state, parked={**state.parked, car_id: parked})
    return scheduled(state, None, now, rules) if pending and not state.active else state
