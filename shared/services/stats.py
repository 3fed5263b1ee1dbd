"""Adds up the sums of a month, a year or all time. Reads sums, never trips."""

from collections.abc import Iterable
from functools import reduce
from typing import NamedTuple

from shared.domain.log.sums import Sums
from shared.repositories.documents import client
from shared.repositories.user_store import UserStore


class Stats(NamedTuple):
    """The sums of a time as a whole, and of each of its months that has some, by the month's number."""

    whole: Sums
    months: list[tuple[int, Sums]]


def stats(email: str, year: int | None, month: int | None, car_id: str | None) -> Stats:
    """What a driver's trips add up to: of a year, of one month of it, of one car; of all where it is None."""
    years = UserStore(client(), email).sums(year)
    found = [(number, _of(cars, car_id)) for months in years.values() for number, cars in sorted(months.items())]
    wanted = [(number, sums) for number, sums in found if month in (None, number)]
    return Stats(_added(sums for _, sums in wanted), [(number, sums) for number, sums in wanted if sums.trip_count])


def _of(cars: dict[str, Sums], car_id: str | None) -> Sums:
    return _added(sums for car, sums in cars.items() if car_id in (None, car))


def _added(sums: Iterable[Sums]) -> Sums:
    return reduce(Sums.plus, sums, Sums())
