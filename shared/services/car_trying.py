"""Asks a driver's car once to show whether it can be read, and tells what is known of it without asking."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from shared.cars.provider import CarUnavailable, CredentialsMissing, missing_credentials
from shared.domain.car.car import Car, CarValues, Measured
from shared.domain.car.odometer import Reading
from shared.domain.place.geo import Position
from shared.repositories.documents import client
from shared.repositories.user_store import UserStore
from shared.services.asking import ask_once
from shared.services.cars import found
from shared.services.credentials import STOPPED


class Failure(NamedTuple):
    """Why a car cannot be read: the kind in snake case, and what its driver can do, in their words."""

    problem: str
    advice: str


class Known(NamedTuple):
    """What is known of a car. `newest` is its newest reading, be it one by eye."""

    car_id: str
    values: CarValues
    newest: Reading | None


def try_out(email: str, car_id: str) -> CarValues | Failure:
    """What the car says now, or what is wrong. Nothing but its tokens is kept of it; a refusal counts.

    Raises NotFound where there is no such car.
    """
    store = UserStore(client(), email)
    car = found(store.cars.list_cars(), car_id)
    if useless := _why_useless(car):
        return useless
    try:
        return ask_once(store, car)
    except CarUnavailable as error:
        return _failure(error)


def known(email: str, car_id: str) -> Known:
    """What is known of the car. Asks nobody but the store. Raises NotFound where there is no such car."""
    store = UserStore(client(), email)
    car = found(store.cars.list_cars(), car_id)
    readings = sorted(store.state().value.known_readings(car.id), key=lambda reading: reading.at)
    return Known(car.id, _values(readings), next(iter(store.readings.newest(car.id, 1)), None))


def _why_useless(car: Car) -> Failure | None:
    """Why asking is plainly of no use. How often it may be done, is for `ask_once` to say."""
    if missing := missing_credentials(car.provider, car.credentials_set_at):
        return _failure(CredentialsMissing(missing))
    return Failure("login_stopped", STOPPED) if car.login_stopped else None


def _failure(problem: CarUnavailable) -> Failure:
    """Its kind is a class in shared.cars.provider; a provider's own are told as the one that they are a case of."""
    kind = next(kind for kind in type(problem).__mro__ if kind.__module__ == CarUnavailable.__module__)
    return Failure(re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower(), problem.advice)


def _values(readings: Sequence[Reading]) -> CarValues:
    """The newest odometer, position and state of believed readings, by time."""
    if not readings:
        return CarValues()
    last = readings[-1]
    placed = [
        Measured(Position(one.lat, one.lng), one.at) for one in readings if one.lat is not None and one.lng is not None
    ]
    return CarValues(
        odometer_km=Measured(last.km, last.at),
        position=placed[-1] if placed else None,
        state=Measured("driving", last.at) if last.driving else None,
    )
