"""Owns a user's cars and their sealed credentials."""

from typing import Any

import msgspec
from google.cloud import firestore

from shared.repositories.documents import from_document, to_document
from shared.secrets import seal, unseal

MOST_REFUSALS = 2  # more logins than this get accounts locked


class Car(msgspec.Struct, frozen=True):
    """A user's car. `login_refusals` counts how often its cloud refused the credentials since they were set."""

    id: str
    provider: str
    name: str = ""
    vin: str = ""
    brand: str = ""
    plate: str = ""
    login_refusals: int = 0

    @property
    def login_stopped(self) -> bool:
        """Whether the car is not asked any more until its credentials change."""
        return self.login_refusals >= MOST_REFUSALS


class CarRepository:
    """The cars of one user."""

    def __init__(self, settings: firestore.CollectionReference) -> None:
        self._cars = settings.document("car")
        self._credentials = settings.document("credentials")

    def list_cars(self) -> dict[str, Car]:
        """The cars by id."""
        data = self._cars.get().to_dict() or {}
        return {car_id: from_document(car, Car) for car_id, car in data.get("cars", {}).items()}

    def save(self, car: Car, credentials: dict[str, Any] | None = None) -> None:
        """Stores a car; its credentials, if given, are sealed. Logins are tried again."""
        self._cars.set({"cars": {car.id: to_document(car)}}, merge=True)
        if credentials is not None:
            self._credentials.set({"sealed": {car.id: seal(credentials)}}, merge=True)

    def credentials(self, car_id: str) -> dict[str, Any]:
        """The car's credentials, or nothing."""
        sealed = (self._credentials.get().to_dict() or {}).get("sealed", {}).get(car_id)
        return unseal(sealed) if sealed else {}

    def count_refusal(self, car_id: str) -> None:
        """Remembers that the car's cloud refused the credentials."""
        self._cars.set({"cars": {car_id: {"login_refusals": firestore.Increment(1)}}}, merge=True)

    def forget_refusals(self, car_id: str) -> None:
        """Remembers that the car's cloud took the credentials."""
        self._cars.set({"cars": {car_id: {"login_refusals": 0}}}, merge=True)
