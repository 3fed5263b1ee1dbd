"""Lists, sets up and deletes a driver's cars and their credentials. Asks no car's cloud; see car_trying."""

from typing import Any

import msgspec
from flask import Request
from msgspec.structs import replace

from shared.cars.provider import PROVIDERS
from shared.domain.odometer import Reading
from shared.domain.state import TripState
from shared.handlers import fields
from shared.handlers.bodies import decoded
from shared.handlers.car_bodies import CarBody, credentials, offers
from shared.handlers.fields import zulu
from shared.handlers.problems import Problem, bad
from shared.repositories.accounts import Caller
from shared.repositories.cars import Car
from shared.repositories.documents import client
from shared.repositories.setup import Setup, set_up
from shared.repositories.user_store import UserStore

MOST_CARS = 50
HIDDEN = ("login_refusals", "credentials_set_at")
STOPPED = (
    "The maker refused these credentials twice. The car is not asked any more until you set them again, "
    "because repeated logins get accounts locked."
)


def list_cars(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """The driver's cars, and the providers that he can choose."""
    store = UserStore(client(), caller.account.email)
    state, cars = store.state().value, sorted(store.cars.list_cars().items())
    default = caller.account.default_car_id
    shown = [{**_car_view(car, default), **_odometer_view(state, car_id)} for car_id, car in cars]
    return {"cars": shown, "providers": [_offer_view(provider) for provider in offers()]}, 200


def put(request: Request, caller: Caller, car_id: str) -> tuple[dict[str, Any], int]:
    """A car, new or in place of the one with this id. Its credentials stay, unless its provider is another one."""
    wanted, body = fields.car_id(car_id), decoded(request, CarBody)
    if wanted is None:
        raise bad("car_id", "is needed")
    return set_up(client(), caller.account.email, lambda setup: _put(setup, wanted, body))


def _put(setup: Setup, car_id: str, body: CarBody) -> tuple[dict[str, Any], int]:
    stored = setup.cars.get(car_id)
    if stored is None and len(setup.cars) >= MOST_CARS:
        raise Problem(409, f"A driver can have {MOST_CARS} cars at most.")
    setup.put_car(body.applied_to(stored or Car(id=car_id, provider=body.provider)))
    if stored and stored.provider != body.provider:
        setup.put_credentials(car_id, None, fields.utc_now())
    if body.default:
        setup.put_account(replace(setup.account, default_car_id=car_id))
    return _car_view(setup.cars[car_id], setup.account.default_car_id), 200 if stored else 201


def delete(request: Request, caller: Caller, car_id: str) -> tuple[None, int]:
    """Takes a car away with its credentials. Its trips and readings stay in the log."""

    def attempt(setup: Setup) -> None:
        setup.drop_car(found(setup.cars, car_id).id)

    set_up(client(), caller.account.email, attempt)
    return None, 204


def put_credentials(request: Request, caller: Caller, car_id: str) -> tuple[dict[str, Any], int]:
    """What opens the car's cloud, in place of what was set before. Never shown again."""

    def attempt(setup: Setup) -> list[dict[str, Any]]:
        car = found(setup.cars, car_id)
        setup.put_credentials(car.id, credentials(request, car.provider), fields.utc_now())
        return _credentials_view(setup.cars[car.id])

    return {"car_id": car_id.lower(), "credentials": set_up(client(), caller.account.email, attempt)}, 200


def found(cars: dict[str, Car], car_id: str) -> Car:
    """The car of that id, in any case of letters. Raises 404."""
    car = cars.get(car_id.lower())
    if car is None:
        raise Problem(404, "There is no such car.")
    return car


def _car_view(car: Car, default_car_id: str | None) -> dict[str, Any]:
    view: dict[str, Any] = {name: value for name, value in msgspec.structs.asdict(car).items() if name not in HIDDEN}
    view["default"] = car.id == default_car_id
    view["credentials"] = _credentials_view(car)
    view["stopped"] = STOPPED if car.login_stopped else None
    return view


def _credentials_view(car: Car) -> list[dict[str, Any]]:
    """Each credential that the provider takes, and when it was set; never what it is."""
    offer = PROVIDERS.get(car.provider)
    needed, optional = (offer.credentials, offer.optional) if offer else ((), ())
    set_at = {name: zulu(at) for name, at in car.credentials_set_at.items()}
    names = dict.fromkeys((*needed, *optional, *set_at))
    return [{"name": name, "needed": name in needed, "set_at": set_at.get(name)} for name in names]


def _odometer_view(state: TripState, car_id: str) -> dict[str, Any]:
    last = max(state.known_readings(car_id), key=_moment, default=None)
    return {"odometer_km": last.km if last else None, "odometer_at": zulu(last.at) if last else None}


def _moment(reading: Reading) -> Any:
    return reading.at


def _offer_view(provider: str) -> dict[str, Any]:
    offer = PROVIDERS[provider]
    return {
        "provider": provider,
        "label": offer.label,
        "credentials": list(offer.credentials),
        "optional": list(offer.optional),
        "experimental": offer.experimental,
    }
