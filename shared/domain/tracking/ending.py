"""Owns when a drive is over, and takes it out of the state. Decides nothing about how far it went."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

from msgspec.structs import replace

from shared.domain.car.odometer import RISEN_KM, Reading, same_km
from shared.domain.log.drive import EndedBecause, Finished
from shared.domain.place.geo import Position
from shared.domain.place.places import Place, place_at
from shared.domain.place.trail import Fix, located, moved_from
from shared.domain.thresholds import STILL_FOR, STILL_READINGS, STILL_WITHIN_KM, Rules
from shared.domain.tracking.state import DriverState, GoingOn, Leg, with_log

Over = tuple[datetime, EndedBecause]


def over_since(
    state: DriverState, drive: GoingOn, leg: Leg, now: datetime, rules: Rules, places: Sequence[Place]
) -> Over | None:
    """Since when the drive going on is over by now, and why; None where it goes on."""
    return (
        ended_since(state, drive, leg, now, rules)
        or stood_still_since(state, drive, leg, places)
        or stale_since(state, drive, leg, now, rules)
    )


def ended_since(state: DriverState, drive: GoingOn, leg: Leg, now: datetime, rules: Rules) -> Over | None:
    """The end of which the phone told, once the car has confirmed it or nobody waits for the car any longer."""
    if leg.ended_at is None:
        return None
    if any(reading.at >= leg.ended_at and not reading.driving for reading in _readings(state, drive)):
        return leg.ended_at, "the car confirmed the end"
    grace_over = now >= leg.ended_at + rules.wait_for_end(drive.is_asked)
    return (leg.ended_at, "the grace after the end is over") if grace_over else None


def stood_still_since(state: DriverState, drive: GoingOn, leg: Leg, places: Sequence[Place]) -> Over | None:
    """The first of three readings in ten minutes that show the same odometer while the phone does not move."""
    if leg.ended_at or _at_pause_place(state, drive, places):
        return None
    still = [reading for reading in _last_still_readings(_readings(state, drive)) if reading.at >= leg.started_at]
    fixes = located((*(heard for heard in state.events if not heard.is_end), *([drive.last] if drive.last else ())))
    while len(still) >= STILL_READINGS and still[-1].at - still[0].at >= STILL_FOR:
        if not _phone_moved(fixes, still[0].at, still[-1].at):
            return still[0].at, "the car stood still"
        still = still[1:]
    return None


def _readings(state: DriverState, drive: GoingOn) -> Sequence[Reading]:
    """What the car of a drive said since a little before it began."""
    known = state.known_readings(drive.car_id or "")
    first = next((n for n, one in enumerate(known) if one.at > drive.started_at), len(known))
    return known[max(first - 1, 0) :]


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


def _at_pause_place(state: DriverState, drive: GoingOn, places: Sequence[Place]) -> bool:
    return any(place_at(places, position, "pause") for position in _positions_now(state, drive))


def _positions_now(state: DriverState, drive: GoingOn) -> Iterable[Position]:
    """Where phone and car were seen last, unless the car has gone on since."""
    for fix in located(state.events)[-1:]:
        if fix.position and not gone_on_since(state, drive, fix.at):
            yield fix.position
    for reading in _readings(state, drive)[-1:]:
        if reading.lat is not None and reading.lng is not None:
            yield Position(reading.lat, reading.lng)


def gone_on_since(state: DriverState, drive: GoingOn, moment: datetime) -> bool:
    """Whether the odometer shows that the car has driven since the moment, whatever its state says."""
    # A reading from before the moment may be old news: only what was measured since can show a rise.
    since = [reading for reading in _readings(state, drive) if reading.at >= moment]
    return bool(since) and since[-1].km - since[0].km >= RISEN_KM


def stale_since(state: DriverState, drive: GoingOn, leg: Leg, now: datetime, rules: Rules) -> Over | None:
    """The last sign of a drive of which nothing was heard for too long."""
    if not drive.is_silent(now, rules):
        return None
    moved = [b.at for a, b in pairwise(_readings(state, drive)) if b.driving or not same_km(a, b)]
    return leg.ended_at or max([leg.last_at, *moved[-1:]]), "nothing was heard any more"


def without_drive(state: DriverState, leg: Leg) -> DriverState:
    """The state in which no drive goes on, without what the phone said of this one."""
    taken = set(leg.events)
    return replace(state, drive=None, events=tuple(heard for heard in state.events if heard not in taken))


def close(state: DriverState, leg: Leg, why: EndedBecause) -> tuple[Finished, DriverState]:
    """Takes a drive out of the state, with all that the phone said of it."""
    going = state.drive
    finished = Finished(events=tuple(leg.events), blocks=going.blocks if going else 0, why=why)
    state = without_drive(state, leg)
    if going and going.car_id in state.open:
        log = state.open[going.car_id]
        state = with_log(state, going.car_id, replace(log, ask_at=None, leased_until=None))
    return finished, state
