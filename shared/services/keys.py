"""Gives drivers keys and takes them away: the driver over HTTP and the operator by the tool."""

import secrets
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec.structs import replace

from shared.domain import fitting
from shared.domain.driver import PHONE, Account, Key, Scope
from shared.domain.fitting import Conflict, NotFound
from shared.repositories.accounts import AccountRepository, hash_key, new_key
from shared.repositories.documents import client

MOST_KEYS = 20


class NewKey(NamedTuple):
    """A key that was just made: what is stored of it, and the key itself, which is shown once."""

    id: str
    key: str
    kept: Key


def make(scope: Scope, label: str, now: datetime) -> NewKey:
    """A fresh key; one for a phone is called that where nothing else is said. Raises Unfit for its label."""
    key, called = new_key(), fitting.label(label) or (PHONE if scope == "webhook" else "")
    kept = Key(sha256=hash_key(key), scope=scope, label=called, created_at=now)
    return NewKey(secrets.token_hex(4), key, kept)


def added(account: Account, made: NewKey) -> Account:
    """The user with one more key. Raises Conflict where there are too many."""
    if len(account.keys) >= MOST_KEYS:
        raise Conflict(f"A driver can have {MOST_KEYS} keys at most: delete one first.")
    return replace(account, keys={**account.keys, made.id: made.kept})


def keep(email: str, made: NewKey) -> None:
    """Stores a key that was made for a driver. Raises Conflict where there are too many, and UnknownUser."""
    AccountRepository(client()).change(email, lambda account: added(account, made))


def give(email: str, scope: Scope, label: str) -> NewKey:
    """A fresh key for a driver, stored. Raises Unfit for its label, Conflict where there are too many."""
    made = make(scope, label, datetime.now(UTC))
    keep(email, made)
    return made


def delete(email: str, key_id: str) -> None:
    """Takes a key from a driver. Raises NotFound, and Conflict where it is the last that can do everything."""

    def without(account: Account) -> Account:
        kept = _without(account, key_id)
        if not any(key.scope == "full" for key in kept.keys.values()):
            raise Conflict("This is your last full key: make another one first.")
        return kept

    AccountRepository(client()).change(email, without)


def revoke(email: str, key_id: str) -> None:
    """Takes a key from a driver, be it their last one, as the operator may. Raises NotFound."""
    AccountRepository(client()).change(email, lambda account: _without(account, key_id))


def _without(account: Account, key_id: str) -> Account:
    if key_id not in account.keys:
        raise NotFound("There is no such key.")
    return replace(account, keys={other: key for other, key in account.keys.items() if other != key_id})
