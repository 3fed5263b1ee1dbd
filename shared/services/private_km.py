"""Tells how many private kilometres a car's year has. Reads sums, never rows."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from shared.domain.car.car import Car
from shared.domain.checks.finding import PrivateKm
from shared.domain.checks.private_km import private_km as metered
from shared.domain.driver import Account
from shared.domain.fitting import NotFound
from shared.domain.log.logbook import is_of
from shared.repositories.documents import client
from shared.repositories.threads import later
from shared.repositories.user_store import UserStore
from shared.services.logbook import behind


def private_km(account: Account, car_id: str | None, year: int) -> PrivateKm:
    """The meter of one car in a year, of the default one if none is named: it costs three documents.

    Raises NotFound where there is no such car, nor rows of it in that year.
    """
    if not (car_id := car_id or account.default_car_id):
        raise NotFound("There is no car yet.")
    store = UserStore(client(), account.email)
    state, sums = later(store.state), later(lambda: store.sums(year))
    car = store.cars.list_cars().get(car_id)
    months = {month: cars[car_id] for month, cars in sums().get(year, {}).items() if car_id in cars}
    if not car and not months:
        raise NotFound("There is no such car.")
    open_row = behind(account, state().value, car_id)
    open_row = open_row if open_row and is_of(open_row, year, None) else None
    today = datetime.now(UTC).astimezone(ZoneInfo(account.timezone)).date()
    return metered(months, open_row, car or Car(car_id, "", car_id), year, today)
