"""Owns what is looked up of the readings that are not believed: how many there are, and the newest."""

from datetime import datetime
from typing import Any, NamedTuple

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.domain.car.odometer import Reading
from shared.repositories.documents import from_document
from shared.repositories.readings import Why


class Doubted(NamedTuple):
    """How many readings are not believed, the newest of them and why that one is not."""

    number: int
    newest: Reading
    why: Why


class DoubtRepository:
    """The readings of one user that are not believed."""

    def __init__(self, user: firestore.DocumentReference) -> None:
        self._readings = user.collection("odometer_readings")

    def of_car(self, car_id: str | None, since: datetime | None, before: datetime | None) -> Doubted | None:
        """Those of a car from one moment to before another, each if given; None where there is none.

        A count is billed as one read, however many there are up to a thousand.
        """
        query = self._readings.where(filter=FieldFilter("car_id", "==", car_id))
        query = query.where(filter=FieldFilter("standing", "==", "not_believed"))
        if since:
            query = query.where(filter=FieldFilter("at", ">=", since))
        if before:
            query = query.where(filter=FieldFilter("at", "<", before))
        query = query.order_by("at", direction=firestore.Query.DESCENDING)
        return _doubted(query, number) if (number := _count(query)) else None


def _count(query: Any) -> int:
    ((found,),) = query.count().get()
    return int(found.value)


def _doubted(query: Any, number: int) -> Doubted | None:
    newest = next((snapshot.to_dict() for snapshot in query.limit(1).stream()), None)
    return Doubted(number, from_document(newest, Reading), newest.get("why", "")) if newest else None
