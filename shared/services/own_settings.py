"""Changes what drivers set for themselves: name, language, time zone, habits, default car."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from shared.domain import fitting
from shared.domain.driver import Account, fitted
from shared.repositories.accounts import AccountRepository
from shared.repositories.documents import client
from shared.repositories.setup import Setup, set_up


def change(email: str, said: Mapping[str, Any]) -> Account:
    """A driver with what they say, by the names of the fields. Raises Unfit, and UnknownUser."""
    if "default_car_id" not in said:
        return AccountRepository(client()).change(email, lambda account: fitted(account, said))
    return set_up(client(), email, lambda setup: _with_default_car(setup, said))


def _with_default_car(setup: Setup, said: Mapping[str, Any]) -> Account:
    car_id = fitting.car_id(said["default_car_id"])
    if car_id not in setup.cars:
        raise fitting.unfit("default_car_id", "must be one of your cars")
    setup.put_account(replace(fitted(setup.account, said), default_car_id=car_id))
    return setup.account
