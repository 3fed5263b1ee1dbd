"""Reads a car's log of one year as a whole, for its checks, its seal and its exports."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from shared.domain.car.car import Car
from shared.domain.driver import Account
from shared.domain.fitting import NotFound
from shared.domain.log.logbook import is_of
from shared.domain.log.tiling import Row, along
from shared.domain.log.year import YearLog, span_of
from shared.domain.tracking.state import DriverState
from shared.repositories.documents import Stored, client
from shared.repositories.threads import later
from shared.repositories.user_store import UserStore
from shared.services.logbook import behind

MOST_ROWS = 100_000  # of a car in a year: more than anybody drives
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class ReadYear(NamedTuple):
    """A year as it was read, after the driver's state, and how many commits had changed rows or readings by then."""

    log: YearLog
    changes: int
    state: Stored[DriverState]


class YearRows(NamedTuple):
    """The rows of a car that count for a year, along its odometer."""

    car: Car
    rows: Sequence[Row]


def rows_of(account: Account, car_id: str | None, year: int) -> YearRows:
    """The rows of one car in a year, the default one if none is named. Raises NotFound where there is no such car.

    A car that the driver had before is one as long as its year has rows.
    """
    if not (car_id := car_id or account.default_car_id):
        raise NotFound("There is no car yet.")
    store, equal = UserStore(client(), account.email), {"year": year, "car_id": car_id}
    trips = later(lambda: store.trips.by_time(equal, MOST_ROWS, None))
    gaps = later(lambda: store.gaps.by_time(equal, MOST_ROWS, None))
    car = store.cars.list_cars().get(car_id)
    rows: list[Row] = sorted([*trips(), *gaps()], key=along)
    if not car and not rows:
        raise NotFound("There is no such car.")
    return YearRows(car or Car(car_id, "", car_id), rows)


def year_of(account: Account, car_id: str | None, year: int) -> ReadYear:
    """The log of one car in a year, as `rows_of` finds it. Raises NotFound where there is no such car."""
    store = UserStore(client(), account.email)
    # Before the rows: what is computed of them then holds for no later count than theirs.
    state, changes = store.state_and_changes()
    car, rows = rows_of(account, car_id, year)
    span = span_of(year, None, account.timezone)
    before = later(lambda: _row_before(store, car.id, span[0]))
    readings = store.readings.page(car.id, MOST_ROWS, span, None)[::-1]
    open_row = behind(account, state.value, car.id)
    open_row = open_row if open_row and is_of(open_row, year, None) else None
    return ReadYear(YearLog(car, year, account.timezone, rows, before(), open_row, readings), changes, state)


def _row_before(store: UserStore, car_id: str, moment: datetime) -> Row | None:
    """The last row of a car that begins before a moment."""
    trip = store.trips.before(car_id, moment)
    since = trip.value.started_at if trip else LONG_AGO
    gaps = [gap.value for gap in store.gaps.between(car_id, since, moment) if gap.value.since < moment]
    rows: list[Row] = [*([trip.value] if trip else []), *gaps]
    return max(rows, key=along, default=None)
