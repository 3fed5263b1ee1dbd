"""Owns who a driver is: their account, and the keys that prove them."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, get_args

import msgspec
from msgspec.structs import replace

from shared.domain import fitting
from shared.domain.log import kinds
from shared.domain.log.kinds import Habits

# What a key is good for: to start and end trips, to say what an odometer is, to read the log, or everything.
Scope = Literal["webhook", "reading", "read", "full"]
Language = Literal["nl", "en"]
# Of what a driver is reminded by e-mail; each can be switched off.
ReminderKind = Literal["trip_without_end", "login_refused", "gap", "not_closed", "weekly"]
REMINDER_KINDS: tuple[ReminderKind, ...] = get_args(ReminderKind)
# It becomes the id of a document, which must not be "__…__".
EMAIL = re.compile(r"(?!__.*__$)[^@\s/\x00-\x1f\x7f]{1,64}@[^@\s/\x00-\x1f\x7f]{1,190}")
# In which way the log of a user is kept. What was kept in another way is refused, not guessed at.
LOG_VERSION = 4
# What a phone's key is called if nobody says otherwise: it tells nothing of who drives.
PHONE = "phone"


class Key(msgspec.Struct, frozen=True):
    """A user's key: only its SHA-256 is kept."""

    sha256: str
    scope: Scope
    label: str = ""
    created_at: datetime | None = None
    last_used_on: str = ""


class Account(msgspec.Struct, frozen=True):
    """A user: e-mail in lower case, IANA time zone, keys by id."""

    email: str
    name: str = ""
    timezone: str = "Europe/Amsterdam"
    language: Language = "nl"
    default_car_id: str | None = None
    habits: Habits = Habits()
    keys: dict[str, Key] = {}
    key_hashes: tuple[str, ...] = ()
    log_version: int = LOG_VERSION
    reminders_off: tuple[ReminderKind, ...] = ()

    def wants(self, kind: ReminderKind) -> bool:
        """Whether they are to be reminded of such a thing."""
        return kind not in self.reminders_off


class Caller(msgspec.Struct, frozen=True):
    """Who is calling, what their key may do, and its label."""

    account: Account
    scope: Scope
    label: str = ""


def fitted(account: Account, said: Mapping[str, Any]) -> Account:
    """The user with what they say of themselves and of their habits, by the names of the fields. Raises Unfit.

    What is not said stays, and so does the default car, for which their cars must be known.
    """
    given: dict[str, Any] = {"habits": kinds.fitted(account.habits, said)}
    if "name" in said:
        given["name"] = fitting.text(said["name"], "name")
    if "language" in said:
        given["language"] = said["language"]
    if "timezone" in said:
        given["timezone"] = fitting.timezone(said["timezone"])
    if "reminders" in said:
        given["reminders_off"] = _switched(account.reminders_off, said["reminders"])
    return replace(account, **given)


def _switched(off: Sequence[ReminderKind], said: Mapping[ReminderKind, bool]) -> tuple[ReminderKind, ...]:
    """The kinds that are off once some are switched on or off, always in the same order."""
    return tuple(kind for kind in REMINDER_KINDS if not said.get(kind, kind not in off))
