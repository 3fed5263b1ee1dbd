"""Owns what answers of makers' services have in common: times, lengths, odometers, positions, refusals by status."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from shared.cars.provider import CarUnavailable, LoginRefused, NotUnderstood, TooManyRequests
from shared.domain.car.car import Measured
from shared.domain.place.geo import Position
from shared.domain.thresholds import READABLE_KM

SHORTEST_WAIT = timedelta(seconds=60)
LONGEST_WAIT = timedelta(days=1)
# The kilometres in a unit of length, by all that clouds call it: some name the system of units.
KM_IN = {
    **dict.fromkeys(("km", "kilometer", "kilometers", "kilometre", "kilometres", "metric"), 1.0),
    **dict.fromkeys(("mi", "mile", "miles", "imperial"), 1.609344),
    **dict.fromkeys(("m", "meter", "meters", "metre", "metres"), 0.001),
}


@contextmanager
def understood() -> Iterator[None]:
    """What cannot be taken out of an answer in here raises NotUnderstood, which tells nothing of what was answered."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise NotUnderstood(f"an answer of another shape: {type(error).__name__}") from None


def instant(text: Any) -> datetime:
    """An ISO 8601 time as aware UTC. Raises ValueError where it has no offset, TypeError where it is no text."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without an offset")
    return at.astimezone(UTC)


def in_km(length: Any, unit: Any) -> float:
    """A length in km, told in a unit as the cloud calls it, such as `mi`, `MILES` or `DISTANCE_UNIT_MILES`.

    Raises KeyError where the unit is unknown: it is never taken for km. Raises ValueError or TypeError where the length
    is no number.
    """
    if isinstance(length, bool) or not isinstance(unit, str):
        raise TypeError("a length that is no number, or a unit that is no word")
    km = float(length) * KM_IN[unit.strip().lower().removeprefix("distance_unit_")]
    if not abs(km) <= READABLE_KM:  # nor is it, where it is no number
        raise ValueError("a length without end")
    return km


def odometer_km(
    length: Any, at: datetime | None, unit: Any = "km", since: datetime | None = None
) -> Measured[float] | None:
    """An odometer in km; None where it is missing, or where nobody knows when it was measured.

    `unit` is what the cloud says; left out where its documents say km. `since` is the earliest moment that it can be
    from, where the cloud tells only an interval.
    """
    return None if length is None or at is None else Measured(in_km(length, unit), at, since)


def position(lat: Any, lng: Any, at: datetime | None) -> Measured[Position] | None:
    """A position in WGS84 degrees; None where it is missing, undated, or no place: some cars say 91 without a fix."""
    if lat is None or lng is None or at is None:
        return None
    found = Position(float(lat), float(lng))
    is_place = -90 <= found.lat <= 90 and -180 <= found.lng <= 180 and (found.lat, found.lng) != (0, 0)
    return Measured(found, at) if is_place else None


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta:
    """How long a Retry-After asks to wait: seconds or an HTTP date; a minute where it says nothing, a day at most."""
    told = headers.get("Retry-After", "").strip()
    if told.isascii() and told.isdecimal():
        return timedelta(seconds=min(int(told), LONGEST_WAIT.total_seconds()))
    try:
        until = parsedate_to_datetime(told)
    except ValueError:
        return SHORTEST_WAIT
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(until - now, timedelta(0)), LONGEST_WAIT)


def refusal(status: int, headers: Mapping[str, str]) -> CarUnavailable:
    """What an HTTP status other than 200 means: LoginRefused, TooManyRequests, CarUnavailable or NotUnderstood."""
    if status in (401, 403):
        return LoginRefused(f"the credentials are refused: status {status}")
    if status == 429:
        return TooManyRequests("too many requests", retry_after(headers, datetime.now(UTC)))
    return CarUnavailable(f"status {status}") if status >= 500 else NotUnderstood(f"status {status}")
