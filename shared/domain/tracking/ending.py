"""Owns when a drive is over, and takes it out of the state. Decides nothing about how far it went."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

from msgspec.structs import replace

from shared.domain.car.odometer import RISEN_KM, Reading, same_km
from shared.domain.log.drive import Drive, EndedBecause, drive_id
from shared.domain.place.geo import Position
from shared.domain.place.places import Place, place_at
from shared.domain.place.trail import Fix, located, moved_from
from shared.domain.thresholds import KEPT_DRIVES, STILL_FOR, STILL_READINGS, STILL_WITHIN_KM, Rules
from shared.domain.tracking.state import UNKNOWN_CAR, DriverState, GoingOn, Leg, OverDrive, with_log

Over = tuple[datetime, EndedBecause]


def over_since(
    state: DriverState, drive: GoingOn, leg: Leg, now: datetime, rules: Rules, places: Sequence[Place]
) -> Over | None:
    """Since when the drive going on is over by now, and why; None where it goes on."""
    return (
        ended_since(drive, leg, now, rules)
        or stood_still_since(state, drive, leg, places)
        or stale_since(drive, leg, now, rules)
    )


def ended_since(drive: GoingOn, leg: Leg, now: datetime, rules: Rules) -> Over | None:
    """The end of which the phone told, once the car has confirmed it or nobody waits for the car any longer."""
    if leg.ended_at is None:
        return None
    if any(reading.at >= leg.ended_at and not reading.driving for reading in drive.readings):
        return leg.ended_at, "the car confirmed the end"
    grace_over = now >= leg.ended_at + rules.wait_for_end(drive.is_asked)
    return (leg.ended_at, "the grace after the end is over") if grace_over else None


def stood_still_since(state: DriverState, drive: GoingOn, leg: Leg, places: Sequence[Place]) -> Over | None:
    """The first of three readings in ten minutes that show the same odometer while the phone does not move."""
    if leg.ended_at or _at_pause_place(state, drive, places):
        return None
    still = [reading for reading in _last_still_readings(drive.readings) if reading.at >= leg.started_at]
    fixes = located((*(heard for heard in state.events if not heard.is_end), *([drive.last] if drive.last else ())))
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


def _at_pause_place(state: DriverState, drive: GoingOn, places: Sequence[Place]) -> bool:
    return any(place_at(places, position, "pause") for position in _positions_now(state, drive))


def _positions_now(state: DriverState, drive: GoingOn) -> Iterable[Position]:
    """Where phone and car were seen last, unless the car has gone on since."""
    for fix in located(state.events)[-1:]:
        if fix.position and not gone_on_since(drive, fix.at):
            yield fix.position
    for reading in drive.readings[-1:]:
        if reading.lat is not None and reading.lng is not None:
            yield Position(reading.lat, reading.lng)


def gone_on_since(drive: GoingOn, moment: datetime) -> bool:
    """Whether the odometer shows that the car has driven since the moment, whatever its state says."""
    # A reading from before the moment may be old news: only what was measured since can show a rise.
    since = [reading for reading in drive.readings if reading.at >= moment]
    return bool(since) and since[-1].km - since[0].km >= RISEN_KM


def stale_since(drive: GoingOn, leg: Leg, now: datetime, rules: Rules) -> Over | None:
    """The last sign of a drive of which nothing was heard for too long."""
    if now - drive.heard_at < rules.stale_after:
        return None
    moved = [b.at for a, b in pairwise(drive.readings) if b.driving or not same_km(a, b)]
    return leg.ended_at or max([leg.last_at, *moved[-1:]]), "nothing was heard any more"


def close(
    state: DriverState, leg: Leg, ended_at: datetime, why: EndedBecause, next_start: datetime | None = None
) -> tuple[Drive, DriverState]:
    """Takes a drive out of the state; what the phone said after its end stays, for it may be the next start."""
    going = state.drive
    named = leg.car_id or (going.car_id if going else None)
    car_id = None if named == UNKNOWN_CAR else named
    readings = state.known_readings(car_id) if car_id else ()
    drive = Drive(
        id=drive_id(leg.started_at, ended_at, named),
        car_id=car_id,
        started_at=leg.started_at,
        ended_at=ended_at,
        events=tuple(heard for heard in leg.events if heard.at <= ended_at),
        blocks=going.blocks if going else 0,
        readings=readings,
        why=why,
        before=next_start,
        is_stray=named == UNKNOWN_CAR,
    )
    return drive, _without(state, drive)


def _without(state: DriverState, drive: Drive) -> DriverState:
    taken = set(drive.events)
    over = OverDrive(drive.id, drive.started_at, drive.ended_at, drive.car_id)
    state = replace(
        state,
        drive=None,
        events=tuple(heard for heard in state.events if heard not in taken),
        recent=with_recent(state.recent, over),
        closed_until=drive.ended_at,
    )
    if drive.car_id is None:
        return state
    former = state.of_car(drive.car_id)
    # What was measured once the next drive had begun is for that one to begin with.
    stood = [reading for reading in drive.readings if drive.before is None or reading.at < drive.ended_at]
    last = stood[-1] if stood else None
    left = replace(former, ended_at=drive.ended_at, last=last, pending_since=None, begun_at=None)
    left = replace(left, free_since=former.ended_at, asked=0, ask_at=None, leased_until=None)
    return with_log(state, drive.car_id, left)


def with_recent(recent: Iterable[OverDrive], over: OverDrive) -> tuple[OverDrive, ...]:
    """The drives that are over with one more, by their ends; the newest of them."""
    return tuple(sorted((*recent, over), key=lambda one: (one.ended_at, one.id))[-KEPT_DRIVES:])
