"""Owns the document of what a driver was told by e-mail."""

from google.api_core.exceptions import Aborted, AlreadyExists, FailedPrecondition, NotFound
from google.cloud import firestore

from shared.domain.log.trip import NO_CAR
from shared.domain.reminding.told import Told
from shared.repositories.documents import Stored, from_document, to_document


class Overtaken(Exception):
    """Somebody else wrote since it was read, or the user is not there any more; nothing was written."""


class ReminderRepository:
    """What one user (e-mail in lower case) was told. It is no part of their store, which all functions load."""

    def __init__(self, db: firestore.Client, email: str) -> None:
        self._db, self._user = db, db.collection("users").document(email)
        self._told = self._user.collection("settings").document("reminders")

    def read(self) -> Stored[Told]:
        """What they were told, nothing where nothing is kept."""
        snapshot = self._told.get()
        told = from_document(snapshot.to_dict() or {}, Told) if snapshot.exists else Told()
        return Stored(told, snapshot.update_time if snapshot.exists else None)

    def put(self, read: Stored[Told], told: Told) -> Stored[Told]:
        """Writes what they were told in place of what was read. Raises Overtaken.

        The commit demands that there is still such a user: of one who was removed nothing comes back.
        """
        batch = self._db.batch()
        batch.update(self._user, {f"keys.`{NO_CAR}`": firestore.DELETE_FIELD})  # changes nothing, for there is none
        if read.version is None:
            batch.create(self._told, to_document(told))
        else:
            batch.update(self._told, to_document(told), option=self._db.write_option(last_update_time=read.version))
        try:
            return Stored(told, batch.commit()[-1].update_time)
        except (Aborted, AlreadyExists, FailedPrecondition, NotFound) as error:
            raise Overtaken from error
