"""The store of one user. Nothing here takes another user or a path, so users cannot be crossed."""

from datetime import datetime
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.domain.car.odometer import Reading
from shared.domain.log.trip import Sums, Trip
from shared.domain.place.places import Place
from shared.domain.place.trail import Fix
from shared.domain.tracking.state import TripState
from shared.repositories.cars import CarRepository
from shared.repositories.change import Change
from shared.repositories.documents import Stored, from_document, to_document
from shared.repositories.places import SharedPlaceRepository, places_of, stage_index
from shared.repositories.readings import ReadingRepository


class UserStore:
    """Everything that belongs to one user (e-mail in lower case)."""

    def __init__(self, db: firestore.Client, email: str) -> None:
        self.email = email
        self._db = db
        self._root = db.collection("users").document(email)
        self._trips = self._root.collection("trips")
        self._state = self._root.collection("cache").document("trip_start")
        self._places_index = self._root.collection("settings").document("places")
        self.cars = CarRepository(db, self._root.collection("settings"))
        self.odometer = ReadingRepository(self._root)

    def change(self) -> Change:
        """A new, empty commit."""
        return Change(self._db, self._root)

    # --- the trip going on

    def state(self) -> Stored[TripState]:
        """What is remembered of the driver, or an empty state."""
        snapshot = self._state.get()
        if not snapshot.exists:
            return Stored(TripState())
        return Stored(from_document(snapshot.to_dict(), TripState), snapshot.update_time)

    def trail(self, blocks: int) -> list[Fix]:
        """The older fixes of the trip going on."""
        found = [self._state.collection("trail").document(str(n)) for n in range(blocks)]
        snapshots = self._db.get_all(found) if found else []
        return [from_document(fix, Fix) for snapshot in snapshots if snapshot.exists for fix in snapshot.get("fixes")]

    def places(self) -> tuple[Place, ...]:
        """The user's places, from the one document that holds what polls and ends need, and those shared by all."""
        return places_of(self._places_index.get()) + SharedPlaceRepository(self._db).list_places()

    def save_place(self, place: Place) -> None:
        """Stores a place, and what polls need of it in the same commit."""
        batch = self._db.batch()
        batch.set(self._root.collection("locations").document(place.id), to_document(place))
        stage_index(batch, self._places_index, place)
        batch.commit()

    # --- finished trips

    def find_trip(self, trip_id: str) -> Stored[Trip] | None:
        """A trip of this user, or None."""
        snapshot = self._trips.document(trip_id).get()
        return Stored(from_document(snapshot.to_dict(), Trip), snapshot.update_time) if snapshot.exists else None

    def previous_trip(self, car_id: str | None, before: datetime, but: str = "") -> Stored[Trip] | None:
        """The last trip of the car that started before a moment, leaving out the trip `but`."""
        return self._neighbour(car_id, FieldFilter("started_at", "<", before), firestore.Query.DESCENDING, but)

    def next_trip(self, car_id: str | None, after: datetime, but: str = "") -> Stored[Trip] | None:
        """The first trip of the car that started after a moment, leaving out the trip `but`."""
        return self._neighbour(car_id, FieldFilter("started_at", ">", after), firestore.Query.ASCENDING, but)

    def first_trip(self, car_id: str | None, year: int | None = None) -> Trip | None:
        """The first trip of the car, of a year if given."""
        query = self._of_car(car_id, year).order_by("started_at")
        return next(iter(_trips(query.limit(1))), None)

    def gap_trips(self, car_id: str | None, year: int | None = None) -> list[Trip]:
        """The trips of the car before which kilometres are missing or counted twice, by time."""
        query = self._of_car(car_id, year).where(filter=FieldFilter("gap_before_km", "!=", 0))
        return sorted(_trips(query), key=lambda trip: trip.started_at)

    def trips(self, equal: dict[str, Any], limit: int, after: tuple[datetime, str] | None) -> list[Trip]:
        """At most `limit` trips whose fields equal those given, newest first, after a position in that order."""
        return [stored.value for stored in self.stored_trips(equal, limit, after)]

    def stored_trips(self, equal: dict[str, Any], limit: int, after: tuple[datetime, str] | None) -> list[Stored[Trip]]:
        """The same, each with the version that a change of it must still find."""
        query: Any = self._trips
        for name, value in equal.items():
            query = query.where(filter=FieldFilter(name, "==", value))
        query = query.order_by("started_at", direction=firestore.Query.DESCENDING)
        query = query.order_by("id", direction=firestore.Query.DESCENDING)
        if after:
            query = query.start_after({"started_at": after[0], "id": after[1]})
        return _stored_trips(query.limit(limit))

    def _of_car(self, car_id: str | None, year: int | None) -> Any:
        query = self._trips.where(filter=FieldFilter("car_id", "==", car_id))
        return query if year is None else query.where(filter=FieldFilter("year", "==", year))

    def _neighbour(self, car_id: str | None, side: FieldFilter, order: str, but: str) -> Stored[Trip] | None:
        query = self._trips.where(filter=FieldFilter("car_id", "==", car_id)).where(filter=side)
        for snapshot in query.order_by("started_at", direction=order).limit(2 if but else 1).stream():
            if snapshot.id != but:
                return Stored(from_document(snapshot.to_dict(), Trip), snapshot.update_time)
        return None

    # --- sums and readings

    def sums(self, year: int | None) -> dict[int, dict[int, dict[str, Sums]]]:
        """The sums by year, month and car; of every year where none is given."""
        stats = self._root.collection("stats")
        snapshots = stats.stream() if year is None else [stats.document(str(year)).get()]
        return {
            int(snapshot.id): {
                int(month): {car: from_document(sums, Sums) for car, sums in cars.items()}
                for month, cars in snapshot.get("months").items()
            }
            for snapshot in snapshots
            if snapshot.exists
        }

    def readings(self, car_id: str | None, limit: int, before: datetime | None = None) -> list[dict[str, Any]]:
        """The newest readings of the car: `at`, `km` and `source` of each; those before a moment if given."""
        return [_shown(reading) for reading in self.odometer.newest(car_id, limit, before)]

    def readings_around(self, car_id: str, at: datetime) -> list[Reading]:
        """The readings of the car just before and just after a moment, by time; those of the moment come before.

        A reading of that moment that was entered by hand is left out: another one takes its place.
        """
        return self.odometer.around(car_id, at)

    def first_reading(self, car_id: str | None) -> dict[str, Any] | None:
        """The oldest reading of the car, or None."""
        first = self.odometer.first(car_id)
        return _shown(first) if first else None


def _shown(reading: Reading) -> dict[str, Any]:
    """A reading by the words that callers see."""
    return {"at": reading.at, "km": reading.km, "source": "car" if reading.source == "car" else "manual"}


def _trips(query: Any) -> list[Trip]:
    return [stored.value for stored in _stored_trips(query)]


def _stored_trips(query: Any) -> list[Stored[Trip]]:
    return [Stored(from_document(one.to_dict(), Trip), one.update_time) for one in query.stream()]
