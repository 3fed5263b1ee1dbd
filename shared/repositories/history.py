"""Owns the history of a user's log: entries by number, each written once and in the commit that it tells of."""

from collections.abc import Iterable

from google.cloud import firestore

from shared.domain.log.history import Entry
from shared.repositories.documents import to_document


class HistoryRepository:
    """The history of one user."""

    def __init__(self, user: firestore.DocumentReference) -> None:
        self._entries = user.collection("history")

    def stage(self, batch: firestore.WriteBatch, entries: Iterable[Entry]) -> None:
        """Puts entries into a commit, which fails where there is one of such a number."""
        for entry in entries:
            batch.create(self._entries.document(entry_id(entry.n)), to_document(entry))


def entry_id(n: int) -> str:
    """The id of the n-th entry: by their ids entries are in order."""
    return f"{n:08d}"
