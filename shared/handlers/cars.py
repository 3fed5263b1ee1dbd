"""Lists, sets up and deletes a driver's cars and their credentials. Asks no car's cloud; see car_trying."""

from collections.abc import Iterable
from typing import Any

import msgspec
from flask import Request

from shared.domain import fitting
from shared.domain.car.car import car_view
from shared.domain.driver import Caller
from shared.handlers.bodies import decoded
from shared.handlers.car_bodies import CarBody
from shared.handlers.fields import zulu
from shared.handlers.problems import bad
from shared.services import cars
from shared.services.cars import OwnCar
from shared.services.credentials import STOPPED, Credential


def list_cars(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """The driver's cars, and the providers that they can choose."""
    shown = [{**_car_view(own), **_odometer_view(own)} for own in cars.list_cars(caller.account)]
    return {"cars": shown, "providers": _offers_view()}, 200


def put(request: Request, caller: Caller, car_id: str) -> tuple[dict[str, Any], int]:
    """A car, new or in place of the one with this id. Its credentials stay, unless its provider is another one."""
    wanted, body = fitting.car_id(car_id), decoded(request, CarBody)
    if wanted is None:
        raise bad("car_id", "is needed")
    own, is_new = cars.put(caller.account.email, wanted, body.said(), body.default)
    return _car_view(own), 201 if is_new else 200


def delete(request: Request, caller: Caller, car_id: str) -> tuple[None, int]:
    """Takes a car away with its credentials. Its trips and readings stay in the log."""
    cars.delete(caller.account.email, car_id)
    return None, 204


def put_credentials(request: Request, caller: Caller, car_id: str) -> tuple[dict[str, Any], int]:
    """What opens the car's cloud, in place of what was set before. Never shown again."""
    taken = cars.put_credentials(caller.account.email, car_id, lambda: _said(request))
    return {"car_id": car_id.lower(), "credentials": _credentials_view(taken)}, 200


def _said(request: Request) -> dict[str, str | None]:
    body: dict[str, msgspec.Raw] = decoded(request, dict[str, msgspec.Raw])
    return {field: _text_or_none(value) for field, value in body.items()}


def _text_or_none(value: msgspec.Raw) -> str | None:
    """A value that is a string; what is none must not be told in the words of an error, for it may be a secret."""
    try:
        return msgspec.json.decode(value, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _car_view(own: OwnCar) -> dict[str, Any]:
    view = car_view(own.car, own.is_default)
    view["credentials"] = _credentials_view(own.credentials)
    view["stopped"] = STOPPED if own.car.login_stopped else None
    return view


def _credentials_view(taken: Iterable[Credential]) -> list[dict[str, Any]]:
    """Each credential that the provider takes, and when it was set; never what it is."""
    return [
        {"name": one.name, "needed": one.needed, "set_at": zulu(one.set_at) if one.set_at else None} for one in taken
    ]


def _odometer_view(own: OwnCar) -> dict[str, Any]:
    last = own.last
    return {"odometer_km": last.km if last else None, "odometer_at": zulu(last.at) if last else None}


def _offers_view() -> list[dict[str, Any]]:
    return [
        {
            "provider": provider,
            "label": offer.label,
            "credentials": list(offer.credentials),
            "optional": list(offer.optional),
            "experimental": offer.experimental,
        }
        for provider, offer in cars.offers().items()
    ]
