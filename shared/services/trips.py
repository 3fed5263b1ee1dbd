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
from shared.services.log import StoredLog, locked


def page(email: str, equal: dict[str, Any], limit: int, after: tuple[datetime, str] | None) -> tuple[list[Trip], bool]:
    """At most so many trips whose fields equal those given, newest first, after a position; whether there are more."""
    found = UserStore(client(), email).trips(equal, limit + 1, after)
    return found[:limit], len(found) > limit


def find(email: str, id_: str) -> Trip:
    """One trip. Raises NotFound."""
    return _found(StoredLog(UserStore(client(), email)), id_)


def add(account: Account, said: Mapping[str, Any], now: datetime) -> Trip:
    """A trip by hand, by the names of its fields. Raises Unfit, and Conflict where one like it is there."""
    trip = flagged(_entered(account, said, now), bool(settings.current.geocoders))
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


def _entered(account: Account, said: Mapping[str, Any], now: datetime) -> Trip:
    trip = entered(account.email, account.default_car_id, account.timezone, said, now)
    return replace(trip, id=trip_id(account.email, trip.started_at, "manual", trip.car_id))


def _found(log: StoredLog, id_: str) -> Trip:
    found = log.trip(id_) if TRIP_ID.fullmatch(id_) else None
    if found is None:
        raise NotFound("There is no such trip.")
    return found


def _put(store: UserStore, log: StoredLog, former: Trip | None, trip: Trip) -> Trip:
    if former is None and (there := log.trip(trip.id)):
        if (there.started_at, there.car_id) == (trip.started_at, trip.car_id):
            raise Conflict("A trip that starts at this moment exists already.")
        # It was moved away from there since: the id that it was given once stays its own.
        trip = replace(trip, id=Rows(log).free_id(trip.user, trip.started_at, trip.car_id, trip.source))
    return _change(store, log, former, trip) or trip


def _change(store: UserStore, log: StoredLog, former: Trip | None, trip: Trip | None) -> Trip | None:
    change, rows = store.change(), Rows(log)
    locked(change, store.state(), trip)
    relink(rows, former, trip)
    log.stage(change, rows)
    change.commit()
    return rows.trips[trip.id] if trip else None
