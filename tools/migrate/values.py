"""Owns how single values of old documents are read: loose numbers, moments, and times on a clock on the wall.

The old functions ran in UTC, so a moment without a zone is UTC; `date`, `start_time` and `end_time` are local.
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shared.domain.car.odometer import HIGHEST_KM
from shared.domain.log.trip import km
from shared.domain.place.geo import Position

Fields = Mapping[str, Any]
YEARS = range(2000, 2101)
MILLISECONDS_FROM = 1e11  # as seconds this would be the year 5138


class Unreadable(Exception):
    """An old row cannot be read; the text says why, without its values, so that rows of one kind can be counted."""


def present(fields: Fields, *names: str) -> Any:
    """The first of the fields that holds something, or None."""
    return next((fields[name] for name in names if fields.get(name) not in (None, "")), None)


def text(fields: Fields, *names: str) -> str:
    """The first of the fields that holds something as text, or an empty one."""
    return str(present(fields, *names) or "").strip()


def number(fields: Fields, name: str) -> float | None:
    """A finite number, also as text with a dot or a comma; None where there is none."""
    value = present(fields, name)
    if isinstance(value, str):
        value = value.strip().replace(",", ".")
    if value is None:
        return None
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        raise Unreadable(f"{name} is not a number")
    return found


def odometer_km(fields: Fields, name: str, remarks: list[str]) -> float | None:
    """An odometer, or None where it is missing or cannot be one: a lost odometer must not lose the trip."""
    try:
        found = number(fields, name)
    except Unreadable as why:
        remarks.append(f"{why}: left out")
        return None
    if found is not None and not 0 <= found <= HIGHEST_KM:
        remarks.append(f"{name} is out of range: left out")
        return None
    return km(found) if found else None


def position(lat: Any, lng: Any) -> Position | None:
    """WGS84 degrees, or None where they are missing, out of range or the (0, 0) of a phone that did not know."""
    fields = {"lat": lat, "lng": lng}
    try:
        found_lat, found_lng = number(fields, "lat"), number(fields, "lng")
    except Unreadable:
        return None
    if found_lat is None or found_lng is None or (found_lat == 0 and found_lng == 0):
        return None
    return Position(found_lat, found_lng) if abs(found_lat) <= 90 and abs(found_lng) <= 180 else None


def moment(fields: Fields, *names: str) -> datetime | None:
    """The first of the fields that is a moment, in aware UTC; None where none of them is."""
    for name in names:
        if (found := _moment(fields.get(name))) and found.year in YEARS:
            return found
    return None


def _moment(value: Any) -> datetime | None:
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value.strip())
        elif isinstance(value, int | float) and not isinstance(value, bool):
            value = datetime.fromtimestamp(value / 1000 if value > MILLISECONDS_FROM else value, UTC)
        if not isinstance(value, datetime):
            return None
        # Firestore's own class of times must not go on into our structs.
        plain = datetime.combine(value.date(), value.time(), value.tzinfo)
        return plain.replace(tzinfo=UTC) if plain.tzinfo is None else plain.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def span(fields: Fields, timezone: str) -> tuple[datetime, datetime]:
    """Start and end of a trip in aware UTC, from its date and times on the wall of a time zone (IANA name)."""
    zone = ZoneInfo(timezone)
    day, began, ended = _day(fields), _time(fields, "start_time"), _time(fields, "end_time")
    start = _instant(day, began, zone)
    # A time that the spring night skips: read forward, but not past the end that was noted.
    starts = (start, _instant(day, began, zone, fold=1)) if _skipped(day, began, zone) else (start,)
    for at in starts:
        # In the autumn night an hour comes twice: an end before the start lies in the second one.
        for fold in (0, 1):
            end = _instant(day, ended, zone, fold)
            if end >= at:
                return at, end
    return start, _instant(day + timedelta(days=1), ended, zone)


def _day(fields: Fields) -> date:
    found = re.fullmatch(r"(\d{1,2})-(\d{1,2})-(\d{4})", text(fields, "date"))
    if not found:
        raise Unreadable("date is not dd-mm-yyyy")
    day, month, year = map(int, found.groups())
    if year not in YEARS:
        raise Unreadable("date is not in a year from 2000 to 2100")
    try:
        return date(year, month, day)
    except ValueError as error:
        raise Unreadable("date is not on the calendar") from error


def _time(fields: Fields, name: str) -> time:
    found = re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", text(fields, name))
    try:
        if found:
            hour, minute, second = (int(part or 0) for part in found.groups())
            return time(hour, minute, second)
    except ValueError:
        pass
    raise Unreadable(f"{name} is not HH:MM")


def _instant(day: date, at: time, zone: ZoneInfo, fold: int = 0) -> datetime:
    return datetime.combine(day, at.replace(fold=fold), zone).astimezone(UTC)


def _skipped(day: date, at: time, zone: ZoneInfo) -> bool:
    there_and_back = _instant(day, at, zone).astimezone(zone)
    return there_and_back.replace(tzinfo=None, fold=0) != datetime.combine(day, at)
