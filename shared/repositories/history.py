"""Owns the history of a user's log: entries by number, each written once and in the commit that it tells of."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.domain.log.history import MERGED, Entry
from shared.repositories.documents import from_document, to_document
from shared.repositories.threads import later

IN_ONE_QUERY = 30  # values that a query may ask for at once


class HistoryRepository:
    """The history of one user."""

    def __init__(self, user: firestore.DocumentReference) -> None:
        self._entries = user.collection("history")

    def of_row(self, row_id: str) -> list[Entry]:
        """All that happened to a row, the first entry first."""
        found = self._entries.where(filter=FieldFilter("row", "==", row_id)).order_by("__name__").stream()
        return [from_document(one.to_dict(), Entry) for one in found]

    def gone(self, row_ids: Sequence[str]) -> set[str]:
        """Those of the rows that there were, and are no more."""
        parts = (row_ids[n : n + IN_ONE_QUERY] for n in range(0, len(row_ids), IN_ONE_QUERY))
        last = dict[str, bool]()
        for entries in [later(partial(self._ends, part)) for part in parts]:
            last |= dict(entries())
        return {row_id for row_id, is_gone in last.items() if is_gone}

    def _ends(self, row_ids: Sequence[str]) -> list[tuple[str, bool]]:
        """Of each entry of these rows, in their order, which row it is of, and whether there is none after it."""
        query = self._entries.where(filter=FieldFilter("row", "in", row_ids)).select(["row", "after"])
        found = sorted(query.stream(), key=lambda one: one.id)
        return [(one.get("row"), not one.get("after") or MERGED in one.get("after")) for one in found]

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


def entry_id(n: int) -> str:
    """The id of the n-th entry: by their ids entries are in order."""
    return f"{n:08d}"
