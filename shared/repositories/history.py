"""Owns the history of a user's log: entries by number, each written once and in the commit that it tells of."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.domain.log.history import Entry
from shared.repositories.documents import from_document, to_document

IN_ONE_QUERY = 30  # values that a query may ask for at once
MOST_ASKED_FOR = 300


class HistoryRepository:
    """The history of one user."""

    def __init__(self, user: firestore.DocumentReference) -> None:
        self._entries = user.collection("history")

    def of_row(self, row_id: str) -> list[Entry]:
        """All that happened to a row, the first entry first."""
        found = self._entries.where(filter=FieldFilter("row", "==", row_id)).order_by("__name__").stream()
        return [from_document(one.to_dict(), Entry) for one in found]

    def gone(self, row_ids: Sequence[str]) -> set[str]:
        """Those of the rows that there were, and are no more. Few are asked for; of many, the whole history is read."""
        if len(row_ids) > MOST_ASKED_FOR:
            return _gone(self._entries) & {*row_ids}
        # An import alone asks for several things here at once: no other call waits for what that needs.
        from shared.repositories.threads import later

        parts = (row_ids[n : n + IN_ONE_QUERY] for n in range(0, len(row_ids), IN_ONE_QUERY))
        queries = [self._entries.where(filter=FieldFilter("row", "in", part)) for part in parts]
        return {row_id for found in [later(partial(_gone, query)) for query in queries] for row_id in found()}

    def of_year(self, year: int, limit: int, after: int = 0) -> list[Entry]:
        """At most so many entries about rows of a year, the first first, after the one of that number."""
        query = self._entries.where(filter=FieldFilter("years", "array_contains", year)).order_by("__name__")
        query = query.start_after({"__name__": entry_id(after)}).limit(limit)
        return [from_document(one.to_dict(), Entry) for one in query.stream()]

    def all(self) -> Iterator[Entry]:
        """Every entry, the first one first."""
        return (from_document(one.to_dict(), Entry) for one in self._entries.order_by("__name__").stream())

    def stage(self, batch: firestore.WriteBatch, entries: Iterable[Entry]) -> None:
        """Puts entries into a commit, which fails where there is one of such a number."""
        for entry in entries:
            batch.create(self._entries.document(entry_id(entry.n)), to_document(entry))


def _gone(query: Any) -> set[str]:
    """The rows of entries of which the last one that tells of a whole row says that there is none any more."""
    last = dict[str, bool]()
    for one in sorted(query.select(["row", "before.id", "after.id"]).stream(), key=lambda one: one.id):
        told = one.to_dict()
        if told.get("before") or told.get("after"):
            last[told["row"]] = not told.get("after")
    return {row_id for row_id, is_gone in last.items() if is_gone}


def entry_id(n: int) -> str:
    """The id of the n-th entry: by their ids entries are in order."""
    return f"{n:08d}"
