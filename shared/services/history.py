"""Shows what was changed in the log of a driver, by whom and why."""

from collections.abc import Sequence

from shared.domain.fitting import NotFound
from shared.domain.log.history import Entry
from shared.domain.log.trip import TRIP_ID
from shared.repositories.documents import client
from shared.repositories.user_store import UserStore


def of_trip(email: str, trip_id: str) -> Sequence[Entry]:
    """All that was changed in a trip, the first change first; also of one that was deleted. Raises NotFound."""
    store = UserStore(client(), email)
    is_id = TRIP_ID.fullmatch(trip_id) is not None
    entries = store.history.of_row(trip_id) if is_id else []
    if not entries and not (is_id and store.trips.find(trip_id)):
        raise NotFound("There is no such trip.")
    return entries


def of_year(email: str, year: int, limit: int, after: int) -> tuple[Sequence[Entry], bool]:
    """At most so many changes of rows of a year, the first first, after the one of a number; whether more follow."""
    found = UserStore(client(), email).history.of_year(year, limit + 1, after)
    return found[:limit], len(found) > limit
