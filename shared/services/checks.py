"""Checks the log of a car's year: once, until something changes that the findings follow from."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from shared.domain.car.car import Car, car_view
from shared.domain.checks import table
from shared.domain.checks.examined import Examined
from shared.domain.checks.finding import Checked
from shared.domain.driver import Account, Language
from shared.domain.fitting import NotFound
from shared.domain.log.logbook import is_of
from shared.domain.log.sealing import Correction, Seal
from shared.domain.log.tiling import Row
from shared.domain.place.places import Place
from shared.repositories.documents import client
from shared.repositories.threads import later
from shared.repositories.user_store import UserStore
from shared.services.logbook import behind
from shared.services.year import MOST_ROWS, ReadYear, year_of


class _Log(NamedTuple):
    """What tells one log of a year from another without reading its rows: each commit that changes some is counted.

    What lies behind the last drive is computed of the state, and so is not.
    """

    changes: int
    car: Car
    behind: Row | None


class _Beside(NamedTuple):
    """All else that the findings follow from."""

    timezone: str
    today: date
    places: Sequence[Place]
    seal: Seal | None
    corrections: Sequence[Correction]


def checked(
    account: Account, car_id: str | None, year: int, language: Language | None = None, known: ReadYear | None = None
) -> Checked:
    """The checks of the log of one car in a year, the default one if none is named, in a language, the driver's own if
    none is named. Where the year is `known` it is not read again. Raises NotFound where there is no such car."""
    car_id = known.log.car.id if known else car_id or account.default_car_id
    if not car_id:
        raise NotFound("There is no car yet.")
    store, language = UserStore(client(), account.email), language or account.language
    places = later(store.places)
    log = _of_read(known) if known else _of_store(store, account, car_id, year)
    beside = _beside(account, car_id, year, places())
    if found := store.checks.find(year, car_id, language, _key(log, beside)):
        return found
    # The count of commits was read before the rows: it never stands for older rows than those that it counts.
    read = known or year_of(account, car_id, year)
    found = table.checked(_examined(store, read, beside), language)
    store.checks.keep(year, car_id, language, _key(_of_read(read), beside), found)
    return found


def _of_read(read: ReadYear) -> _Log:
    return _Log(read.changes, read.log.car, read.log.behind)


def _of_store(store: UserStore, account: Account, car_id: str, year: int) -> _Log:
    cars = later(store.cars.list_cars)
    state, changes = store.state_and_changes()
    row = behind(account, state.value, car_id)
    return _Log(changes, cars().get(car_id) or Car(car_id, "", car_id), row if row and is_of(row, year, None) else None)


def _beside(account: Account, car_id: str, year: int, places: Sequence[Place]) -> _Beside:
    # To close a year asks for its checks.
    from shared.services.closing import corrections_of, seal_of

    today = datetime.now(UTC).astimezone(ZoneInfo(account.timezone)).date()
    seal = seal_of(account, car_id, year)
    corrections = corrections_of(account, car_id, year) if seal else ()
    return _Beside(account.timezone, today, places, seal, corrections)


def _examined(store: UserStore, read: ReadYear, beside: _Beside) -> Examined:
    entries = store.history.of_year(read.log.year, MOST_ROWS)
    return Examined(read.log, beside.today, beside.places, entries, beside.corrections)


def _key(log: _Log, beside: _Beside) -> str:
    """What stands for all that the findings follow from: anything else gives another one."""
    places = sorted(beside.places, key=lambda place: place.id)
    told: tuple[Any, ...] = (
        table.VERSION,
        log.changes,
        car_view(log.car, False),
        log.behind,
        beside._replace(places=places),
    )
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()
