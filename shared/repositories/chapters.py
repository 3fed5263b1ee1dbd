"""Owns the chapters of a user's log in the store: one document each, found by car and by when they end."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.domain.log.chapter import Chapter


class ChapterRepository:
    """The chapters of one user."""

    def __init__(self, user: firestore.DocumentReference) -> None:
        self._chapters = user.collection("chapters")

    def first(self, car_id: str) -> Chapter | None:
        """The first chapter of a car, or None."""
        return next(iter(_found(self._of_car(car_id).order_by("ends_at").limit(1))), None)

    def between(self, car_id: str, since: datetime, until: datetime) -> list[Chapter]:
        """The chapters of a car that end from one moment to another, by time, and the one after them."""
        ends = self._of_car(car_id).where(filter=FieldFilter("ends_at", ">=", since))
        found = _found(ends.where(filter=FieldFilter("ends_at", "<", until)).order_by("ends_at"))
        after = self._of_car(car_id).where(filter=FieldFilter("ends_at", ">=", max(since, until)))
        return [*found, *_found(after.order_by("ends_at").limit(1))]

    def put(self, batch: firestore.WriteBatch, chapter_id: str, chapter: Chapter | None) -> None:
        """Puts a chapter into a commit, or takes it out (None)."""
        document = self._chapters.document(chapter_id)
        if chapter is None:
            batch.delete(document)
        else:
            batch.set(document, chapter_document(chapter))

    def _of_car(self, car_id: str) -> Any:
        return self._chapters.where(filter=FieldFilter("car_id", "==", car_id))


def chapter_document(chapter: Chapter) -> dict[str, Any]:
    """A chapter as it is stored: one text, for nothing in it is asked for."""
    text = msgspec.json.encode(chapter).decode()
    return {"car_id": chapter.car_id, "ends_at": chapter.end.at, "chapter": text}


def chapter_of(fields: dict[str, Any]) -> Chapter:
    """The chapter of a document."""
    return msgspec.json.decode(fields["chapter"], type=Chapter)


def _found(query: Any) -> Sequence[Chapter]:
    return [chapter_of(one.to_dict()) for one in query.stream()]
