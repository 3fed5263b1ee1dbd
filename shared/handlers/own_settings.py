"""Shows and changes what drivers set for themselves: name, language, time zone, habits, default car, keys."""

from typing import Any

import msgspec
from flask import Request
from msgspec import UNSET, Struct, UnsetType, field

from shared.domain.driver import REMINDER_KINDS, Account, Caller, Key, Language, ReminderKind, Scope
from shared.domain.log.kinds import DefaultKind
from shared.handlers.bodies import decoded
from shared.handlers.fields import zulu
from shared.services import keys, own_settings


class Hours(Struct, forbid_unknown_fields=True):
    """From and until, as HH:MM."""

    from_: str = field(name="from")
    until: str


class SettingsBody(Struct, forbid_unknown_fields=True):
    """Any of what a driver sets."""

    name: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    default_car_id: str | UnsetType = UNSET
    default_kind: DefaultKind | UnsetType = UNSET
    private_days: list[int] | UnsetType = UNSET
    business_hours: Hours | None | UnsetType = UNSET
    reminders: dict[ReminderKind, bool] | UnsetType = UNSET

    def said(self) -> dict[str, Any]:
        """What is said, by the names of the fields."""
        said = {field: value for field, value in msgspec.structs.asdict(self).items() if value is not UNSET}
        if self.business_hours:
            said["business_hours"] = self.business_hours.from_, self.business_hours.until
        return said


class KeyBody(Struct, forbid_unknown_fields=True):
    """A key that a driver wants."""

    scope: Scope
    label: str = ""


def show(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """What the driver has set."""
    return _view(caller.account), 200


def change(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """The settings with some of them changed. Trips that are in the log keep their time zone."""
    return _view(own_settings.change(caller.account.email, decoded(request, SettingsBody).said())), 200


def list_keys(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """The driver's keys by age, never what they are."""
    own = sorted(caller.account.keys.items(), key=lambda entry: (_made(entry[1]) or "", entry[0]))
    return {"keys": [_key_view(key_id, key) for key_id, key in own]}, 200


def add_key(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """One more key. It is in this answer and in no other."""
    body = decoded(request, KeyBody)
    made = keys.give(caller.account.email, body.scope, body.label)
    return {**_key_view(made.id, made.kept), "key": made.key}, 201


def delete_key(request: Request, caller: Caller, key_id: str) -> tuple[None, int]:
    """A key less, also the one of this call, but not the last one that can do everything."""
    keys.delete(caller.account.email, key_id)
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
        "reminders": {kind: account.wants(kind) for kind in REMINDER_KINDS},
    }


def _key_view(key_id: str, key: Key) -> dict[str, Any]:
    used = key.last_used_on or None
    return {"id": key_id, "scope": key.scope, "label": key.label, "created_at": _made(key), "last_used_on": used}


def _made(key: Key) -> str | None:
    return zulu(key.created_at) if key.created_at else None
