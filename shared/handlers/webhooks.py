"""Takes the phone's starts, pings and ends: decodes what any phone may send, and says what came of it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from flask import Request
from msgspec.structs import replace

from shared.domain import fitting
from shared.domain.driver import PHONE, Account, Caller
from shared.domain.log.drive import Heard
from shared.domain.thresholds import ACCURACY_DECIMALS, CLOCK_AHEAD, EVENT_STEP, OLDEST_EVENT, POSITION_DECIMALS
from shared.domain.tracking.state import UNKNOWN_CAR
from shared.handlers import fields, sentences
from shared.handlers.problems import Problem, bad
from shared.services import tracking
from shared.services.tracking import Taken


def start(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """A start, or one more GPS point of the trip going on."""
    return _answer(request, caller, tracking.start), 200


def end(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """The phone left the car."""
    return _answer(request, caller, tracking.end), 200


def _answer(request: Request, caller: Caller, take: Callable[[Account, Heard, datetime], Taken]) -> dict[str, Any]:
    account, now = caller.account, datetime.now(UTC)
    heard = replace(_heard(_loose_body(request), account, now), by=who_drives(caller))
    return _told(account, heard, take(account, heard, now))


def who_drives(caller: Caller) -> str:
    """Who drives where this key starts a trip: the label of a phone's key that was given one, else nobody named."""
    return caller.label if caller.scope == "webhook" and caller.label != PHONE else ""


def _told(account: Account, heard: Heard, taken: Taken) -> dict[str, Any]:
    status, reason = taken.outcome.status, taken.outcome.reason
    told: dict[str, Any] = {"status": status, **({"reason": reason} if reason else {}), "user": account.email}
    drive = taken.state.drive
    if drive is None or reason == "no_active_trip" or status == "end_noted":
        return {**told, "message": sentences.heard(account, status, reason, ended_at=heard.at)}
    ended_at = taken.leg.ended_at if taken.leg else None
    told["car_id"] = None if drive.car_id == UNKNOWN_CAR else drive.car_id
    told["started_at"] = fields.local(drive.started_at, account.timezone)
    if ended_at:
        told["ended_at"] = fields.local(ended_at, account.timezone)
    return {**told, "message": sentences.heard(account, status, reason, drive.car_id, drive.started_at, ended_at)}


def _loose_body(request: Request) -> Mapping[str, Any]:
    """The fields of a JSON or form-encoded body, none for an empty one. A phone is not asked for the right header."""
    if request.mimetype == "multipart/form-data":
        return request.form
    data = request.get_data().strip()
    if request.mimetype == "application/x-www-form-urlencoded" and not data.startswith(b"{"):
        try:
            return dict(parse_qsl(data.decode(), keep_blank_values=True, strict_parsing=bool(data)))
        except ValueError as error:
            raise Problem(400, "The body is not a form.") from error
    if not data:
        return {}
    found = _json(data)
    if not isinstance(found, dict):
        raise Problem(400, "The body must be a JSON object.")
    return found


def _json(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Problem(400, "The body is not JSON.") from error


def _heard(body: Mapping[str, Any], account: Account, now: datetime) -> Heard:
    lat = _rounded(body.get("lat", body.get("latitude")), "lat", (-90, 90), POSITION_DECIMALS)
    lng = _rounded(body.get("lng", body.get("lon", body.get("longitude"))), "lng", (-180, 180), POSITION_DECIMALS)
    if (lat is None) != (lng is None):
        raise bad("lng" if lng is None else "lat", "is missing: a position needs both")
    if lat == 0 and lng == 0:
        lat = lng = None
    at = _event_time(body.get("timestamp"), account.timezone, now)
    return Heard(
        at=at,
        delay_s=round((now - at).total_seconds(), 3),
        lat=lat,
        lng=lng,
        accuracy_m=_rounded(body.get("accuracy_m"), "accuracy_m", (0, 1e7), ACCURACY_DECIMALS),
        car_id=fitting.car_id(body.get("car_id")),
    )


def _event_time(value: Any, timezone: str, now: datetime) -> datetime:
    """When the phone saw an event: now if it does not say, not over 24 h ago and not over 5 min ahead."""
    at = now if value is None or value == "" else fitting.moment(value, "timestamp", timezone)
    if not now - OLDEST_EVENT <= at <= now + CLOCK_AHEAD:
        raise bad("timestamp", "must not be more than 24 h old or 5 min ahead")
    return at - timedelta(microseconds=at.microsecond) % EVENT_STEP


def _rounded(value: Any, field: str, limits: tuple[float, float], decimals: int) -> float | None:
    found = fitting.number(value, field, *limits)
    return None if found is None else round(found, decimals)
