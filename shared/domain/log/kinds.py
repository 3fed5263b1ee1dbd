"""Owns what drivers say of their habits, and the kind of a trip that follows from their places and habits."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from shared.domain.fitting import unfit
from shared.domain.log.trip import TripKind
from shared.domain.place.geo import Position
from shared.domain.place.places import Place, place_at

DefaultKind = Literal["business", "private", "unclassified"]
HOUR = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")


class Habits(msgspec.Struct, frozen=True):
    """Days and hours of a driver, in their time zone: ISO weekdays (Monday is 1), hours as HH:MM from and until."""

    default_kind: DefaultKind = "unclassified"
    private_days: tuple[int, ...] = ()
    business_hours: tuple[str, str] | None = None


def fitted(habits: Habits, said: Mapping[str, Any]) -> Habits:
    """The habits with what is said of them, by the names of their fields; what is not said stays. Raises Unfit."""
    given = {field: said[field] for field in Habits.__struct_fields__ if field in said}
    if "private_days" in given:
        given["private_days"] = _weekdays(given["private_days"])
    if given.get("business_hours"):
        given["business_hours"] = _hours(*given["business_hours"])
    return replace(habits, **given)


def _weekdays(days: Sequence[int]) -> tuple[int, ...]:
    if not set(days) <= set(range(1, 8)):
        raise unfit("private_days", "must be ISO weekdays, from 1 for Monday to 7 for Sunday")
    return tuple(sorted(set(days)))


def _hours(begin: str, end: str) -> tuple[str, str]:
    if not (HOUR.fullmatch(begin) and HOUR.fullmatch(end) and begin < end):
        raise unfit("business_hours", "must be two times of a day in order, as 08:00 and 18:00")
    return begin, end


def telling_place(places: Sequence[Place], position: Position | None) -> Place | None:
    """The place at a position that tells the kind of a trip. One of kind pause tells nothing and hides none."""
    return place_at((place for place in places if place.kind != "pause"), position)


def proposed_kind(
    begin: Place | None, end: Place | None, started_at: datetime, timezone: str, habits: Habits
) -> TripKind:
    """The kind that a trip has until its driver says another, by the telling places at its ends and the clock.

    | the two ends                         | the start                   | proposed         |
    |--------------------------------------|-----------------------------|------------------|
    | a business place and a private one   | whenever                    | business         |
    | two different business places        | whenever                    | business         |
    | any others                           | on a private day            | private          |
    | any others                           | outside the business hours  | private          |
    | any others                           | else, or no such habits     | the default kind |

    The first line that fits counts. Where somebody was is a fact, and the calendar only a habit: who drives from home
    to their business on a Sunday works on that Sunday. A round from one business place back to it does not tell where
    it led. Day and hour are the start's in the driver's time zone; hours hold from their first minute to before their
    last. Where they end before they begin they go over midnight, and what is after it belongs to the new day. Two
    equal times are the whole day.
    """
    if begin and end and begin.id != end.id and "business" in (begin.kind, end.kind):
        return "business"
    start = started_at.astimezone(ZoneInfo(timezone))
    if start.isoweekday() in habits.private_days or _outside(f"{start:%H:%M}", habits.business_hours):
        return "private"
    return habits.default_kind


def _outside(time: str, hours: tuple[str, str] | None) -> bool:
    if hours is None or hours[0] == hours[1]:
        return False
    begin, end = hours
    return not begin <= time < end if begin < end else end <= time < begin
