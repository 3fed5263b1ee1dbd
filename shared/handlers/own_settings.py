"""Shows and changes what drivers set for themselves: name, language, time zone, habits, default car, keys."""

import re
from typing import Any

from flask import Request
from msgspec import UNSET, Struct, UnsetType, field
from msgspec.structs import replace

from shared.domain import fitting
from shared.domain.driver import Account, Caller, Key, Language, Scope
from shared.domain.log.kinds import DefaultKind, Habits
from shared.handlers import fields
from shared.handlers.bodies import decoded
from shared.handlers.fields import zulu
from shared.handlers.problems import Problem, bad
from shared.repositories.accounts import AccountRepository
from shared.repositories.documents import client
from shared.repositories.setup import Setup, set_up
from shared.services import keys

HOUR = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")


class Hours(Struct, forbid_unknown_fields=True):
    """From and until, as HH:MM."""

    from_: str = field(name="from")
    until: str

    def checked(self) -> tuple[str, str]:
        """The two, in order. Raises 400."""
        if not (HOUR.fullmatch(self.from_) and HOUR.fullmatch(self.until) and self.from_ < self.until):
            raise bad("business_hours", "must be two times of a day in order, as 08:00 and 18:00")
        return self.from_, self.until


class SettingsBody(Struct, forbid_unknown_fields=True):
    """Any of what a driver sets."""

    name: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    default_car_id: str | UnsetType = UNSET
    default_kind: DefaultKind | UnsetType = UNSET
    private_days: list[int] | UnsetType = UNSET
    business_hours: Hours | None | UnsetType = UNSET

    def applied_to(self, account: Account) -> Account:
        """The user with these settings, all but the default car. Raises 400."""
        changed = replace(account, habits=self._habits(account.habits))
        if self.name is not UNSET:
            changed = replace(changed, name=fitting.text(self.name, "name"))
        if self.language is not UNSET:
            changed = replace(changed, language=self.language)
        if self.timezone is not UNSET:
            changed = replace(changed, timezone=fitting.timezone(self.timezone))
        return changed

    def _habits(self, habits: Habits) -> Habits:
        if self.default_kind is not UNSET:
            habits = replace(habits, default_kind=self.default_kind)
        if self.private_days is not UNSET:
            if not set(self.private_days) <= set(range(1, 8)):
                raise bad("private_days", "must be ISO weekdays, from 1 for Monday to 7 for Sunday")
            habits = replace(habits, private_days=tuple(sorted(set(self.private_days))))
        if self.business_hours is not UNSET:
            hours = self.business_hours.checked() if self.business_hours else None
            habits = replace(habits, business_hours=hours)
        return habits


class KeyBody(Struct, forbid_unknown_fields=True):
    """A key that a driver wants."""

    scope: Scope
    label: str = ""


def show(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """What the driver has set."""
    return _view(caller.account), 200


def change(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """The settings with some of them changed. Trips that are in the log keep their time zone."""
    body, email = decoded(request, SettingsBody), caller.account.email
    car_id = body.default_car_id
    if car_id is UNSET:
        return _view(AccountRepository(client()).change(email, body.applied_to)), 200

    def attempt(setup: Setup) -> dict[str, Any]:
        wanted = fitting.car_id(car_id)
        if wanted not in setup.cars:
            raise bad("default_car_id", "must be one of your cars")
        setup.put_account(replace(body.applied_to(setup.account), default_car_id=wanted))
        return _view(setup.account)

    return set_up(client(), email, attempt), 200


def list_keys(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """The driver's keys by age, never what they are."""
    own = sorted(caller.account.keys.items(), key=lambda entry: (_made(entry[1]) or "", entry[0]))
    return {"keys": [_key_view(key_id, key) for key_id, key in own]}, 200


def add_key(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """One more key. It is in this answer and in no other."""
    body = decoded(request, KeyBody)
    made = keys.make(body.scope, body.label, fields.utc_now())
    AccountRepository(client()).change(caller.account.email, lambda account: keys.added(account, made))
    return {**_key_view(made.id, made.kept), "key": made.key}, 201


def delete_key(request: Request, caller: Caller, key_id: str) -> tuple[None, int]:
    """A key less, also the one of this call, but not the last one that can do everything."""

    def without(account: Account) -> Account:
        if key_id not in account.keys:
            raise Problem(404, "There is no such key.")
        kept = {other: key for other, key in account.keys.items() if other != key_id}
        if not any(key.scope == "full" for key in kept.values()):
            raise Problem(409, "This is your last full key: make another one first.")
        return replace(account, keys=kept)

    AccountRepository(client()).change(caller.account.email, without)
    return None, 204


def _view(account: Account) -> dict[str, Any]:
    habits = account.habits
    hours = habits.business_hours
    return {
        "user": account.email,
        "name": account.name,
        "timezone": account.timezone,
        "language": account.language,
        "default_car_id": account.default_car_id,
        "default_kind": habits.default_kind,
        "private_days": list(habits.private_days),
        "business_hours": {"from": hours[0], "until": hours[1]} if hours else None,
    }


def _key_view(key_id: str, key: Key) -> dict[str, Any]:
    used = key.last_used_on or None
    return {"id": key_id, "scope": key.scope, "label": key.label, "created_at": _made(key), "last_used_on": used}


def _made(key: Key) -> str | None:
    return zulu(key.created_at) if key.created_at else None
