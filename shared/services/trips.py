"""Lists the trips of a driver, and adds, corrects and deletes them by hand."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from shared import settings
from shared.domain.driver import Account
from shared.domain.fitting import Conflict, NotFound
from shared.domain.log.addresses import flagged
from shared.domain.log.correcting import corrected, entered
from shared.domain.log.gap import relink
from shared.domain.log.rows import Rows
from shared.domain.log.trip import TRIP_ID, Trip, trip_id
from shared.repositories.documents import client, until_current
from shared.repositories.user_store import UserStore
from shared.services.by_hand import locked
from shared.services.rows import StoredLog


def page(email: str, equal: dict[str, Any], limit: int, after: tuple[datetime, str] | None) -> tuple[list[Trip], bool]:
    """At most so many trips whose fields equal those given, newest first, after a position; whether there are more."""
    found = UserStore(client(), email).trips(equal, limit + 1, after)
    return found[:limit], len(found) > limit


def find(email: str, id_: str) -> Trip:
    """One trip. Raises NotFound."""
    return _found(StoredLog(UserStore(client(), email)), id_)


def add(account: Account, said: Mapping[str, Any], now: datetime) -> Trip:
    """A trip by hand, by the names of its fields. Raises Unfit, and Conflict where one like it is there."""
    by_hand = entered(account.email, account.default_car_id, account.timezone, said, now)
    trip = flagged(by_hand, bool(settings.current.geocoders))
    store = UserStore(client(), account.email)

    @until_current
    def attempt() -> Trip:
        return _put(store, StoredLog(store), None, trip)

    return attempt()


def correct(account: Account, id_: str, said: Mapping[str, Any], revision: int | None, now: datetime) -> Trip:
    """A trip with what is said of it, by the names of its fields.

    Raises NotFound and Unfit, and Conflict where it is of another revision than the one given.
    """
    store = UserStore(client(), account.email)

    @until_current
    def attempt() -> Trip:
        log = StoredLog(store)
        former = _found(log, id_)
        if revision is not None and revision != former.revision:
            raise Conflict(f"The trip is at revision {former.revision} by now.", "revision")
        trip = corrected(former, said, account.timezone, now)
        moves = "from_" in said or "to" in said
        return _put(store, log, former, flagged(trip, bool(settings.current.geocoders)) if moves else trip)

    return attempt()


def delete(email: str, id_: str) -> None:
    """Takes a trip out of the log. What phone and car said of it is kept. Raises NotFound."""
    store = UserStore(client(), email)

    @until_current
    def attempt() -> None:
        log = StoredLog(store)
        _change(store, log, _found(log, id_), None)

    attempt()


def _found(log: StoredLog, id_: str) -> Trip:
    found = log.trip(id_) if TRIP_ID.fullmatch(id_) else None
    if found is None:
        raise NotFound("There is no such trip.")
    return found


def _put(store: UserStore, log: StoredLog, former: Trip | None, trip: Trip) -> Trip:
    if former is None:
        trip = replace(trip, id=_free_id(log, trip))
    return _change(store, log, former, trip) or trip


def _free_id(log: StoredLog, trip: Trip) -> str:
    """An id for a trip by hand. Raises Conflict where one of them starts at this moment on its car."""
    n = 0
    while there := log.trip(id_ := trip_id(trip.user, trip.started_at, trip.source, trip.car_id, n)):
        # One that was moved away from there since keeps the id that it was given once.
        if (there.started_at, there.car_id) == (trip.started_at, trip.car_id):
            raise Conflict("A trip that starts at this moment exists already.")
        n += 1
    return id_


def _change(store: UserStore, log: StoredLog, former: Trip | None, trip: Trip | None) -> Trip | None:
    change, rows = store.change(), Rows(log)
    locked(change, store.state(), trip)
    relink(rows, former, trip)
    log.stage(change, rows)
    change.commit()
    return rows.trips[trip.id] if trip else None
