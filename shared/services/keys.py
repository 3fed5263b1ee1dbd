"""Gives a driver keys: the driver over HTTP and the operator by the tool."""

import secrets
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from shared.domain.driver import Account, Key, Scope
from shared.domain.fitting import Conflict, text
from shared.repositories.accounts import hash_key, new_key

MOST_KEYS = 20


class NewKey(NamedTuple):
    """A key that was just made: what is stored of it, and the key itself, which is shown once."""

    id: str
    key: str
    kept: Key


def make(scope: Scope, label: str, now: datetime) -> NewKey:
    """A fresh key. Raises Unfit for a label that is too long."""
    key = new_key()
    kept = Key(sha256=hash_key(key), scope=scope, label=text(label, "label"), created_at=now)
    return NewKey(secrets.token_hex(4), key, kept)


def added(account: Account, made: NewKey) -> Account:
    """The user with one more key. Raises Conflict where there are too many."""
    if len(account.keys) >= MOST_KEYS:
        raise Conflict(f"A driver can have {MOST_KEYS} keys at most: delete one first.")
    return replace(account, keys={**account.keys, made.id: made.kept})
