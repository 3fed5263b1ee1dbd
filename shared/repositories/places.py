"""Owns the places of one user, and those that the operator shares with all. Each stands in a collection and an index.

The index is one document with all places of an owner, which is what polls and ends read.
"""

import time
from typing import Any, ClassVar

from google.cloud import firestore
from google.cloud.firestore_v1.field_path import FieldPath

from shared import settings
from shared.domain.place.places import Place
from shared.repositories.documents import Stored, from_document, to_document


class _Places:
    """The places of one owner."""

    def __init__(self, db: firestore.Client, root: Any) -> None:
        """`root` is what the two collections hang on: a user's document, or the store itself."""
        self._db = db
        self._places, self._index = root.collection("locations"), root.collection("settings").document("places")

    def read(self) -> Stored[dict[str, Place]]:
        """The places by id, with the version that a change must still find."""
        snapshot = self._index.get()
        return Stored({place.id: place for place in places_of(snapshot)}, snapshot.update_time)

    def put(self, read: Stored[dict[str, Place]], place: Place) -> None:
        """Stores a place, new or changed. Raises a conflict of google.api_core where another writer was quicker."""
        batch = self._db.batch()
        batch.set(self._places.document(place.id), to_document(place))
        if read.version is None:
            batch.create(self._index, {"places": {place.id: to_document(place)}})
        else:
            self._stage_index(batch, read, place.id, to_document(place))
        batch.commit()

    def _stage_index(self, batch: Any, read: Stored[dict[str, Place]], place_id: str, fields: Any) -> None:
        option = self._db.write_option(last_update_time=read.version)
        batch.update(self._index, {f"places.`{place_id}`": fields}, option=option)


class PlaceRepository(_Places):
    """The places of one user (e-mail in lower case)."""

    def __init__(self, db: firestore.Client, email: str) -> None:
        super().__init__(db, db.collection("users").document(email))

    def delete(self, read: Stored[dict[str, Place]], place_id: str) -> None:
        """Deletes a place. Raises a conflict of google.api_core where another writer was quicker."""
        batch = self._db.batch()
        batch.delete(self._places.document(place_id))
        self._stage_index(batch, read, place_id, firestore.DELETE_FIELD)
        batch.commit()


class SharedPlaceRepository(_Places):
    """The places that the operator shares with all users, who cannot change them.

    No id of them may be one that a user's place can have.
    """

    # Read at most once in USER_CACHE_S in each instance, by project: ends and polls need them all the time.
    _cache: ClassVar[dict[str, tuple[float, tuple[Place, ...]]]] = {}

    def __init__(self, db: firestore.Client) -> None:
        super().__init__(db, db)

    def list_places(self) -> tuple[Place, ...]:
        """The shared places, as this instance read them in the last USER_CACHE_S."""
        read_at, places = self._cache.get(self._db.project, (float("-inf"), ()))
        if read_at <= time.monotonic() - settings.current.user_cache_s:
            places = places_of(self._index.get())
            self._cache[self._db.project] = (time.monotonic(), places)
        return places

    def put(self, read: Stored[dict[str, Place]], place: Place) -> None:
        """Stores a place, new or changed. Raises a conflict of google.api_core where another writer was quicker."""
        super().put(read, place)
        self._cache.clear()


def stage_index(batch: Any, index: firestore.DocumentReference, place: Place) -> None:
    """Puts a place into an index of which nothing is known. It replaces the former one as a whole.

    Fields that have their default are not stored, and a merge would keep what they were before.
    """
    batch.set(index, {"places": {place.id: to_document(place)}}, merge=[FieldPath("places", place.id)])


def places_of(snapshot: firestore.DocumentSnapshot) -> tuple[Place, ...]:
    """The places that an index holds."""
    return tuple(from_document(place, Place) for place in ((snapshot.to_dict() or {}).get("places", {})).values())
