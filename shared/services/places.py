"""Adds places: those of a driver, and those that the operator shares with all."""

import secrets
from collections.abc import Mapping
from typing import Any

from shared.domain.fitting import Conflict, unfit
from shared.domain.place.places import Place, fitted, refuse_twice
from shared.repositories.documents import until_current
from shared.repositories.places import PlaceRepository, SharedPlaceRepository

MOST_PLACES = 200  # each end reads them all


def add(places: PlaceRepository, said: Mapping[str, Any]) -> Place:
    """A new place of a driver, by the names of its fields. Raises Unfit, also for one that is there or too many."""
    return _added(places, _new(said), MOST_PLACES)


def share(places: SharedPlaceRepository, said: Mapping[str, Any]) -> Place:
    """A new place of all drivers, by the names of its fields. Raises Unfit, also where it is there."""
    return _added(places, _new(said), None)


def _new(said: Mapping[str, Any]) -> Place:
    for field in ("name", "lat", "lng"):
        if field not in said:
            raise unfit(field, "is needed")
    return fitted(Place(secrets.token_hex(6), "", 0.0, 0.0), said)


def _added(places: PlaceRepository | SharedPlaceRepository, place: Place, at_most: int | None) -> Place:
    @until_current
    def attempt() -> None:
        read = places.read()
        if at_most is not None and len(read.value) >= at_most:
            raise Conflict(f"A driver can have {at_most} places at most.")
        refuse_twice(read.value.values(), place)
        places.put(read, place)

    attempt()
    return place
