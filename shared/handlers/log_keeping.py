"""Stores what the trip machine decided: trips, sums, gaps, readings and state, all in the caller's one commit."""

from datetime import datetime

from msgspec.structs import replace

from shared import logs
from shared.domain.addresses import ADDRESS_PENDING, wanted
from shared.domain.ending import Drive
from shared.domain.ledger import (
    NotATrip,
    Owner,
    closing_reading,
    measured,
    resumed,
    resumes,
    settled,
    settled_by_next,
)
from shared.domain.machine import Outcome, remember
from shared.domain.rules import Rules
from shared.domain.state import TripState
from shared.domain.trip import Trip, linked
from shared.repositories.accounts import Account
from shared.repositories.change import Change
from shared.repositories.documents import Stored
from shared.repositories.user_store import UserStore
from shared.settings import geocoders


def owner_of(account: Account) -> Owner:
    """What the ledger must know of a user."""
    return Owner(account.email, account.timezone, account.habits, addresses=bool(geocoders()))


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
    if outcome.settlement and (trip := store.find_trip(outcome.settlement.trip_id)):
        _settle(change, store, trip, settled(trip.value, outcome.settlement.reading, now))
    for drive in outcome.drives:
        state = _log_drive(change, store, drive, state, owner, now, rules)
    return wanted(state, [trip.id for trip in change.staged_trips() if ADDRESS_PENDING in trip.flags], now)


def relink(change: Change, store: UserStore, old: Trip | None, new: Trip | None) -> None:
    """Stages the gaps that follow from a trip put in, changed or taken out: its own and its neighbours'."""
    trip = new or old
    if trip is None:
        return
    if new:
        read = store.previous_trip(new.car_id, new.started_at, new.id)
        change.put_trip(None, linked(new, _latest_before(change, new.car_id, new.started_at, read)))
    places = {(side.car_id, side.started_at) for side in (old, new) if side}
    for car_id, started_at in sorted(places, key=str):
        following = store.next_trip(car_id, started_at, trip.id)
        if following:
            _link_following(change, store, following, trip.id)


def _link_following(change: Change, store: UserStore, following: Stored[Trip], but: str) -> None:
    current = change.staged(following.value.id) or following.value
    read = store.previous_trip(current.car_id, current.started_at, but)
    changed = linked(current, _latest_before(change, current.car_id, current.started_at, read))
    if changed != current:
        change.put_trip(following, changed)


def _latest_before(change: Change, car_id: str | None, moment: datetime, read: Stored[Trip] | None) -> Trip | None:
    """The last trip of the car before a moment, as it will be once this change is stored."""
    stored = [change.staged(read.value.id) or read.value] if read else []
    staged = [other for other in change.staged_trips() if other.car_id == car_id]
    before = [other for other in (*stored, *staged) if other.started_at < moment]
    return max(before, key=lambda other: other.started_at, default=None)


def _log_drive(
    change: Change, store: UserStore, drive: Drive, state: TripState, owner: Owner, now: datetime, rules: Rules
) -> TripState:
    change.drop_trail(drive.trail_blocks)
    read = store.previous_trip(drive.car_id, drive.started_at)
    previous = _latest_before(change, drive.car_id, drive.started_at, read)
    trail = store.trail(drive.trail_blocks)
    places, is_rest = store.places(), resumes(previous, drive, rules)
    made = measured(drive, trail, previous, owner, places, now, is_rest)
    about = {"user": owner.user, "car": drive.car_id, "why": drive.why}
    before = read if previous and read and read.value.id == previous.id else None
    if isinstance(made, NotATrip):
        logs.log().info("drive dropped: %s", made.why, extra=about)
        return _waits_on(change, store, drive, state, before, now, rules)
    if previous and is_rest:
        made = resumed(previous, made, owner, places, now)
        change.put_trip(before, made)
    elif previous and (complete := settled_by_next(previous, made, now)):
        change.put_trip(before, complete)
        made = linked(made, complete)
    if not is_rest:
        change.put_trip(None, made)
    if following := store.next_trip(made.car_id, made.started_at):
        _link_following(change, store, following, made.id)
    logs.log().info("trip saved", extra={**about, "trip": made.id})
    if drive.car_id is None:
        return state
    return remember(state, drive.car_id, made.id, now, rules, "odometer_pending" in made.flags)


def _waits_on(
    change: Change,
    store: UserStore,
    drive: Drive,
    state: TripState,
    before: Stored[Trip] | None,
    now: datetime,
    rules: Rules,
) -> TripState:
    """The trip before a drive that was none is settled by what the car said meanwhile, or waits on for its word."""
    if before is None or drive.car_id is None or "odometer_pending" not in before.value.flags:
        return state
    if closing := closing_reading(drive):
        _settle(change, store, before, settled(before.value, closing, now))
        return state
    return remember(state, drive.car_id, before.value.id, now, rules, pending=True)


def _settle(change: Change, store: UserStore, read: Stored[Trip], trip: Trip | None) -> None:
    if "odometer_pending" not in read.value.flags:
        return
    change.put_trip(read, trip)
    following = store.next_trip(read.value.car_id, read.value.started_at)
    if following:
        before = trip or _stored_before(store, read.value)
        changed = linked(following.value, before)
        if changed != following.value:
            change.put_trip(following, changed)


def _stored_before(store: UserStore, trip: Trip) -> Trip | None:
    read = store.previous_trip(trip.car_id, trip.started_at)
    return read.value if read else None


def locked(change: Change, read: Stored[TripState], changed: Trip | None = None) -> None:
    """Makes a change by hand wait for every other one: all that alters the log writes the driver's state.

    The address that the changed trip may lack is looked up later.
    """
    state = replace(read.value, log_changes=read.value.log_changes + 1)
    if changed and ADDRESS_PENDING in changed.flags:
        state = wanted(state, [changed.id], changed.updated_at)
    change.put_state(read, state)
