"""Polls one driver's cars: claims a poll, reads the car, records what came. Two commits; either may be repeated.

Only then come the addresses that trips may lack: nothing waits for them.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import msgspec

from shared import logs, settings
from shared.domain.car.asking import is_under_way, look_is_due
from shared.domain.car.car import Car
from shared.domain.log.history import CAR, Author
from shared.domain.tracking.answers import waits
from shared.domain.tracking.events import CarFailed, CarRead, Event, NotAsked
from shared.domain.tracking.machine import advance
from shared.domain.tracking.schedule import car_to_ask, is_on_the_way, leased, looking
from shared.domain.tracking.state import DriverState, folds_at, next_poll_at, with_cars
from shared.repositories.documents import OldLog, Stored, client, until_current
from shared.repositories.user_store import UserStore
from shared.services import addressing, asking
from shared.services.addressing import LookUp
from shared.services.asking import Asked, Permit
from shared.services.log import StoredOwner, stage

CARS_A_MESSAGE = 3  # if all of them hang, the call must still be over before the function's time limit


class Claim(msgspec.Struct, frozen=True):
    """What one poll does: time has passed, and a car is to be asked if one is due. Its lease says until when.

    The car is None where the driver has none of that id any more; the permit says whether it may be asked. `cars` are
    all that the driver has, None where nobody looked.
    """

    car_id: str | None = None
    car: Car | None = None
    cars: tuple[Car, ...] | None = None
    permit: Permit = Permit(False)
    lease_until: datetime | None = None


def poll(email: str, daily: bool = False) -> None:
    """Asks the cars of a driver that are due, and looks whether the drive going on is over.

    A daily message makes each of their cars due that nothing else has asked. Where more are due than one call has time
    for, or the poller dies on the way, the scheduler's next tick has it go on.
    """
    store, done = UserStore(client(), email), list[str]()
    try:
        for _ in range(CARS_A_MESSAGE):
            claim = until_current(_claim)(store, daily, done)
            if claim is None or not _goes_on(store, claim, done):
                return
    except OldLog as error:
        # Sent again it would be no newer.
        logs.log().error("poll dropped: %s", error, extra={"user": email})


def _goes_on(store: UserStore, claim: Claim, done: list[str]) -> bool:
    """Carries a claim out, and finds the addresses that are due then; whether another car is due."""
    asked = asking.read(store, claim.car) if claim.car and claim.permit.given else None
    done += [claim.car_id] if claim.car_id else []
    state, look_up = until_current(_record)(store, claim, asked, done, StoredOwner(store))
    if look_up:
        addressing.find_addresses(store, look_up)
    return car_to_ask(state, datetime.now(UTC), but=done) is not None


def _claim(store: UserStore, daily: bool, done: Collection[str]) -> Claim | None:
    now, read = datetime.now(UTC), store.state()
    state, cars = read.value, None
    if daily and look_is_due(state.asking, now):
        cars = store.cars.read()
        state = looking(state, cars.value, now)
    busy = [car_id for car_id in state.open if is_under_way(state.asking, car_id, now)]
    car_id = car_to_ask(state, now, but=[*done, *busy])
    if car_id is None:
        return _claim_of_time(store, read, state, now, done)
    cars = cars or store.cars.read()
    return _claim_of_car(store, read, state, cars, car_id, now)


def _claim_of_time(
    store: UserStore, read: Stored[DriverState], state: DriverState, now: datetime, done: Collection[str]
) -> Claim | None:
    rules = settings.current.rules
    if not _is_due(next_poll_at(state, rules), now):
        return None
    if late := car_to_ask(state, now, but=done):
        # Two reads at once would spend the same refresh token. The poll stays due: the next tick finds it.
        logs.log().info("poll left for later: the car is being asked", extra={"user": store.email, "car": late})
        return None
    if not _is_due(folds_at(state, rules), now):
        return Claim()
    if state.folding_until and state.folding_until > now:
        return None
    # A burst of late words brings as many messages. All at once they would fold the same, and each undo the other's.
    change, until = store.change(), now + asking.lease()
    change.put_state(read, leased(state, None, until))
    change.commit()
    return Claim(lease_until=until)


def _is_due(at: datetime | None, now: datetime) -> bool:
    return at is not None and at <= now


def _claim_of_car(
    store: UserStore,
    read: Stored[DriverState],
    state: DriverState,
    cars: Stored[dict[str, Car]],
    car_id: str,
    now: datetime,
) -> Claim:
    change, until, car = store.change(), now + asking.lease(), cars.value.get(car_id)
    waits_for_end = state.of_car(car_id).pending_since is not None
    on_the_way = not waits_for_end and is_on_the_way(state, car_id, now, settings.current.rules)
    state, permit = leased(state, car_id, until), _why_not(state, car, now)
    if car and permit.given:
        state, permit = asking.begin(change, state, cars, car, now, until, on_the_way=on_the_way)
    if car and not permit.given:
        logs.log().info("car not asked: %s", permit.why_not, extra={"user": store.email, "car": car_id})
    change.put_state(read, state)
    change.commit()
    return Claim(car_id, car, tuple(cars.value.values()), permit, until)


def _why_not(state: DriverState, car: Car | None, now: datetime) -> Permit:
    """Whether anything but budget and refusals is against asking the car."""
    if car is None:
        return Permit(False, "there is none")
    retry_at = state.of_car(car.id).retry_at if waits(state, car.id) else None
    if retry_at and now < retry_at:
        return Permit(False, "its cloud failed a moment ago")
    return Permit(True)


def _record(
    store: UserStore, claim: Claim, asked: Asked | None, done: Collection[str], owner: StoredOwner
) -> tuple[DriverState, LookUp | None]:
    now, read = datetime.now(UTC), store.state()
    change = store.change(Author(CAR, now))
    # What its driver says of the begin of a book is news as well: it is laid into the rows with what the car says.
    state = read.value if claim.cars is None else with_cars(read.value, claim.cars)
    if asked and claim.car:
        state = asking.finish(change, store, state, claim.car, claim.permit, asked)
    # Where no drive goes on, none can be over.
    places = owner.places if state.drive else ()
    outcome = advance(state, _event(state, claim, asked, now), now, settings.current.rules, places)
    state = stage(change, store, read.value, outcome, owner, now)
    # A poll that finishes a drive has done enough, one that asks more cars goes on: the next one finds the addresses.
    busy = outcome.finished or outcome.weaves or car_to_ask(state, now, but=done) is not None
    state, look_up = (state, None) if busy else addressing.claim(state, now)
    change.put_state(read, state)
    change.commit()
    return state, look_up


def _event(state: DriverState, claim: Claim, asked: Asked | None, now: datetime) -> Event:
    car_id, until = claim.car_id, claim.lease_until
    if car_id is None or claim.car is None:
        return NotAsked(car_id, has_car=False, lease_until=until)
    if asked is None:
        return NotAsked(car_id, lease_until=until, not_before=claim.permit.not_before)
    if asked.values is None:
        return CarFailed(car_id, asked.error.retry_after if asked.error else timedelta(0), until)
    return CarRead(car_id, asked.values.reading(), until, _not_before(state, claim.car, now))


def _not_before(state: DriverState, car: Car, now: datetime) -> datetime | None:
    """When a car is asked next on the way, at the earliest: where its budget becomes small, later than usual."""
    rules = settings.current.rules
    on_the_way = is_on_the_way(state, car.id, now, rules)
    return now + asking.between_reads(state, car, now, rules.poll_every) if on_the_way else None
