"""Stores what the trip machine decided: trips, sums, gaps, readings and state, all in the caller's one commit."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from shared import logs, settings
from shared.domain.car.odometer import Reading
from shared.domain.driver import Account
from shared.domain.log.addresses import ADDRESS_PENDING
from shared.domain.log.drive import Drive
from shared.domain.log.measuring import NotATrip, Owner, begun_earlier, closing_reading, measured, resumed, resumes
from shared.domain.log.settling import settled_by_drive
from shared.domain.log.trip import Trip, linked
from shared.domain.thresholds import Rules
from shared.domain.tracking.look_ups import wanted
from shared.domain.tracking.machine import Outcome, remember
from shared.domain.tracking.state import TripState
from shared.handlers.settling import Unread, as_read, latest_before, put_settled, settle, unread_until
from shared.repositories.change import Change
from shared.repositories.documents import Stored
from shared.repositories.user_store import UserStore


def owner_of(account: Account) -> Owner:
    """What the ledger must know of a user."""
    return Owner(account.email, account.timezone, account.habits, addresses=bool(settings.current.geocoders))


def stage(change: Change, store: UserStore, outcome: Outcome, owner: Owner, now: datetime, rules: Rules) -> TripState:
    """Puts all of an outcome but the state itself into a change; gives the state to put with it."""
    state = outcome.state
    if outcome.reading and outcome.car_id:
        change.add_reading(outcome.car_id, outcome.reading, now)
    if outcome.rejected:
        about = {"user": store.email, "car": outcome.car_id}
        logs.log().warning("odometer ignored: %s", outcome.rejected, extra=about)
    if outcome.trail_block:
        change.add_trail_block(state.trail_blocks - 1, outcome.trail_block)
    if outcome.settlement and (read := store.find_trip(outcome.settlement.trip_id)):
        settle(change, store, unread_until(change, store, read, read.value), outcome.settlement.reading, now)
    if outcome.earlier_start and (read := store.find_trip(outcome.earlier_start.trip_id)):
        change.put_trip(read, begun_earlier(read.value, outcome.earlier_start, owner, store.places(), now))
    for drive in outcome.drives:
        state = _log_drive(change, store, drive, state, owner, now, rules)
    return wanted(state, [trip.id for trip in change.staged_trips() if trip.has(ADDRESS_PENDING)], now)


def relink(change: Change, store: UserStore, old: Trip | None, new: Trip | None) -> None:
    """Stages the gaps that follow from a trip put in, changed or taken out: its own and its neighbours'."""
    trip = new or old
    if trip is None:
        return
    if new:
        read = store.previous_trip(new.car_id, new.started_at, new.id)
        change.put_trip(None, linked(new, latest_before(change, new.car_id, new.started_at, read)))
    places = {(side.car_id, side.started_at) for side in (old, new) if side}
    for car_id, started_at in sorted(places, key=str):
        following = store.next_trip(car_id, started_at, trip.id)
        if following:
            _link_following(change, store, following, trip.id)


def _link_following(change: Change, store: UserStore, following: Stored[Trip], but: str) -> None:
    current = change.staged(following.value.id) or following.value
    read = store.previous_trip(current.car_id, current.started_at, but)
    changed = linked(current, latest_before(change, current.car_id, current.started_at, read))
    if changed != current:
        change.put_trip(following, changed)


def _log_drive(
    change: Change, store: UserStore, drive: Drive, state: TripState, owner: Owner, now: datetime, rules: Rules
) -> TripState:
    change.drop_trail(drive.trail_blocks)
    read = store.previous_trip(drive.car_id, drive.started_at)
    previous = latest_before(change, drive.car_id, drive.started_at, read)
    trail = store.trail(drive.trail_blocks)
    places, is_rest = store.places(), resumes(previous, drive, rules)
    unread = unread_until(change, store, read, previous)
    by_drive = None if is_rest else settled_by_drive([each.trip for each in unread], drive, trail, now)
    made = measured(drive, trail, by_drive[-1] if by_drive else previous, owner, places, now, is_rest)
    about = {"user": owner.user, "car": drive.car_id, "why": drive.why}
    if isinstance(made, NotATrip):
        logs.log().info("drive dropped: %s", made.why, extra=about)
        return _waits_on(change, store, drive, state, unread, now, rules)
    if previous and is_rest:
        whole = as_read(read, resumed(previous, made, owner, places, now))
        made = _log_whole(change, store, [*unread[:-1], whole], made.end_odometer_km, now)
    else:
        if by_drive:
            put_settled(change, unread, by_drive)
        change.put_trip(None, made)
    if following := store.next_trip(made.car_id, made.started_at):
        _link_following(change, store, following, made.id)
    logs.log().info("trip saved", extra={**about, "trip": made.id})
    if drive.car_id is None:
        return state
    return remember(state, drive.car_id, made, now, rules)


def _log_whole(change: Change, store: UserStore, unread: Sequence[Unread], end_km: float | None, now: datetime) -> Trip:
    """The trip before, which is the last of these, with its rest; settled where the odometer at its end is known."""
    read, whole = unread[-1]
    change.put_trip(read, whole)
    if end_km is None:
        return whole
    return settle(change, store, unread, Reading(whole.ended_at, end_km), now) or whole


def _waits_on(
    change: Change,
    store: UserStore,
    drive: Drive,
    state: TripState,
    unread: Sequence[Unread],
    now: datetime,
    rules: Rules,
) -> TripState:
    """The trip before a drive that was none is settled by what the car said meanwhile, or waits on for its word."""
    if not unread or drive.car_id is None:
        return state
    if closing := closing_reading(drive):
        settle(change, store, unread, closing, now)
        return state
    return remember(state, drive.car_id, unread[-1].trip, now, rules)


def locked(change: Change, read: Stored[TripState], changed: Trip | None = None) -> None:
    """Makes a change by hand wait for every other one: all that alters the log writes the driver's state.

    The address that the changed trip may lack is looked up later.
    """
    state = replace(read.value, log_changes=read.value.log_changes + 1)
    if changed and changed.has(ADDRESS_PENDING):
        state = wanted(state, [changed.id], changed.updated_at)
    change.put_state(read, state)
