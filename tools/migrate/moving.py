"""Writes what was planned: each user's account, cars, places, readings, trip going on, and trips.

The process may die between any two lines and run again, and the live system may write meanwhile: every step is one
atomic commit that finds out by itself whether it was made already.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from google.api_core.exceptions import AlreadyExists
from google.cloud import firestore
from msgspec.structs import replace

from shared.cars.provider import PROVIDERS
from shared.domain.car.car import Car
from shared.domain.car.odometer import FINEST_KM, Reading
from shared.domain.driver import Account
from shared.domain.log.history import OPERATOR, Author
from shared.domain.tracking.state import DriverState
from shared.repositories.documents import to_document, until_current
from shared.repositories.user_store import UserStore, state_document
from shared.secrets import Unreadable, seal
from shared.services.importing import Done, Given, Offered, Preview, imported, preview, year_is_closed
from tools.migrate.old_cars import OldCar, joined, new_cars, old_cars
from tools.migrate.old_rows import OldReading, reading_keys
from tools.migrate.outcome import Result, result_of
from tools.migrate.plan import Note, Share, Watched
from tools.migrate.source import Row, Stop, pages

T = TypeVar("T")


class Mover:
    """Moves the share of one user."""

    def __init__(self, db: firestore.Client, account: Account, watched: Watched[Any]) -> None:
        self._db, self._account, self._watched = db, account, watched
        self._store = UserStore(db, account.email)
        self._root = db.collection("users").document(account.email)
        self.left: list[Note] = []

    def move(self, share: Share) -> None:
        """Moves everything that is not there yet."""
        self._make_account()
        # Their own document first: those of other spellings of the name join it once it is of the new shape.
        for row in sorted(share.cars, key=lambda row: not row.path.startswith(self._root.path)):
            until_current(self._replace_cars)(row.snapshot.reference)
        self._move_places(share)
        if share.active:
            self._move_active(share.active)
        self._move_log(share)

    def _make_account(self) -> None:
        try:
            self._root.create(to_document(self._account))
        except AlreadyExists:
            # A document that was made for something else may lack what makes it an account.
            known = self._root.get().to_dict()
            if missing := {name: value for name, value in to_document(self._account).items() if name not in known}:
                self._root.set(missing, merge=True)

    # --- cars

    def _replace_cars(self, source: Any) -> None:
        """Plain text goes out and the sealed copy comes in with one commit."""
        old_document, account = source.get(), self._root.get()
        target = self._root.collection("settings").document("car")
        document = old_document if source.path == target.path else target.get()
        cars = new_cars(document.to_dict() or {})
        old = [_dated(one, old_document) for one in joined(old_cars(old_document.to_dict() or {}), cars)]
        if not old:
            return
        batch = self._db.batch()
        self._write_cars(batch, document, cars | {one.car.id: one.car for one in old})
        if source.path != target.path:
            batch.delete(source, option=self._db.write_option(last_update_time=old_document.update_time))
        self._seal(batch, old)
        if not account.get("default_car_id"):
            option = self._db.write_option(last_update_time=account.update_time)
            batch.update(self._root, {"default_car_id": old[0].car.id}, option=option)
        batch.commit()

    def _write_cars(self, batch: Any, document: Any, cars: dict[str, Car]) -> None:
        fields = {"cars": {car_id: to_document(car) for car_id, car in cars.items()}}
        if not document.exists:
            batch.create(document.reference, fields)
            return
        quoted = [self._db.field_path(name) for name in document.to_dict() if name != "cars"]
        gone = dict.fromkeys(quoted, firestore.DELETE_FIELD)
        option = self._db.write_option(last_update_time=document.update_time)
        batch.update(document.reference, {**fields, **gone}, option=option)

    def _seal(self, batch: Any, old: Iterable[OldCar]) -> None:
        """Seals the old credentials; those that the new system has been given meanwhile count."""
        sealed = {}
        for one in old:
            if one.credentials:
                try:
                    known = self._store.cars.access(one.car.id).credentials
                except Unreadable as error:
                    raise Stop(f"CREDENTIALS_KEYS does not fit what is sealed for {self._account.email}.") from error
                sealed[one.car.id] = seal({**one.credentials, **known})
        if sealed:
            batch.set(self._root.collection("settings").document("credentials"), {"sealed": sealed}, merge=True)

    # --- places, readings, the trip going on

    def _move_places(self, share: Share) -> None:
        known = {place.id for place in self._store.places()}
        for place in self._watched("places", [place for place in share.places if place.id not in known]):
            self._store.save_place(place)

    def _move_active(self, row: Row[DriverState]) -> None:
        if why := until_current(self._take_up)(row):
            self.left.append(Note(why, row.path))

    def _take_up(self, row: Row[DriverState]) -> str:
        """Makes the old trip going on the driver's state, and marks the old document; why not, if not."""
        old, read = row.snapshot.reference.get(), self._store.state()
        if row.made is None or (old.to_dict() or {}).get("moved_to") == self._account.email:
            return ""
        if not old.exists or old.update_time != row.snapshot.update_time:
            return "it changed meanwhile: stop the old system and run this again"
        if read.value != DriverState():
            return "its user has a state in the new system already"
        batch, document = self._db.batch(), state_document(self._root.id, row.made)
        place = self._root.collection("cache").document("trip_start")
        if read.version is None:
            batch.create(place, document)
        else:
            option = self._db.write_option(last_update_time=read.version)
            batch.update(place, document, option=option)
        option = self._db.write_option(last_update_time=old.update_time)
        batch.update(old.reference, {"moved_to": self._account.email}, option=option)
        batch.commit()
        return ""

    # --- trips, and what was read beside them

    def _move_log(self, share: Share) -> None:
        given = self._given(share)
        done = imported(self._account, given, Author(OPERATOR, datetime.now(UTC)))
        count = len(given.trips) + sum(map(len, given.readings.values()))
        ticks = _Ticks(done, count)
        for _ in self._watched("trips", ticks):
            pass
        closed = {*ticks.closed}
        self.left += [Note(year_is_closed(trip), f"trips/{id_}") for id_, trip in share.trips.items() if id_ in closed]

    def preview(self, share: Share) -> Preview:
        """What would come of the trips and readings of a share, or came of them. Nothing is written."""
        return preview(self._account, self._given(share), Author(OPERATOR, datetime.now(UTC)))

    def result(self, share: Share, found: Preview) -> Result:
        """How what is there of a share by now agrees with it."""
        return result_of(self._store, self._root, share, found)

    def _given(self, share: Share) -> Given:
        return Given([Offered(id_, trip) for id_, trip in share.trips.items()], self._readings(share.readings))

    def _readings(self, readings: Sequence[OldReading]) -> dict[str, list[Reading]]:
        """The readings by their cars, but those that were moved before, maybe when another car was their owner's."""
        found, cars = dict[str, list[Reading]](), self._store.cars.list_cars()
        moved = pages(self._root.collection("odometer_readings").select(["standing"]))
        known = reading_keys(one.id for one in moved if (one.to_dict() or {}).get("standing"))
        for one in readings:
            if one.key not in known:
                found.setdefault(one.car_id, []).append(_reading(one, cars))
        return found


class _Ticks:
    """One for each fact that is done, of so many; the ids of the trips that stay out, for their year is `closed`."""

    def __init__(self, done: Iterable[Done], count: int) -> None:
        self._done, self._count = done, count
        self.closed: Sequence[str] = ()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        told = 0
        for done in self._done:
            yield from range(told, done.facts)
            told, self.closed = done.facts, done.closed


def _dated(one: OldCar, document: Any) -> OldCar:
    """The car with when its credentials were set: not later than the old document was written last."""
    at = datetime.fromtimestamp(document.update_time.timestamp(), UTC)
    return replace(
        one,
        car=replace(one.car, credentials_set_at={**dict.fromkeys(one.credentials, at), **one.car.credentials_set_at}),
    )


def _reading(one: OldReading, cars: Mapping[str, Car]) -> Reading:
    car = cars.get(one.car_id)
    known = car is not None and car.provider in PROVIDERS
    return one.reading(PROVIDERS[car.provider].resolution_km if car and known else FINEST_KM)


def batched(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items in parts of a size."""
    return (items[n : n + size] for n in range(0, len(items), size))
