"""One atomic commit on what drivers set up themselves: who they are, their cars and credentials, all or nothing."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from google.cloud import firestore
from msgspec.structs import replace

from shared.domain.car.car import Car
from shared.domain.driver import Account
from shared.domain.log.trip import NO_CAR
from shared.repositories.accounts import UnknownUser, account_document, stored_account
from shared.repositories.cars import cars_of, credentials_fields
from shared.repositories.documents import to_document, until_current

T = TypeVar("T")


class Setup:
    """What one user (e-mail in lower case) has set up as it was read, and what is to be changed of it."""

    def __init__(self, db: firestore.Client, email: str) -> None:
        """Reads the user and their cars. Raises UnknownUser."""
        self._db, self._user = db, db.collection("users").document(email)
        settings = self._user.collection("settings")
        self._cars_document, self._credentials = settings.document("car"), settings.document("credentials")
        stored = stored_account(self._user.get())
        if stored is None:
            raise UnknownUser(email)
        cars = self._cars_document.get()
        self.account, self._account_read = stored.value, stored
        self.cars, self._cars_version = cars_of(cars), cars.update_time
        self._fields: dict[str, Any] = {}
        self._credentials_fields: list[dict[str, Any]] = []

    def put_account(self, account: Account) -> None:
        """The user with other settings."""
        self.account = account

    def put_car(self, car: Car) -> None:
        """A car, new or changed. The first one becomes the default."""
        self.cars = {**self.cars, car.id: car}
        self._fields[car.id] = to_document(car)
        if self.account.default_car_id not in self.cars:
            self.account = replace(self.account, default_car_id=car.id)

    def drop_car(self, car_id: str) -> None:
        """A car less, with its credentials and tokens. Where it was the default another one becomes that."""
        self.cars = {other: car for other, car in self.cars.items() if other != car_id}
        self._fields[car_id] = firestore.DELETE_FIELD
        self._credentials_fields.append(credentials_fields(car_id, None))
        if self.account.default_car_id not in self.cars:
            self.account = replace(self.account, default_car_id=min(self.cars, default=None))

    def put_credentials(self, car_id: str, credentials: dict[str, Any] | None, now: datetime) -> None:
        """A car's credentials, sealed, or none any more. Tokens and refusals of the former ones are forgotten."""
        self._credentials_fields.append(credentials_fields(car_id, credentials))
        set_at = dict.fromkeys(credentials or {}, now)
        self.put_car(replace(self.cars[car_id], credentials_set_at=set_at, login_refusals=0))

    def commit(self) -> None:
        """Writes everything or nothing. Raises a conflict of google.api_core where another writer was quicker."""
        batch = self._db.batch()
        self._stage_cars(batch)
        for credentials in self._credentials_fields:
            batch.set(self._credentials, credentials, merge=True)
        option = self._db.write_option(last_update_time=self._account_read.version)
        batch.update(self._user, account_document(self.account), option=option)
        batch.commit()

    def _stage_cars(self, batch: firestore.WriteBatch) -> None:
        """Both documents are written at each commit, also unchanged: each demands that it is still as read.

        So nobody takes away a car while another one makes it the default.
        """
        if self._cars_version is not None:
            fields = {f"cars.`{car_id}`": car for car_id, car in self._fields.items()}
            option = self._db.write_option(last_update_time=self._cars_version)
            batch.update(self._cars_document, fields or {f"cars.`{NO_CAR}`": firestore.DELETE_FIELD}, option=option)
        elif self._fields:
            batch.create(self._cars_document, {"cars": self._fields})


def set_up(db: firestore.Client, email: str, attempt: Callable[[Setup], T]) -> T:
    """Does what `attempt` does to a user's setup, as one commit, and again from the read where somebody was quicker.

    Gives what `attempt` gives, raises what it raises, and UnknownUser.
    """

    @until_current
    def once() -> T:
        setup = Setup(db, email)
        given = attempt(setup)
        setup.commit()
        return given

    return once()
