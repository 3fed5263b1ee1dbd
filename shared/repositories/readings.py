"""Owns a user's odometer readings: what a car or its driver said, when, and whether it is believed.

All of it is kept. Only believed ones may be counted, and each is shown with what is thought of it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter
from msgspec.structs import asdict

from shared.domain.car.odometer import READING_ID, Disbelief, Judged, KeptReading, Reading, Standing
from shared.repositories.documents import from_document

Why = Disbelief | Literal[""]


class _Thought(msgspec.Struct, frozen=True):
    """What is kept beside a reading: what is thought of it, and when it became known."""

    fetched_at: datetime
    standing: Standing | None = None
    why: Why = ""


class ReadingRepository:
    """The odometer readings of one user."""

    def __init__(self, db: firestore.Client, user: firestore.DocumentReference) -> None:
        self._db, self._readings = db, user.collection("odometer_readings")

    # --- the believed ones

    def newest(self, car_id: str | None, limit: int, before: datetime | None = None) -> list[Reading]:
        """At most so many of the newest readings of the car, newest first; those before a moment if given."""
        query = self._believed(car_id)
        if before:
            query = query.where(filter=FieldFilter("at", "<", before))
        return [kept.reading for kept in _found(_downwards(query).limit(limit))]

    def first(self, car_id: str | None) -> Reading | None:
        """The oldest reading of the car, or None."""
        return next((kept.reading for kept in _found(self._believed(car_id).order_by("at").limit(1))), None)

    # --- all of them, with what is thought of each

    def find(self, car_id: str, reading_id: str) -> KeptReading | None:
        """A reading of the car, or None."""
        if not READING_ID.fullmatch(reading_id):
            return None
        snapshot = self._readings.document(reading_id).get()
        return kept_reading(snapshot) if snapshot.exists and snapshot.get("car_id") == car_id else None

    def has_any(self, car_id: str) -> bool:
        """Whether there is a reading of the car."""
        return bool(_found(_downwards(self._of_car(car_id)).limit(1)))

    def page(
        self,
        car_id: str,
        limit: int,
        span: tuple[datetime, datetime] | None,
        after: tuple[datetime, str] | None,
    ) -> list[KeptReading]:
        """At most so many readings of the car, newest first, after a position in that order.

        With a span, those from its first moment up to, but not at, its last one.
        """
        query = self._of_car(car_id)
        if span:
            query = query.where(filter=FieldFilter("at", ">=", span[0]))
            query = query.where(filter=FieldFilter("at", "<", span[1]))
        query = _downwards(query).order_by("__name__", direction=firestore.Query.DESCENDING)
        if after:
            query = query.start_after({"at": after[0], "__name__": after[1]})
        return _found(query.limit(limit))

    def since(self, car_id: str, at: datetime) -> list[KeptReading]:
        """All readings of the car from a moment on, by time."""
        return _found(self._of_car(car_id).where(filter=FieldFilter("at", ">=", at)).order_by("at"))

    def around(self, car_id: str, since: datetime, until: datetime) -> list[KeptReading]:
        """All readings of the car from a moment to another one, both included, by time."""
        query = self._of_car(car_id).where(filter=FieldFilter("at", ">=", since))
        return _found(query.where(filter=FieldFilter("at", "<=", until)).order_by("at"))

    def beside(self, car_id: str, at: datetime, most: int) -> list[KeptReading]:
        """The readings of the car nearest to a moment, by time: so many at most up to it, and as many after it."""
        of_car = self._of_car(car_id)
        before = _downwards(of_car.where(filter=FieldFilter("at", "<=", at))).limit(most)
        after = of_car.where(filter=FieldFilter("at", ">", at)).order_by("at").limit(most)
        return [*reversed(_found(before)), *_found(after)]

    def judged(self, ids: Sequence[str]) -> set[str]:
        """Those of the ids of readings of which somebody judged whether they can be believed."""
        documents = [self._readings.document(one) for one in ids]
        found = self._db.get_all(documents, ["standing"]) if documents else ()
        return {one.id for one in found if one.exists and (one.to_dict() or {}).get("standing")}

    # --- into a commit

    def stage(
        self,
        batch: firestore.WriteBatch,
        car_id: str,
        reading: Reading,
        fetched_at: datetime,
        standing: Standing | None,
        why: Why,
    ) -> None:
        """Puts a reading into a commit.

        The same reading told twice is stored once; two values of one moment are two facts. One that nobody judged this
        time keeps the standing that it has.
        """
        fields = reading_fields(car_id, reading, fetched_at, standing, why)
        batch.set(self._readings.document(reading_id(car_id, reading)), fields, merge=True)

    def stage_standing(self, batch: firestore.WriteBatch, reading_id: str, judged: Judged) -> None:
        """Puts into a commit what is thought of a reading that is there."""
        batch.update(self._readings.document(reading_id), judged._asdict())

    def _of_car(self, car_id: str | None) -> Any:
        return self._readings.where(filter=FieldFilter("car_id", "==", car_id))

    def _believed(self, car_id: str | None) -> Any:
        return self._of_car(car_id).where(filter=FieldFilter("standing", "==", "believed"))


def reading_id(car_id: str, reading: Reading) -> str:
    """The id of a reading: its moment, car, source and value in metres. No car's id has a dot."""
    return f"{reading.at:%Y%m%dT%H%M%S.%fZ}.{car_id}.{reading.source}.{round(1000 * reading.km)}"


def reading_fields(
    car_id: str, reading: Reading, fetched_at: datetime, standing: Standing | None = "believed", why: Why = ""
) -> dict[str, Any]:
    """What is stored of a reading; no standing, where nobody judged it."""
    judged = {"standing": standing, "why": why} if standing else {}
    return {"car_id": car_id, **asdict(reading), "fetched_at": fetched_at, **judged}


def _downwards(query: Any) -> Any:
    return query.order_by("at", direction=firestore.Query.DESCENDING)


def _found(query: Any) -> list[KeptReading]:
    return [kept_reading(snapshot) for snapshot in query.stream()]


def kept_reading(snapshot: Any) -> KeptReading:
    """A reading as it is kept, from its document."""
    fields = snapshot.to_dict()
    reading, thought = from_document(fields, Reading), from_document(fields, _Thought)
    return KeptReading(snapshot.id, reading, thought.standing, thought.why, thought.fetched_at)
