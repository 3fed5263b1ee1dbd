"""Parts an old `settings/car` into what describes the cars and what is secret. Pure: seals and stores nothing.

Whatever does not describe a car counts as secret: nothing may stay in plain text because its name was not foreseen.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from shared.domain.car.car import Car
from shared.domain.fitting import CAR_ID
from shared.repositories.documents import from_document
from tools.migrate.values import Fields, text

DESCRIPTIVE = {"car_id", "id", "name", "brand", "make", "model", "vin", "license_plate", "plate", "provider"}
COUNTED = {"login_refusals"}
NESTED_SECRETS = ("credentials", "auth", "login")
NOT_CARS = {*DESCRIPTIVE, *NESTED_SECRETS, "token", "tokens", "session", "settings", "config"}


class OldCar(msgspec.Struct, frozen=True):
    """A car and its credentials in plain text, which must never be printed."""

    car: Car
    credentials: dict[str, Any]

    def __repr__(self) -> str:
        return f"OldCar({self.car.id})"


def old_cars(fields: Fields) -> list[OldCar]:
    """The cars of a document that are not of the new shape yet. Everything in it comes along, as a car or as secret."""
    own = {name: value for name, value in fields.items() if name != "cars"}
    cars = fields.get("cars")
    found: list[tuple[str, Any]] = []
    if isinstance(cars, list):
        found += [("", car) for car in cars]
    elif isinstance(cars, dict):
        found += [(name, car) for name, car in sorted(cars.items()) if not _is_new(name, car)]
    elif cars is not None:
        own["cars"] = cars
    if own and all(isinstance(value, dict) and name not in NOT_CARS for name, value in own.items()):
        found += sorted(own.items())
    elif own:
        found.insert(0, ("", own))
    return _apart([_car(name, car if isinstance(car, dict) else {"value": car}) for name, car in found])


def new_cars(fields: Fields) -> dict[str, Car]:
    """The cars of a document that are of the new shape."""
    cars = fields.get("cars")
    if not isinstance(cars, dict):
        return {}
    return {name: from_document(car, Car) for name, car in cars.items() if _is_new(name, car)}


def joined(old: Sequence[OldCar], known: Mapping[str, Car]) -> list[OldCar]:
    """The old cars as they go among those of the new system: filled up where it is the same one, else apart."""
    found: dict[str, OldCar] = {}
    for one in old:
        same = known.get(one.car.id)
        if same is None or not (one.car.vin and same.vin and one.car.vin != same.vin):
            kept = {name: value for name, value in msgspec.structs.asdict(same).items() if value} if same else {}
            found[one.car.id] = OldCar(replace(one.car, **kept), one.credentials)
        else:
            car_id = _free_id(one.car.id, {*known, *found, *(other.car.id for other in old)})
            found[car_id] = OldCar(replace(one.car, id=car_id), one.credentials)
    return list(found.values())


def _is_new(name: str, car: Any) -> bool:
    try:
        known = from_document(car, Car)
    except msgspec.ValidationError:
        return False
    return known.id == name and set(car) <= set(Car.__struct_fields__)


def _car(name: str, fields: Fields) -> OldCar:
    # A map under a descriptive name may hold anything, so that it is secret too.
    described = {name: fields[name] for name in DESCRIPTIVE & set(fields) if isinstance(fields[name], str | int)}
    brand = text(described, "brand", "make")
    wanted = text(described, "car_id", "id") or name or brand or "car"
    car = Car(
        id=_car_id(wanted),
        provider=text(described, "provider") or brand.lower() or "unknown",
        name=text(described, "name") or f"{brand} {text(described, 'model')}".strip() or wanted,
        vin=text(described, "vin"),
        brand=brand,
        plate=text(described, "license_plate", "plate"),
    )
    secret = {name: value for name, value in fields.items() if name not in {*described, *COUNTED}}
    return OldCar(car, _credentials(secret))


def _credentials(secret: Fields) -> dict[str, Any]:
    found = {name: value for name, value in secret.items() if value is not None}
    for name in NESTED_SECRETS:
        nested = found.get(name)
        if isinstance(nested, dict) and not set(nested) & set(found):
            found = {**found, **nested}
            del found[name]
    # Times and the like become text: what is sealed is JSON.
    plain: dict[str, Any] = json.loads(json.dumps(found, default=str))
    return plain


def _car_id(wanted: str) -> str:
    found = re.sub(r"[^a-z0-9_-]+", "-", wanted.lower()).strip("-_")[:32]
    return found if CAR_ID.fullmatch(found) else "car"


def _apart(cars: Sequence[OldCar]) -> list[OldCar]:
    """The cars, each with an id of its own."""
    found: dict[str, OldCar] = {}
    for old in cars:
        car_id = _free_id(old.car.id, found)
        found[car_id] = OldCar(replace(old.car, id=car_id), old.credentials)
    return list(found.values())


def _free_id(wanted: str, taken: Collection[str]) -> str:
    n, car_id = 1, wanted
    while car_id in taken:
        n += 1
        car_id = f"{wanted[:29]}-{n}"
    return car_id
