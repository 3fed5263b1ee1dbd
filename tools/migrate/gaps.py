"""Owns the gaps between trips: those of the moved ones among each other, and where the new system's own join them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise

from shared.domain.log.gap import link, linked

from shared.domain.log.rows import Rows
from shared.domain.log.trip import Gap, Trip
from shared.repositories.documents import until_current
from shared.repositories.user_store import UserStore
from shared.services.by_hand import locked
from shared.services.rows import StoredLog


def with_gaps(trips: Iterable[Trip]) -> list[Trip]:
    """The trips by car and start, each with the gap to the one before.

    As in the live system, the one before is the last that started earlier: not one that started at the same moment.
    """
    ordered = sorted(trips, key=lambda trip: (trip.car_id or "", trip.started_at, trip.id))
    return [linked(trip, previous) for trip, previous in _with_previous(ordered)]


def _with_previous(ordered: Sequence[Trip]) -> Iterator[tuple[Trip, Trip | None]]:
    for _, of_car in groupby(ordered, key=lambda trip: trip.car_id):
        moments = [list(group) for _, group in groupby(of_car, key=lambda trip: trip.started_at)]
        yield from ((trip, None) for trip in moments[0])
        for before, now in pairwise(moments):
            yield from ((trip, before[-1]) for trip in now)


def mend_gaps(store: UserStore, trips: Sequence[Trip]) -> int:
    """Corrects the gaps that are not right in the store, and says how many; `trips` are all of the user's."""
    right = {trip.id: trip for trip in with_gaps(trips)}
    wrong = [trip for trip in trips if _gap(trip) != _gap(right[trip.id])]
    for trip in wrong:
        # One by one: a long attempt would never get done beside a live driver. There are as many as there are places
        # where trips of the two systems meet.
        until_current(_mend)(store, trip.id)
    return len(wrong)


def _gap(trip: Trip) -> tuple[Gap | None, float]:
    return trip.gap, trip.gap_before_km


def _mend(store: UserStore, trip_id: str) -> None:
    """Reads again before it writes: the live system may have put the gap right, or another trip in between."""
    state, log = store.state(), StoredLog(store)
    rows = Rows(log)
    if trip := rows.find(trip_id):
        link(rows, trip)
    if rows.trips:
        change = store.change()
        locked(change, state)
        log.stage(change, rows)
        change.commit()
