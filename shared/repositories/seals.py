"""Owns the closed years of a user's log: their seals, and the corrections that stand beside them."""

from google.cloud import firestore

from shared.domain.log.sealing import Correction, Seal, seal_id
from shared.repositories.documents import from_document, to_document


class SealRepository:
    """The closed years of one user."""

    def __init__(self, user: firestore.DocumentReference) -> None:
        self._seals, self._corrections = user.collection("seals"), user.collection("corrections")

    def find(self, car_id: str, year: int) -> Seal | None:
        """The seal of a car's year, or None."""
        snapshot = self._seals.document(seal_id(car_id, year)).get()
        return from_document(snapshot.to_dict(), Seal) if snapshot.exists else None

    def all(self) -> list[Seal]:
        """All seals, by year and car."""
        return [from_document(one.to_dict(), Seal) for one in self._seals.order_by("__name__").stream()]

    def corrections(self, car_id: str, year: int) -> list[Correction]:
        """The corrections of a car's year, the first that was proposed first."""
        begin = f"{seal_id(car_id, year)}-"
        query = self._corrections.order_by("__name__").start_at({"__name__": begin}).end_at({"__name__": f"{begin}~"})
        found = [from_document(one.to_dict(), Correction) for one in query.stream()]
        # Another car's id may begin with this one's.
        return sorted((one for one in found if one.car_id == car_id), key=lambda one: (one.at, one.id))

    def find_correction(self, correction_id: str) -> Correction | None:
        """A correction, or None."""
        snapshot = self._corrections.document(correction_id).get()
        return from_document(snapshot.to_dict(), Correction) if snapshot.exists else None

    def stage(self, batch: firestore.WriteBatch, seal: Seal) -> None:
        """Puts a seal into a commit, which fails where the year has one."""
        batch.create(self._seals.document(seal.id), to_document(seal))

    def stage_correction(self, batch: firestore.WriteBatch, one: Correction) -> None:
        """Puts a correction into a commit, which fails where there is the same one."""
        batch.create(self._corrections.document(one.id), to_document(one))

    def put_token(self, seal: Seal, token: str) -> None:
        """Stores the time stamp of a seal."""
        self._seals.document(seal.id).update({"timestamp_token": token})
