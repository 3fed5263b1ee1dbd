"""Takes the phone's starts, pings and ends. Never waits for a car's cloud: stores, asks for a poll, answers."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from flask import Request

from shared import logs, settings
from shared.domain import fitting
from shared.domain.driver import Account, Caller
from shared.domain.place.places import Place
from shared.domain.place.trail import Fix
from shared.domain.thresholds import ACCURACY_DECIMALS, CLOCK_AHEAD, EVENT_STEP, OLDEST_EVENT, POSITION_DECIMALS
from shared.domain.tracking.machine import Ended, Outcome, Started, advance
from shared.domain.tracking.state import TripState, legs
from shared.handlers import fields
from shared.handlers.log_keeping import owner_of, stage
from shared.handlers.problems import Problem, bad
from shared.messaging.polls import Reason, ask_for_poll
from shared.repositories.documents import client, until_current
from shared.repositories.user_store import UserStore


def start(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """A start, or one more GPS point of the trip going on."""
    now = datetime.now(UTC)
    fix = _fix(_loose_body(request), caller.account, now)
    return _answer(caller.account, Started(fix, caller.account.default_car_id), now, ())


def end(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """The phone left the car."""
    now = datetime.now(UTC)
    fix = _fix(_loose_body(request), caller.account, now)
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


def _loose_body(request: Request) -> Mapping[str, Any]:
    """The fields of a JSON or form-encoded body, none for an empty one. A phone is not asked for the right header."""
    if request.mimetype == "multipart/form-data":
        return request.form
    data = request.get_data().strip()
    if request.mimetype == "application/x-www-form-urlencoded" and not data.startswith(b"{"):
        try:
            return dict(parse_qsl(data.decode(), keep_blank_values=True, strict_parsing=bool(data)))
        except ValueError as error:
            raise Problem(400, "The body is not a form.") from error
    if not data:
        return {}
    found = _json(data)
    if not isinstance(found, dict):
        raise Problem(400, "The body must be a JSON object.")
    return found


def _json(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Problem(400, "The body is not JSON.") from error


def _fix(body: Mapping[str, Any], account: Account, now: datetime) -> Fix:
    lat = _rounded(body.get("lat", body.get("latitude")), "lat", (-90, 90), POSITION_DECIMALS)
    lng = _rounded(body.get("lng", body.get("lon", body.get("longitude"))), "lng", (-180, 180), POSITION_DECIMALS)
    if (lat is None) != (lng is None):
        raise bad("lng" if lng is None else "lat", "is missing: a position needs both")
    if lat == 0 and lng == 0:
        lat = lng = None
    return Fix(
        at=_event_time(body.get("timestamp"), account.timezone, now),
        lat=lat,
        lng=lng,
        accuracy_m=_rounded(body.get("accuracy_m"), "accuracy_m", (0, 1e7), ACCURACY_DECIMALS),
        car_id=fitting.car_id(body.get("car_id")),
    )


def _event_time(value: Any, timezone: str, now: datetime) -> datetime:
    """When the phone saw an event: now if it does not say, not over 24 h ago and not over 5 min ahead."""
    at = now if value is None or value == "" else fitting.moment(value, "timestamp", timezone)
    if not now - OLDEST_EVENT <= at <= now + CLOCK_AHEAD:
        raise bad("timestamp", "must not be more than 24 h old or 5 min ahead")
    return at - timedelta(microseconds=at.microsecond) % EVENT_STEP


def _rounded(value: Any, field: str, limits: tuple[float, float], decimals: int) -> float | None:
    found = fitting.number(value, field, *limits)
    return None if found is None else round(found, decimals)
