"""Gives a place's name to the ends of past trips that lie in its circle, some trips at a time."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec.structs import replace

from shared import logs
from shared.domain.log.naming import named_after
from shared.domain.log.trip import Trip
from shared.domain.place.places import Place
from shared.repositories.documents import client, until_current
from shared.repositories.user_store import UserStore
from shared.services.by_hand import locked

MOST_TRIPS = 500
# In one commit: each one waits for all other changes of the log, and is done again where one came between.
AT_A_TIME = 100

After = tuple[datetime, str]


class Naming(NamedTuple):
    """How many trips were changed, and whether the log is done; if not, it goes on after `last`, None for its start."""

    renamed: int = 0
    is_done: bool = True
    last: Trip | None = None


def first_named(email: str, place: Place) -> Naming:
    """Names the newest trips, for a place that is stored already: whatever fails now, it goes on from the start."""
    try:
        return named(email, place, None)
    except Exception:  # noqa: BLE001 - an error would say that nothing was changed
        logs.log().warning("trips not named yet; the caller goes on", exc_info=True, extra={"place": place.id})
        return Naming(is_done=False)


def named(email: str, place: Place, after: After | None) -> Naming:
    """Looks at 500 trips, newest first, from a position in that order on. Doing it again changes nothing."""
    store, now = UserStore(client(), email), datetime.now(UTC)
    places, renamed = store.places(), 0
    for _ in range(0, MOST_TRIPS, AT_A_TIME):
        changed, last = until_current(_name_some)(store, place, places, after, now)
        renamed += changed
        if last is None:
            return Naming(renamed)
        after = (last.started_at, last.id)
    return Naming(renamed, is_done=False, last=last)


def _name_some(
    store: UserStore, place: Place, places: Sequence[Place], after: After | None, now: datetime
) -> tuple[int, Trip | None]:
    # The state before the trips: whoever changes the log from here on makes the commit fail.
    state, read = store.state(), store.trips.newest_stored({}, AT_A_TIME + 1, after)
    change, count = store.change(), 0
    for stored in read[:AT_A_TIME]:
        trip = stored.value
        ends = [named_after(end, place, places) for end in (trip.from_, trip.to)]
        if ends != [trip.from_, trip.to] and not state.value.is_closed(trip.car_id, trip.year):
            changed = replace(trip, from_=ends[0], to=ends[1], revision=trip.revision + 1, updated_at=now)
            change.put_trip(stored, changed)
            count += 1
    if count:
        locked(change, state)
        change.commit()
    return count, read[AT_A_TIME - 1].value if len(read) > AT_A_TIME else None
