"""Shows what was changed in the log of a driver."""

from typing import Any

from flask import Request

from shared.domain.driver import Caller
from shared.domain.fitting import YEARS
from shared.domain.log.history import entry_view
from shared.handlers import fields
from shared.handlers.cursors import entry_cursor, entry_number
from shared.handlers.problems import Problem
from shared.services import history


def show_trip(request: Request, caller: Caller, trip_id: str) -> tuple[dict[str, Any], int]:
    """All that was changed in one trip, the first change first; those of a deleted one stay."""
    fields.refuse_unknown(request, ())
    return {"entries": [entry_view(entry) for entry in history.of_trip(caller.account.email, trip_id)]}, 200


def show_year(request: Request, caller: Caller, year: int) -> tuple[dict[str, Any], int]:
    """A page of what was changed in the rows of a year, the first change first."""
    fields.refuse_unknown(request, ("limit", "cursor"))
    if year not in YEARS:
        raise Problem(404, "There is no log of such a year.")
    limit = fields.whole(request, "limit", range(1, 1001)) or 200
    after = entry_number(request.args.get("cursor"))
    found, has_more = history.of_year(caller.account.email, year, limit, after)
    return {
        "entries": [entry_view(entry) for entry in found],
        "next_cursor": entry_cursor(found[-1]) if has_more else None,
    }, 200
