"""Owns the users and their keys: who is calling. One of the two places that look at more than one user."""

import hashlib
import hmac
import re
import secrets
import time
from datetime import UTC, datetime
from typing import ClassVar, Literal

import msgspec
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.domain.kinds import Habits
from shared.repositories.documents import from_document, to_document
from shared.settings import seconds

Scope = Literal["webhook", "full"]
EMAIL = re.compile(r"[^@\s/]{1,64}@[^@\s/]{1,190}")


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
    language: Literal["nl", "en"] = "nl"
    default_car_id: str | None = None
    habits: Habits = Habits()
    keys: dict[str, Key] = {}
    key_hashes: tuple[str, ...] = ()


class Caller(msgspec.Struct, frozen=True):
    """Who is calling, and what their key may do."""

    account: Account
    scope: Scope


class AccountRepository:
    """All users. For the door of each function and for the operator."""

    # Read at most once in USER_CACHE_S in each instance: by e-mail or key hash.
    _cache: ClassVar[dict[str, tuple[float, Account]]] = {}

    def __init__(self, db: firestore.Client) -> None:
        self._db, self._users = db, db.collection("users")

    def find(self, email: str) -> Account | None:
        """The user of that e-mail (lower case), or None."""
        if not EMAIL.fullmatch(email):
            return None
        snapshot = self._users.document(email).get()
        return from_document(snapshot.to_dict() or {}, Account) if snapshot.exists else None

    def emails(self, prefix: str = "") -> list[str]:
        """The e-mails of the users, of those that begin with a prefix if one is given."""
        first, last = self._users.document(prefix or "!"), self._users.document(f"{prefix}~")
        query = self._users.select([]).order_by("__name__").start_at({"__name__": first}).end_at({"__name__": last})
        return [snapshot.id for snapshot in query.stream()]

    def save(self, account: Account) -> None:
        """Stores a user."""
        hashes = tuple(key.sha256 for key in account.keys.values())
        self._users.document(account.email).set(to_document(msgspec.structs.replace(account, key_hashes=hashes)))
        self._cache.clear()

    def forget(self, email: str) -> None:
        """Deletes a user with everything that is his: trips, sums, readings, places, cars, credentials."""
        self._db.recursive_delete(self._users.document(email))
        self._cache.clear()

    def proven(self, email: str | None, key: str | None) -> Caller | None:
        """Whose key it is, or None where it is nobody's or not that of the user named."""
        if not key:
            return None
        digest = hash_key(key)
        account = self._cached(email, digest)
        if account is None:
            return None
        for key_id, known in account.keys.items():
            if hmac.compare_digest(known.sha256, digest):
                self._note_use(account, key_id, known)
                return Caller(account, known.scope)
        return None

    def _cached(self, email: str | None, digest: str) -> Account | None:
        name, fresh_after = email or digest, time.monotonic() - seconds("USER_CACHE_S")
        read_at, account = self._cache.get(name, (0.0, None))
        if account and read_at > fresh_after and digest in account.key_hashes:
            return account
        account = self.find(email) if email else self._owner(digest)
        if account:
            self._cache[name] = (time.monotonic(), account)
        return account

    def _owner(self, digest: str) -> Account | None:
        owners = self._users.where(filter=FieldFilter("key_hashes", "array_contains", digest)).limit(1)
        return next((from_document(snapshot.to_dict() or {}, Account) for snapshot in owners.stream()), None)

    def _note_use(self, account: Account, key_id: str, key: Key) -> None:
        """Remembers the day of a key's last use: one small write a day."""
        today = datetime.now(UTC).date().isoformat()
        if key.last_used_on != today:
            self._users.document(account.email).update({f"keys.`{key_id}`.last_used_on": today})
            used = msgspec.structs.replace(key, last_used_on=today)
            noted = msgspec.structs.replace(account, keys={**account.keys, key_id: used})
            for name in (account.email, key.sha256):
                if name in self._cache:
                    self._cache[name] = (self._cache[name][0], noted)


def new_key() -> str:
    """A fresh key of 256 random bits."""
    return secrets.token_urlsafe(32)


def hash_key(key: str) -> str:
    """What is kept of a key. It is random, so a plain SHA-256 is enough."""
    return hashlib.sha256(key.encode()).hexdigest()
