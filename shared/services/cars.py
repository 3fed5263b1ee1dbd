"""Lists, sets up and deletes a driver's cars and their credentials, and owns what of a car fits."""

import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from msgspec.structs import replace

from shared.cars.provider import PROVIDERS, Offer
from shared.domain.car.car import Car
from shared.domain.car.odometer import HIGHEST_KM, Reading
from shared.domain.driver import Account
from shared.domain.fitting import Conflict, NotFound, day, number, text, unfit
from shared.domain.log.trip import km
from shared.domain.tracking.state import DriverState
from shared.repositories.documents import client
from shared.repositories.setup import Setup, set_up
from shared.repositories.user_store import UserStore
from shared.services import credentials
from shared.services.credentials import Credential, credentials_of

MOST_CARS = 50
# A VIN (ISO 3779) has no I, O and Q. Its check digit is none in Europe. Simulated cars are free in the matter.
VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
SIMULATED_VIN = re.compile(r"[A-Z0-9]{1,17}")
PLATE = re.compile(r"(?=.{2,10}$)[A-Z0-9ÄÖÜ]+(-+[A-Z0-9ÄÖÜ]+)*")
PERIOD = ("available_from", "available_until")
TEXTS = ("brand", "make", "type", "colour")


class OwnCar(NamedTuple):
    """A driver's car: whether it is their default, what its provider takes, the newest odometer that was asked for."""

    car: Car
    is_default: bool
    credentials: list[Credential]
    last: Reading | None = None


def offers() -> dict[str, Offer]:
    """The providers that a driver can choose. With a simulated car they could invent odometers: it is for trying."""
    simulated = bool(os.environ.get("CAR_CLOUD_URL"))
    return {provider: offer for provider, offer in PROVIDERS.items() if simulated or provider != "simulated"}


def list_cars(account: Account) -> list[OwnCar]:
    """The driver's cars by id, each with the newest odometer that is remembered of it."""
    store = UserStore(client(), account.email)
    state, cars = store.state().value, store.cars.list_cars()
    return [_own(car, account, _last(state, car_id)) for car_id, car in sorted(cars.items())]


def put(
    email: str,
    car_id: str,
    said: Mapping[str, Any],
    default: bool = False,
    opened_by: Mapping[str, Any] | None = None,
) -> tuple[OwnCar, bool]:
    """A car with what is said of it, by the names of its fields; what is not said stays. True if the car is new.

    Its credentials stay as well, unless its provider is another one, or they are given. Raises Unfit, also where there
    are too many cars.
    """

    changes_log = False

    def attempt(setup: Setup) -> tuple[OwnCar, bool]:
        nonlocal changes_log
        now, before = datetime.now(UTC), _for_log(setup, car_id)
        is_new = _put(setup, car_id, said, now, default)
        if opened_by is not None:
            credentials.put(setup, setup.cars[car_id], opened_by, now)
        changes_log = _for_log(setup, car_id) != before
        return _own(setup.cars[car_id], setup.account), is_new

    found, is_new = set_up(client(), email, attempt)
    if changes_log:
        # What a new car, or another begin, means for the log is seldom asked: to load the fold costs a cold start.
        from shared.services.set_log import follow

        follow(email, car_id)
    return found, is_new


def delete(email: str, car_id: str) -> None:
    """Takes a driver's car away with its credentials; trips and readings stay in the log. Raises NotFound."""
    from shared.services.set_log import follow

    set_up(client(), email, lambda setup: setup.drop_car(found(setup.cars, car_id).id))
    follow(email)


def put_credentials(email: str, car_id: str, said: Callable[[], Mapping[str, Any]]) -> list[Credential]:
    """What opens the car's cloud, in place of what was set before. Raises Unfit; no value is in its words.

    That the car is not there, or its provider, is said before what is wrong with the credentials: these are called for.
    """

    def attempt(setup: Setup) -> list[Credential]:
        car = found(setup.cars, car_id)
        credentials.refuse_gone_provider(car)
        credentials.put(setup, car, said(), datetime.now(UTC))
        return credentials_of(setup.cars[car.id])

    return set_up(client(), email, attempt)


def found(cars: Mapping[str, Car], car_id: str) -> Car:
    """The car of that id, in any case of letters. Raises NotFound."""
    car = cars.get(car_id.lower())
    if car is None:
        raise NotFound("There is no such car.")
    return car


def fitted(car: Car, said: Mapping[str, Any]) -> Car:
    """The car with what is said of it, by the names of its fields; what is not said stays. Raises Unfit."""
    given, provider = dict(said), said.get("provider", car.provider)
    if "provider" in said and provider not in offers():
        raise unfit("provider", f"must be one of {', '.join(offers())}")
    given |= {field: day(said[field], field) for field in PERIOD if field in said}
    since, until = (given.get(field, getattr(car, field)) for field in PERIOD)
    if set(PERIOD) & set(said) and since and until and until < since:
        raise unfit("available_until", "must not be before available_from")
    if "start_odometer_km" in said:
        start_km = number(said["start_odometer_km"], "start_odometer_km", 0, HIGHEST_KM)
        given["start_odometer_km"] = None if start_km is None else km(start_km)
    given |= {field: text(said[field], field) for field in TEXTS if field in said}
    if "name" in said:
        given["name"] = text(said["name"], "name") or car.id
    if "vin" in said or provider != car.provider:
        given["vin"] = vin(said.get("vin", car.vin), provider)
    if "plate" in said:
        given["plate"] = _plate(said["plate"])
    return replace(car, **given)


def vin(value: str, provider: str) -> str:
    """A VIN as it is kept, or nothing. Raises Unfit."""
    found = re.sub(r"\s", "", value).upper()
    form = SIMULATED_VIN if provider == "simulated" else VIN
    if found and not form.fullmatch(found):
        raise unfit("vin", "must be 17 letters and digits without I, O and Q, as it stands in the car's papers")
    return found


def _for_log(setup: Setup, car_id: str) -> tuple[str | None, bool, float | None, str | None]:
    """What the rows of a log follow from: the default car, whether there is this car, and with what it begins."""
    car = setup.cars.get(car_id)
    begin = (car.start_odometer_km, car.available_from) if car else (None, None)
    return setup.account.default_car_id, car is not None, *begin


def _own(car: Car, account: Account, last: Reading | None = None) -> OwnCar:
    return OwnCar(car, car.id == account.default_car_id, credentials_of(car), last)


def _last(state: DriverState, car_id: str) -> Reading | None:
    return max(state.known_readings(car_id), key=lambda reading: reading.at, default=None)


def _put(setup: Setup, car_id: str, said: Mapping[str, Any], now: datetime, default: bool) -> bool:
    stored = setup.cars.get(car_id)
    if stored is None and len(setup.cars) >= MOST_CARS:
        raise Conflict(f"A driver can have {MOST_CARS} cars at most.")
    if stored is None and "provider" not in said:
        raise unfit("provider", "is needed")
    car = fitted(stored or Car(id=car_id, provider=said["provider"], name=car_id), said)
    setup.put_car(car)
    if stored and stored.provider != car.provider:
        setup.put_credentials(car_id, None, now)
    if default:
        setup.put_account(replace(setup.account, default_car_id=car_id))
    return stored is None


def _plate(value: str) -> str:
    plate = value.strip().upper()
    if plate and not PLATE.fullmatch(plate):
        raise unfit("plate", "must be 2 to 10 letters, digits and dashes")
    return plate
