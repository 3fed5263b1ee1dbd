"""Reads all that is kept of a user's log, for who computes it anew."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from google.cloud import firestore

from shared.domain.car.car import Car
from shared.domain.car.odometer import KeptReading
from shared.domain.log.drive import Record
from shared.domain.log.explaining import gap_facts
from shared.domain.log.gap_row import GapRow
from shared.domain.log.history import Entry
from shared.domain.log.record import events_of
from shared.domain.log.sealing import Correction, Seal
from shared.domain.log.shown import trip_facts
from shared.domain.log.trip import Trip
from shared.domain.tracking.facts import Kept
from shared.repositories.chapters import chapter_of
from shared.repositories.documents import from_document
from shared.repositories.readings import kept_reading
from shared.repositories.trips import trip_of

T = TypeVar("T")
# What comes of a document that no commit of ours has written so.
UNREADABLE = (msgspec.ValidationError, KeyError, ValueError, TypeError, AttributeError, IndexError)


class FactRepository:
    """All rows, records, readings and entries of one user. `unreadable` are the paths of documents that are none."""

    def __init__(self, db: firestore.Client, email: str) -> None:
        self._root = db.collection("users").document(email)
        self.unreadable: list[str] = []

    def kept(self, default_car_id: str | None, cars: Sequence[Car]) -> Kept:
        """Everything that can be read."""
        self.unreadable = []
        readings: dict[str, list[KeptReading]] = {}
        for car_id, reading in self._all("odometer_readings", _reading):
            readings.setdefault(car_id, []).append(reading)
        return Kept(
            trips=self._all("trips", _trip),
            gaps=self._all("gaps", _gap),
            records=self._all("drives", _record),
            readings=readings,
            chapters=self._all("chapters", lambda one: chapter_of(one.to_dict())),
            entries=self._all("history", lambda one: from_document(one.to_dict(), Entry)),
            cars=cars,
            default_car_id=default_car_id,
            seals=self._all("seals", lambda one: from_document(one.to_dict(), Seal)),
            corrections=self._all("corrections", lambda one: from_document(one.to_dict(), Correction)),
        )

    def _all(self, collection: str, made: Callable[[Any], T]) -> list[T]:
        found = list[T]()
        for snapshot in self._root.collection(collection).order_by("__name__").stream():
            try:
                found.append(made(snapshot))
            except UNREADABLE:
                self.unreadable.append(f"{collection}/{snapshot.id}")
        return found


def _trip(snapshot: Any) -> Trip:
    trip = trip_of(snapshot.to_dict())
    trip_facts(trip)
    return trip


def _gap(snapshot: Any) -> GapRow:
    gap = from_document(snapshot.to_dict(), GapRow)
    gap_facts(gap)
    return gap


def _record(snapshot: Any) -> Record:
    record = from_document(snapshot.to_dict(), Record)
    if not events_of(record):
        raise ValueError("a drive of which nothing was said")
    return record


def _reading(snapshot: Any) -> tuple[str, KeptReading]:
    return snapshot.get("car_id"), kept_reading(snapshot)
