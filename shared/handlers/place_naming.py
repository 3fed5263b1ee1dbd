"""Gives a place's name to the ends of past trips that lie in its circle, some trips at a time."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from shared.domain.log.naming import named_after
from shared.domain.log.trip import Trip
from shared.domain.place.places import Place
from shared.handlers.log_keeping import locked
from shared.repositories.documents import until_current
from shared.repositories.user_store import UserStore

MOST_TRIPS = 500
# In one commit: each one waits for all other changes of the log, and is done again where one came between.
AT_A_TIME = 100

After = tuple[datetime, str]


def named(store: UserStore, place: Place, after: After | None, now: datetime) -> tuple[int, Trip | None]:
    """Looks at 500 trips, newest first, from a position in that order on. Doing it again changes nothing.

    Gives how many trips were changed, and the last one that was looked at, or None at the end of the log.
    """
    places, renamed = store.places(), 0
    for _ in range(0, MOST_TRIPS, AT_A_TIME):
        changed, last = until_current(_name_some)(store, place, places, after, now)
        renamed += changed
        if last is None:
            return renamed, None
        after = (last.started_at, last.id)
    return renamed, last


def _name_some(
    store: UserStore, place: Place, places: Sequence[Place], after: After | None, now: datetime
) -> tuple[int, Trip | None]:
    # The state before the trips: whoever changes the log from here on makes the commit fail.
    state, read = store.state(), store.stored_trips({}, AT_A_TIME + 1, after)
    change, count = store.change(), 0
    for stored in read[:AT_A_TIME]:
        trip = stored.value
        ends = [named_after(end, place, places) for end in (trip.from_, trip.to)]
        if ends != [trip.from_, trip.to]:
            changed = replace(trip, from_=ends[0], to=ends[1], revision=trip.revision + 1, updated_at=now)
            change.put_trip(stored, changed)
            count += 1
    if count:
        locked(change, state)
        change.commit()
    return count, read[AT_A_TIME - 1].value if len(read) > AT_A_TIME else None
