"""Asks a driver's car once to show whether it can be read; shows what is known of it; takes what they read by eye."""

import re
from datetime import datetime
from typing import Any

from flask import Request
from msgspec.structs import replace

from shared.cars.provider import CarUnavailable, CredentialsMissing, missing_credentials
from shared.domain.car.car import Car, CarValues, Measured
from shared.domain.car.odometer import Disbelief, Reading, why_not_believed
from shared.domain.driver import Caller
from shared.domain.place.geo import Position
from shared.domain.tracking.by_eye import seen_by_eye
from shared.handlers import fields
from shared.handlers.asking import ask_once
from shared.handlers.bodies import decoded
from shared.handlers.car_bodies import OdometerBody
from shared.handlers.cars import STOPPED, found
from shared.handlers.fields import zulu
from shared.handlers.log_keeping import owner_of, stage
from shared.handlers.problems import Problem
from shared.repositories.documents import client, until_current
from shared.repositories.user_store import UserStore
from shared.settings import rules

WHY: dict[Disbelief, str] = {
    "falls": "is below an earlier reading",
    "above a later one": "is above a later reading",
    "jumps": "is further on than a car gets in the time",
}


class NotAsked(Exception):
    """The car's cloud must not be asked now; `problem` is the kind, the text is for the driver."""

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(advice)
        self.problem, self.advice = problem, advice


def try_out(request: Request, caller: Caller, car_id: str) -> tuple[dict[str, Any], int]:
    """What the car says now, or what is wrong. Nothing but its tokens is kept of it; a refusal counts."""
    store = UserStore(client(), caller.account.email)
    car = found(store.cars.list_cars(), car_id)
    try:
        _may_ask(car)
        values = ask_once(store, car)
    except NotAsked as error:
        return _wrong(error.problem, error.advice), 200
    except CarUnavailable as error:
        return _wrong(_kind(error), error.advice), 200
    return {"ok": True, **_values_view(values, fields.utc_now())}, 200


def show_data(request: Request, caller: Caller, car_id: str) -> tuple[dict[str, Any], int]:
    """What is known of the car, each value with its time. Asks nobody but the store."""
    store, now = UserStore(client(), caller.account.email), fields.utc_now()
    car = found(store.cars.list_cars(), car_id)
    known = sorted(store.state().value.known_readings(car.id), key=lambda reading: reading.at)
    newest = store.readings(car.id, 1)
    shown = _values_view(_known_values(known), now)
    if newest:
        shown["odometer"] = {"km": newest[0]["km"], **_age(newest[0]["at"], now), "source": newest[0]["source"]}
    return {"car_id": car.id, **shown}, 200


def enter_odometer(request: Request, caller: Caller, car_id: str) -> tuple[dict[str, Any], int]:
    """An odometer that the driver read by eye, if it can be true beside what is known."""
    store, now = UserStore(client(), caller.account.email), fields.utc_now()
    car = found(store.cars.list_cars(), car_id)
    reading = decoded(request, OdometerBody).reading(caller.account.timezone, now)
    until_current(lambda: _enter(store, caller, car, reading, now))
    return {"car_id": car.id, "odometer_km": reading.km, "at": zulu(reading.at), "source": "manual"}, 201


def _enter(store: UserStore, caller: Caller, car: Car, reading: Reading, now: datetime) -> None:
    read, around = store.state(), store.readings_around(car.id, reading.at)
    if why := why_not_believed(reading, around, now):
        beside = ", ".join(f"{other.km:g} km at {zulu(other.at)}" for other in around)
        raise Problem(409, f"This odometer cannot be right, it {WHY.get(why, why)}. Known: {beside}.", "odometer_km")
    outcome, change = seen_by_eye(read.value, car.id, reading), store.change()
    change.add_reading(car.id, reading, now)
    state = stage(change, store, outcome, owner_of(caller.account), now, rules())
    change.put_state(read, replace(state, log_changes=state.log_changes + 1))
    change.commit()


# --- asking -------------------------------------------------------------------------------------------------------


def _may_ask(car: Car) -> None:
    """Raises NotAsked or CredentialsMissing where asking is plainly of no use. How often, is for `ask_once` to say."""
    if missing := missing_credentials(car.provider, car.credentials_set_at):
        raise CredentialsMissing(missing)
    if car.login_stopped:
        raise NotAsked("login_stopped", STOPPED)


# --- answers ------------------------------------------------------------------------------------------------------


def _wrong(problem: str, advice: str) -> dict[str, Any]:
    return {"ok": False, "problem": problem, "advice": advice}


def _kind(problem: CarUnavailable) -> str:
    """The kind of a failure in snake case, of the classes in shared.cars.provider."""
    known = next(kind for kind in type(problem).__mro__ if kind.__module__ == CarUnavailable.__module__)
    return re.sub(r"(?<!^)(?=[A-Z])", "_", known.__name__).lower()


def _known_values(known: list[Reading]) -> CarValues:
    """The newest odometer, position and state of believed readings."""
    if not known:
        return CarValues()
    last = known[-1]
    placed = [
        Measured(Position(one.lat, one.lng), one.at) for one in known if one.lat is not None and one.lng is not None
    ]
    return CarValues(
        odometer_km=Measured(last.km, last.at),
        position=placed[-1] if placed else None,
        state=Measured("driving", last.at) if last.driving else None,
    )


def _values_view(values: CarValues, now: datetime) -> dict[str, Any]:
    odometer, position, state = values.odometer_km, values.position, values.state
    return {
        "odometer": {"km": odometer.value, **_age(odometer.at, now)} if odometer else None,
        "position": {"lat": position.value.lat, "lng": position.value.lng, **_age(position.at, now)}
        if position
        else None,
        "state": {"value": state.value, **_age(state.at, now)} if state else None,
    }


def _age(at: datetime, now: datetime) -> dict[str, Any]:
    return {"measured_at": zulu(at), "age_s": max(0, round((now - at).total_seconds()))}
