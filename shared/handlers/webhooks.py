"""Takes the phone's starts, pings and ends. Never waits for a car's cloud: stores, asks for a poll, answers."""

from datetime import UTC, datetime
from typing import Any

from flask import Request

from shared.domain import fitting
from shared.domain.driver import Account, Caller
from shared.domain.log.drive import Heard
from shared.domain.tracking.state import UNKNOWN_CAR
from shared.handlers import fields
from shared.handlers.problems import bad
from shared.services import tracking
from shared.services.tracking import Taken


def start(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """A start, or one more GPS point of the trip going on."""
    now = datetime.now(UTC)
    return _told(caller.account, tracking.start(caller.account, _heard(request, caller.account, now), now)), 200


def end(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """The phone left the car."""
    now = datetime.now(UTC)
    return _told(caller.account, tracking.end(caller.account, _heard(request, caller.account, now), now)), 200


def _told(account: Account, taken: Taken) -> dict[str, Any]:
    told: dict[str, Any] = {"status": taken.outcome.status}
    if taken.outcome.reason:
        told["reason"] = taken.outcome.reason
    told["user"] = account.email
    drive = taken.state.drive
    if drive and taken.outcome.reason != "no_active_trip":
        told["car_id"] = None if drive.car_id == UNKNOWN_CAR else drive.car_id
        told["started_at"] = fields.local(drive.started_at, account.timezone)
        if taken.leg and taken.leg.ended_at:
            told["ended_at"] = fields.local(taken.leg.ended_at, account.timezone)
    return told


def _heard(request: Request, account: Account, now: datetime) -> Heard:
    body = fields.loose_body(request)
    lat = fitting.number(body.get("lat", body.get("latitude")), "lat", -90, 90)
    lng = fitting.number(body.get("lng", body.get("lon", body.get("longitude"))), "lng", -180, 180)
    if (lat is None) != (lng is None):
        raise bad("lng" if lng is None else "lat", "is missing: a position needs both")
    if lat == 0 and lng == 0:
        lat = lng = None
    at = fields.event_time(body.get("timestamp"), account.timezone, now)
    return Heard(
        at=at,
        delay_s=round((now - at).total_seconds(), 3),
        lat=lat,
        lng=lng,
        accuracy_m=fitting.number(body.get("accuracy_m"), "accuracy_m", 0, 1e7),
        car_id=fitting.car_id(body.get("car_id")),
    )
