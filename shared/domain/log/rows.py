"""Owns the rows of a log while something changes them: those in the store, as they will be after the change.

Whoever folds news into the log asks here and puts here. Where the rows come from is for a `Source` to know: the store
of a user, or a list in a test. What is put is stored by whoever made the rows, in one commit.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from shared.domain.car.odometer import Disbelief, Reading
from shared.domain.log.chapter import Chapter
from shared.domain.log.drive import Heard, Record
from shared.domain.log.gap_row import GapRow
from shared.domain.log.trip import Trip


class Source(Protocol):
    """Where the rows of one user are: what a change has not touched yet."""

    def trips(self, ids: Sequence[str]) -> Sequence[Trip]:
        """Those of the trips that there are."""

    def gaps(self, ids: Sequence[str]) -> Sequence[GapRow]:
        """Those of the gaps that there are."""

    def blocks(self, count: int) -> Sequence[Heard]:
        """The older events of the drive going on."""

    def record(self, drive_id: str) -> Record | None:
        """What is kept of a drive."""


class Rethought(NamedTuple):
    """Why a reading of a car is not believed, and why it was not before that; None where it is, or was."""

    car_id: str
    reading: Reading
    why_not: Disbelief | None
    former: Disbelief | None


class End(NamedTuple):
    """What the row behind some rows of a car tells of them: kilometres of nobody at their end, how far the odometer was
    set on there, and the ids of the last trip and of the last row that has a stretch of it."""

    gap_km: float
    set_on_m: int
    last_trip: str | None
    last_row: str | None


class Rows:
    """The trips and gaps of one user, what is kept of their drives and readings, with all that was put here."""

    def __init__(self, source: Source) -> None:
        self.trips: dict[str, Trip | None] = {}
        self.gaps: dict[str, GapRow | None] = {}
        self.records: dict[str, Record | None] = {}
        self.standings: list[Rethought] = []
        self.judged: dict[tuple[str, Reading], Disbelief | None] = {}
        self.stretches: list[tuple[str, list[str], list[str]]] = []
        self.chapters: dict[str, Chapter | None] = {}
        self.followed: dict[str, tuple[End, End]] = {}
        self.blocks_gone = 0
        self._source = source

    def find_trips(self, ids: Iterable[str]) -> dict[str, Trip]:
        """Those of the trips that there are, by their ids."""
        wanted = [*dict.fromkeys(ids)]
        stored = {trip.id: trip for trip in self._source.trips([one for one in wanted if one not in self.trips])}
        found = {one: self.trips.get(one, stored.get(one)) for one in wanted}
        return {id_: trip for id_, trip in found.items() if trip}

    def find_gaps(self, ids: Iterable[str]) -> dict[str, GapRow]:
        """Those of the gaps that there are, by their ids."""
        wanted = [*dict.fromkeys(ids)]
        stored = {gap.id: gap for gap in self._source.gaps([one for one in wanted if one not in self.gaps])}
        found = {one: self.gaps.get(one, stored.get(one)) for one in wanted}
        return {id_: gap for id_, gap in found.items() if gap}

    def put(self, trip: Trip) -> None:
        """A trip, new or changed."""
        self.trips[trip.id] = trip

    def drop(self, trip: Trip) -> None:
        """A trip less."""
        self.trips[trip.id] = None

    def put_gap(self, gap: GapRow) -> None:
        """A gap, new or changed."""
        self.gaps[gap.id] = gap

    def drop_gap(self, gap: GapRow) -> None:
        """A gap less."""
        self.gaps[gap.id] = None

    def tile(self, car_id: str, before: list[str], after: list[str]) -> None:
        """Rows of a car, by their ids along its odometer, take the place of others, as they are stored."""
        self.stretches.append((car_id, before, after))

    def tile_on(self, car_id: str, before: list[str], after: list[str]) -> None:
        """The same for rows that may be there since something else was put: both are one change."""
        for n, (car, stored, now) in enumerate(self.stretches):
            if car == car_id and (overlap := _overlap(now, before)):
                rows, now_at, before_at = overlap
                del self.stretches[n]
                was = [*rows[:now_at], *stored, *rows[now_at + len(now) :]]
                will_be = [*rows[:before_at], *after, *rows[before_at + len(before) :]]
                self.tile_on(car_id, was, will_be)
                return
        self.tile(car_id, before, after)

    def stand(self, rethought: Rethought) -> None:
        """A reading of a car is believed, or is not any more."""
        self.standings.append(rethought)

    def judge(self, car_id: str, reading: Reading, why_not: Disbelief | None) -> None:
        """A reading of a car that is new is believed, or it is not, and why not."""
        self.judged[car_id, reading] = why_not

    def older_events(self, blocks: int) -> list[Heard]:
        """The events of a drive that lie in the store. They are taken out of it: its record has them from now on."""
        self.blocks_gone = max(self.blocks_gone, blocks)
        return [*self._source.blocks(blocks)] if blocks else []

    def record(self, drive_id: str) -> Record | None:
        """What is kept of a drive, or None."""
        return self.records[drive_id] if drive_id in self.records else self._source.record(drive_id)

    def keep(self, record: Record) -> None:
        """What the phone said of a drive, new or with more in it."""
        self.records[record.id] = record

    def forget(self, drive_id: str) -> None:
        """A record whose words are all in another one."""
        self.records[drive_id] = None

    def follow(self, car_id: str, former: End, end: End) -> None:
        """How a chapter of a car ends, and how it did: the row behind it tells of that."""
        self.followed[car_id] = (former, end)

    def close(self, chapter: Chapter) -> None:
        """A chapter of a car that is settled, or is so again after its driver said something of it."""
        self.chapters[chapter.id] = chapter


def _overlap(a: list[str], b: list[str]) -> tuple[list[str], int, int] | None:
    """Two runs of the same rows as one, and where each begins in it; None where they share none."""
    if b and b[0] in a:
        at = a.index(b[0])
        return [*a[:at], *b, *a[at + len(b) :]], 0, at
    if a and a[0] in b:
        at = b.index(a[0])
        return [*b[:at], *a, *b[at + len(a) :]], at, 0
    return None
