"""Reads the old store: each row with its owner, and what it becomes or why it cannot be read. Writes nothing."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import msgspec
from google.cloud import firestore

from shared.domain.driver import EMAIL, LOG_VERSION, Account
from shared.domain.place.places import Place
from shared.domain.tracking.state import DriverState
from shared.repositories.documents import OldLog, from_document
from shared.repositories.user_store import UserStore
from tools.migrate.old_cars import OldCar, new_cars, old_cars
from tools.migrate.old_rows import LOCATION_FIELDS, READING_FIELDS, OldReading, place_of, reading_of, state_of
from tools.migrate.old_trips import Converted, Owner, trip_of, unknown
from tools.migrate.values import Fields, Unreadable, present

T = TypeVar("T")
PAGE = 500  # a query that runs for minutes is cut off by the cloud; one page never does
ACTIVE = "cache/trip_start"


class Stop(Exception):
    """The migration cannot go on; the text says why in one sentence."""


class Row(msgspec.Struct, Generic[T], frozen=True):
    """An old document: its owner, what it becomes (None if it cannot be read, with why), what did not come along."""

    snapshot: Any
    fields: Fields
    owner: str
    made: T | None
    why: str = ""
    adopted: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Where the old document lies."""
        return str(self.snapshot.reference.path)


class OldCars(msgspec.Struct, frozen=True):
    """The cars of an old `settings/car`."""

    cars: tuple[OldCar, ...]


class Source:
    """The old store as it is now. Rows without an owner belong to the default user."""

    def __init__(self, db: firestore.Client, default_user: str) -> None:
        self.db, self.default_user = db, default_user
        self.accounts: dict[str, Account] = {}
        self.unregistered: set[str] = set()
        self._owners: dict[str, Owner] = {}
        self._cars: dict[str, set[str]] = {}
        self._first_car: dict[str, str] = {}
        self._places: dict[str, list[Place]] = {}
        if not self._snapshot(default_user).exists:
            raise Stop(
                f"{default_user} is not registered: first run `python -m tools.admin add-user {default_user}`, "
                "or name another --default-user."
            )

    def account(self, email: str) -> Account:
        """The user's account, as it is or as it will be made. Raises OldLog where an earlier version kept their log."""
        if email not in self.accounts:
            snapshot = self._snapshot(email)
            if not snapshot.exists:
                self.unregistered.add(email)
            _refuse_old_log(email, snapshot.to_dict() or {})
            try:
                self.accounts[email] = from_document({**(snapshot.to_dict() or {}), "email": email}, Account)
            except msgspec.ValidationError as error:
                raise Stop(f"The document users/{email} is not of the new shape: {error}.") from error
        return self.accounts[email]

    def _snapshot(self, email: str) -> Any:
        return self.db.collection("users").document(email).get()

    # --- rows, in this order: trips need the cars and places of their owner

    def cars(self) -> Iterator[Row[OldCars]]:
        """The documents `users/…/settings/car` that are of the old shape, also below users without a document."""
        found = [user.collection("settings").document("car") for user in self.db.collection("users").list_documents()]
        for n in range(0, len(found), PAGE):
            for snapshot in sorted(self.db.get_all(found[n : n + PAGE]), key=lambda one: str(one.reference.path)):
                if snapshot.exists:
                    yield from self._car_row(snapshot)

    def _car_row(self, snapshot: Any) -> Iterator[Row[OldCars]]:
        owner, adopted = self._owner_of(snapshot.reference.parent.parent.id, "the user's document is called")
        fields = snapshot.to_dict()
        old, known = tuple(old_cars(fields)), new_cars(fields)
        self._cars.setdefault(owner, set()).update([*known, *(one.car.id for one in old)])
        if old and (owner not in self._first_car or snapshot.reference.parent.parent.id == owner):
            self._first_car[owner] = old[0].car.id
        if old:
            yield Row(snapshot, fields, owner, OldCars(old), "", adopted)

    def places(self) -> Iterator[Row[Place]]:
        """The old locations."""
        for row in self._rows("locations", lambda snapshot, fields, owner: place_of(snapshot.id, fields)):
            if row.made:
                self._places.setdefault(row.owner, []).append(row.made)
                self._owners.pop(row.owner, None)
            remarks = tuple(unknown(row.fields, LOCATION_FIELDS))
            yield msgspec.structs.replace(row, remarks=remarks)

    def readings(self) -> Iterator[Row[OldReading]]:
        """The old odometer readings."""
        made = self._rows("odometer_readings", lambda snapshot, fields, owner: reading_of(fields, owner))
        for row in made:
            yield msgspec.structs.replace(row, remarks=tuple(unknown(row.fields, READING_FIELDS)))

    def trips(self) -> Iterator[Row[Converted]]:
        """The old trips."""
        for row in self._rows("trips", lambda snapshot, fields, owner: trip_of(snapshot.id, fields, owner)):
            yield msgspec.structs.replace(row, remarks=row.made.remarks if row.made else ())

    def active(self) -> Row[DriverState] | None:
        """The trip going on in the old system; what it becomes is an idle state where none goes on."""
        snapshot = self.db.document(ACTIVE).get()
        if not snapshot.exists:
            return None
        fields = snapshot.to_dict()
        if not fields or fields.get("active") is False:
            return Row(snapshot, fields or {}, self.default_user, DriverState())
        return self._row(snapshot, lambda _, fields, owner: state_of(fields, owner, datetime.now(UTC)))

    def strangers(self) -> list[str]:
        """Documents of the old `cache` that nobody knows."""
        paths = [str(found.path) for found in self.db.collection("cache").list_documents()]
        return [path for path in paths if path != ACTIVE]

    def _rows(self, collection: str, make: Callable[[Any, Fields, Owner], T]) -> Iterator[Row[T]]:
        for snapshot in pages(self.db.collection(collection)):
            yield self._row(snapshot, make)

    def _row(self, snapshot: Any, make: Callable[[Any, Fields, Owner], T]) -> Row[T]:
        fields = snapshot.to_dict()
        owner, adopted = self._owner_of(present(fields, "user_id", "user"), "user_id is")
        try:
            return Row(snapshot, fields, owner, make(snapshot, fields, self.owner(owner)), "", adopted)
        except Unreadable as why:
            return Row(snapshot, fields, owner, None, str(why), adopted)

    # --- owners

    def _owner_of(self, named: Any, where: str) -> tuple[str, str]:
        """The owner's e-mail, and why it is the default user where it is."""
        if named is None:
            return self.default_user, "no user_id"
        email = named.strip().lower() if isinstance(named, str) else ""
        if EMAIL.fullmatch(email) and not email.startswith("__"):
            return email, ""
        return self.default_user, f"{where} {str(named)[:80]!r}, no e-mail address"

    def first_car(self, email: str) -> str | None:
        """The car that a user without a default car gets as such: the first of the old ones, else the only one."""
        cars = self._cars.get(email, set())
        return self._first_car.get(email) or (next(iter(cars)) if len(cars) == 1 else None)

    def owner(self, email: str) -> Owner:
        """What the rows of a user need to know of them."""
        if email not in self._owners:
            account, places = self.account(email), UserStore(self.db, email).places()
            known = {place.id: place for place in (*places, *self._places.get(email, ()))}
            car_id = account.default_car_id or self.first_car(email)
            self._owners[email] = Owner(email, account.timezone, car_id, tuple(known.values()))
        return self._owners[email]


def _refuse_old_log(email: str, fields: Mapping[str, Any]) -> None:
    """Only an account has keys: what else lies there is no log of anybody, and becomes one of this version."""
    if "keys" in fields and fields.get("log_version") != LOG_VERSION:
        raise OldLog(email)


def pages(query: Any) -> Iterator[Any]:
    """The documents of a query by their names, page by page."""
    query, last = query.order_by("__name__").limit(PAGE), None
    while True:
        found = list((query.start_after(last) if last else query).stream())
        yield from found
        if len(found) < PAGE:
            return
        last = found[-1]
