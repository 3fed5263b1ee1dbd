"""Owns the decoding of what callers send: bodies, times, years. Each bad value is a 400 that names it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import msgspec
from flask import Request

from shared.domain.fitting import YEARS, car_id
from shared.handlers.problems import Problem, bad

OLDEST_EVENT = timedelta(hours=24)
AHEAD = timedelta(minutes=5)


def utc_now() -> datetime:
    """This moment, aware UTC."""
    return datetime.now(UTC)


def loose_body(request: Request) -> Mapping[str, Any]:
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
    fields = _json(data)
    if not isinstance(fields, dict):
        raise Problem(400, "The body must be a JSON object.")
    return fields


def _json(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Problem(400, "The body is not JSON.") from error


def moment(value: Any, field: str, timezone: str) -> datetime:
    """An ISO 8601 date and time as aware UTC; without an offset it is in the time zone given."""
    try:
        if not isinstance(value, str):
            raise TypeError("not a string")
        if not re.search(r"[0-9][T ][0-9]", value.strip(), re.IGNORECASE):
            raise ValueError("a date alone, which would mean midnight")
        found = datetime.fromisoformat(value.strip())
        return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(timezone))).astimezone(UTC)
    except (ValueError, TypeError, OverflowError) as error:
        raise bad(field, "must be a time as in 2026-01-23T08:12:00+01:00") from error


def event_time(value: Any, timezone: str, now: datetime) -> datetime:
    """When the phone saw an event: now if it does not say, not over 24 h ago and not over 5 min ahead."""
    if value is None or value == "":
        return now
    at = moment(value, "timestamp", timezone)
    if not now - OLDEST_EVENT <= at <= now + AHEAD:
        raise bad("timestamp", "must not be more than 24 h old or 5 min ahead")
    return at


def whole(request: Request, name: str, allowed: range) -> int | None:
    """A whole number of the query, in a range; None where it is not given."""
    text = request.args.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) not in allowed:
        raise bad(name, f"must be a whole number from {allowed[0]} to {allowed[-1]}")
    return int(text)


def year_and_month(request: Request) -> tuple[int | None, int | None]:
    """Year and month of the query; a month needs its year."""
    year, month = whole(request, "year", YEARS), whole(request, "month", range(1, 13))
    if month is not None and year is None:
        raise bad("month", "needs a year")
    return year, month


def query_car_id(request: Request) -> str | None:
    """The car of the query, or None."""
    return car_id(request.args.get("car_id"))


def local(at: datetime, timezone: str) -> str:
    """A moment in ISO 8601 with the offset of a time zone, to the second."""
    return at.astimezone(ZoneInfo(timezone)).isoformat(timespec="seconds")


def zulu(at: datetime) -> str:
    """A moment in ISO 8601 in UTC with a Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
