"""Owns how a user stands: when the phone was last heard, each car last read, and what is wrong, in words.

It reads a few documents of each user, however long the log is.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from shared import settings
from shared.cars.provider import PROVIDERS, CredentialsMissing, missing_credentials
from shared.domain.car.asking import free_again_at
from shared.domain.car.car import Car
from shared.domain.driver import Account
from shared.domain.tracking.state import DriverState
from shared.repositories.user_store import UserStore
from shared.services.cars import offers

# Among so many newest readings one of the car's own is looked for: drivers enter some by eye.
NEWEST_READINGS = 3


class CarStanding(NamedTuple):
    """A car and when it was last read, in words; empty where it never was."""

    id: str
    name: str
    provider: str
    read: str = ""
    odometer_km: float = 0.0
    by_eye: bool = False

    @property
    def read_in_words(self) -> str:
        """When it was last read and what it said."""
        if not self.read:
            return "never read"
        return f"last read {self.read}{' by eye' if self.by_eye else ''}: {self.odometer_km:g} km"


class Standing(NamedTuple):
    """How a user stands; times in words, in the user's time zone."""

    email: str
    heard: str
    trip: str
    cars: list[CarStanding]
    wrong: list[str]


def standing(account: Account, store: UserStore, now: datetime) -> Standing:
    """How a user stands at a moment."""
    state, cars = store.state().value, [car for _, car in sorted(store.cars.list_cars().items())]
    read = [_read(car, store, account.timezone) for car in cars]
    return Standing(account.email, heard(account, state), _trip(account, state), read, wrong(account, state, cars, now))


def heard(account: Account, state: DriverState) -> str:
    """When the phone was last heard: the moment where its events are still known, else the day; empty for never."""
    last = _last_event(state)
    days = [key.last_used_on for key in account.keys.values() if key.scope == "webhook"]
    day = max(days, default="")
    # What was dropped or ignored left only the day of its key's use, which is UTC.
    if last and f"{last:%Y-%m-%d}" >= day:
        return _words(last, account.timezone)
    return day


def _last_event(state: DriverState) -> datetime | None:
    events = [event.at for event in (*state.events, *state.late)]
    over = [drive.ended_at for drive in state.told if not drive.is_by_hand]
    stored = [state.drive.last.at] if state.drive and state.drive.last else []
    return max([*events, *over, *stored], default=None)


def wrong(account: Account, state: DriverState, cars: list[Car], now: datetime) -> list[str]:
    """What is wrong, each in a few words; nothing where all is well."""
    return [*_with_phone(account, state), *_with_trips(account, state, now), *_with_cars(account, state, cars, now)]


def _with_phone(account: Account, state: DriverState) -> Iterator[str]:
    if not account.keys:
        yield "no key, so nobody can call: add-key"
    elif not any(key.scope == "webhook" for key in account.keys.values()):
        yield "no key for a phone: add-key --scope webhook"
    elif not heard(account, state):
        yield "the phone was never heard, its key is not used yet"


def _with_trips(account: Account, state: DriverState, now: datetime) -> Iterator[str]:
    if state.drive and now - state.drive.heard_at > settings.current.rules.stale_after:
        yield f"a trip is going on and nothing was heard of it since {_words(state.drive.heard_at, account.timezone)}"
    for car_id, log in sorted(state.open.items()):
        if log.pending_since:
            yield f"a trip waits for the odometer of {car_id} since {_words(log.pending_since, account.timezone)}"
    if state.look_ups.failures:
        yield f"the addresses of {len(state.look_ups.trips)} trips were looked for in vain"


def _with_cars(account: Account, state: DriverState, cars: list[Car], now: datetime) -> Iterator[str]:
    if not cars:
        yield "no car: set-car"
    for car in cars:
        for what in _with_car(account, state, car, now):
            yield f"{car.id}: {what}"


def _with_car(account: Account, state: DriverState, car: Car, now: datetime) -> Iterator[str]:
    log = state.of_car(car.id)
    if log.failures and log.retry_at:
        yield f"its cloud failed {_times(log.failures)}, asked again from {_words(log.retry_at, account.timezone)}"
    missing = missing_credentials(car.provider, car.credentials_set_at)
    if car.provider not in offers():
        yield f"its provider {car.provider} is not offered, choose another one"
    elif missing:
        yield str(CredentialsMissing(missing))
    elif car.login_stopped:
        yield "its login was refused twice, it is not asked until the credentials are set again"
    elif car.login_refusals:
        yield "its login was refused once"
    elif free_at := _budget_free_at(state, car, now):
        yield f"its budget of requests is used up until {_words(free_at, account.timezone)}"


def _budget_free_at(state: DriverState, car: Car, now: datetime) -> datetime | None:
    return free_again_at(state.asking, car.budget_name, PROVIDERS[car.provider].budget, now)


def _trip(account: Account, state: DriverState) -> str:
    return f"going on since {_words(state.drive.started_at, account.timezone)}" if state.drive else ""


def _read(car: Car, store: UserStore, timezone: str) -> CarStanding:
    newest = store.readings.newest(car.id, NEWEST_READINGS)
    last = next((one for one in newest if one.source == "car"), next(iter(newest), None))
    if last is None:
        return CarStanding(car.id, car.name, car.provider)
    read = _words(last.at, timezone)
    return CarStanding(car.id, car.name, car.provider, read, last.km, by_eye=last.source != "car")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times in a row"


def _words(moment: datetime, timezone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M}"
