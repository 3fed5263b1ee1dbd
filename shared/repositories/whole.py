"""Owns all documents of one user, whatever they are: taken along as they are stored, and put back."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from google.cloud import firestore

from shared.repositories.cars import without_credentials
from shared.repositories.documents import RESTORING
from shared.repositories.user_store import shard_of

# What can be computed again, and what is sealed with the keys of one system.
DERIVED, SEALED = ("checks",), "settings/credentials"
STATE, CARS = "cache/trip_start", "settings/car"
NO_VERSION = 0  # of a log: each program refuses it
RESTORED = "restored"


class Document(NamedTuple):
    """A document of a user: its path below theirs, and its fields."""

    path: str
    fields: Mapping[str, Any]

    def belonging_to(self, former: str, email: str) -> "Document":
        """It as that of another user: where it says whose it is, and in which part of an index it stands."""
        fields = dict(self.fields)
        if fields.get("user") == former:
            fields["user"] = email
        if self.path == STATE and "shard" in fields:
            fields["shard"] = shard_of(email)
        return Document(self.path, fields)


class Whole(NamedTuple):
    """All that is kept of a user at a moment: their own document, and those below it, read as they are asked for."""

    moment: datetime
    account: Mapping[str, Any]
    documents: Iterator[Document]


class Occupied(Exception):
    """There is something of this user already, which stays as it is; the text says what."""


class WholeRepository:
    """All documents of one user (e-mail in lower case)."""

    def __init__(self, db: firestore.Client, email: str) -> None:
        self._db, self._root = db, db.collection("users").document(email)

    def read(self) -> Whole | None:
        """All that there is now, whoever writes meanwhile, but what is derived or sealed; None for no user."""
        snapshot = self._root.get()
        if not snapshot.exists:
            return None
        return Whole(snapshot.read_time, snapshot.to_dict() or {}, self._documents(snapshot.read_time))

    def _documents(self, moment: datetime) -> Iterator[Document]:
        for collection in self._root.collections(read_time=moment):
            if collection.id in DERIVED:
                continue
            for snapshot in collection.recursive().stream(read_time=moment):
                path = snapshot.reference.path.removeprefix(f"{self._root.path}/")
                if path != SEALED:
                    fields = snapshot.to_dict() or {}
                    yield Document(path, without_credentials(fields) if path == CARS else fields)

    def restoration(self, mark: str) -> "Restoration":
        """What puts documents back under this user, from what the mark names: that goes on where it was stopped.

        Raises Occupied where there is anything else of them but their account.
        """
        return Restoration(self._db, self._root, mark)


class Restoration:
    """Puts documents back, a commit after the other.

    Each of them writes the state, and demands that it is as the one before left it: so nobody else commits to the log,
    and whoever reads that state is told that it is being restored. `done` is how many documents are there.
    """

    def __init__(self, db: firestore.Client, root: firestore.DocumentReference, mark: str) -> None:
        self._db, self._root, self._mark = db, root, mark
        self._state = root.collection("cache").document("trip_start")
        snapshot = self._state.get()
        held = (snapshot.to_dict() or {}) if snapshot.exists else {}
        self._version, self.done = snapshot.update_time, held.get(RESTORED, 0)
        if held.get(RESTORING, mark) != mark:
            raise Occupied("is being restored from another file: run that again, or restore under another e-mail")
        if RESTORING not in held:
            if next(iter(root.collections()), None):
                raise Occupied("has a log already: restore under another e-mail, or remove that user first")
            self._version = None

    def put(self, documents: Sequence[Document]) -> None:
        """Puts some more of them, all or none. Raises a conflict of google.api_core where somebody else writes."""
        batch, done = self._db.batch(), self.done + len(documents)
        for path, fields in documents:
            batch.set(self._db.document(f"{self._root.path}/{path}"), fields)
        held = {"version": NO_VERSION, RESTORING: self._mark, RESTORED: done}
        if self._version is None:
            batch.create(self._state, held)
        else:
            batch.update(self._state, held, option=self._as_left())
        self._version = batch.commit()[-1].update_time
        self.done = done

    def finish(self, account: Mapping[str, Any], state: Document | None) -> None:
        """Puts the state and the account: from then on the log is there. Raises as `put` does."""
        batch, user = self._db.batch(), self._root.get()
        if state is None:
            batch.delete(self._state, option=self._as_left())
        else:
            held = dict.fromkeys(("version", RESTORING, RESTORED), firestore.DELETE_FIELD)
            batch.update(self._state, {**held, **state.fields}, option=self._as_left())
        if user.exists:
            batch.update(self._root, account, option=self._db.write_option(last_update_time=user.update_time))
        else:
            batch.create(self._root, account)
        batch.commit()

    def _as_left(self) -> Any:
        return self._db.write_option(last_update_time=self._version)
