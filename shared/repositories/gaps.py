"""Owns a user's gaps in the store: the rows of their log for kilometres that no trip has."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.domain.log.gap_row import GapRow
from shared.repositories.documents import Stored, from_document
from shared.repositories.pages import Page, rows_of


class GapRepository:
    """The gaps of one user."""

    def __init__(self, db: firestore.Client, user: firestore.DocumentReference, full_name: str) -> None:
        self._db, self._full_name, self._gaps = db, full_name, user.collection("gaps")

    def find(self, gap_id: str) -> Stored[GapRow] | None:
        """A gap of this user, or None."""
        snapshot = self._gaps.document(gap_id).get()
        return Stored(from_document(snapshot.to_dict(), GapRow), snapshot.update_time) if snapshot.exists else None

    def find_all(self, ids: Sequence[str]) -> list[Stored[GapRow]]:
        """Those of the gaps that there are."""
        documents = [self._gaps.document(one) for one in ids]
        found = self._db.get_all(documents) if documents else ()
        return [Stored(from_document(one.to_dict(), GapRow), one.update_time) for one in found if one.exists]

    def by_time(self, equal: dict[str, Any], limit: int, after: tuple[datetime, str] | None = None) -> list[GapRow]:
        """At most `limit` gaps whose fields equal those given, by time, after a position in that order."""
        return rows_of(self._full_name, Page("gaps", equal, "since", limit, after), _gap)

    def between(self, car_id: str, since: datetime, until: datetime) -> list[Stored[GapRow]]:
        """The gaps of a car that begin from one moment to another, by time."""
        query = self._gaps.where(filter=FieldFilter("car_id", "==", car_id))
        query = query.where(filter=FieldFilter("since", ">=", since)).where(filter=FieldFilter("since", "<=", until))
        return _stored(query.order_by("since").order_by("id"))

    def correction_before(self, car_id: str, moment: datetime) -> GapRow | None:
        """The last correction of the car that begins before a moment, or None."""
        query = self._gaps.where(filter=FieldFilter("car_id", "==", car_id))
        query = query.where(filter=FieldFilter("explained_as", "==", "correction"))
        query = query.where(filter=FieldFilter("since", "<", moment))
        return next(iter(_values(query.order_by("since", direction=firestore.Query.DESCENDING).limit(1))), None)

    def first(self, car_id: str | None, year: int | None = None) -> GapRow | None:
        """The first gap of the car, of a year if given, or None."""
        return next(iter(_values(self._of_car(car_id, year).limit(1))), None)

    def unexplained(self, car_id: str | None, year: int | None = None) -> list[GapRow]:
        """The gaps of the car that nobody explained, of a year if given, by time."""
        return _values(self._of_car(car_id, year).where(filter=FieldFilter("explained_as", "==", None)))

    def _of_car(self, car_id: str | None, year: int | None) -> Any:
        query = self._gaps.where(filter=FieldFilter("car_id", "==", car_id))
        query = query if year is None else query.where(filter=FieldFilter("year", "==", year))
        return query.order_by("since").order_by("id")


def _gap(fields: dict[str, Any]) -> GapRow:
    return from_document(fields, GapRow)


def _values(query: Any) -> list[GapRow]:
    return [stored.value for stored in _stored(query)]


def _stored(query: Any) -> list[Stored[GapRow]]:
    return [Stored(from_document(one.to_dict(), GapRow), one.update_time) for one in query.stream()]
