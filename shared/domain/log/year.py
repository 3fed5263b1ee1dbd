"""Owns a car's log of one year as a whole: what its checks, its seal and its exports are made of."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from shared.domain.car.car import Car
from shared.domain.car.odometer import KeptReading
from shared.domain.log.tiling import Row


class YearLog(NamedTuple):
    """The rows of a car that count for a year, oldest first and along its odometer, and what was read of that.

    `before` is the last row of the year before, None where there is none; `behind` is what lies behind the last drive
    that is over, where that counts for this year: the row `open-CAR`, which is not stored and not among the rows.
    `readings` are all of the year by time, also those that are not believed. `timezone` is its driver's (IANA name).
    """

    car: Car
    year: int
    timezone: str
    rows: Sequence[Row]
    before: Row | None = None
    behind: Row | None = None
    readings: Sequence[KeptReading] = ()


def span_of(year: int, month: int | None, timezone: str) -> tuple[datetime, datetime]:
    """From when to when (aware UTC) a year or one of its months lasts in a time zone (IANA name)."""
    months = 12 * year + (month or 1) - 1
    ends = (divmod(total, 12) for total in (months, months + (1 if month else 12)))
    since, until = (datetime(at, rest + 1, 1, tzinfo=ZoneInfo(timezone)).astimezone(UTC) for at, rest in ends)
    return since, until
