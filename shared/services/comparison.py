"""Holds a car's log against its odometer."""

from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from shared.domain.car.car import Car
from shared.domain.car.odometer import Reading
from shared.domain.driver import Account
from shared.domain.log.comparison import Comparison, Month, compared
from shared.domain.log.trip import NO_CAR, Sums, Trip
from shared.repositories.documents import client
from shared.repositories.user_store import UserStore

SHOWN_READINGS = 20


class Compared(NamedTuple):
    """A car's log beside its odometer: `gaps` are the trips with one before, `readings` the newest, newest first.

    Without a car's id it is the log of the trips without a car.
    """

    car_id: str | None
    result: Comparison
    gaps: list[Trip]
    readings: list[Reading]
    warnings: list[str]


def compare(account: Account, car_id: str | None, year: int | None) -> Compared:
    """The comparison of one car, the default one if none is named, else of the trips without a car."""
    store, car_id = UserStore(client(), account.email), car_id or account.default_car_id
    before = datetime(year + 1, 1, 1, tzinfo=ZoneInfo(account.timezone)).astimezone(UTC) if year else None
    readings = store.readings.newest(car_id, SHOWN_READINGS, before)
    gaps = store.gap_trips(car_id, year)
    latest = readings[0] if readings else None
    car = store.cars.list_cars().get(car_id or "")
    result = compared(_start_km(store, car_id, car, year), latest, _months(store, car_id, year), gaps)
    return Compared(car_id, result, gaps, readings, _warnings(car, gaps, result.start_odometer_km))


def _start_km(store: UserStore, car_id: str | None, car: Car | None, year: int | None) -> float | None:
    """What the driver set for the car where it lies in the time asked for, else what the log says."""
    if car and car.start_odometer_km is not None and (year is None or str(year) == (car.available_from or "")[:4]):
        return car.start_odometer_km
    first = store.first_trip(car_id, year)
    if first and first.start_odometer_km is not None:
        return first.start_odometer_km
    reading = store.readings.first(car_id)
    return reading.km if reading else None


def _months(store: UserStore, car_id: str | None, year: int | None) -> list[Month]:
    return [
        Month(f"{found_year}-{number:02d}", cars[car_id or NO_CAR])
        for found_year, months in sorted(store.sums(year).items())
        for number, cars in sorted(months.items())
        if cars.get(car_id or NO_CAR, Sums()).trip_count
    ]


def _warnings(car: Car | None, gaps: list[Trip], start_km: float | None) -> list[str]:
    found = {
        "The car's cloud refuses the credentials and is not asked any more until they are set again.": bool(
            car and car.login_stopped
        ),
        "Two trips overlap: their odometers contradict each other.": any(trip.gap_before_km < 0 for trip in gaps),
        "There is no odometer reading yet.": start_km is None,
    }
    return [text for text, holds in found.items() if holds]
