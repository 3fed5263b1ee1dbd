"""Asks a car's cloud, within its budget and without a login too many. What is counted is stored before it is asked.

A read has three steps: `begin` in one commit of the driver's state, `read` without any, `finish` in another commit. The
first takes the most that a read may need, the last gives back what it did not. The middle one may never come back: the
count of requests stays then, and the login counts as refused.
"""

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from shared import logs, settings
from shared.cars.cost import counted, sends
from shared.cars.provider import (
    PROVIDERS,
    BeingAsked,
    CarUnavailable,
    CredentialsMissing,
    LoginRefused,
    ProviderBroken,
    TooManyRequests,
    missing_credentials,
    provider,
)
from shared.domain.car import asking
from shared.domain.car.asking import Asking, Budget, Taken
from shared.domain.car.car import Car, CarValues
from shared.domain.thresholds import MOST_REFUSALS
from shared.domain.tracking.state import DriverState
from shared.repositories.cars import Access
from shared.repositories.documents import Stored, until_current
from shared.repositories.user_store import Change, UserStore
from shared.secrets import Unreadable

LEASE_MARGIN = timedelta(seconds=5)
KEPT = "what is left of the budget of requests is kept for the end of the drive"
SHORTEST_SECRET = 4  # what is shorter is no secret, and stands in words of all kinds


class Permit(msgspec.Struct, frozen=True):
    """Whether a read was begun; if not, why, and perhaps when the budget allows one again.

    A read that was must be over at `until`; `refusals` were counted before it, `taken` is what it took from the budget.
    `missing` are credentials.
    """

    given: bool
    why_not: str = ""
    not_before: datetime | None = None
    login_stopped: bool = False
    until: datetime | None = None
    refusals: int = 0
    missing: tuple[str, ...] = ()
    taken: Taken | None = None


class Asked(msgspec.Struct, frozen=True):
    """How a read went: what the car said, or the error; with the credentials that were used, if any were.

    `cost` is how many requests it sent, None where nobody knows.
    """

    values: CarValues | None = None
    error: CarUnavailable | None = None
    access: Access = Access({}, {})
    cost: int | None = None


def lease() -> timedelta:
    """How long a read of a car may take at most."""
    return timedelta(seconds=settings.current.car_timeout_s) + LEASE_MARGIN


def between_reads(state: DriverState, car: Car, now: datetime, usual: timedelta) -> timedelta:
    """How long to wait between two reads of a car on the way: as usual, or longer where its budget becomes small."""
    budget = _budget(car)
    return asking.way_interval(state.asking, car.budget_name, budget, now, usual) if budget else usual


def begin(
    change: Change,
    state: DriverState,
    cars: Stored[dict[str, Car]],
    car: Car,
    now: datetime,
    until: datetime,
    *,
    on_the_way: bool = False,
) -> tuple[DriverState, Permit]:
    """The state to put in this change, with a read begun that must be over at `until` if there is a permit for it.

    One on the way, for which nothing waits, has none of the reserve: what stops it stops no other.
    """
    if missing := missing_credentials(car.provider, car.credentials_set_at):
        return state, Permit(False, str(CredentialsMissing(missing)), missing=missing)
    # Where nothing is counted, the credentials were set since: the reads that were lost before count no more.
    counts_for = settings.current.lost_login_counts_for if car.login_refusals else timedelta()
    kept, forgotten = asking.without_old_lost(state.asking, car.id, now, counts_for)
    kept, lost = asking.without_lost(kept, car.id, now)
    if lost:
        logs.log().warning("a read told nothing: counted as a refused login", extra={"car": car.id})
    refusals = max(0, car.login_refusals - forgotten) + lost
    if refusals != car.login_refusals:
        change.set_refusals(cars, car.id, refusals)
    state = replace(state, asking=kept)
    if refusals >= MOST_REFUSALS:
        return state, Permit(False, "the login was refused too often", login_stopped=True)
    if not asking.may_log_in(kept, car.id, refusals):
        return state, Permit(False, "it is being asked, and one more login could be a third refused one")
    budget = _budget(car)
    if budget and (free_at := asking.free_again_at(kept, car.budget_name, budget, now, on_the_way)):
        return state, Permit(False, KEPT if on_the_way else "the budget of requests is used up", free_at)
    kept, taken = _taken(kept, car.budget_name, budget, now, on_the_way)
    permit = Permit(True, until=until, refusals=refusals, taken=taken)
    return replace(state, asking=asking.begun(kept, car.id, until)), permit


def _taken(
    kept: Asking, name: str, budget: Budget | None, now: datetime, on_the_way: bool
) -> tuple[Asking, Taken | None]:
    if budget is None:
        return kept, None
    kept = asking.taken(kept, name, budget, now, on_the_way)
    return kept, Taken(name, kept.windows[name].until, budget.a_read, on_the_way)


def _budget(car: Car) -> Budget | None:
    return PROVIDERS[car.provider].budget if car.provider in PROVIDERS else None


def read(store: UserStore, car: Car) -> Asked:
    """Reads the car and keeps the tokens, also where it fails. Whatever a provider does wrong, its error is told."""
    with counted() as cost:
        asked = _asked(store, car)
    return replace(asked, cost=cost.requests)


def _asked(store: UserStore, car: Car) -> Asked:
    access = Access({}, {})
    try:
        access = store.cars.access(car.id)
        if missing := missing_credentials(car.provider, [name for name, value in access.credentials.items() if value]):
            # They were taken away since the read began. An empty login would count as a refused one.
            sends(0)
            raise CredentialsMissing(missing)
        return Asked(_read(store, car, access), access=access)
    except CarUnavailable as error:
        told = _without(str(error), access)
        logs.log().warning("car not read: %s", told, extra={"user": store.email, "car": car.id})
        return Asked(error=error, access=access)
    except Unreadable:
        told = "the credentials cannot be opened: none of CREDENTIALS_KEYS fits"
        logs.log().error("car not read: %s", told, extra={"user": store.email, "car": car.id})
        return Asked(error=ProviderBroken(told), access=access)


def _read(store: UserStore, car: Car, access: Access) -> CarValues:
    tokens = deepcopy(access.tokens)
    reader = provider(car.provider)
    try:
        return reader.read(car.vin, access.credentials, tokens, settings.current.car_timeout_s)
    except CarUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - else the message would come again, with one more login each time
        # Neither its words nor its trace: a library may put anything into them.
        raise ProviderBroken(f"an error of the provider: {type(error).__name__}") from None
    finally:
        if tokens != access.tokens:
            store.cars.keep_tokens(car.id, tokens, access)


def finish(change: Change, store: UserStore, state: DriverState, car: Car, permit: Permit, asked: Asked) -> DriverState:
    """The state to put in this change, with the read over and what it cost booked.

    The refusals follow, but those of former credentials.
    """
    state = _with_cost(state, car, permit, asked)
    answered, refused = asked.error is None, isinstance(asked.error, LoginRefused)
    kept, was_lost = asking.told(state.asking, car.id, permit.until, answered)
    if refused or was_lost or (answered and permit.refusals):
        cars = store.cars.read()
        current = cars.value.get(car.id)
        # Credentials that were set meanwhile have not been tried.
        if current and _same_credentials(store, car, asked):
            before = current.login_refusals
            count = asking.refusals_after(before, answered=answered, refused=refused, was_lost=was_lost)
            if count != before:
                change.set_refusals(cars, car.id, count)
    return replace(state, asking=kept)


def _with_cost(state: DriverState, car: Car, permit: Permit, asked: Asked) -> DriverState:
    """A commit may have been made though its answer was lost: what was told already is booked already."""
    if permit.taken is None or asked.cost is None or not asking.is_open(state.asking, car.id, permit.until):
        return state
    return replace(state, asking=asking.booked(state.asking, permit.taken, asked.cost))


def _same_credentials(store: UserStore, car: Car, asked: Asked) -> bool:
    try:
        return store.cars.access(car.id).credentials == asked.access.credentials
    except Unreadable:
        return isinstance(asked.error, ProviderBroken)


def ask_once(store: UserStore, car: Car) -> CarValues:
    """Reads a car outside of its polls, as drivers do who try their credentials; the log and the trip stay as is.

    The request is taken from the car's budget, a refused login is counted. Raises CarUnavailable or one of its kinds:
    TooManyRequests where the budget is used up, LoginRefused where the login was refused too often before, and
    BeingAsked where one more login could be one too many, CredentialsMissing where there is none to try.
    """
    permit = until_current(_begin_once)(store, car)
    if permit.missing:
        raise CredentialsMissing(permit.missing)
    if permit.not_before:
        raise TooManyRequests(permit.why_not, permit.not_before - datetime.now(UTC))
    if permit.login_stopped:
        raise LoginRefused(permit.why_not)
    if not permit.given:
        raise BeingAsked(permit.why_not)
    asked = read(store, car)
    until_current(_finish_once)(store, car, permit, asked)
    if asked.error or asked.values is None:
        raise asked.error or ProviderBroken("no answer")
    return asked.values


def _begin_once(store: UserStore, car: Car) -> Permit:
    stored, cars, change, now = store.state(), store.cars.read(), store.change(), datetime.now(UTC)
    state, permit = begin(change, stored.value, cars, cars.value.get(car.id, car), now, now + lease())
    change.put_state(stored, state)
    change.commit()
    return permit


def _finish_once(store: UserStore, car: Car, permit: Permit, asked: Asked) -> None:
    stored, change = store.state(), store.change()
    change.put_state(stored, finish(change, store, stored.value, car, permit, asked))
    change.commit()


def _without(text: str, access: Access) -> str:
    """The text without anything of the credentials and tokens, whatever a provider put into its words."""
    for secret in sorted({*_words(access.credentials), *_words(access.tokens)}, key=len, reverse=True):
        text = text.replace(secret, "…")
    return text


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = [*value.values()]
    if isinstance(value, list | tuple):
        for inner in value:
            yield from _words(inner)
    elif len(str(value)) >= SHORTEST_SECRET:
        yield str(value)
