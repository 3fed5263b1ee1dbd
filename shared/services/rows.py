"""Owns where the rows of a user's log come from, and how what was put into them gets into a commit."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from shared.domain.car.odometer import judged
from shared.domain.log.chapter import Chapter
from shared.domain.log.drive import Heard, Record
from shared.domain.log.gap_row import GapRow
from shared.domain.log.rows import Rows
from shared.domain.log.tiling import Row
from shared.domain.log.trip import Trip
from shared.repositories.documents import Stored
from shared.repositories.readings import reading_id
from shared.repositories.user_store import Change, UserStore

T = TypeVar("T", Trip, GapRow, Record)


class StoredLog:
    """Where the rows of a user come from, with the versions that a commit must still find.

    The version of a row is the one that was read first: what is put may follow from it, whatever is read later.
    """

    def __init__(self, store: UserStore) -> None:
        self._store = store
        self._trips: dict[str, Stored[Trip] | None] = {}
        self._gaps: dict[str, Stored[GapRow] | None] = {}
        self._records: dict[str, Stored[Record] | None] = {}
        self._chapters: dict[str, Chapter] = {}

    def trips(self, ids: Sequence[str]) -> list[Trip]:
        """Those of the trips that there are."""
        return _noted(self._trips, ids, self._store.trips.find_all(_unread(self._trips, ids)))

    def gaps(self, ids: Sequence[str]) -> list[GapRow]:
        """Those of the gaps that there are."""
        return _noted(self._gaps, ids, self._store.gaps.find_all(_unread(self._gaps, ids)))

    def blocks(self, count: int) -> Sequence[Heard]:
        """The older events of the drive going on."""
        return self._store.blocks(count)

    def record(self, drive_id: str) -> Record | None:
        """What is kept of a drive."""
        if drive_id not in self._records:
            self._records[drive_id] = self._store.record(drive_id)
        found = self._records[drive_id]
        return found.value if found else None

    def knows(self, trips: Sequence[Stored[Trip]], gaps: Sequence[Stored[GapRow]]) -> None:
        """Takes note of rows that were read already."""
        for trip in trips:
            self._trips.setdefault(trip.value.id, trip)
        for gap in gaps:
            self._gaps.setdefault(gap.value.id, gap)

    def knows_chapters(self, chapters: Sequence[Chapter]) -> None:
        """Takes note of chapters that were read: what stays as it is is not written."""
        self._chapters |= {chapter.id: chapter for chapter in chapters}

    def stage(self, change: Change, rows: Rows, now: datetime) -> None:
        """Puts all that was put into the rows into a commit."""
        self._stage_stretches(change, rows)
        for trip_id, trip in rows.trips.items():
            change.put_trip(self._trips.get(trip_id), trip)
        for gap_id, gap in rows.gaps.items():
            change.put_gap(self._gaps.get(gap_id), gap)
        for record_id, record in rows.records.items():
            self.record(record_id)
            change.put_record(record_id, self._records[record_id], record)
        for one in rows.standings:
            id_ = reading_id(one.car_id, one.reading)
            change.set_standing(id_, one.reading.at, judged(one.former), judged(one.why_not))
        for chapter_id, chapter in rows.chapters.items():
            if chapter != self._chapters.get(chapter_id):
                change.put_chapter(chapter_id, chapter)
        change.drop_blocks(rows.blocks_gone)

    def _stage_stretches(self, change: Change, rows: Rows) -> None:
        for car_id, before, after in rows.stretches:
            self.trips(before)
            self.gaps(before)
            former = [row for id_ in before if (row := self._stored(id_)) and _is_placed(row, car_id)]
            change.tile(
                car_id, former, [row for id_ in after if (row := self._put(rows, id_)) and _is_placed(row, car_id)]
            )

    def _stored(self, id_: str) -> Row | None:
        found = self._trips.get(id_) or self._gaps.get(id_)
        return found.value if found else None

    def _put(self, rows: Rows, id_: str) -> Row | None:
        if id_ in rows.trips:
            return rows.trips[id_]
        return rows.gaps[id_] if id_ in rows.gaps else self._stored(id_)


def _is_placed(row: Row, car_id: str) -> bool:
    """Whether a row has a stretch of the odometer of this car."""
    return row.from_m is not None and row.car_id == car_id


def _unread(read: Mapping[str, Stored[T] | None], ids: Sequence[str]) -> list[str]:
    return [id_ for id_ in ids if id_ not in read]


def _noted(read: dict[str, Stored[T] | None], ids: Sequence[str], found: Sequence[Stored[T]]) -> list[T]:
    read |= {one.value.id: one for one in found}
    for id_ in ids:
        read.setdefault(id_, None)
    return [one.value for id_ in ids if (one := read[id_])]
