"""Asks a driver's car once to show whether it can be read; shows what is known of it; takes what they read by eye."""

from datetime import datetime
from typing import Any

from flask import Request
from msgspec.structs import replace

from shared.domain.car.car import Car, CarValues
from shared.domain.car.odometer import Disbelief, Reading, why_not_believed
from shared.domain.driver import Caller
from shared.domain.tracking.by_eye import seen_by_eye
from shared.handlers import fields
from shared.handlers.bodies import decoded
from shared.handlers.car_bodies import OdometerBody
from shared.handlers.fields import zulu
from shared.handlers.log_keeping import owner_of, stage
from shared.handlers.problems import Problem
from shared.repositories.documents import client, until_current
from shared.repositories.user_store import UserStore
from shared.services import car_trying
from shared.services.car_trying import Failure
from shared.services.cars import found

WHY: dict[Disbelief, str] = {
    "falls": "is below an earlier reading",
    "above a later one": "is above a later reading",
    "jumps": "is further on than a car gets in the time",
}


def try_out(request: Request, caller: Caller, car_id: str) -> tuple[dict[str, Any], int]:
    """What the car says now, or what is wrong. Nothing but its tokens is kept of it; a refusal counts."""
    told = car_trying.try_out(caller.account.email, car_id)
    if isinstance(told, Failure):
        return {"ok": False, "problem": told.problem, "advice": told.advice}, 200
    return {"ok": True, **_values_view(told, fields.utc_now())}, 200


def show_data(request: Request, caller: Caller, car_id: str) -> tuple[dict[str, Any], int]:
    """What is known of the car, each value with its time. Asks nobody but the store."""
    now, known = fields.utc_now(), car_trying.known(caller.account.email, car_id)
    shown = _values_view(known.values, now)
    if newest := known.newest:
        shown["odometer"] = {"km": newest["km"], **_age(newest["at"], now), "source": newest["source"]}
    return {"car_id": known.car_id, **shown}, 200


def enter_odometer(request: Request, caller: Caller, car_id: str) -> tuple[dict[str, Any], int]:
    """An odometer that the driver read by eye, if it can be true beside what is known."""
    store, now = UserStore(client(), caller.account.email), fields.utc_now()
    car = found(store.cars.list_cars(), car_id)
    reading = decoded(request, OdometerBody).reading(caller.account.timezone, now)
    until_current(_enter)(store, caller, car, reading, now)
    return {"car_id": car.id, "odometer_km": reading.km, "at": zulu(reading.at), "source": "manual"}, 201


def _enter(store: UserStore, caller: Caller, car: Car, reading: Reading, now: datetime) -> None:
    read, around = store.state(), store.readings_around(car.id, reading.at)
    if why := why_not_believed(reading, around, now):
        beside = ", ".join(f"{other.km:g} km at {zulu(other.at)}" for other in around)
        raise Problem(409, f"This odometer cannot be right, it {WHY.get(why, why)}. Known: {beside}.", "odometer_km")
    outcome, change = seen_by_eye(read.value, car.id, reading), store.change()
    change.add_reading(car.id, reading, now, "manual")
    state = stage(change, store, outcome, owner_of(caller.account), now, settings.current.rules)
    change.put_state(read, replace(state, log_changes=state.log_changes + 1))
    change.commit()


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
