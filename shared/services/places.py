"""Lists, adds, changes and deletes places: those of a driver, and those that the operator shares with all."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from shared.domain.fitting import Conflict, Forbidden, NotFound, unfit
from shared.domain.place.places import Place, fitted, names_the_same, refuse_twice
from shared.repositories.documents import Stored, client, until_current
from shared.repositories.places import PlaceRepository, SharedPlaceRepository
from shared.services.place_naming import After, Naming, first_named, named

MOST_PLACES = 200  # each end reads them all


class Places(NamedTuple):
    """The places that count for a driver, each by name: their own, and those shared by all."""

    own: list[Place]
    shared: list[Place]


def list_places(email: str) -> Places:
    """The places of a driver, and those shared by all."""
    own, shared = PlaceRepository(client(), email).read().value.values(), SharedPlaceRepository(client()).list_places()
    return Places(sorted(own, key=_by_name), sorted(shared, key=_by_name))


def add(email: str, said: Mapping[str, Any]) -> Place:
    """A new place of a driver, by the names of its fields. Raises Unfit, also for one that is there or too many."""
    return _added(PlaceRepository(client(), email), _new(said), MOST_PLACES)


def share(said: Mapping[str, Any]) -> Place:
    """A new place of all drivers, by the names of its fields. Raises Unfit, also where it is there."""
    return _added(SharedPlaceRepository(client()), _new(said), None)


def add_and_name(email: str, said: Mapping[str, Any]) -> tuple[Place, Naming]:
    """A new place of a driver, as `add` makes it; the newest of the trips that begin or end there get its name."""
    place = add(email, said)
    return place, first_named(email, place)


def change(email: str, place_id: str, said: Mapping[str, Any]) -> tuple[Place, Naming]:
    """A driver's place with what is said of it; where it means other ends of trips now, the newest get its name.

    Raises Unfit, NotFound, and Forbidden for a shared one.
    """
    places = PlaceRepository(client(), email)

    @until_current
    def changed() -> tuple[Place, Place]:
        read = places.read()
        before = _found(read, place_id)
        place = fitted(before, said)
        if place != before:
            places.put(read, place)
        return before, place

    before, place = changed()
    return place, Naming() if names_the_same(before, place) else first_named(email, place)


def delete(email: str, place_id: str) -> None:
    """Takes a driver's place away; trips keep its name. Raises NotFound, and Forbidden for a shared one."""
    places = PlaceRepository(client(), email)

    @until_current
    def attempt() -> None:
        read = places.read()
        places.delete(read, _found(read, place_id).id)

    attempt()


def name_trips(email: str, place_id: str, after: Callable[[], After | None]) -> Naming:
    """Names the ends of the next trips of the log, newest first, from a position in that order on.

    Raises NotFound, and Forbidden for a shared place: these are said before what may be wrong with the position.
    """
    place = _found(PlaceRepository(client(), email).read(), place_id)
    return named(email, place, after())


def _found(read: Stored[dict[str, Place]], place_id: str) -> Place:
    if place := read.value.get(place_id):
        return place
    if any(place.id == place_id for place in SharedPlaceRepository(client()).list_places()):
        raise Forbidden("This place is shared by all; only the operator changes it.")
    raise NotFound("There is no such place.")


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


def _by_name(place: Place) -> tuple[str, str]:
    return place.name.lower(), place.id
