"""Polls one user's car: claims the poll, reads the car, records what came. Two commits; either may be repeated.

Only then come the addresses that trips may lack: nothing waits for them.
"""

import base64
import json
from datetime import datetime, timedelta
from typing import Any

import msgspec

from shared import logs, settings
from shared.domain.car.asking import is_under_way, look_is_due
from shared.domain.car.car import Car
from shared.domain.car.odometer import Reading
from shared.domain.driver import EMAIL, Account
from shared.domain.tracking.machine import CarRead, CarUnreachable, Event, LookedAt, Tick, advance
from shared.domain.tracking.schedule import car_to_ask, claimed, look_begun
from shared.domain.tracking.state import TripState
from shared.handlers import addressing, asking, fields
from shared.handlers.addressing import LookUp
from shared.handlers.asking import Asked, Permit
from shared.handlers.log_keeping import owner_of, stage
from shared.repositories.accounts import AccountRepository
from shared.repositories.documents import Stored, client, until_current
from shared.repositories.user_store import UserStore

DAILY = "daily"
OLDEST_MESSAGE = timedelta(minutes=5)
# The next one comes a day later, and the last of a hundred thousand has to wait for its turn.
OLDEST_DAILY_MESSAGE = timedelta(hours=6)
CARS_A_MESSAGE = 3  # if all of them hang, the call must still be over before the function's time limit


def take_message(message: dict[str, Any]) -> None:
    """Takes a Pub/Sub message that asks for a poll. One that is late or cannot be read is dropped, not sent again."""
    try:
        body = json.loads(base64.b64decode(message["data"]))
        user, daily = body["user"], body.get("reason") == DAILY
        published_at = datetime.fromisoformat(message["publishTime"])
        if not isinstance(user, str):
            raise TypeError("user is not a string")
    except (AttributeError, KeyError, TypeError, ValueError):
        logs.log().error("message dropped: it cannot be read")
        return
    if not EMAIL.fullmatch(user):
        logs.log().error("message dropped: it names no user")
    elif fields.utc_now() - published_at > (OLDEST_DAILY_MESSAGE if daily else OLDEST_MESSAGE):
        logs.log().info("message dropped: it is late, the scheduler sends a new one", extra={"user": user})
    else:
        poll(UserStore(client(), user), daily)


class Claim(msgspec.Struct, frozen=True):
    """A poll that is ours until the lease is over: the car whose turn it is, and whether it may be asked.

    `look_at` is the car's id where it is its turn in a daily look.
    """

    lease_until: datetime
    car: Car | None
    permit: Permit
    look_at: str | None = None


def poll(store: UserStore, daily: bool = False) -> None:
    """Polls the car of the trip going on, or of the trip that waits for its end odometer, if that is due.

    A daily message makes one look at each of the user's cars due, where no trip needs a poll. Where more cars are left
    than one call has time for, or the poller dies on the way, the scheduler's next tick has it go on.
    """
    for _ in range(CARS_A_MESSAGE):
        claim = until_current(_claim)(store, daily)
        if claim is None or not _goes_on(store, claim):
            return


def _goes_on(store: UserStore, claim: Claim) -> bool:
    """Carries a claim out, and finds the addresses that are due then; whether a daily look has cars left."""
    asked = asking.read(store, claim.car) if claim.car and claim.permit.given else None
    state, look_up = until_current(_record)(store, claim, asked)
    if look_up:
        addressing.find_addresses(store, look_up)
    return bool(claim.look_at and state.asking.to_look_at)


def _claim(store: UserStore, daily: bool = False) -> Claim | None:
    now, read = fields.utc_now(), store.state()
    idle = not (read.value.active or read.value.pending_car_id)
    look = daily and idle and look_is_due(read.value.asking, now)
    cars: Stored[dict[str, Car]] = store.cars.read() if look else Stored({})
    state = claimed(look_begun(read.value, cars.value, now) if look else read.value, now, asking.lease())
    if state is None or state.next_poll_at is None:
        return None
    change, until, car_id = store.change(), state.next_poll_at, car_to_ask(state)
    if car_id and not look:
        if is_under_way(state.asking, car_id, now):
            # Two reads at once would spend the same refresh token. The poll stays due: the next tick finds it.
            logs.log().info("poll left for later: the car is being asked", extra={"user": store.email, "car": car_id})
            return None
        cars = store.cars.read()
    car = cars.value.get(car_id or "")
    permit = _why_not(state, car, now)
    if car and permit.given:
        state, permit = asking.begin(change, state, cars, car, now, until)
    if car and not permit.given:
        logs.log().info("car not asked: %s", permit.why_not, extra={"user": store.email, "car": car.id})
    change.put_state(read, state)
    change.commit()
    return Claim(until, car, permit, car_id if idle else None)


def _why_not(state: TripState, car: Car | None, now: datetime) -> Permit:
    """Whether anything but budget and refusals is against asking the car."""
    if car is None:
        return Permit(False, "there is none")
    # The wait is that of the car that failed.
    waits = car.id in (state.car_id, state.pending_car_id) and state.car_retry_at and now < state.car_retry_at
    return Permit(not waits, "its cloud failed a moment ago" if waits else "")


def _record(store: UserStore, claim: Claim, asked: Asked | None) -> tuple[TripState, LookUp | None]:
    now, read, change = fields.utc_now(), store.state(), store.change()
    state = read.value
    if asked and claim.car:
        state = asking.finish(change, store, state, claim.car, claim.permit, asked)
    outcome = advance(state, _event(store, state, claim, asked), now, settings.current.rules, store.places())
    # Only a trip that is over needs to know its owner's time zone and habits.
    account = AccountRepository(client()).find(store.email) if outcome.drives else None
    state = stage(change, store, outcome, owner_of(account or Account(store.email)), now, settings.current.rules)
    # A poll that finishes a trip has done enough, one that looks at cars goes on: the next one finds the addresses.
    busy = bool(outcome.drives or state.asking.to_look_at)
    state, look_up = (state, None) if busy else addressing.claim(state, now)
    change.put_state(read, state)
    change.commit()
    return state, look_up


def _event(store: UserStore, state: TripState, claim: Claim, asked: Asked | None) -> Event:
    if claim.look_at:
        return _looked_at(store, state, claim.look_at, asked)
    if claim.car is None:
        return Tick(has_car=False, lease_until=claim.lease_until)
    if asked is None:
        return Tick(lease_until=claim.lease_until, not_before=claim.permit.not_before)
    if asked.values is None:
        retry_after = asked.error.retry_after if asked.error else timedelta(0)
        return CarUnreachable(claim.car.id, retry_after, claim.lease_until)
    return CarRead(claim.car.id, asked.values.reading(), claim.lease_until)


def _looked_at(store: UserStore, state: TripState, car_id: str, asked: Asked | None) -> LookedAt:
    reading = asked.values.reading() if asked and asked.values else None
    parked = state.parked.get(car_id)
    if reading is None or (parked and parked.last):
        return LookedAt(car_id, reading)
    newest = [Reading(stored["at"], stored["km"]) for stored in store.readings(car_id, 1)]
    return LookedAt(car_id, reading, *newest)
