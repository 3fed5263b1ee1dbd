"""Shows the trips of a driver as they are kept. Nothing here folds a log: who looks at it loads little."""

from datetime import datetime
from typing import Any

from shared.domain.fitting import NotFound
from shared.domain.log.trip import TRIP_ID, Trip
from shared.repositories.documents import client
from shared.repositories.user_store import UserStore


def page(email: str, equal: dict[str, Any], limit: int, after: tuple[datetime, str] | None) -> tuple[list[Trip], bool]:
    """At most so many trips whose fields equal those given, newest first, after a position; whether there are more."""
    found = UserStore(client(), email).trips.newest(equal, limit + 1, after)
    return found[:limit], len(found) > limit


def find(email: str, id_: str) -> Trip:
    """One trip. Raises NotFound."""
    found = UserStore(client(), email).trips.find(id_) if TRIP_ID.fullmatch(id_) else None
    if found is None:
        raise NotFound("There is no such trip.")
    return found.value
