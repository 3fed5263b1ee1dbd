"""Owns when a trip is over, and takes it out of the state. Decides nothing about how far it went."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from shared.domain.car.odometer import RISEN_KM, Reading, same_km
from shared.domain.log.drive import Drive, EndedBecause
from shared.domain.place.geo import Position
from shared.domain.place.places import Place, place_at
from shared.domain.place.trail import Fix, in_order, located, moved_from
from shared.domain.thresholds import Rules
from shared.domain.tracking.state import Leg, Parked, TripState

STILL_READINGS = 3
STILL_FOR = timedelta(minutes=10)
STILL_WITHIN_KM = 0.2
Over = tuple[datetime, EndedBecause]


def ended_since(state: TripState, leg: Leg, now: datetime, rules: Rules, has_car: bool) -> Over | None:
    if leg.ended_at is None:
        return None
    if any(reading.at >= leg.ended_at and not reading.driving for reading in state.readings):
        return leg.ended_at, "the car confirmed the end"
    grace_over = now >= leg.ended_at + rules.wait_for_end(has_car)
    return (leg.ended_at, "the grace after the end is over") if grace_over else None


def stood_still_since(state: TripState, leg: Leg, places: Sequence[Place]) -> Over | None:
    """The first of three readings in ten minutes that show the same odometer while the phone does not move."""
    if leg.ended_at or _at_pause_place(state, places):
        return None
    still = [reading for reading in _last_still_readings(state.readings) if reading.at >= leg.started_at]
    fixes = located((*state.fixes, *([state.trail_last] if state.trail_last else ())))
    while len(still) >= STILL_READINGS and still[-1].at - still[0].at >= STILL_FOR:
        if not _phone_moved(fixes, still[0].at, still[-1].at):
            return still[0].at, "the car stood still"
        still = still[1:]
    return None


def _last_still_readings(readings: Sequence[Reading]) -> list[Reading]:
    still: list[Reading] = []
    for reading in reversed(readings):
        if reading.driving or not same_km(reading, readings[-1]):
            break
        still.insert(0, reading)
    return still


def _phone_moved(fixes: Sequence[Fix], since: datetime, until: datetime) -> bool:
    within = [fix for fix in fixes if since < fix.at <= until]
    before = [fix for fix in fixes if fix.at <= since]
    return any(moved_from(anchor, within, STILL_WITHIN_KM) for anchor in before[-1:] or within[:1])


def _at_pause_place(state: TripState, places: Sequence[Place]) -> bool:
    return any(place_at(places, position, "pause") for position in _positions_now(state))


def _positions_now(state: TripState) -> Iterable[Position]:
    """Where phone and car were seen last, unless the car has gone on since."""
    for fix in located((*state.fixes, *state.ends))[-1:]:
        if fix.position and not gone_on_since(state, fix.at):
            yield fix.position
    for reading in state.readings[-1:]:
        if reading.lat is not None and reading.lng is not None:
            yield Position(reading.lat, reading.lng)


def gone_on_since(state: TripState, moment: datetime) -> bool:
    """Whether the odometer shows that the car has driven since the moment, whatever its state says."""
    # A reading from before the moment may be old news: only what was measured since can show a rise.
    since = [reading for reading in state.readings if reading.at >= moment]
    return bool(since) and since[-1].km - since[0].km >= RISEN_KM


def stale_since(state: TripState, leg: Leg, now: datetime, rules: Rules) -> Over | None:
    if state.heard_at is None or now - state.heard_at < rules.stale_after:
        return None
    moved = [b.at for a, b in pairwise(state.readings) if b.driving or not same_km(a, b)]
    return leg.ended_at or max([leg.last_at, *moved[-1:]]), "nothing was heard any more"


def close(
    state: TripState, leg: Leg, ended_at: datetime, why: EndedBecause, next_start: datetime | None = None
) -> tuple[Drive, TripState]:
    """Takes a leg out of the state; what the phone saw after its end stays, for it may be the next start."""
    car_id = leg.car_id or state.car_id
    readings = state.known_readings(car_id) if car_id else ()
    events = (*state.fixes, *(Fix(end.at, end.lat, end.lng, end.accuracy_m) for end in state.ends))
    drive = Drive(
        car_id=car_id,
        started_at=leg.started_at,
        ended_at=ended_at,
        fixes=tuple(in_order(fix for fix in events if leg.started_at <= fix.at <= ended_at)),
        trail_blocks=state.trail_blocks,
        readings=readings,
        why=why,
        before=next_start,
    )
    later = tuple(reading for reading in readings if reading.at >= ended_at) if next_start else ()
    return drive, TripState(
        fixes=tuple(fix for fix in state.fixes if fix.at > ended_at),
        ends=tuple(end for end in state.ends if end.at > ended_at),
        readings=later,
        car_id=car_id,
        heard_at=state.heard_at,
        failures=state.failures,
        car_retry_at=state.car_retry_at,
        rejected=state.rejected,
        closed_until=ended_at,
        parked=_parked(state, car_id, ended_at, [reading for reading in readings if reading not in later]),
        log_changes=state.log_changes,
        unaddressed=state.unaddressed,
        asking=state.asking,
    )


def _parked(state: TripState, car_id: str | None, ended_at: datetime, readings: Sequence[Reading]) -> dict[str, Parked]:
    if car_id is None:
        return state.parked
    former = state.parked.get(car_id)
    last = readings[-1] if readings else None
    trip_id, free_since = (former.trip_id, former.ended_at) if former else (None, None)
    return {**state.parked, car_id: Parked(ended_at, trip_id, last, free_since=free_since)}
