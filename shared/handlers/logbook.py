"""Shows the rows of a car's log, and takes what its driver says of the gaps in it."""

from typing import Any

from flask import Request

from shared.domain.car.car import car_view
from shared.domain.driver import Caller
from shared.domain.log.shown import gap_view, log_sums_view, row_view
from shared.handlers import fields
from shared.handlers.authors import author_of
from shared.handlers.bodies import decoded
from shared.handlers.cursors import log_cursor_of, log_position_of
from shared.handlers.gap_bodies import GapBody
from shared.services import logbook

ASKED = ("car_id", "year", "month", "limit", "cursor")


def show(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """A page of the log of one car, oldest first, with the sums of the time asked for."""
    fields.refuse_unknown(request, ASKED)
    year, month = fields.year_and_month(request)
    limit = fields.whole(request, "limit", range(1, 201)) or 50
    after = log_position_of(request.args.get("cursor"))
    found = logbook.page(caller.account, fields.query_car_id(request), year, month, limit, after)
    return {
        "car": car_view(found.car, found.car.id == caller.account.default_car_id),
        "rows": [row_view(row) for row in found.rows],
        "sums": log_sums_view(found.sums),
        "next_cursor": log_cursor_of(found.next) if found.next else None,
    }, 200


def show_gap(request: Request, caller: Caller, gap_id: str) -> tuple[dict[str, Any], int]:
    """One gap."""
    return gap_view(logbook.find_gap(caller.account, gap_id)), 200


def explain_gap(request: Request, caller: Caller, gap_id: str) -> tuple[dict[str, Any], int]:
    """A gap with what its driver says of it, if it is still of the revision that the caller saw."""
    body = decoded(request, GapBody)
    author = author_of(caller, body.why)
    return gap_view(logbook.explain(caller.account, gap_id, body.said(), body.revision, author)), 200
