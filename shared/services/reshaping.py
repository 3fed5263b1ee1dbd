"""Makes two trips of one, or one of several, as their driver says it: one commit, and no kilometre more or less."""

from collections.abc import Callable, Sequence
from datetime import datetime

from shared import settings
from shared.domain.driver import Account
from shared.domain.fitting import Conflict, moment, unfit
from shared.domain.log.dividing import divided, mixed
from shared.domain.log.gap_row import GapRow
from shared.domain.log.history import Author
from shared.domain.log.joining import joined
from shared.domain.log.rows import Rows
from shared.domain.log.trip import TRIP_ID, Trip, trip_id
from shared.domain.tracking.books import books_of
from shared.domain.tracking.keeping import without_settled
from shared.domain.tracking.schedule import waiting
from shared.domain.tracking.spoken import is_open, reshaped, words_of
from shared.domain.tracking.state import DriverState
from shared.repositories.documents import client, until_current
from shared.repositories.user_store import UserStore
from shared.services.by_hand import locked
from shared.services.log import StoredOwner
from shared.services.rows import StoredLog
from shared.services.stretches import widened
from shared.services.trips import found_trip, stretch_around

MOST_MERGED = 20
Shape = Callable[[DriverState, Rows], Sequence[Trip]]


def split(account: Account, id_: str, at: str, author: Author) -> list[Trip]:
    """The two trips that one becomes at a moment, in ISO 8601; the first keeps its id. Raises NotFound and Unfit."""
    store, cut_at = UserStore(client(), account.email), moment(at, "at", account.timezone)

    @until_current
    def attempt() -> list[Trip]:
        read, log = store.state(), StoredLog(store)
        trip = found_trip(log, id_)
        second = _free_id(log, trip, cut_at)

        def shape(state: DriverState, rows: Rows) -> Sequence[Trip]:
            readings = state.known_readings(trip.car_id) if trip.car_id else ()
            return divided(trip, cut_at, words_of(trip, rows), readings, second, author.now)

        change, rows = store.change(author), Rows(log)
        state = _folded(store, log, account, read.value, [trip], shape, rows, author.now)
        found = rows.find_trips([id_, second])
        parts = found[id_], found[second]
        if trip.kind == "mixed":
            parts = mixed(*parts, trip.business_km)
            for part in parts:
                rows.put(part)
        log.stage(change, rows, author.now)
        for part in parts:
            change.is_about(part.id)
        locked(change, read, state, *parts)
        change.commit()
        return [*parts]

    return attempt()


def merge(account: Account, ids: Sequence[str], author: Author) -> Trip:
    """The trip that neighbours of one car become, under the id of the first of them.

    Raises NotFound and Unfit, and Conflict where they cannot be one.
    """
    if not 2 <= len(ids) <= MOST_MERGED or len({*ids}) < len(ids):
        raise unfit("ids", f"must be 2 to {MOST_MERGED} ids of trips, each once")
    store = UserStore(client(), account.email)

    @until_current
    def attempt() -> Trip:
        read, log = store.state(), StoredLog(store)
        log.trips([id_ for id_ in ids if TRIP_ID.fullmatch(id_)])
        trips = sorted((found_trip(log, id_) for id_ in ids), key=lambda trip: trip.started_at)
        gaps = _between(store, trips)
        trip = joined(trips, gaps, author.now)
        change, rows = store.change(author), Rows(log)
        state = _folded(store, log, account, read.value, trips, lambda _state, _rows: [trip], rows, author.now)
        log.stage(change, rows, author.now)
        change.is_about(trip.id)
        for gone in trips[1:]:
            change.is_merged(gone.id, trip.id)
        found = rows.find_trips([trip.id])[trip.id]
        locked(change, read, state, found)
        change.commit()
        return found

    return attempt()


def _folded(
    store: UserStore,
    log: StoredLog,
    account: Account,
    state: DriverState,
    formers: Sequence[Trip],
    shape: Shape,
    rows: Rows,
    now: datetime,
) -> DriverState:
    """Puts other trips in place of some; the state to store. What is open of the log is folded with the state, a
    settled stretch with the rows around it."""
    owner = StoredOwner(store, account)
    opened = [is_open(state, trip) for trip in formers]
    if any(opened):
        stored = None
        if not all(opened) and (car_id := formers[0].car_id):
            state, stored = widened(store, log, state, rows, owner, car_id, formers[0].started_at)
        state = reshaped(state, formers, shape(state, rows), rows, owner, now, stored)
        state = without_settled(state, rows, owner, now)
        return waiting(state, books_of(state), now, settings.current.rules)
    stretch = stretch_around(store, log, state, *formers)
    reshaped(stretch.state, formers, shape(stretch.state, rows), rows, owner, now, stretch.rows)
    return stretch.close(state, rows, owner, now)


def _free_id(log: StoredLog, trip: Trip, at: datetime) -> str:
    n = 0
    while log.trips([id_ := trip_id(trip.user, at, trip.source, trip.car_id, n)]):
        n += 1
    return id_


def _between(store: UserStore, trips: Sequence[Trip]) -> list[GapRow]:
    """The gaps between trips by time. Raises Conflict where other trips of their car lie between them."""
    first, last = trips[0], trips[-1]
    there = (one.value for one in store.trips.between(first.car_id, first.started_at, last.ended_at))
    others = {trip.id for trip in there if trip.ended_at > first.started_at} - {trip.id for trip in trips}
    if others and all(trip.car_id == first.car_id for trip in trips):
        raise Conflict("There are other trips between these.", "ids")
    if first.car_id is None or first.to_m is None:
        return []
    found = [one.value for one in store.gaps.between(first.car_id, first.started_at, last.started_at)]
    begins_m = [trip.from_m for trip in trips[1:] if trip.from_m is not None]
    return [gap for gap in found if first.to_m <= gap.from_m and any(gap.to_m <= m for m in begins_m)]
