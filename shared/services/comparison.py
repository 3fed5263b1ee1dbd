"""Holds a car's log against its odometer."""

from collections.abc import Mapping
from typing import NamedTuple

from shared.domain.car.car import Car
from shared.domain.car.odometer import Reading
from shared.domain.driver import Account
from shared.domain.log.comparison import Comparison, Month, compared
from shared.domain.log.gap_row import GapRow
from shared.domain.log.sums import Sums
from shared.domain.log.trip import NO_CAR, shown_km
from shared.domain.log.year import span_of
from shared.repositories.documents import client
from shared.repositories.readings import ReadingRepository
from shared.repositories.threads import later
from shared.repositories.user_store import UserStore
from shared.services.warnings import warnings

SHOWN_READINGS = 20


class Compared(NamedTuple):
    """A car's log beside its odometer: `gaps` that nobody explained, `readings` the newest, newest first.

    Without a car's id it is the log of the trips without a car.
    """

    car_id: str | None
    result: Comparison
    gaps: list[GapRow]
    readings: list[Reading]
    warnings: list[str]


def compare(account: Account, car_id: str | None, year: int | None) -> Compared:
    """The comparison of one car, the default one if none is named, else of the trips without a car."""
    store, car_id = UserStore(client(), account.email), car_id or account.default_car_id
    since, before = span_of(year, None, account.timezone) if year else (None, None)
    readings = later(lambda: store.readings.newest(car_id, SHOWN_READINGS, before))
    doubted = later(lambda: store.doubts.of_car(car_id, since, before))
    gaps = later(lambda: store.gaps.unexplained(car_id, year))
    row_km = later(lambda: _first_row_km(store, car_id, year))
    sums = later(lambda: store.sums(year))
    car = store.cars.list_cars().get(car_id or "")
    start_km = _start_km(_said_km(car, year), row_km(), store.readings, car_id)
    shown, open_gaps = readings(), gaps()
    result = compared(start_km, shown[0] if shown else None, _months(sums(), car_id), open_gaps)
    return Compared(car_id, result, open_gaps, shown, warnings(car, result, open_gaps, doubted()))


def _start_km(
    said_km: float | None, row_km: float | None, readings: ReadingRepository, car_id: str | None
) -> float | None:
    """Where the first row begins, or below it what the driver said; without both the first reading that is known."""
    known_km = [one for one in (said_km, row_km) if one is not None]
    if known_km:
        return min(known_km)
    first = readings.first(car_id)
    return first.km if first else None


def _first_row_km(store: UserStore, car_id: str | None, year: int | None) -> float | None:
    """The odometer at which the first row begins. A trip says whether a gap lies before it."""
    trip = store.trips.first(car_id, year)
    gap = store.gaps.first(car_id, year) if trip is None or trip.gap_before_km else None
    if gap and (trip is None or gap.since <= trip.started_at):
        return shown_km(gap.from_m)
    return trip.start_odometer_km if trip else None


def _said_km(car: Car | None, year: int | None) -> float | None:
    """What the driver set for the car, where it lies in the time asked for."""
    lies_in_it = car and (year is None or str(year) == (car.available_from or "")[:4])
    return car.start_odometer_km if car and lies_in_it else None


def _months(years: Mapping[int, Mapping[int, Mapping[str, Sums]]], car_id: str | None) -> list[Month]:
    return [
        Month(f"{year}-{number:02d}", cars[car_id or NO_CAR])
        for year, months in sorted(years.items())
        for number, cars in sorted(months.items())
        if (car_id or NO_CAR) in cars
    ]
