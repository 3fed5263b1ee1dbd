"""Lists, sets up and deletes a driver's cars and their credentials. Asks no car's cloud; see car_trying."""

from typing import Any

import msgspec
from flask import Request

from shared.cars.provider import PROVIDERS
from shared.domain import fitting
from shared.domain.car.car import Car
from shared.domain.car.odometer import Reading
from shared.domain.driver import Caller
from shared.domain.tracking.state import TripState
from shared.handlers import fields
from shared.handlers.bodies import decoded
from shared.handlers.car_bodies import CarBody
from shared.handlers.fields import zulu
from shared.handlers.problems import Problem, bad
from shared.repositories.documents import client
from shared.repositories.setup import Setup, set_up
from shared.repositories.user_store import UserStore
from shared.services import cars

HIDDEN = ("login_refusals", "credentials_set_at")
STOPPED = (
    "The maker refused these credentials twice. The car is not asked any more until you set them again, "
    "because repeated logins get accounts locked."
)


def list_cars(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """The driver's cars, and the providers that they can choose."""
    store = UserStore(client(), caller.account.email)
    state, own = store.state().value, sorted(store.cars.list_cars().items())
    default = caller.account.default_car_id
    shown = [{**_car_view(car, default), **_odometer_view(state, car_id)} for car_id, car in own]
    return {"cars": shown, "providers": [_offer_view(provider) for provider in cars.offers()]}, 200


def put(request: Request, caller: Caller, car_id: str) -> tuple[dict[str, Any], int]:
    """A car, new or in place of the one with this id. Its credentials stay, unless its provider is another one."""
    wanted, body = fitting.car_id(car_id), decoded(request, CarBody)
    if wanted is None:
        raise bad("car_id", "is needed")

    def attempt(setup: Setup) -> tuple[dict[str, Any], int]:
        is_new = cars.put(setup, wanted, body.said(), fields.utc_now(), body.default)
        return _car_view(setup.cars[wanted], setup.account.default_car_id), 201 if is_new else 200

    return set_up(client(), caller.account.email, attempt)


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
        cars.refuse_gone_provider(car)
        body: dict[str, msgspec.Raw] = decoded(request, dict[str, msgspec.Raw])
        said = {field: _text_or_none(value) for field, value in body.items()}
        cars.put_credentials(setup, car.id, said, fields.utc_now())
        return _credentials_view(setup.cars[car.id])

    return {"car_id": car_id.lower(), "credentials": set_up(client(), caller.account.email, attempt)}, 200


def _text_or_none(value: msgspec.Raw) -> str | None:
    """A value that is a string; what is none must not be told in the words of an error, for it may be a secret."""
    try:
        return msgspec.json.decode(value, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def found(own: dict[str, Car], car_id: str) -> Car:
    """The car of that id, in any case of letters. Raises 404."""
    car = own.get(car_id.lower())
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
