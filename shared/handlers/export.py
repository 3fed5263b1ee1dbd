"""Answers with a file of a car's log, as an attachment."""

from collections.abc import Collection
from typing import TypeVar, get_args

from flask import Request, Response

from shared.domain.driver import Caller, Language
from shared.domain.fitting import YEARS
from shared.formats.export import Format, View
from shared.handlers import fields
from shared.handlers.problems import bad

ASKED = ("year", "month", "car_id", "format", "lang", "view")
T = TypeVar("T", bound=str)


def show(request: Request, caller: Caller) -> tuple[Response, int]:
    """The log of a year or a month, of one car, as the file that is asked for."""
    # What a file is made of is loaded once somebody wants one, and not while an instance starts.
    from shared.services.exporting import exported

    fields.refuse_unknown(request, ASKED)
    month = fields.whole(request, "month", range(1, 13))
    year = fields.whole(request, "year", YEARS)
    if year is None:
        raise bad("year", "is needed")
    format_ = _one_of(request, "format", get_args(Format), None)
    language: Language = _one_of(request, "lang", get_args(Language), caller.account.language)
    view: View = _one_of(request, "view", get_args(View), "full")
    car_id = fields.query_car_id(request)
    file = exported(caller.account, car_id, year, month, format_, language, view, fields.utc_now())
    # The name has no letter that would have to be quoted or encoded (RFC 6266).
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"'}
    return Response(file.body, headers=headers, content_type=file.content_type), 200


def _one_of(request: Request, name: str, allowed: Collection[T], default: T | None) -> T:
    """One of some words of the query; the default where it is not given. Raises 400."""
    text = request.args.get(name, default)
    found = next((word for word in allowed if word == text), None)
    if found is None:
        raise bad(name, f"must be one of {', '.join(allowed)}")
    return found
