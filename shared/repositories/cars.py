"""Owns a user's cars and their sealed credentials."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from google.api_core.exceptions import FailedPrecondition
from google.cloud import firestore
from google.cloud.firestore_v1.field_path import FieldPath

from shared import logs
from shared.repositories.documents import from_document, to_document
from shared.secrets import seal, unseal

MOST_REFUSALS = 2  # more logins than this get accounts locked


class Car(msgspec.Struct, frozen=True):
    """A user's car. `login_refusals` counts how often its cloud refused the credentials since they were set.

    The period in which it was available is in dates (yyyy-mm-dd), the odometer at its start in km. Of the credentials
    it says which fields were set and when (aware UTC). While somebody tries them out, `tried_until` is ahead.
    """

    id: str
    provider: str
    name: str = ""
    vin: str = ""
    brand: str = ""
    plate: str = ""
    make: str = ""
    type: str = ""
    colour: str = ""
    available_from: str | None = None
    available_until: str | None = None
    start_odometer_km: float | None = None
    login_refusals: int = 0
    credentials_set_at: dict[str, datetime] = {}
    tried_until: datetime | None = None

    @property
    def login_stopped(self) -> bool:
        """Whether the car is not asked any more until its credentials change."""
        return self.login_refusals >= MOST_REFUSALS


class Access(msgspec.Struct, frozen=True):
    """What opens a car's cloud: the driver's credentials, and the tokens that the last read left."""

    credentials: dict[str, Any]
    tokens: dict[str, Any]
    version: Any = None


class CarRepository:
    """The cars of one user."""

    def __init__(self, db: firestore.Client, settings: firestore.CollectionReference) -> None:
        self._db = db
        self._cars = settings.document("car")
        self._credentials = settings.document("credentials")

    def list_cars(self) -> dict[str, Car]:
        """The cars by id."""
        return cars_of(self._cars.get())

    def save(self, car: Car, credentials: dict[str, Any] | None = None) -> None:
        """Stores a car; its credentials, if given, are sealed, and former tokens dropped. Logins are tried again."""
        fields, batch = to_document(car), self._db.batch()
        if credentials is None:
            del fields["credentials_set_at"]
        else:
            fields["credentials_set_at"] = dict.fromkeys(credentials, datetime.now(UTC))
            batch.set(self._credentials, credentials_fields(car.id, credentials), merge=True)
        # Field by field: a map that is merged as a whole would keep what is no longer in it.
        batch.set(self._cars, {"cars": {car.id: fields}}, merge=[FieldPath("cars", car.id, name) for name in fields])
        batch.commit()

    def access(self, car_id: str) -> Access:
        """The car's credentials and tokens; empty where there are none."""
        snapshot = self._credentials.get()
        data = snapshot.to_dict() or {}
        sealed = [data.get(part, {}).get(car_id) for part in ("sealed", "tokens")]
        credentials, tokens = (unseal(values) if values else {} for values in sealed)
        return Access(credentials, tokens, snapshot.update_time)

    def keep_tokens(self, car_id: str, tokens: dict[str, Any], read: Access) -> None:
        """Keeps what a read left, unless the credentials were changed meanwhile: then it belongs to former ones."""
        option = self._db.write_option(last_update_time=read.version)
        try:
            self._credentials.update({f"tokens.`{car_id}`": seal(tokens)}, option=option)
        except FailedPrecondition:
            logs.log().info("tokens dropped: the credentials were changed meanwhile", extra={"car": car_id})

    def count_refusal(self, car_id: str) -> None:
        """Remembers that the car's cloud refused the credentials."""
        self._cars.set({"cars": {car_id: {"login_refusals": firestore.Increment(1)}}}, merge=True)

    def forget_refusals(self, car_id: str) -> None:
        """Remembers that the car's cloud took the credentials."""
        self._cars.set({"cars": {car_id: {"login_refusals": 0}}}, merge=True)


def credentials_fields(car_id: str, credentials: dict[str, Any] | None) -> dict[str, Any]:
    """What is merged into the credentials' document: new ones sealed, or none, and in either case no tokens."""
    sealed = seal(credentials) if credentials is not None else firestore.DELETE_FIELD
    return {"sealed": {car_id: sealed}, "tokens": {car_id: firestore.DELETE_FIELD}}


def cars_of(snapshot: firestore.DocumentSnapshot) -> dict[str, Car]:
    """The cars that a document holds. A refusal that was counted of a car deleted meanwhile makes no car."""
    found = (snapshot.to_dict() or {}).get("cars", {})
    return {car_id: from_document(car, Car) for car_id, car in found.items() if "id" in car}
