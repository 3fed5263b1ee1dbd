"""Folds what came of an event into the log: the one place where drives become rows, and rows are settled."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.log.addresses import ADDRESS_PENDING
from shared.domain.log.drive import Drive, Heard, alone_id
from shared.domain.log.gap import link
from shared.domain.log.measuring import NotATrip, Owner, begun_earlier, closing_reading, measured, resumed, resumes
from shared.domain.log.record import recorded, with_event
from shared.domain.log.rows import Rows
from shared.domain.log.settling import put_settled, settle, settled_by_drive, unread_until
from shared.domain.log.trip import Trip
from shared.domain.place.places import Place
from shared.domain.thresholds import MOST_RECORDED, Rules
from shared.domain.tracking.answers import remembered
from shared.domain.tracking.events import Beside, Outcome
from shared.domain.tracking.look_ups import wanted
from shared.domain.tracking.state import DriverState


class Kept(NamedTuple):
    """The state to store with the rows, and what came of each drive."""

    state: DriverState
    made: list[tuple[Drive, Trip | NotATrip]]


def keep(outcome: Outcome, rows: Rows, owner: Owner, places: Sequence[Place], now: datetime, rules: Rules) -> Kept:
    """Puts all that came of an event into the rows."""
    state, made = outcome.state, list[tuple[Drive, Trip | NotATrip]]()
    if outcome.settlement and (trip := rows.find(outcome.settlement.trip_id)):
        settle(rows, unread_until(rows, trip), outcome.settlement.reading, now)
    if outcome.earlier_start and (trip := rows.find(outcome.earlier_start.trip_id)):
        rows.put(begun_earlier(trip, outcome.earlier_start, owner, places, now))
    for drive in outcome.drives:
        state, came = _log_drive(rows, drive, state, owner, places, now, rules)
        made.append((drive, came))
    if outcome.dropped:
        _keep_record(rows, outcome.dropped, rows.older_events(outcome.dropped))
    for beside in outcome.beside:
        _keep_beside(rows, beside)
    pending = [trip.id for trip in rows.trips.values() if trip and trip.has(ADDRESS_PENDING)]
    return Kept(wanted(state, pending, now), made)


def _keep_record(rows: Rows, drive: Drive, older: Sequence[Heard]) -> None:
    if events := [*older, *drive.events]:
        rows.keep(recorded(drive.id, events, is_dropped=drive.why == "the driver dropped it"))


def _keep_beside(rows: Rows, beside: Beside) -> None:
    near = [record for drive_id in beside.near if (record := rows.record(drive_id))]
    if any(with_event(record, beside.heard) is record for record in near):
        return
    before, alone = rows.record(beside.drive_id), alone_id(beside.heard)
    if before and len(before.kinds) >= MOST_RECORDED:
        before, beside = rows.record(alone), replace(beside, drive_id=alone)
    after = with_event(before, beside.heard) if before else recorded(beside.drive_id, [beside.heard])
    if after is not before:
        rows.keep(after)


def _log_drive(
    rows: Rows, drive: Drive, state: DriverState, owner: Owner, places: Sequence[Place], now: datetime, rules: Rules
) -> tuple[DriverState, Trip | NotATrip]:
    older = rows.older_events(drive)
    _keep_record(rows, drive, older)
    previous = rows.before(drive.car_id, drive.started_at)
    is_rest, unread = resumes(previous, drive, rules), unread_until(rows, previous)
    by_drive = None if is_rest else settled_by_drive(unread, drive, older, now)
    made = measured(drive, older, by_drive[-1] if by_drive else previous, owner, places, now, is_rest)
    if isinstance(made, NotATrip):
        return _waits_on(rows, drive, state, unread, now, rules), made
    if previous and is_rest:
        whole = resumed(previous, made, owner, places, now)
        made = _put_whole(rows, [*unread[:-1], whole], made.end_odometer_km, now)
    else:
        put_settled(rows, unread if by_drive else (), by_drive or ())
        made = replace(made, id=rows.free_id(owner.user, made.started_at, made.car_id, made.source))
        rows.put(made)
    if following := rows.after(made.car_id, made.started_at):
        link(rows, following)
    return (remembered(state, drive.car_id, made, now, rules) if drive.car_id else state), made


def _put_whole(rows: Rows, unread: Sequence[Trip], end_km: float | None, now: datetime) -> Trip:
    """The trip before, which is the last of these, with its rest; settled where the odometer at its end is known."""
    whole = unread[-1]
    rows.put(whole)
    if end_km is None:
        return whole
    return settle(rows, unread, Reading(whole.ended_at, end_km), now) or whole


def _waits_on(
    rows: Rows, drive: Drive, state: DriverState, unread: Sequence[Trip], now: datetime, rules: Rules
) -> DriverState:
    """The trip before a drive that was none is settled by what the car said meanwhile, or waits on for its word."""
    if not unread or drive.car_id is None:
        return state
    if closing := closing_reading(drive):
        settle(rows, unread, closing, now)
        return state
    return remembered(state, drive.car_id, unread[-1], now, rules)
