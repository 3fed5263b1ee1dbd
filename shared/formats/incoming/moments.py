"""Reads dates and times as drivers write them, day before month, by the clock where they live."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from shared.domain.fitting import unfit

WEEKDAY = r"(?:[a-z]{2,9}\.?,?\s+)?"
DATE = re.compile(
    rf"{WEEKDAY}(?:([0-9]{{4}})[-/.]([0-9][0-9]?)[-/.]([0-9][0-9]?)|([0-9][0-9]?)[-/.]([0-9][0-9]?)[-/.]([0-9]{{4}}|[0-9][0-9]))(?![0-9])"
)
TIME = re.compile(
    r"([0-9]{1,2})[:.]([0-9]{2})(?:[:.]([0-9]{2})(?:[.,][0-9]+)?)?(?:\s*(?:u|uur|h|(?P<half>[ap])\.?m\.?))?"
)
MONTH_WORD = re.compile(r"\b([0-9]{1,2})[\s.-]+([a-z]{3,9})\.?[\s.-]+([0-9]{4}|[0-9]{2})\b")
MONTHS = (
    "jan januari january", "feb februari february", "mrt maart mar march", "apr april", "mei may", "jun juni june",
    "jul juli july", "aug augustus august", "sep sept september", "okt oktober oct october", "nov november",
    "dec december",
)  # fmt: skip
NUMBERS = {word: n for n, words in enumerate(MONTHS, 1) for word in words.split()}
MONTH_FIRST = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/(?:[0-9]{4}|[0-9]{2})\b")
LONGEST = timedelta(hours=12)  # of a trip over midnight of which only the times are said


class Span(NamedTuple):
    """From when until when a trip was, aware UTC."""

    started_at: datetime
    ended_at: datetime


def refuse_months_first(texts: Iterable[str]) -> None:
    """Raises Unfit where dates of a file can only be meant month first: then the others would be read wrong."""
    for text in texts:
        if (found := MONTH_FIRST.match(text)) and int(found[2]) > 12 >= int(found[1]):
            raise unfit("data", f"has dates with the month before the day, as {text[:20]}; write them as yyyy-mm-dd")


def day_of(text: str) -> date:
    """A date. Raises Unfit."""
    found = DATE.fullmatch(_in_numbers(text))
    try:
        if found is None:
            raise ValueError("no date")
        year, month, day = found.groups()[:3] if found[1] else found.groups()[:2:-1]
        return date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day))
    except ValueError as error:
        raise unfit("started_at", f"{text[:40]!r} is no date as in 23-01-2026") from error


def time_of(text: str, field: str) -> time:
    """A time of the day. Raises Unfit."""
    found = TIME.fullmatch(text.strip().casefold())
    try:
        if found is None:
            raise ValueError("no time")
        hour = int(found[1])
        if found["half"]:
            if not 1 <= hour <= 12:
                raise ValueError("no hour of half a day")
            hour = hour % 12 + (12 if found["half"] == "p" else 0)
        return time(hour, int(found[2]), int(found[3] or 0))
    except ValueError as error:
        raise unfit(field, f"{text[:40]!r} is no time as in 08:12") from error


def parted(text: str, *, is_time: bool) -> tuple[str, str]:
    """The date and the time of a cell that may have both; a part that it has not is empty. "5.12.24" is a time where
    times stand, and else a date."""
    text = _in_numbers(text)
    found = None if is_time and TIME.fullmatch(text) else DATE.match(text)
    if found is None:
        return ("", text) if is_time else (text, "")
    return text[: found.end()], text[found.end() :].strip(" t,")


def _in_numbers(text: str) -> str:
    """A date whose month may be a word, in numbers, and without capitals."""

    def number(found: re.Match[str]) -> str:
        n = NUMBERS.get(found[2])
        return f"{found[1]}-{n}-{found[3]}" if n else found[0]

    return MONTH_WORD.sub(number, text.strip().casefold())


def span_of(
    begin: datetime, end: datetime, timezone: str, *, is_end_dated: bool, likely_at: datetime | None = None
) -> Span:
    """The span between two times by the clock of a time zone. Raises Unfit where it ends before it begins.

    An hour that the clock shows twice is the first one, but where a trip would end before it began the second, or where
    it is told elsewhere that it was `likely_at` (aware UTC) that it began; one that the clock leaves out is that of a
    clock that was not put forward yet. A trip of which only the times are said and that ends earlier on the clock went
    over midnight, unless it would last for longer than half a day then.
    """
    zone = ZoneInfo(timezone)
    started_at, second = (begin.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if likely_at and likely_at.replace(second=0) == second.replace(second=0):
        started_at = second
    for fold in (0, 1):
        ended_at = end.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        if ended_at >= started_at:
            return Span(started_at, ended_at)
    ended_at = (end + timedelta(days=1)).replace(tzinfo=zone).astimezone(UTC)
    if is_end_dated or ended_at - started_at > LONGEST:
        raise unfit("ended_at", "lies before started_at")
    return Span(started_at, ended_at)
