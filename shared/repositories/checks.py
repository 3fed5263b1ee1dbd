"""Owns what was found of a user's log by its checks: kept until something changes that it follows from.

It can be computed again at any time, so it is in no commit: who is later writes over it, and `key` says of what it is.
"""

import zlib

import msgspec
from google.cloud import firestore

from shared.domain.checks.finding import Checked
from shared.domain.driver import Language

MOST_BYTES = 900_000  # less than a document can have; what is more is computed each time


class CheckRepository:
    """What the checks of one user's log found, by year, language and car."""

    def __init__(self, user: firestore.DocumentReference) -> None:
        self._checks = user.collection("checks")

    def find(self, year: int, car_id: str, language: Language, key: str) -> Checked | None:
        """What is kept of a year under this very key, or None."""
        fields = self._of(year, car_id, language).get().to_dict() or {}
        return _checked(fields["checked"]) if fields.get("key") == key else None

    def keep(self, year: int, car_id: str, language: Language, key: str, checked: Checked) -> None:
        """Keeps it in place of what was kept."""
        packed = zlib.compress(msgspec.json.encode(checked), 1)
        if len(packed) <= MOST_BYTES:
            self._of(year, car_id, language).set({"key": key, "checked": packed})

    def _of(self, year: int, car_id: str, language: Language) -> firestore.DocumentReference:
        document: firestore.DocumentReference = self._checks.document(f"{year}-{language}-{car_id}")
        return document


def _checked(packed: bytes) -> Checked:
    return msgspec.json.decode(zlib.decompress(packed), type=Checked)
