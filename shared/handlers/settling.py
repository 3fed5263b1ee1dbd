"""Stores what a later reading says of trips whose end odometer nobody had read, in the caller's one commit."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from shared.domain.car.odometer import Reading
from shared.domain.log.settling import goes_on_from, is_unread, settled
from shared.domain.log.trip import Trip, linked
from shared.repositories.change import Change
from shared.repositories.documents import Stored
from shared.repositories.user_store import UserStore

# One commit holds them all. Who drives more than this without a word of the car has the older ones left to GPS.
MOST_UNREAD = 30


class Unread(NamedTuple):
    """A trip whose end odometer nobody read, as it will be stored; and as it was read, None where it is new."""

    read: Stored[Trip] | None
    trip: Trip


def as_read(read: Stored[Trip] | None, trip: Trip) -> Unread:
    """The trip with what was read, if that was this trip; else it is one that this change makes."""
    return Unread(read if read and read.value.id == trip.id else None, trip)


def latest_before(change: Change, car_id: str | None, moment: datetime, read: Stored[Trip] | None) -> Trip | None:
    """The last trip of the car before a moment, as it will be once this change is stored."""
    stored = [change.staged(read.value.id) or read.value] if read else []
    staged = [other for other in change.staged_trips() if other.car_id == car_id]
    before = [other for other in (*stored, *staged) if other.started_at < moment]
    return max(before, key=lambda other: other.started_at, default=None)


def unread_until(change: Change, store: UserStore, read: Stored[Trip] | None, last: Trip | None) -> list[Unread]:
    """A trip, as it will be and as it was read, and those before it from which it goes on; none where it was read."""
    found: list[Unread] = []
    while last and is_unread(last) and (not found or goes_on_from(found[0].trip, last)):
        found.insert(0, as_read(read, last))
        if not last.has("start_odometer_estimated") or len(found) == MOST_UNREAD:
            break
        read = store.previous_trip(last.car_id, last.started_at)
        last = latest_before(change, last.car_id, last.started_at, read)
    return found


def put_settled(change: Change, unread: Sequence[Unread], trips: Sequence[Trip | None]) -> None:
    """Puts the trips that were settled in place of what they were."""
    for (read, former), trip in zip(unread, trips, strict=True):
        if trip != former:
            change.put_trip(read, trip)


def settle(change: Change, store: UserStore, unread: Sequence[Unread], reading: Reading, now: datetime) -> Trip | None:
    """Settles trips, each of which goes on from the one before, by a reading at the end of the last one.

    Gives that one as it is then, None where it was no trip at all. The gap after it follows.
    """
    if not unread:
        return None
    trips = settled([each.trip for each in unread], reading, now)
    if (first := trips[0]) and first.start_odometer_km != unread[0].trip.start_odometer_km:
        trips[0] = linked(first, _stored_before(store, first))
    put_settled(change, unread, trips)
    last = unread[-1].trip
    if following := store.next_trip(last.car_id, last.started_at):
        before = trips[-1] or _stored_before(store, unread[0].trip if trips[0] is None else last)
        changed = linked(following.value, before)
        if changed != following.value:
            change.put_trip(following, changed)
    return trips[-1]


def _stored_before(store: UserStore, trip: Trip) -> Trip | None:
    read = store.previous_trip(trip.car_id, trip.started_at)
    return read.value if read else None
