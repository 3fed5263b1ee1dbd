"""Corrects several trips of a driver at once, all or none: one commit, one entry of the history for each."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from shared import settings
from shared.domain.driver import Account
from shared.domain.fitting import Conflict, unfit
from shared.domain.log.correcting import corrected
from shared.domain.log.history import Author
from shared.domain.log.rows import Rows
from shared.domain.log.trip import TRIP_ID, Trip
from shared.domain.tracking.books import books_of
from shared.domain.tracking.keeping import without_settled
from shared.domain.tracking.schedule import waiting
from shared.domain.tracking.spoken import forgotten, is_open, is_open_to, spoken
from shared.domain.tracking.state import DriverState
from shared.repositories.documents import client, until_current
from shared.repositories.user_store import UserStore
from shared.services.by_hand import locked
from shared.services.log import StoredOwner
from shared.services.rows import StoredLog
from shared.services.trips import found_trip, places_for, readdressed, refuse_other_cars, stretch_around

MOST_AT_ONCE = 200
Say = Callable[[Trip], Trip]


def correct(account: Account, ids: Sequence[str], said: Mapping[str, Any], author: Author) -> list[Trip]:
    """These trips with what is said of each, by the names of its fields, in the order of the ids.

    Raises NotFound and Unfit, and Conflict where some of them cannot be changed together; then nothing is changed.
    """
    if not 1 <= len(ids) <= MOST_AT_ONCE or len({*ids}) < len(ids):
        raise unfit("ids", f"must be 1 to {MOST_AT_ONCE} ids of trips, each once")
    store = UserStore(client(), account.email)

    @until_current
    def attempt() -> list[Trip]:
        read, log = store.state(), StoredLog(store)
        log.trips([id_ for id_ in ids if TRIP_ID.fullmatch(id_)])
        trips = [found_trip(log, id_) for id_ in ids]
        refuse_other_cars(store, said, *trips)
        places = places_for(store, said)

        def say(trip: Trip) -> Trip:
            told = corrected(trip, said, account.timezone, author.now, places, account.habits)
            return readdressed(told, said) if told is not trip else trip

        changed = [trip for trip in trips if say(trip) is not trip]
        if not changed:
            return trips
        change, rows = store.change(author), Rows(log)
        state = _said(store, log, read.value, changed, say, rows, StoredOwner(store, account), author.now)
        log.stage(change, rows, author.now)
        for trip in changed:
            change.is_about(trip.id)
        known = rows.find_trips(ids)
        locked(change, read, state, *known.values())
        change.commit()
        return [known[id_] for id_ in ids]

    return attempt()


def _said(
    store: UserStore,
    log: StoredLog,
    state: DriverState,
    trips: Sequence[Trip],
    say: Say,
    rows: Rows,
    owner: StoredOwner,
    now: datetime,
) -> DriverState:
    """What is open of the log is folded with the state, word by word; each settled stretch with the rows around it."""
    settled = sorted((trip for trip in trips if not is_open(state, trip)), key=lambda trip: trip.started_at)
    leaving = {trip.id for trip in settled if is_open_to(state, say(trip))}
    opened = [trip for trip in trips if trip not in settled or trip.id in leaving]
    if not all(is_open_to(state, say(trip)) for trip in opened):
        raise Conflict("Some of these would come into a part of the log that is settled. Say it one by one.")
    while settled:
        settled, state = _in_one_stretch(store, log, state, settled, leaving, say, rows, owner, now)
    for trip in opened:
        former = trip if trip.id in leaving else rows.find_trips([trip.id])[trip.id]
        known = None if trip.id in leaving else former
        state = spoken(state, known, say(former), rows, owner, now, settles=False).state
    if not opened:
        return state
    state = without_settled(state, rows, owner, now)
    return waiting(state, books_of(state), now, settings.current.rules)


def _in_one_stretch(
    store: UserStore,
    log: StoredLog,
    state: DriverState,
    trips: Sequence[Trip],
    leaving: Collection[str],
    say: Say,
    rows: Rows,
    owner: StoredOwner,
    now: datetime,
) -> tuple[list[Trip], DriverState]:
    """Says it of the trips that lie in one settled stretch with the first of them, or that they leave it; the rest, and
    the state to store."""
    together = [trips[0]]
    while True:
        will_be = (say(trip) for trip in together if trip.id not in leaving)
        stretch = stretch_around(store, log, state, *together, *will_be)
        known = {id_ for one in stretch.state.told for id_ in one.trip_ids}
        known |= {log.before_trip or "" for log in stretch.state.open.values()}
        more = [trip for trip in trips if trip.id in known and trip not in together]
        if not more:
            break
        together += more
    inside, laid = stretch.state, len(rows.stretches)
    for trip in together:
        former = rows.find_trips([trip.id])[trip.id]
        # What is laid last lies in place of all that is stored.
        del rows.stretches[laid:]
        if trip.id in leaving:
            inside = forgotten(inside, former, rows, owner, now, stretch.rows)
        else:
            inside = spoken(inside, former, say(former), rows, owner, now, stretch.rows).state
    return [trip for trip in trips if trip not in together], stretch.close(state, rows, owner, now)
