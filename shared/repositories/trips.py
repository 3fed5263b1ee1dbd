"""Owns a user's trips in the store: each as the fields of its row, and what the book knows of its drive as one text.

For that has lists in lists, which Firestore takes none of, and nobody asks for a part of it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter
from msgspec.structs import replace

from shared.domain.log.summary import Summary
from shared.domain.log.trip import Trip
from shared.repositories.documents import Stored, from_document, to_document
from shared.repositories.pages import Page, rows_of

T = TypeVar("T", bound=msgspec.Struct)


class TripRepository:
    """The trips of one user that are over."""

    def __init__(self, db: firestore.Client, user: firestore.DocumentReference, full_name: str) -> None:
        self._db, self._full_name, self._trips = db, full_name, user.collection("trips")

    def find(self, trip_id: str) -> Stored[Trip] | None:
        """A trip of this user, or None."""
        snapshot = self._trips.document(trip_id).get()
        return Stored(trip_of(snapshot.to_dict()), snapshot.update_time) if snapshot.exists else None

    def find_all(self, ids: Sequence[str]) -> list[Stored[Trip]]:
        """Those of the trips that there are."""
        documents = [self._trips.document(one) for one in ids]
        found = self._db.get_all(documents) if documents else ()
        return [Stored(trip_of(one.to_dict()), one.update_time) for one in found if one.exists]

    def before(self, car_id: str | None, moment: datetime) -> Stored[Trip] | None:
        """The last trip of the car that started before a moment, or None."""
        query = self._of_car(car_id).where(filter=FieldFilter("started_at", "<", moment))
        return _first(query.order_by("started_at", direction=firestore.Query.DESCENDING))

    def after(self, car_id: str | None, moment: datetime) -> Stored[Trip] | None:
        """The first trip of the car that started after a moment, or None."""
        query = self._of_car(car_id).where(filter=FieldFilter("started_at", ">", moment))
        return _first(query.order_by("started_at"))

    def ended_by(self, car_id: str, moment: datetime) -> Stored[Trip] | None:
        """The last trip of the car that ended at a moment or before, or None."""
        query = self._of_car(car_id).where(filter=FieldFilter("ended_at", "<=", moment))
        return _first(query.order_by("ended_at", direction=firestore.Query.DESCENDING))

    def ended_after(self, car_id: str, moment: datetime) -> Stored[Trip] | None:
        """The first trip of the car that ended after a moment, or None."""
        query = self._of_car(car_id).where(filter=FieldFilter("ended_at", ">", moment))
        return _first(query.order_by("ended_at"))

    def between(self, car_id: str | None, since: datetime, until: datetime) -> list[Stored[Trip]]:
        """The trips of the car that ended from one moment to another, by that."""
        query = self._of_car(car_id).where(filter=FieldFilter("ended_at", ">=", since))
        return _stored(query.where(filter=FieldFilter("ended_at", "<=", until)).order_by("ended_at"))

    def first(self, car_id: str | None, year: int | None = None) -> Trip | None:
        """The first trip of the car, of a year if given."""
        first = _first(self._of_car(car_id, year).order_by("started_at"))
        return first.value if first else None

    def by_time(self, equal: dict[str, Any], limit: int, after: tuple[datetime, str] | None) -> list[Trip]:
        """At most `limit` trips whose fields equal those given, oldest first, after a position in that order."""
        return rows_of(self._full_name, Page("trips", equal, "started_at", limit, after), trip_of)

    def newest(self, equal: dict[str, Any], limit: int, after: tuple[datetime, str] | None) -> list[Trip]:
        """At most `limit` trips whose fields equal those given, newest first, after a position in that order."""
        return rows_of(self._full_name, Page("trips", equal, "started_at", limit, after, newest_first=True), trip_of)

    def parts(self, part: type[T], limit: int) -> list[T]:
        """At most `limit` trips, newest first, of each the fields alone that a struct has."""
        page = Page("trips", {}, "started_at", limit, newest_first=True, fields=part.__struct_encode_fields__)
        return rows_of(self._full_name, page, lambda fields: from_document(fields, part))

    def newest_stored(
        self, equal: dict[str, Any], limit: int, after: tuple[datetime, str] | None
    ) -> list[Stored[Trip]]:
        """At most `limit` of the newest ones, each with the version that a change of it must still find."""
        query: Any = self._trips
        for name, value in equal.items():
            query = query.where(filter=FieldFilter(name, "==", value))
        query = query.order_by("started_at", direction=firestore.Query.DESCENDING)
        query = query.order_by("id", direction=firestore.Query.DESCENDING)
        if after:
            query = query.start_after({"started_at": after[0], "id": after[1]})
        return _stored(query.limit(limit))

    def unclassified(self, year: int) -> int:
        """How many trips of a year are unclassified. It is billed as one read, however many up to a thousand."""
        equal = [FieldFilter("kind", "==", "unclassified"), FieldFilter("year", "==", year)]
        query = self._trips.where(filter=equal[0]).where(filter=equal[1])
        down = firestore.Query.DESCENDING  # the order in which pages of them are found, so that one index serves both
        ((found,),) = query.order_by("started_at", direction=down).order_by("id", direction=down).count().get()
        return int(found.value)

    def _of_car(self, car_id: str | None, year: int | None = None) -> Any:
        query = self._trips.where(filter=FieldFilter("car_id", "==", car_id))
        return query if year is None else query.where(filter=FieldFilter("year", "==", year))


def trip_document(trip: Trip) -> dict[str, Any]:
    """The fields of a trip as they are stored."""
    summary = msgspec.json.encode(trip.summary).decode() if trip.summary else None
    return {**to_document(replace(trip, summary=None)), "summary": summary}


def trip_of(fields: dict[str, Any]) -> Trip:
    """The trip that a document holds."""
    trip = from_document({**fields, "summary": None}, Trip)
    text = fields.get("summary")
    return replace(trip, summary=msgspec.json.decode(text, type=Summary)) if text else trip


def _first(query: Any) -> Stored[Trip] | None:
    return next(iter(_stored(query.limit(1))), None)


def _stored(query: Any) -> list[Stored[Trip]]:
    return [Stored(trip_of(one.to_dict()), one.update_time) for one in query.stream()]
