"""Lists the readings of a car's odometer; takes what a driver says of it, and what they take back."""

from typing import Any

from flask import Request

from shared.domain.car.odometer import KeptReading, WordSource, reading_view
from shared.domain.car.sentences import why_sentence
from shared.domain.driver import Caller, Language
from shared.handlers import fields
from shared.handlers.authors import author_by_query, author_of
from shared.handlers.bodies import decoded
from shared.handlers.car_bodies import OdometerBody
from shared.handlers.cursors import position_in_readings, reading_cursor
from shared.handlers.fields import zulu
from shared.handlers.problems import Problem
from shared.services import odometer
from shared.services.odometer import Unlikely

SHOWN = ("at", "since", "odometer_km", "source", "resolution_km", "standing")


def list_readings(request: Request, caller: Caller, car_id: str) -> tuple[dict[str, Any], int]:
    """A page of all that the car and its driver said of its odometer, newest first, believed or not."""
    account = caller.account
    span = fields.span(*fields.year_and_month(request), account.timezone)
    limit = fields.whole(request, "limit", range(1, 201)) or 50
    after = position_in_readings(request.args.get("cursor"))
    found, has_more = odometer.page(account.email, car_id, limit, span, after)
    return {
        "readings": [_view(car_id, kept, account.language) for kept in found],
        "next_cursor": reading_cursor(found[-1]) if has_more else None,
    }, 200


def enter(request: Request, caller: Caller, car_id: str) -> tuple[dict[str, Any], int]:
    """An odometer that the driver says, or a device of theirs, if it fits what the car said, or if they confirm it."""
    account = caller.account
    known_id = odometer.car_id_of(account.email, car_id)
    body = decoded(request, OdometerBody)
    author = author_of(caller, body.why)
    source: WordSource = "device" if caller.scope == "reading" else body.source
    reading = body.reading(source, account.timezone, author.now)
    try:
        reading_id, standing = odometer.enter(account, known_id, reading, author)
    except Unlikely as error:
        beside = ", ".join(f"{other.km:g} km at {zulu(other.at)}" for other in error.around)
        ways = "If it is right, send it with confirm; if the car has another odometer now, with new_series."
        raise Problem(409, f"{error.detail} The car said: {beside}. {ways}", error.field) from error
    told = {"car_id": known_id, "odometer_km": reading.km, "at": zulu(reading.at), "source": "manual"}
    return {"id": reading_id, **told, "standing": standing}, 201


def withdraw(request: Request, caller: Caller, car_id: str, reading_id: str) -> tuple[None, int]:
    """Takes back what the driver said of an odometer; once more changes nothing."""
    odometer.withdraw(caller.account, car_id, reading_id, author_by_query(request, caller))
    return None, 204


def _view(car_id: str, kept: KeptReading, language: Language) -> dict[str, Any]:
    told = reading_view(car_id, kept.reading, kept.standing)
    shown = {name: told[name] for name in SHOWN}
    return {
        "id": kept.id,
        **shown,
        "fetched_at": zulu(kept.fetched_at),
        "why": why_sentence(kept.why, language),
    }
