"""Answers with the sums of a month, a year or all time."""

from typing import Any

from flask import Request

from shared.domain.driver import Caller
from shared.domain.log.shown import sums_view
from shared.handlers import fields
from shared.services.stats import stats


def show(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """The sums asked for; with a year and no month also month by month."""
    year, month = fields.year_and_month(request)
    car_id = fields.query_car_id(request)
    found = stats(caller.account.email, year, month, car_id)
    told: dict[str, Any] = {"user": caller.account.email, "year": year, "month": month, "car_id": car_id}
    told |= sums_view(found.whole)
    if year is not None and month is None:
        told["months"] = [{"month": number, **sums_view(sums)} for number, sums in found.months]
    return told, 200
