"""Lists, adds, changes and deletes a driver's places, and gives their names to the ends of past trips."""

from typing import Any

import msgspec
from flask import Request
from msgspec import UNSET, Struct, UnsetType

from shared import logs
from shared.domain.driver import Caller
from shared.domain.place.places import Place, PlaceKind, fitted
from shared.handlers import fields
from shared.handlers.bodies import decoded
from shared.handlers.cursors import cursor_of, position_of
from shared.handlers.place_naming import named
from shared.handlers.problems import Problem
from shared.repositories.documents import Stored, client, until_current
from shared.repositories.places import PlaceRepository, SharedPlaceRepository
from shared.repositories.user_store import UserStore
from shared.services import places

START = "start"  # of the log, where nothing has been named yet


class PlaceBody(Struct, forbid_unknown_fields=True):
    """Any of a place's fields."""

    name: str | UnsetType = UNSET
    lat: float | UnsetType = UNSET
    lng: float | UnsetType = UNSET
    radius_m: float | UnsetType = UNSET
    kind: PlaceKind | UnsetType = UNSET
    address: str | UnsetType = UNSET

    def said(self) -> dict[str, Any]:
        """What is said of the place, by the names of its fields."""
        return {field: value for field, value in msgspec.structs.asdict(self).items() if value is not UNSET}


class ApplyBody(Struct, forbid_unknown_fields=True):
    """Where to go on."""

    cursor: str | None = None


def list_places(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """The driver's places by name, then those shared by all."""
    own = sorted(PlaceRepository(client(), caller.account.email).read().value.values(), key=_by_name)
    shared = sorted(SharedPlaceRepository(client()).list_places(), key=_by_name)
    return {"locations": [_view(place) for place in own] + [_view(place, shared=True) for place in shared]}, 200


def add(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """A new place; the first of the trips that begin or end there get its name."""
    place = places.add(PlaceRepository(client(), caller.account.email), decoded(request, PlaceBody).said())
    return {**_view(place), **_first_named(caller, place)}, 201


def change(request: Request, caller: Caller, place_id: str) -> tuple[dict[str, Any], int]:
    """A place with some fields changed; the first of the trips that begin or end there get its name."""
    body, repository = decoded(request, PlaceBody), PlaceRepository(client(), caller.account.email)
    before, place = until_current(_change)(repository, place_id, body)
    circles = [(one.name, one.lat, one.lng, one.radius_m) for one in (before, place)]
    told = _first_named(caller, place) if circles[0] != circles[1] else {"renamed": 0, "next_cursor": None}
    return {**_view(place), **told}, 200


def delete(request: Request, caller: Caller, place_id: str) -> tuple[None, int]:
    """Takes a place away. Trips keep its name."""
    repository = PlaceRepository(client(), caller.account.email)

    def attempt() -> None:
        read = repository.read()
        repository.delete(read, _found(read, place_id).id)

    until_current(attempt)()
    return None, 204


def apply(request: Request, caller: Caller, place_id: str) -> tuple[dict[str, Any], int]:
    """Names the ends of the next trips of the log, from a cursor on."""
    cursor = decoded(request, ApplyBody).cursor if request.get_data() else None
    place = _found(PlaceRepository(client(), caller.account.email).read(), place_id)
    return _named(caller, place, cursor), 200


def _change(repository: PlaceRepository, place_id: str, body: PlaceBody) -> tuple[Place, Place]:
    read = repository.read()
    before = _found(read, place_id)
    place = fitted(before, body.said())
    if place != before:
        repository.put(read, place)
    return before, place


def _found(read: Stored[dict[str, Place]], place_id: str) -> Place:
    if place := read.value.get(place_id):
        return place
    if any(place.id == place_id for place in SharedPlaceRepository(client()).list_places()):
        raise Problem(403, "This place is shared by all; only the operator changes it.")
    raise Problem(404, "There is no such place.")


def _first_named(caller: Caller, place: Place) -> dict[str, Any]:
    """The first page, for a place that is stored already: whatever fails now, the caller goes on from its start."""
    try:
        return _named(caller, place, None)
    except Exception:  # noqa: BLE001 - an error would say that nothing was changed
        logs.log().warning("trips not named yet; the caller goes on", exc_info=True, extra={"place": place.id})
        return {"renamed": 0, "next_cursor": START}


def _named(caller: Caller, place: Place, cursor: str | None) -> dict[str, Any]:
    store, after = UserStore(client(), caller.account.email), position_of(None if cursor == START else cursor)
    renamed, last = named(store, place, after, fields.utc_now())
    return {"renamed": renamed, "next_cursor": cursor_of(last) if last else None}


def _by_name(place: Place) -> tuple[str, str]:
    return place.name.lower(), place.id


def _view(place: Place, shared: bool = False) -> dict[str, Any]:
    return {**msgspec.structs.asdict(place), "shared": shared}
