"""Lists, adds, corrects and deletes a driver's trips, and shows or drops the one going on."""

from datetime import datetime
from typing import Any, get_args

from flask import Request

from shared import settings
from shared.domain.driver import Account, Caller
from shared.domain.log.addresses import flagged
from shared.domain.log.measuring import so_far_km
from shared.domain.log.trip import TRIP_ID, Trip, TripKind
from shared.domain.place.trail import trail_distance_km
from shared.domain.tracking.ending import gone_on_since
from shared.domain.tracking.look_ups import wanted
from shared.domain.tracking.state import TripState, legs
from shared.handlers import fields
from shared.handlers.cursors import cursor_of, position_of
from shared.handlers.log_keeping import relink
from shared.handlers.problems import Problem, bad
from shared.handlers.trip_bodies import corrected, manual_trip
from shared.handlers.views import trip_view
from shared.repositories.documents import Stored, client, until_current
from shared.repositories.user_store import UserStore
from shared.services.log import locked

KINDS = get_args(TripKind)


def list_trips(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """A page of trips, newest first."""
    year, month = fields.year_and_month(request)
    kind = request.args.get("kind")
    if kind is not None and kind not in KINDS:
        raise bad("kind", f"must be one of {', '.join(KINDS)}")
    limit = fields.whole(request, "limit", range(1, 201)) or 50
    equal = {"year": year, "month": month, "car_id": fields.query_car_id(request), "kind": kind}
    wanted = {name: value for name, value in equal.items() if value is not None}
    found = _store(caller).trips(wanted, limit + 1, position_of(request.args.get("cursor")))
    cursor = cursor_of(found[limit - 1]) if len(found) > limit else None
    return {"trips": [trip_view(trip) for trip in found[:limit]], "next_cursor": cursor}, 200


def show(request: Request, caller: Caller, trip_id: str) -> tuple[dict[str, Any], int]:
    """One trip."""
    return trip_view(_get(_store(caller), trip_id).value), 200


def add(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """A trip entered by hand."""
    trip = flagged(manual_trip(request, caller.account, fields.utc_now()), bool(settings.current.geocoders))
    return trip_view(until_current(_put)(_store(caller), None, trip)), 201


def correct(request: Request, caller: Caller, trip_id: str) -> tuple[dict[str, Any], int]:
    """A trip with some fields changed, if it is still of the revision that the caller saw."""
    store, body = _store(caller), corrected(request)
    return trip_view(until_current(_correct)(store, caller.account, trip_id, body)), 200


def delete(request: Request, caller: Caller, trip_id: str) -> tuple[None, int]:
    """Takes a trip out of the log."""
    store = _store(caller)
    until_current(_delete)(store, trip_id)
    return None, 204


def show_active(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """The trip going on."""
    state = _store(caller).state().value
    if not state.active or not state.started_at:
        raise Problem(404, "No trip is going on.")
    return _active_view(state, state.started_at, caller.account), 200


def drop_active(request: Request, caller: Caller) -> tuple[None, int]:
    """Drops the trip going on; what the phone sent for it does not begin it again."""
    store = _store(caller)
    until_current(_drop_active)(store)
    return None, 204


def _store(caller: Caller) -> UserStore:
    return UserStore(client(), caller.account.email)


def _get(store: UserStore, trip_id: str) -> Stored[Trip]:
    found = store.find_trip(trip_id) if TRIP_ID.fullmatch(trip_id) else None
    if found is None:
        raise Problem(404, "There is no such trip.")
    return found


def _put(store: UserStore, read: Stored[Trip] | None, trip: Trip) -> Trip:
    if read is None and store.find_trip(trip.id):
        raise Problem(409, "A trip that starts at this moment exists already.")
    change = store.change()
    locked(change, store.state(), trip)
    if read:
        change.put_trip(read, trip)
    relink(change, store, read.value if read else None, trip)
    change.commit()
    return change.staged(trip.id) or trip


def _correct(store: UserStore, account: Account, trip_id: str, body: Any) -> Trip:
    read = _get(store, trip_id)
    if body.revision is not None and body.revision != read.value.revision:
        raise Problem(409, f"The trip is at revision {read.value.revision} by now.", "revision")
    trip = body.applied_to(read.value, account, fields.utc_now())
    return _put(store, read, flagged(trip, bool(settings.current.geocoders)) if body.moves else trip)


def _delete(store: UserStore, trip_id: str) -> None:
    read = _get(store, trip_id)
    change = store.change()
    locked(change, store.state())
    change.put_trip(read, None)
    relink(change, store, read.value, None)
    change.commit()


def _drop_active(store: UserStore) -> None:
    read = store.state()
    state = read.value
    if not state.active:
        raise Problem(404, "No trip is going on.")
    heard = [event.at for event in (*state.fixes, *state.ends)]
    change = store.change()
    change.drop_trail(state.trail_blocks)
    dropped = TripState(
        closed_until=max([*heard, *([state.closed_until] if state.closed_until else [])]),
        parked=state.parked,
        failures=state.failures,
        car_retry_at=state.car_retry_at,
        log_changes=state.log_changes,
        unaddressed=state.unaddressed,
        asking=state.asking,
    )
    change.put_state(read, wanted(dropped, (), fields.utc_now()))
    change.commit()


def _active_view(state: TripState, started_at: datetime, account: Account) -> dict[str, Any]:
    leg = legs(state, settings.current.rules)[-1]
    readings = state.known_readings(state.car_id or "")
    last = (state.trail_last,) if state.trail_last else ()
    gps_km = state.trail_km + trail_distance_km((*last, *state.fixes, *state.ends))
    went_on = leg.phase == "paused" and gone_on_since(state, leg.last_at)
    return {
        "user": account.email,
        "car_id": state.car_id,
        "phase": "driving" if went_on else leg.phase,
        "started_at": fields.local(started_at, account.timezone),
        "distance_km": so_far_km(readings, started_at, gps_km),
        "odometer_km": readings[-1].km if readings else None,
        "odometer_at": fields.zulu(readings[-1].at) if readings else None,
        "points": state.trail_fixes + sum(1 for fix in state.fixes if fix.position),
    }
