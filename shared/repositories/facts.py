"""Reads all that is kept of a user's log, for who computes it anew."""

from collections.abc import Sequence

from google.cloud import firestore

from shared.domain.car.car import Car
from shared.domain.car.odometer import KeptReading
from shared.domain.log.drive import Record
from shared.domain.log.gap_row import GapRow
from shared.domain.tracking.facts import Kept
from shared.repositories.documents import from_document
from shared.repositories.history import HistoryRepository
from shared.repositories.readings import kept_reading
from shared.repositories.trips import trip_of


class FactRepository:
    """All rows, records, readings and entries of one user."""

    def __init__(self, db: firestore.Client, email: str) -> None:
        self._root = db.collection("users").document(email)

    def kept(self, default_car_id: str | None, cars: Sequence[Car]) -> Kept:
        """Everything."""
        readings: dict[str, list[KeptReading]] = {}
        for snapshot in self._root.collection("odometer_readings").stream():
            readings.setdefault(snapshot.get("car_id"), []).append(kept_reading(snapshot))
        return Kept(
            trips=[trip_of(one.to_dict()) for one in self._root.collection("trips").stream()],
            gaps=[from_document(one.to_dict(), GapRow) for one in self._root.collection("gaps").stream()],
            records=[from_document(one.to_dict(), Record) for one in self._root.collection("drives").stream()],
            readings=readings,
            entries=list(HistoryRepository(self._root).all()),
            cars=cars,
            default_car_id=default_car_id,
        )
