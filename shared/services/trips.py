"""Adds, corrects and deletes the trips of a driver by hand."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from shared import settings
from shared.domain.driver import Account
from shared.domain.fitting import Conflict, NotFound, car_id, unfit
from shared.domain.log.addresses import flagged
from shared.domain.log.correcting import OF_PLACES, corrected, entered
from shared.domain.log.history import Author
from shared.domain.log.rows import Rows
from shared.domain.log.trip import TRIP_ID, Trip, trip_id
from shared.domain.log.words import identified
from shared.domain.place.places import Place
from shared.domain.tracking.books import books_of
from shared.domain.tracking.schedule import waiting
from shared.domain.tracking.spoken import Spoken, forgotten, is_open, is_open_to, spoken
from shared.domain.tracking.state import DriverState
from shared.repositories.documents import Stored, client, until_current
from shared.repositories.user_store import UserStore
from shared.services.by_hand import locked
from shared.services.log import StoredOwner
from shared.services.rows import StoredLog
from shared.services.stretches import Reopened, reopened

NEAR = timedelta(days=7)  # so far apart two stretches of a log have nothing to do with each other


def add(account: Account, said: Mapping[str, Any], author: Author) -> Trip:
    """A trip by hand, by the names of its fields. Raises Unfit, and Conflict where one like it is there."""
    by_hand = entered(account.email, account.default_car_id, account.timezone, said, author.now)
    trip = flagged(by_hand, bool(settings.current.geocoders))
    store = UserStore(client(), account.email)
    refuse_other_cars(store, said)

    @until_current
    def attempt() -> Trip:
        read, log = store.state(), StoredLog(store)
        return _change(store, read, log, account, None, identified(trip, _free_id(log, trip)), author) or trip

    return attempt()


def correct(account: Account, id_: str, said: Mapping[str, Any], revision: int | None, author: Author) -> Trip:
    """A trip with what is said of it, by the names of its fields. Where that is nothing new, nothing is written.

    Raises NotFound and Unfit, and Conflict where it is of another revision than the one given.
    """
    store = UserStore(client(), account.email)

    @until_current
    def attempt() -> Trip:
        read, log = store.state(), StoredLog(store)
        former = found_trip(log, id_)
        if revision is not None and revision != former.revision:
            raise Conflict(f"The trip is at revision {former.revision} by now.", "revision")
        refuse_other_cars(store, said, former)
        places = places_for(store, said)
        trip = corrected(former, said, account.timezone, author.now, places, account.habits)
        if trip is former:
            return former
        return _change(store, read, log, account, former, readdressed(trip, said), author) or trip

    return attempt()


def delete(account: Account, id_: str, author: Author) -> None:
    """Takes a trip out of the log. What phone and car said of it is kept. Raises NotFound."""
    store = UserStore(client(), account.email)

    @until_current
    def attempt() -> None:
        read, log = store.state(), StoredLog(store)
        _change(store, read, log, account, found_trip(log, id_), None, author)

    attempt()


def readdressed(trip: Trip, said: Mapping[str, Any]) -> Trip:
    """A trip, flagged where an end that was said has no address yet."""
    moves = "from_" in said or "to" in said
    return flagged(trip, bool(settings.current.geocoders)) if moves else trip


def refuse_other_cars(store: UserStore, said: Mapping[str, Any], *formers: Trip) -> None:
    """Raises Unfit for a car that is none of the driver's. What was in one that was theirs stays there."""
    named = car_id(said.get("car_id"))
    is_kept = bool(formers) and all(former.car_id == named for former in formers)
    if named and not is_kept and named not in store.cars.list_cars():
        raise unfit("car_id", "is none of your cars")


def places_for(store: UserStore, said: Mapping[str, Any]) -> Sequence[Place]:
    """The places of a driver where what they give back follows from them."""
    return store.places() if any(name in said and said[name] is None for name in OF_PLACES) else ()


def found_trip(log: StoredLog, id_: str) -> Trip:
    """A trip of the log. Raises NotFound."""
    found = next(iter(log.trips([id_])), None) if TRIP_ID.fullmatch(id_) else None
    if found is None:
        raise NotFound("There is no such trip.")
    return found


def _free_id(log: StoredLog, trip: Trip) -> str:
    """An id for a trip by hand. Raises Conflict where one of them starts at this moment on its car."""
    n = 0
    while there := next(
        iter(log.trips([id_ := trip_id(trip.user, trip.started_at, trip.source, trip.car_id, n)])), None
    ):
        # One that was moved away from there since keeps the id that it was given once.
        if (there.started_at, there.car_id) == (trip.started_at, trip.car_id):
            raise Conflict("A trip that starts at this moment exists already.")
        n += 1
    return id_


def _change(
    store: UserStore,
    read: Stored[DriverState],
    log: StoredLog,
    account: Account,
    former: Trip | None,
    trip: Trip | None,
    author: Author,
) -> Trip | None:
    """Commits a trip that was added, corrected or deleted, all that follows from it, and the entry that tells of it.

    The state was `read` before any row: whoever changes a row after that makes the commit fail, and it is done again.
    """
    change, rows = store.change(author), Rows(log)
    owner = StoredOwner(store, account)
    state, found = _spoken(store, log, read.value, former, trip, rows, owner, author.now)
    log.stage(change, rows, author.now)
    for one in (former, found):
        if one:
            change.is_about(one.id)
    locked(change, read, state, found)
    change.commit()
    return found


def _spoken(
    store: UserStore,
    log: StoredLog,
    state: DriverState,
    former: Trip | None,
    trip: Trip | None,
    rows: Rows,
    owner: StoredOwner,
    now: datetime,
) -> Spoken:
    """What is open of the log is folded with the state, a settled stretch with the rows around it."""
    was_open = is_open(state, former or trip)
    is_to_be = is_open_to(state, trip) if trip else was_open
    if not (was_open or is_to_be) and (former is None or trip is None or _is_near(former, trip)):
        return _spoken_of_settled(store, log, state, former, trip, rows, owner, now)
    if former and not was_open:
        # It leaves a settled stretch for what is open of the log, or for one that lies elsewhere.
        stretch = stretch_around(store, log, state, former, None)
        forgotten(stretch.state, former, rows, owner, now, stretch.rows)
        state, former = stretch.close(state, rows, owner, now), None
    if trip and not (was_open or is_to_be):
        return _spoken_of_settled(store, log, state, None, trip, rows, owner, now)
    if former and trip and not is_to_be:
        state = forgotten(state, former, rows, owner, now)
        state, found = _spoken_of_settled(store, log, state, None, trip, rows, owner, now)
    else:
        state, found = spoken(state, former, trip, rows, owner, now)
    return Spoken(waiting(state, books_of(state), now, settings.current.rules), found)


def _spoken_of_settled(
    store: UserStore,
    log: StoredLog,
    state: DriverState,
    former: Trip | None,
    trip: Trip | None,
    rows: Rows,
    owner: StoredOwner,
    now: datetime,
) -> Spoken:
    stretch = stretch_around(store, log, state, former, trip)
    found = spoken(stretch.state, former, trip, rows, owner, now, stretch.rows).trip
    return Spoken(stretch.close(state, rows, owner, now), found)


def _is_near(former: Trip, trip: Trip) -> bool:
    """Whether a trip stays in its car and about at its time, so that one stretch of the log is to have both."""
    is_near = abs(former.started_at - trip.started_at) <= NEAR
    return former.car_id == trip.car_id and is_near


def stretch_around(store: UserStore, log: StoredLog, state: DriverState, *trips: Trip | None) -> Reopened:
    """What is known around trips that lie in a settled stretch, where they were and where they will be."""
    about = [one for one in trips if one]
    cars = {one.car_id for one in about if one.car_id}
    since, until = min(one.started_at for one in about), max(one.ended_at for one in about)
    found = reopened(store, log, state, cars, since, until)
    return found.with_trips_in_no_car([one for one in about if one.car_id is None and log.trips([one.id])])
