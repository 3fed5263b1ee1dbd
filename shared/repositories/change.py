"""One atomic commit on a user's log: the state, trips with their sums, readings and the trail go in together or not."""

from datetime import datetime
from typing import Any

from google.cloud import firestore

from shared.domain.car.car import Car
from shared.domain.car.odometer import Reading, Standing
from shared.domain.log.trip import NO_CAR, Sums, Trip, sums_of
from shared.domain.place.trail import Fix
from shared.domain.tracking.state import TripState
from shared.repositories.documents import Stored, to_document
from shared.repositories.due import shard_of
from shared.repositories.readings import ReadingRepository, Why

SUM_FIELDS = Sums.__struct_fields__


def state_document(email: str, state: TripState) -> dict[str, Any]:
    """A driver's state as it is stored: with the stretch of the index in which their next poll stands."""
    return {**to_document(state), "shard": shard_of(email)}


def _changes(email: str, before: TripState, after: TripState) -> dict[str, Any]:
    """What an update of the stored state has to say, never nothing.

    A ping adds one fix to as many as 110: those that are stored are not sent again, for that costs most of a ping.
    """
    former, document = to_document(before), state_document(email, after)
    changes = {name: value for name, value in document.items() if name not in former or value != former[name]}
    kept = len(before.fixes)
    if kept and len(after.fixes) > kept and after.fixes[:kept] == before.fixes:
        changes["fixes"] = firestore.ArrayUnion(document["fixes"][kept:])
    return changes


class Change:
    """Collects writes and commits them at once. Every write of a known document demands that it is still as read."""

    def __init__(self, db: firestore.Client, root: firestore.DocumentReference) -> None:
        self._db, self._root = db, root
        self._batch = db.batch()
        self._state = root.collection("cache").document("trip_start")
        self._cars = root.collection("settings").document("car")
        self._trips: dict[str, tuple[Stored[Trip] | None, Trip | None]] = {}

    def put_state(self, read: Stored[TripState], state: TripState) -> None:
        """The driver's state, in place of the one that was read."""
        if read.version is None:
            self._batch.create(self._state, state_document(self._root.id, state))
        else:
            option = self._db.write_option(last_update_time=read.version)
            self._batch.update(self._state, _changes(self._root.id, read.value, state), option=option)

    def put_trip(self, read: Stored[Trip] | None, trip: Trip | None) -> None:
        """A trip: new (nothing read), changed, or deleted (None). The sums follow."""
        trip_id = trip.id if trip else read.value.id if read else ""
        former = self._trips[trip_id][0] if trip_id in self._trips else read
        self._trips[trip_id] = (former, trip)

    def staged(self, trip_id: str) -> Trip | None:
        """A trip as this change will store it, or None."""
        return self._trips[trip_id][1] if trip_id in self._trips else None

    def staged_trips(self) -> list[Trip]:
        """The trips that this change will store, by time."""
        trips = [trip for _, trip in self._trips.values() if trip]
        return sorted(trips, key=lambda trip: trip.started_at)

    def set_refusals(self, read: Stored[dict[str, Car]], car_id: str, count: int) -> None:
        """How often a car's cloud refused the credentials; for one of the cars that were read."""
        option = self._db.write_option(last_update_time=read.version)
        self._batch.update(self._cars, {f"cars.`{car_id}`.login_refusals": count}, option=option)

    def add_reading(
        self, car_id: str, reading: Reading, fetched_at: datetime, standing: Standing = "believed", why: Why = ""
    ) -> None:
        """An odometer reading, with why it is not believed where it is not."""
        ReadingRepository(self._root).stage(self._batch, car_id, reading, fetched_at, standing, why)

    def add_trail_block(self, n: int, fixes: tuple[Fix, ...]) -> None:
        """A hundred older fixes of the trip going on."""
        self._batch.set(self._trail(n), {"fixes": [to_document(fix) for fix in fixes]})

    def drop_trail(self, blocks: int) -> None:
        """Deletes the older fixes of a trip that is over."""
        for n in range(blocks):
            self._batch.delete(self._trail(n))

    def commit(self) -> None:
        """Writes everything or nothing. Raises a conflict of google.api_core where another writer was quicker."""
        for trip_id, (read, trip) in self._trips.items():
            self._write_trip(self._root.collection("trips").document(trip_id), read, trip)
        for year, months in self._sum_changes().items():
            fields = {"months": _increments(months)}
            self._batch.set(self._root.collection("stats").document(str(year)), fields, merge=True)
        self._batch.commit()

    def _trail(self, n: int) -> firestore.DocumentReference:
        block: firestore.DocumentReference = self._state.collection("trail").document(str(n))
        return block

    def _write_trip(self, document: Any, read: Stored[Trip] | None, trip: Trip | None) -> None:
        if read is None:
            if trip is not None:
                self._batch.create(document, to_document(trip))
            return
        option = self._db.write_option(last_update_time=read.version)
        if trip is None:
            self._batch.delete(document, option=option)
        else:
            self._batch.update(document, to_document(trip), option=option)

    def _sum_changes(self) -> dict[int, dict[int, dict[str, Sums]]]:
        changes: dict[int, dict[int, dict[str, Sums]]] = {}
        signed = [(read.value, -1) for read, _ in self._trips.values() if read]
        signed += [(trip, 1) for _, trip in self._trips.values() if trip]
        for trip, sign in signed:
            cars = changes.setdefault(trip.year, {}).setdefault(trip.month, {})
            car = trip.car_id or NO_CAR
            cars[car] = cars.get(car, Sums()).plus(sums_of(trip), sign)
        return {year: months for year, months in changes.items() if _increments(months)}


def _increments(months: dict[int, dict[str, Sums]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for month, cars in months.items():
        for car, sums in cars.items():
            if any(sums):
                fields = {name: firestore.Increment(value) for name, value in zip(SUM_FIELDS, sums, strict=True)}
                found.setdefault(str(month), {})[car] = fields
    return found
