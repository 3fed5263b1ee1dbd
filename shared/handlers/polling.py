"""Polls one user's car: claims the poll, reads the car, records what came. Two commits; either may be repeated."""

import base64
import json
from datetime import datetime, timedelta
from typing import Any

from shared import logs
from shared.cars.provider import CarUnavailable, LoginRefused
from shared.domain.machine import CarRead, CarUnreachable, Event, Tick, advance
from shared.domain.schedule import claimed
from shared.domain.state import TripState
from shared.handlers import fields
from shared.handlers.car_reading import read_car
from shared.handlers.log_keeping import stage
from shared.repositories.accounts import EMAIL, Account, AccountRepository
from shared.repositories.documents import client, until_current
from shared.repositories.user_store import UserStore
from shared.settings import rules, seconds

OLDEST_MESSAGE = timedelta(minutes=5)
LEASE_MARGIN = timedelta(seconds=5)


def take_message(message: dict[str, Any]) -> None:
    """Takes a Pub/Sub message that asks for a poll. One that is late or cannot be read is dropped, not sent again."""
    logs.configure()
    try:
        user = json.loads(base64.b64decode(message["data"]))["user"]
        published_at = datetime.fromisoformat(message["publishTime"])
        if not isinstance(user, str):
            raise TypeError("user is not a string")
    except (KeyError, TypeError, ValueError):
        logs.log().error("message dropped: it cannot be read")
        return
    if not EMAIL.fullmatch(user):
        logs.log().error("message dropped: it names no user")
    elif fields.utc_now() - published_at > OLDEST_MESSAGE:
        logs.log().info("message dropped: it is late, the scheduler sends a new one", extra={"user": user})
    else:
        poll(UserStore(client(), user))


def poll(store: UserStore) -> None:
    """Polls the car of the trip going on, or of the trip that waits for its end odometer, if that is due."""
    state = until_current(lambda: _claim(store))
    if state is not None:
        event = _ask(store, state)
        until_current(lambda: _record(store, event))


def _claim(store: UserStore) -> TripState | None:
    read = store.state()
    lease = timedelta(seconds=seconds("CAR_TIMEOUT_S")) + LEASE_MARGIN
    state = claimed(read.value, fields.utc_now(), lease)
    if state is not None:
        change = store.change()
        change.put_state(read, state)
        change.commit()
    return state


def _ask(store: UserStore, state: TripState) -> Event:
    car_id = state.car_id if state.active else state.pending_car_id
    car = store.cars.list_cars().get(car_id) if car_id else None
    if car is None:
        return Tick(has_car=False, lease_until=state.next_poll_at)
    if car.login_stopped or (state.car_retry_at and fields.utc_now() < state.car_retry_at):
        return Tick(lease_until=state.next_poll_at)
    try:
        values = read_car(store, car)
    except CarUnavailable as error:
        logs.log().warning("car not read: %s", error, extra={"user": store.email, "car": car.id})
        if isinstance(error, LoginRefused):
            store.cars.count_refusal(car.id)
        return CarUnreachable(car.id, error.retry_after, state.next_poll_at)
    if car.login_refusals:
        store.cars.forget_refusals(car.id)
    return CarRead(car.id, values.reading(), state.next_poll_at)


def _record(store: UserStore, event: Event) -> None:
    now, read = fields.utc_now(), store.state()
    outcome = advance(read.value, event, now, rules(), store.places())
    # Only a trip that is over needs to know its owner's time zone.
    account = AccountRepository(client()).find(store.email) if outcome.drives else None
    timezone = (account or Account(store.email)).timezone
    change = store.change()
    change.put_state(read, stage(change, store, outcome, timezone, now, rules()))
    change.commit()
