"""Owns the rows of a log while something changes them: those in the store, as they will be after the change.

Whoever folds news into the log asks here and puts here. Where the rows come from is for a `Source` to know: the store
of a user, or a list in a test. What is put is stored by whoever made the rows, in one commit.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import count
from typing import Protocol

from shared.domain.log.drive import Drive, Heard, Record
from shared.domain.log.trip import Trip, TripSource, trip_id


class Source(Protocol):
    """Where the rows of one user are: what a change has not touched yet."""

    def trip(self, trip_id: str) -> Trip | None:
        """The trip of that id."""

    def trip_before(self, car_id: str | None, moment: datetime) -> Trip | None:
        """The last trip of the car that started before a moment."""

    def trip_after(self, car_id: str | None, moment: datetime) -> Trip | None:
        """The first trip of the car that started after a moment."""

    def blocks(self, count: int) -> Sequence[Heard]:
        """The older events of the drive going on."""

    def record(self, drive_id: str) -> Record | None:
        """What is kept of a drive."""


class Rows:
    """The trips of one user and what is kept of their drives, with all that was put here."""

    def __init__(self, source: Source) -> None:
        self.trips: dict[str, Trip | None] = {}
        self.records: dict[str, Record] = {}
        self.blocks_gone = 0
        self._source = source

    def find(self, trip_id: str) -> Trip | None:
        """The trip of that id, or None."""
        return self.trips[trip_id] if trip_id in self.trips else self._source.trip(trip_id)

    def before(self, car_id: str | None, moment: datetime) -> Trip | None:
        """The last trip of the car that starts before a moment, or None."""
        found = self._source.trip_before(car_id, moment)
        while found and found.id in self.trips:
            found = self._source.trip_before(car_id, found.started_at)
        put = [trip for trip in self._put(car_id) if trip.started_at < moment]
        return max((*put, *([found] if found else [])), key=_by_start, default=None)

    def after(self, car_id: str | None, moment: datetime) -> Trip | None:
        """The first trip of the car that starts after a moment, or None."""
        found = self._source.trip_after(car_id, moment)
        while found and found.id in self.trips:
            found = self._source.trip_after(car_id, found.started_at)
        put = [trip for trip in self._put(car_id) if trip.started_at > moment]
        return min((*put, *([found] if found else [])), key=_by_start, default=None)

    def put(self, trip: Trip) -> None:
        """A trip, new or changed."""
        self.trips[trip.id] = trip

    def drop(self, trip: Trip) -> None:
        """A trip less."""
        self.trips[trip.id] = None

    def free_id(self, user: str, started_at: datetime, car_id: str | None, source: TripSource) -> str:
        """An id that no trip has: the one that follows from the drive, or where that is taken one like it."""
        ids = (trip_id(user, started_at, source, car_id, n) for n in count())
        return next(one for one in ids if self.find(one) is None)

    def older_events(self, drive: Drive) -> list[Heard]:
        """The events of a drive that lie in the store. They are taken out of it: its record has them from now on."""
        self.blocks_gone = max(self.blocks_gone, drive.blocks)
        return [*self._source.blocks(drive.blocks)] if drive.blocks else []

    def record(self, drive_id: str) -> Record | None:
        """What is kept of a drive, or None."""
        return self.records.get(drive_id) or self._source.record(drive_id)

    def keep(self, record: Record) -> None:
        """What the phone said of a drive, new or with more in it."""
        self.records[record.id] = record

    def _put(self, car_id: str | None) -> list[Trip]:
        return [trip for trip in self.trips.values() if trip and trip.car_id == car_id]


def _by_start(trip: Trip) -> datetime:
    return trip.started_at
