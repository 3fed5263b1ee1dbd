"""Owns how changes of the log that somebody makes by hand wait for each other, and for those that a drive makes."""

from shared.domain.log.addresses import ADDRESS_PENDING
from shared.domain.log.trip import Trip
from shared.domain.tracking.look_ups import wanted
from shared.domain.tracking.state import DriverState
from shared.repositories.documents import Stored
from shared.repositories.user_store import Change


def locked(change: Change, read: Stored[DriverState], state: DriverState | None = None, *changed: Trip | None) -> None:
    """Makes a change by hand wait for every other one: all that alters the log writes the driver's state.

    `state` is the one to store, where it is not the one that was read.

    The addresses that the changed trips may lack are looked up later.
    """
    state = state or read.value
    for trip in changed:
        if trip and trip.has(ADDRESS_PENDING):
            state = wanted(state, [trip.id], trip.updated_at)
    change.put_state(read, state)
