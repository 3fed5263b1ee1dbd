"""Owns the decoding of queries, each bad value of which is a 400 that names it, and how moments are written.

These are written the same in the history of a log.
"""

import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import get_args

from flask import Request

from shared.domain.driver import Language
from shared.domain.fitting import YEARS, car_id, text
from shared.domain.log import shown
from shared.domain.log.year import span_of
from shared.handlers.problems import bad

OF_THE_CALLER = ("user", "key")
MOST_NAME = 100
local, zulu = shown.local, shown.zulu


def utc_now() -> datetime:
    """This moment, aware UTC."""
    return datetime.now(UTC)


def whole(request: Request, name: str, allowed: range) -> int | None:
    """A whole number of the query, in a range; None where it is not given."""
    text = request.args.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) not in allowed:
        raise bad(name, f"must be a whole number from {allowed[0]} to {allowed[-1]}")
    return int(text)


def refuse_unknown(request: Request, names: Collection[str]) -> None:
    """Raises 400 where the query has a name that is none of these, nor says who is calling."""
    for name in request.args:
        if name not in names and name not in OF_THE_CALLER:
            raise bad(name[:MOST_NAME], "is no parameter of this call")


def short(request: Request, name: str) -> str:
    """A name of the query; empty where it is not given."""
    return text(request.args.get(name, ""), name, MOST_NAME)


def year_and_month(request: Request) -> tuple[int | None, int | None]:
    """Year and month of the query; a month needs its year."""
    year, month = whole(request, "year", YEARS), whole(request, "month", range(1, 13))
    if month is not None and year is None:
        raise bad("month", "needs a year")
    return year, month


def span(year: int | None, month: int | None, timezone: str) -> tuple[datetime, datetime] | None:
    """From when to when (aware UTC) a year or one of its months lasts in a time zone; None without a year."""
    return None if year is None else span_of(year, month, timezone)


def language(request: Request) -> Language | None:
    """The language of the query, or None."""
    text = request.args.get("lang")
    found = next((one for one in get_args(Language) if one == text), None)
    if text is not None and found is None:
        raise bad("lang", f"must be one of {', '.join(get_args(Language))}")
    return found


def query_car_id(request: Request) -> str | None:
    """The car of the query, or None."""
    return car_id(request.args.get("car_id"))
