"""Sets up a driver's cars and their credentials, and holds what is said of them against what fits."""

import os
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from shared.cars.provider import PROVIDERS, Offer
from shared.domain.car.car import Car
from shared.domain.car.odometer import HIGHEST_KM
from shared.domain.fitting import Conflict, day, number, text, unfit
from shared.domain.log.trip import km
from shared.repositories.setup import Setup

MOST_CARS = 50
# A VIN (ISO 3779) has no I, O and Q. Its check digit is none in Europe. Simulated cars are free in the matter.
VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
SIMULATED_VIN = re.compile(r"[A-Z0-9]{1,17}")
PLATE = re.compile(r"(?=.{2,10}$)[A-Z0-9ÄÖÜ]+(-+[A-Z0-9ÄÖÜ]+)*")
MOST_CREDENTIAL = 4000
MOST_FIELD = 100
PERIOD = ("available_from", "available_until")
TEXTS = ("brand", "make", "type", "colour")


def offers() -> dict[str, Offer]:
    """The providers that a driver can choose. With a simulated car they could invent odometers: it is for trying."""
    simulated = bool(os.environ.get("CAR_CLOUD_URL"))
    return {provider: offer for provider, offer in PROVIDERS.items() if simulated or provider != "simulated"}


def put(setup: Setup, car_id: str, said: Mapping[str, Any], now: datetime, default: bool = False) -> bool:
    """A car with what is said of it, by the names of its fields; what is not said stays. True if the car is new.

    Its credentials stay as well, unless its provider is another one. Raises Unfit, also where there are too many.
    """
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


def put_credentials(setup: Setup, car_id: str, said: Mapping[str, Any], now: datetime) -> None:
    """What opens the car's cloud, in place of what was set before. Raises Unfit; no value is in its words."""
    car = setup.cars[car_id]
    refuse_gone_provider(car)
    setup.put_credentials(car_id, _credentials(car.provider, said), now)


def refuse_gone_provider(car: Car) -> None:
    """Raises Conflict where nobody knows any more what the car's cloud is opened with."""
    if car.provider not in PROVIDERS:
        raise Conflict("The car's provider is not offered any more: choose another one.", "provider")


def _credentials(provider: str, said: Mapping[str, Any]) -> dict[str, str]:
    offer = PROVIDERS[provider]
    taken = (*offer.credentials, *offer.optional)
    for field in said:
        if field not in taken:
            raise unfit(field[:MOST_FIELD], f"is not asked for; {offer.label} takes {', '.join(taken)}")
    for field in offer.credentials:
        if field not in said:
            raise unfit(field, f"is needed by {offer.label}")
    return {field: _credential(value, field) for field, value in said.items()}


def _credential(value: Any, field: str) -> str:
    if not isinstance(value, str):
        raise unfit(field, "must be a string")
    if not 0 < len(value) <= MOST_CREDENTIAL:
        raise unfit(field, f"must have 1 to {MOST_CREDENTIAL} letters")
    return value


def _plate(value: str) -> str:
    plate = value.strip().upper()
    if plate and not PLATE.fullmatch(plate):
        raise unfit("plate", "must be 2 to 10 letters, digits and dashes")
    return plate
