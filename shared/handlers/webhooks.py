"""Takes the phone's starts, pings and ends. Never waits for a car's cloud: stores, asks for a poll, answers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import Request

from shared import logs, settings
from shared.domain import fitting
from shared.domain.driver import Account, Caller
from shared.domain.place.places import Place
from shared.domain.place.trail import Fix
from shared.domain.tracking.machine import Ended, Outcome, Started, advance
from shared.domain.tracking.state import TripState, legs
from shared.handlers import fields
from shared.handlers.log_keeping import owner_of, stage
from shared.handlers.problems import bad
from shared.messaging.polls import Reason, ask_for_poll
from shared.repositories.documents import client, until_current
from shared.repositories.user_store import UserStore


def start(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """A start, or one more GPS point of the trip going on."""
    now = fields.utc_now()
    fix = _fix(fields.loose_body(request), caller.account, now)
    return _answer(caller.account, Started(fix, caller.account.default_car_id), now, ())


def end(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """The phone left the car."""
    now = fields.utc_now()
    fix = _fix(fields.loose_body(request), caller.account, now)
    places = UserStore(client(), caller.account.email).places() if fix.position else ()
    return _answer(caller.account, Ended(fix), now, places)


def _answer(account: Account, event: Started | Ended, now: datetime, places: Sequence[Place]) -> tuple[Any, int]:
    store = UserStore(client(), account.email)
    outcome, state = until_current(_record)(store, account, event, now, places)
    if outcome.poll_now:
        _ask_for_poll(account.email, outcome.status)
    return _told(account, outcome, state), 200


def _record(
    store: UserStore, account: Account, event: Started | Ended, now: datetime, places: Sequence[Place]
) -> tuple[Outcome, TripState]:
    read = store.state()
    outcome = advance(read.value, event, now, settings.current.rules, places)
    if outcome.state == read.value and not outcome.drives:
        return outcome, outcome.state
    change = store.change()
    state = stage(change, store, outcome, owner_of(account), now, settings.current.rules)
    change.put_state(read, state)
    change.commit()
    return outcome, state


def _ask_for_poll(user: str, reason: Reason) -> None:
    """The trip is stored already: where the bus is down, the scheduler's next tick finds the poll due."""
    try:
        ask_for_poll(user, reason)
    except Exception:  # noqa: BLE001 - whatever the bus has, the phone's event is safe
        logs.log().warning("poll not asked for; the next tick does it", exc_info=True, extra={"user": user})


def _told(account: Account, outcome: Outcome, state: TripState) -> dict[str, Any]:
    told: dict[str, Any] = {"status": outcome.status}
    if outcome.reason:
        told["reason"] = outcome.reason
    told["user"] = account.email
    if state.active and state.started_at and outcome.reason != "no_active_trip":
        told["car_id"] = state.car_id
        told["started_at"] = fields.local(state.started_at, account.timezone)
        if state.ends and (ended_at := legs(state, settings.current.rules)[-1].ended_at):
            told["ended_at"] = fields.local(ended_at, account.timezone)
    return told


def _fix(body: Any, account: Account, now: datetime) -> Fix:
    lat = fitting.number(body.get("lat", body.get("latitude")), "lat", -90, 90)
    lng = fitting.number(body.get("lng", body.get("lon", body.get("longitude"))), "lng", -180, 180)
    if (lat is None) != (lng is None):
        raise bad("lng" if lng is None else "lat", "is missing: a position needs both")
    if lat == 0 and lng == 0:
        lat = lng = None
    return Fix(
        at=fields.event_time(body.get("timestamp"), account.timezone, now),
        lat=lat,
        lng=lng,
        accuracy_m=fitting.number(body.get("accuracy_m"), "accuracy_m", 0, 1e7),
        car_id=fitting.car_id(body.get("car_id")),
    )
