"""Owns a user's odometer readings: what a car or its driver said, when, and whether it is believed.

All of it is kept. What is read here are the believed ones: no other one may be shown or counted.
"""

from datetime import datetime
from typing import Any, Literal

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter
from msgspec.structs import asdict

from shared.domain.car.odometer import Disbelief, Reading, Standing
from shared.repositories.documents import from_document

Why = Disbelief | Literal[""]


class ReadingRepository:
    """The odometer readings of one user."""

    def __init__(self, user: firestore.DocumentReference) -> None:
        self._readings = user.collection("odometer_readings")

    def newest(self, car_id: str | None, limit: int, before: datetime | None = None) -> list[Reading]:
        """At most so many of the newest readings of the car, newest first; those before a moment if given."""
        query = self._believed(car_id)
        if before:
            query = query.where(filter=FieldFilter("at", "<", before))
        return _found(query.order_by("at", direction=firestore.Query.DESCENDING).limit(limit))

    def first(self, car_id: str | None) -> Reading | None:
        """The oldest reading of the car, or None."""
        return next(iter(_found(self._believed(car_id).order_by("at").limit(1))), None)

    def around(self, car_id: str, at: datetime) -> list[Reading]:
        """The readings of the car just before and just after a moment, by time; those of the moment come before.

        One of that moment that its driver read by eye is left out: another one takes its place.
        """
        of_car = self._believed(car_id)
        before = of_car.where(filter=FieldFilter("at", "<=", at)).order_by("at", direction=firestore.Query.DESCENDING)
        after = of_car.where(filter=FieldFilter("at", ">", at)).order_by("at")
        found = [*_found(before.limit(2)), *_found(after.limit(1))]
        kept = [reading for reading in found if (reading.at, reading.source) != (at, "eye")]
        return sorted(kept, key=lambda reading: reading.at)

    def stage(
        self,
        batch: firestore.WriteBatch,
        car_id: str,
        reading: Reading,
        fetched_at: datetime,
        standing: Standing | None,
        why: Why,
    ) -> None:
        """Puts a reading into a commit. What its driver read by eye takes the place of what they said of that moment.

        The same reading told twice is stored once; two values of one moment are two facts. One that nobody judged this
        time keeps the standing that it has.
        """
        name = reading_id(car_id, reading)
        if reading.source == "eye" and standing == "believed":
            self._replace(batch, car_id, reading.at, name)
        fields = reading_fields(car_id, reading, fetched_at, standing, why)
        batch.set(self._readings.document(name), fields, merge=True)

    def _replace(self, batch: firestore.WriteBatch, car_id: str, at: datetime, by: str) -> None:
        replaced: Why = "replaced"
        # A range, for what is equal alone would be looked up in the automatic indexes, which these fields lack.
        from_then = self._believed(car_id).where(filter=FieldFilter("at", ">=", at))
        for snapshot in from_then.where(filter=FieldFilter("at", "<=", at)).order_by("at").stream():
            if snapshot.get("source") == "eye" and snapshot.id != by:
                batch.update(snapshot.reference, {"standing": "not_believed", "why": replaced})

    def _believed(self, car_id: str | None) -> Any:
        of_car = self._readings.where(filter=FieldFilter("car_id", "==", car_id))
        return of_car.where(filter=FieldFilter("standing", "==", "believed"))


def reading_id(car_id: str, reading: Reading) -> str:
    """The id of a reading: its moment, car, source and value in metres. No car's id has a dot."""
    return f"{reading.at:%Y%m%dT%H%M%S.%fZ}.{car_id}.{reading.source}.{round(1000 * reading.km)}"


def reading_fields(
    car_id: str, reading: Reading, fetched_at: datetime, standing: Standing | None = "believed", why: Why = ""
) -> dict[str, Any]:
    """What is stored of a reading; no standing, where nobody judged it."""
    judged = {"standing": standing, "why": why} if standing else {}
    return {"car_id": car_id, **asdict(reading), "fetched_at": fetched_at, **judged}


def _found(query: Any) -> list[Reading]:
    return [from_document(snapshot.to_dict(), Reading) for snapshot in query.stream()]
