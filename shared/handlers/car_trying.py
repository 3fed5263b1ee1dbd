"""Asks a driver's car once to show whether it can be read, and shows what is known of it."""

from datetime import datetime
from typing import Any

from flask import Request

from shared.domain.car.car import CarValues
from shared.domain.car.odometer import source_view
from shared.domain.driver import Caller
from shared.handlers import fields
from shared.handlers.fields import zulu
from shared.services import car_trying
from shared.services.car_trying import Failure


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
        shown["odometer"] = {"km": newest.km, **_age(newest.at, now), "source": source_view(newest)}
    return {"car_id": known.car_id, **shown}, 200


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
