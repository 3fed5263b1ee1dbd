"""Owns the users and their keys: who is calling. One of the two places that look at more than one user."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
from google.api_core.exceptions import AlreadyExists
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.domain.driver import EMAIL, LOG_VERSION, Account, Caller, Key
from shared.repositories.documents import OldLog, Stored, from_document, to_document, until_current


class UnknownUser(Exception):
    """There is no such user, or no longer."""


class AccountRepository:
    """All users. For the door of each function and for the operator."""

    def __init__(self, db: firestore.Client) -> None:
        self._db, self._users = db, db.collection("users")

    def find(self, email: str) -> Account | None:
        """The user of that e-mail (lower case), or None."""
        if not EMAIL.fullmatch(email):
            return None
        stored = self._stored(email)
        return stored.value if stored else None

    def emails(self, prefix: str = "") -> list[str]:
        """The e-mails of the users, of those that begin with a prefix if one is given."""
        first, last = self._users.document(prefix or "!"), self._users.document(f"{prefix}~")
        query = self._users.select([]).order_by("__name__").start_at({"__name__": first}).end_at({"__name__": last})
        return [snapshot.id for snapshot in query.stream()]

    def pages(self, users_a_page: int = 200) -> Iterator[list[Account]]:
        """All users by e-mail, page by page, with what a list of them needs: not their habits."""
        query = self._users.select(["email", "name", "timezone", "default_car_id", "keys", "log_version"])
        query = query.order_by("__name__").limit(users_a_page)
        while page := list(query.stream()):
            yield [stored.value for snapshot in page if (stored := stored_account(snapshot))]
            query = query.start_after(page[-1])

    def add(self, account: Account) -> bool:
        """Stores a new user; false, and nothing is changed, where the e-mail is registered already."""
        try:
            self._users.document(account.email).create(account_document(account))
        except AlreadyExists:
            return False
        return True

    @until_current
    def change(self, email: str, changed: Callable[[Account], Account]) -> Account:
        """A user as `changed` makes them of what is stored, and computed again where somebody else was quicker.

        Gives them as stored. Raises UnknownUser, and what `changed` raises.
        """
        read = self._stored(email)
        if read is None:
            raise UnknownUser(email)
        account = changed(read.value)
        option = self._db.write_option(last_update_time=read.version)
        self._users.document(email).update(account_document(account), option=option)
        return account

    def save(self, account: Account) -> None:
        """Stores all of a user whom nobody else writes at the time, as tests and tools have them; see `change`."""
        self._users.document(account.email).set(account_document(account))

    def forget(self, email: str) -> None:
        """Deletes a user with everything that is theirs: trips, sums, readings, places, cars, credentials."""
        self._db.recursive_delete(self._users.document(email))

    @until_current
    def proven(self, email: str | None, key: str) -> Caller | None:
        """Whose key it is, or None where it is nobody's or not that of the user named (e-mail in lower case).

        Notes the day on which the key was last used: one small write a day. Raises OldLog where an earlier version kept
        the log of whose key it is.
        """
        digest = hash_key(key)
        read = self._stored(email) if email else self._owner(digest)
        found = _key_of(read.value, digest) if read else None
        if read is None or found is None:
            return None
        if read.value.log_version != LOG_VERSION:
            raise OldLog(read.value.email)
        return Caller(self._with_use_noted(read, *found), found[1].scope, found[1].label)

    def owner_of(self, sha256: str) -> str | None:
        """The e-mail of the user who has the key with that hash, or None."""
        owner = self._owner(sha256)
        return owner.value.email if owner else None

    def _stored(self, email: str) -> Stored[Account] | None:
        return stored_account(self._users.document(email).get()) if EMAIL.fullmatch(email) else None

    def _owner(self, digest: str) -> Stored[Account] | None:
        owners = self._users.where(filter=FieldFilter("key_hashes", "array_contains", digest)).limit(1)
        return next((stored_account(snapshot) for snapshot in owners.stream()), None)

    def _with_use_noted(self, read: Stored[Account], key_id: str, key: Key) -> Account:
        """The user with the day of a key's last use. Raises a conflict of google.api_core where anything changed since.

        Then the key may have been revoked, and half a key must not come back.
        """
        today = datetime.now(UTC).date().isoformat()
        if key.last_used_on == today:
            return read.value
        option = self._db.write_option(last_update_time=read.version)
        self._users.document(read.value.email).update({f"keys.`{key_id}`.last_used_on": today}, option=option)
        used = msgspec.structs.replace(key, last_used_on=today)
        return msgspec.structs.replace(read.value, keys={**read.value.keys, key_id: used})


def _key_of(account: Account, digest: str) -> tuple[str, Key] | None:
    """The key of that hash with its id, or None; compared in constant time."""
    same = ((key_id, key) for key_id, key in account.keys.items() if hmac.compare_digest(key.sha256, digest))
    return next(same, None)


def account_document(account: Account) -> dict[str, Any]:
    """The fields that a user is stored with; the hashes of the keys follow from these."""
    hashes = tuple(key.sha256 for key in account.keys.values())
    return to_document(msgspec.structs.replace(account, key_hashes=hashes))


def stored_account(snapshot: firestore.DocumentSnapshot) -> Stored[Account] | None:
    """The user that a document holds, or None where it is not there."""
    if not snapshot.exists:
        return None
    # Those of the first version do not say that they are.
    return Stored(from_document({"log_version": 1, **(snapshot.to_dict() or {})}, Account), snapshot.update_time)


def new_key() -> str:
    """A fresh key of 256 random bits."""
    return secrets.token_urlsafe(32)


def hash_key(key: str) -> str:
    """What is kept of a key. It is random, so a plain SHA-256 is enough."""
    return hashlib.sha256(key.encode()).hexdigest()
