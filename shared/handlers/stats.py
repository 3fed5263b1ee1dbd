"""Answers with the sums of a month, a year or all time. Reads sums, never trips."""

from functools import reduce
from typing import Any

from flask import Request

from shared.domain.driver import Caller
from shared.domain.log.trip import Sums
from shared.handlers import fields
from shared.handlers.views import sums_view
from shared.repositories.documents import client
from shared.repositories.user_store import UserStore


def show(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """The sums asked for; with a year and no month also month by month."""
    year, month = fields.year_and_month(request)
    car_id = fields.query_car_id(request)
    years = UserStore(client(), caller.account.email).sums(year)
    months = [(number, _sum(cars, car_id)) for found in years.values() for number, cars in sorted(found.items())]
    wanted = [sums for number, sums in months if month in (None, number)]
    told: dict[str, Any] = {"user": caller.account.email, "year": year, "month": month, "car_id": car_id}
    told |= sums_view(reduce(Sums.plus, wanted, Sums()))
    if year is not None and month is None:
        told["months"] = [{"month": number, **sums_view(sums)} for number, sums in months if sums.trip_count]
    return told, 200


def _sum(cars: dict[str, Sums], car_id: str | None) -> Sums:
    return reduce(Sums.plus, (sums for car, sums in cars.items() if car_id in (None, car)), Sums())
