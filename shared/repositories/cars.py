"""Owns a user's cars and their sealed credentials."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from google.api_core.exceptions import FailedPrecondition
from google.cloud import firestore
from google.cloud.firestore_v1.field_path import FieldPath

from shared import logs
from shared.domain.car.car import Car
from shared.repositories.documents import Stored, from_document, to_document, until_current
from shared.secrets import Unreadable, reseal, seal, unseal

CREDENTIALS, TOKENS = "sealed", "tokens"


class Access(msgspec.Struct, frozen=True):
    """What opens a car's cloud: the driver's credentials, and the tokens that the last read left."""

    credentials: dict[str, Any]
    tokens: dict[str, Any]
    version: Any = None


class Resealed(NamedTuple):
    """How many seals of a user were made anew and how many were new already; car and part of what no key opens."""

    anew: int
    already: int
    unreadable: tuple[str, ...] = ()


class CarRepository:
    """The cars of one user."""

    def __init__(self, db: firestore.Client, settings: firestore.CollectionReference) -> None:
        self._db = db
        self._cars = settings.document("car")
        self._credentials = settings.document("credentials")

    def list_cars(self) -> dict[str, Car]:
        """The cars by id."""
        return self.read().value

    def read(self) -> Stored[dict[str, Car]]:
        """The cars by id, with the version of their document."""
        snapshot = self._cars.get()
        return Stored(cars_of(snapshot), snapshot.update_time)

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
        """The car's credentials and tokens; empty where there are none. Raises Unreadable where no key fits."""
        snapshot = self._credentials.get()
        data = snapshot.to_dict() or {}
        sealed = [data.get(part, {}).get(car_id) for part in (CREDENTIALS, TOKENS)]
        credentials, tokens = (unseal(values) if values else {} for values in sealed)
        return Access(credentials, tokens, snapshot.update_time)

    def keep_tokens(self, car_id: str, tokens: dict[str, Any], read: Access) -> None:
        """Keeps what a read left, unless the credentials were changed meanwhile: then it belongs to former ones."""
        try:
            self._put_tokens(car_id, tokens, read.version)
        except FailedPrecondition:
            # Another car's tokens, or a new seal, change the document too, and some clouds give a token only once.
            until_current(self._keep_later)(car_id, tokens, read)

    def _keep_later(self, car_id: str, tokens: dict[str, Any], read: Access) -> None:
        now = self.access(car_id)
        if now.version and now.credentials == read.credentials:
            self._put_tokens(car_id, tokens, now.version)
        else:
            logs.log().info("tokens dropped: the credentials were changed meanwhile", extra={"car": car_id})

    def _put_tokens(self, car_id: str, tokens: dict[str, Any], version: Any) -> None:
        option = self._db.write_option(last_update_time=version)
        self._credentials.update({f"{TOKENS}.`{car_id}`": seal(tokens)}, option=option)

    @until_current
    def reseal(self, dry_run: bool = False) -> Resealed:
        """Seals everything anew that is not sealed with the newest key. What cannot be opened stays as it is."""
        snapshot = self._credentials.get()
        data, changes = snapshot.to_dict() or {}, {}
        already, unreadable = 0, []
        for part in (CREDENTIALS, TOKENS):
            for car_id, sealed in data.get(part, {}).items():
                try:
                    anew = reseal(sealed)
                except Unreadable:
                    unreadable.append(f"{car_id} {'tokens' if part == TOKENS else 'credentials'}")
                    continue
                already += anew is None
                if anew:
                    changes[f"{part}.`{car_id}`"] = anew
        if changes and not dry_run:
            # Only what was read: the driver, or a read of their car, may change it at this moment.
            self._credentials.update(changes, option=self._db.write_option(last_update_time=snapshot.update_time))
        return Resealed(len(changes), already, tuple(sorted(unreadable)))


def credentials_fields(car_id: str, credentials: dict[str, Any] | None) -> dict[str, Any]:
    """What is merged into the credentials' document: new ones sealed, or none, and in either case no tokens."""
    sealed = seal(credentials) if credentials is not None else firestore.DELETE_FIELD
    return {"sealed": {car_id: sealed}, "tokens": {car_id: firestore.DELETE_FIELD}}


def without_credentials(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of the document of all cars, as if no credentials had ever been set."""
    none: dict[str, Any] = {"login_refusals": 0, "credentials_set_at": {}}
    cars = {
        car_id: {**car, **{name: value for name, value in none.items() if name in car}}
        for car_id, car in fields.get("cars", {}).items()
    }
    return {**fields, "cars": cars}


def cars_of(snapshot: firestore.DocumentSnapshot) -> dict[str, Car]:
    """The cars that a document holds. A refusal that was counted of a car deleted meanwhile makes no car."""
    found = (snapshot.to_dict() or {}).get("cars", {})
    return {car_id: from_document(car, Car) for car_id, car in found.items() if "id" in car}
