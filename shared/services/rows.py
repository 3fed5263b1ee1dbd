"""Owns where the rows of a user's log come from, and how what was put into them gets into a commit."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from shared.domain.log.drive import Heard, Record
from shared.domain.log.rows import Rows
from shared.domain.log.trip import Trip
from shared.repositories.documents import Stored
from shared.repositories.user_store import Change, UserStore

T = TypeVar("T", Trip, Record)


class StoredLog:
    """Where the rows of a user come from, with the versions that a commit must still find.

    The version of a row is the one that was read first: what is put may follow from it, whatever is read later.
    """

    def __init__(self, store: UserStore) -> None:
        self._store = store
        self._trips: dict[str, Stored[Trip] | None] = {}
        self._records: dict[str, Stored[Record] | None] = {}

    def trip(self, trip_id: str) -> Trip | None:
        """The trip of that id."""
        return _noted(self._trips, trip_id, self._store.find_trip(trip_id))

    def trip_before(self, car_id: str | None, moment: datetime) -> Trip | None:
        """The last trip of the car that started before a moment."""
        return self._neighbour(self._store.trip_before(car_id, moment))

    def trip_after(self, car_id: str | None, moment: datetime) -> Trip | None:
        """The first trip of the car that started after a moment."""
        return self._neighbour(self._store.trip_after(car_id, moment))

    def blocks(self, count: int) -> Sequence[Heard]:
        """The older events of the drive going on."""
        return self._store.blocks(count)

    def record(self, drive_id: str) -> Record | None:
        """What is kept of a drive."""
        return _noted(self._records, drive_id, self._store.record(drive_id))

    def stage(self, change: Change, rows: Rows) -> None:
        """Puts all that was put into the rows into a commit."""
        for trip_id, trip in rows.trips.items():
            change.put_trip(self._trips.get(trip_id), trip)
        for record in rows.records.values():
            change.put_record(self._records.get(record.id), record)
        change.drop_blocks(rows.blocks_gone)

    def _neighbour(self, found: Stored[Trip] | None) -> Trip | None:
        return _noted(self._trips, found.value.id, found) if found else None


def _noted(read: dict[str, Stored[T] | None], id_: str, found: Stored[T] | None) -> T | None:
    read.setdefault(id_, found)
    return found.value if found else None
