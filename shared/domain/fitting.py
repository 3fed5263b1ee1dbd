"""Owns what fits a field, and the words where it does not: the same over HTTP and in the operator's tool."""

import math
import re
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

YEARS = range(2000, 2101)
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
DATE_AND_TIME = re.compile(r"[0-9][T ][0-9]", re.IGNORECASE)
ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}")
MOST_TEXT = 100
MOST_LABEL = 40
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# The id that a driver gives a car, which is part of addresses and of ids in the store.
CAR_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


class Unfit(Exception):
    """What was said cannot be taken, and the text says why; `field` where one field is at fault."""

    def __init__(self, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail, self.field = detail, field


class Conflict(Unfit):
    """It fits by itself, but not beside what is there already."""


class NotFound(Unfit):
    """What it is about is not there, or is not the driver's."""


class Forbidden(Unfit):
    """What it is about is there, and for others to change."""


def unfit(field: str, why: str) -> Unfit:
    """The error of one field."""
    return Unfit(f"{field}: {why}", field)


def number(value: Any, field: str, lowest: float, highest: float) -> float | None:
    """A finite number in a range, also as a string with a dot or a comma; None where there is none. Raises Unfit."""
    if isinstance(value, str):
        value = value.strip().replace(",", ".") or None
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise unfit(field, "must be a number")
    try:
        found = float(value)
    except (ValueError, OverflowError) as error:
        raise unfit(field, "must be a number") from error
    if not math.isfinite(found) or not lowest <= found <= highest:
        raise unfit(field, f"must be from {lowest:g} to {highest:g}")
    return found


def text(value: str, field: str, most: int = MOST_TEXT) -> str:
    """A short text without spaces around it. Raises Unfit."""
    if len(value) > most:
        raise unfit(field, f"can have {most} letters at most")
    return value.strip()


def label(value: str) -> str:
    """What a key is called: one line of few letters, for it names who drove. Raises Unfit."""
    if CONTROL.search(value):
        raise unfit("label", "must be one line, without control characters")
    return text(value, "label", MOST_LABEL)


def day(value: str | None, field: str) -> str | None:
    """A date as yyyy-mm-dd; None where there is none. Raises Unfit."""
    if value is None or value == "":
        return None
    try:
        if not DATE.fullmatch(value) or date.fromisoformat(value).year not in YEARS:
            raise ValueError("not a date of ours")
    except ValueError as error:
        raise unfit(field, "must be a date from 2000 to 2100 as in 2026-01-23") from error
    return value


def moment(value: Any, field: str, timezone: str) -> datetime:
    """An ISO 8601 date and time as aware UTC; without an offset it is in the time zone given. Raises Unfit."""
    try:
        if not isinstance(value, str):
            raise TypeError("not a string")
        if not DATE_AND_TIME.search(value):
            raise ValueError("a date alone, which would mean midnight")
        found = datetime.fromisoformat(value.strip())
        return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(timezone))).astimezone(UTC)
    except (ValueError, TypeError, OverflowError) as error:
        raise unfit(field, "must be a time as in 2026-01-23T08:12:00+01:00") from error


def timezone(value: str) -> str:
    """The IANA name of a time zone. Raises Unfit."""
    try:
        if not ZONE.fullmatch(value):
            raise ValueError("no name of a time zone")
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise unfit("timezone", "must be an IANA time zone such as Europe/Amsterdam") from error
    return value


def car_id(value: Any) -> str | None:
    """A car's id in lower case, or None. Raises Unfit."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, str) or not CAR_ID.fullmatch(value.strip().lower()):
        raise unfit("car_id", "must be letters, digits, - and _, 32 at most")
    return value.strip().lower()
