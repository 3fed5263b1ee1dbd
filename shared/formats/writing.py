"""Owns how numbers, days and moments are written in the files of a log, in each of the languages that drivers have."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from shared.domain.driver import Language


def number(value: float | None, language: Language, decimals: int = 1) -> str:
    """A number with a mark at each thousand, as people read it; nothing where there is none."""
    if value is None:
        return ""
    text = f"{value + 0.0:,.{decimals}f}"
    return text if language == "en" else text.translate(str.maketrans(",.", ".,"))


def plain_number(value: float | None) -> str:
    """A number with a decimal comma and no other mark, as a Dutch spreadsheet takes it."""
    return "" if value is None else f"{value + 0.0:.1f}".replace(".", ",")


def day(value: date | None) -> str:
    """A day as dd-mm-yyyy."""
    return f"{value:%d-%m-%Y}" if value else ""


def clock(value: time | None) -> str:
    """A time of day to the minute."""
    return f"{value:%H:%M}" if value else ""


def moment(value: datetime, timezone: str) -> str:
    """A moment by the clock of a time zone (IANA name), to the minute."""
    return f"{value.astimezone(ZoneInfo(timezone)):%d-%m-%Y %H:%M}"
