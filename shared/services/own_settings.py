"""Changes what drivers set for themselves: name, language, time zone, habits, default car."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from shared.domain import fitting
from shared.domain.driver import Account, fitted
from shared.repositories.accounts import AccountRepository
from shared.repositories.documents import client
from shared.repositories.setup import Setup, set_up

OF_LOG = ("timezone", "default_car_id")


def change(email: str, said: Mapping[str, Any]) -> Account:
    """A driver with what they say, by the names of the fields. Raises Unfit, and UnknownUser."""
    former = dict[str, object]()

    def noted(account: Account) -> Account:
        former.update({field: getattr(account, field) for field in OF_LOG})
        return fitted(account, said)

    if "default_car_id" in said:
        changed = set_up(client(), email, lambda setup: _with_default_car(setup, noted(setup.account), said))
    else:
        changed = AccountRepository(client()).change(email, noted)
    if any(getattr(changed, field) != value for field, value in former.items()):
        # The log is not what most settings are about: to load the fold costs a cold start.
        from shared.services.set_log import follow

        follow(email)
    return changed


def _with_default_car(setup: Setup, account: Account, said: Mapping[str, Any]) -> Account:
    car_id = fitting.car_id(said["default_car_id"])
    if car_id not in setup.cars:
        raise fitting.unfit("default_car_id", "must be one of your cars")
    setup.put_account(replace(account, default_car_id=car_id))
    return setup.account
