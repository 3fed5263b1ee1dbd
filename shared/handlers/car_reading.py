"""Reads a car once with what its driver stored for it: in its polls, and outside of them when he tries it out."""

from copy import deepcopy
from datetime import datetime, timedelta

from msgspec.structs import replace

from shared import logs
from shared.cars.provider import CarUnavailable, LoginRefused, provider
from shared.domain.car import CarValues
from shared.handlers import fields
from shared.repositories.cars import Car
from shared.repositories.documents import client
from shared.repositories.setup import Setup, set_up
from shared.repositories.user_store import UserStore
from shared.settings import seconds

MARGIN = timedelta(seconds=5)


class BeingAsked(CarUnavailable):
    """Somebody else asks the car at this moment."""

    advice = "This car is being asked at this moment. Try again in half a minute."


def read_car(store: UserStore, car: Car) -> CarValues:
    """What the car says. Tokens are kept also where it fails. Raises CarUnavailable or one of its kinds."""
    reader, access = provider(car.provider), store.cars.access(car.id)
    tokens = deepcopy(access.tokens)
    try:
        return reader.read(car.vin, access.credentials, tokens, seconds("CAR_TIMEOUT_S"))
    finally:
        if tokens != access.tokens:
            store.cars.keep_tokens(car.id, tokens, access)


def ask_once(store: UserStore, car: Car) -> CarValues:
    """What the car says, outside of its polls: a refusal counts, the log and the trip going on stay as they are.

    Raises CarUnavailable or one of its kinds; LoginRefused also where the login was refused too often before.
    """
    until = fields.utc_now() + timedelta(seconds=seconds("CAR_TIMEOUT_S")) + MARGIN
    set_up(client(), store.email, lambda setup: _begin(setup, car, until))
    try:
        values = read_car(store, car)
    except CarUnavailable as error:
        logs.log().warning("car not read: %s", error, extra={"user": store.email, "car": car.id})
        refused = isinstance(error, LoginRefused)
        set_up(client(), store.email, lambda setup: _finish(setup, car, answered=False, refused=refused))
        raise
    set_up(client(), store.email, lambda setup: _finish(setup, car, answered=True, refused=False))
    return values


def _begin(setup: Setup, wanted: Car, until: datetime) -> None:
    """One at a time: two refusals stop the asking, so a third login must not be under way by then."""
    car = setup.cars.get(wanted.id)
    if car is None or car.login_stopped:
        raise LoginRefused("the login was refused too often")
    if car.tried_until and fields.utc_now() < car.tried_until:
        raise BeingAsked("it is being asked already")
    setup.put_car(replace(car, tried_until=until))


def _finish(setup: Setup, tried: Car, answered: bool, refused: bool) -> None:
    car = setup.cars.get(tried.id)
    # Credentials that were set meanwhile have neither been taken nor refused.
    if car is None or car.credentials_set_at != tried.credentials_set_at:
        return
    refusals = 0 if answered else car.login_refusals + refused
    setup.put_car(replace(car, tried_until=None, login_refusals=refusals))
