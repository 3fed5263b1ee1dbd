"""Lists, adds, changes and deletes a driver's places, and gives their names to the ends of past trips."""

from typing import Any

import msgspec
from flask import Request
from msgspec import UNSET, Struct, UnsetType

from shared.domain.driver import Caller
from shared.domain.place.places import Place, PlaceKind, Role
from shared.handlers.bodies import decoded
from shared.handlers.cursors import cursor_of, position_of
from shared.services import places
from shared.services.place_naming import Naming

START = "start"  # of the log, where nothing has been named yet


class PlaceBody(Struct, forbid_unknown_fields=True):
    """Any of a place's fields."""

    name: str | UnsetType = UNSET
    lat: float | UnsetType = UNSET
    lng: float | UnsetType = UNSET
    radius_m: float | UnsetType = UNSET
    kind: PlaceKind | UnsetType = UNSET
    address: str | UnsetType = UNSET
    role: Role | None | UnsetType = UNSET

    def said(self) -> dict[str, Any]:
        """What is said of the place, by the names of its fields."""
        return {field: value for field, value in msgspec.structs.asdict(self).items() if value is not UNSET}


class ApplyBody(Struct, forbid_unknown_fields=True):
    """Where to go on."""

    cursor: str | None = None


def list_places(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """The driver's places by name, then those shared by all."""
    found = places.list_places(caller.account.email)
    shown = [*(_view(place) for place in found.own), *(_view(place, shared=True) for place in found.shared)]
    return {"locations": shown}, 200


def add(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """A new place; the first of the trips that begin or end there get its name."""
    place, naming = places.add_and_name(caller.account.email, decoded(request, PlaceBody).said())
    return {**_view(place), **_naming_view(naming)}, 201


def change(request: Request, caller: Caller, place_id: str) -> tuple[dict[str, Any], int]:
    """A place with some fields changed; the first of the trips that begin or end there get its name."""
    place, naming = places.change(caller.account.email, place_id, decoded(request, PlaceBody).said())
    return {**_view(place), **_naming_view(naming)}, 200


def delete(request: Request, caller: Caller, place_id: str) -> tuple[None, int]:
    """Takes a place away. Trips keep its name."""
    places.delete(caller.account.email, place_id)
    return None, 204


def apply(request: Request, caller: Caller, place_id: str) -> tuple[dict[str, Any], int]:
    """Names the ends of the next trips of the log, from a cursor on."""
    cursor = decoded(request, ApplyBody).cursor if request.get_data() else None
    naming = places.name_trips(caller.account.email, place_id, lambda: position_of(None if cursor == START else cursor))
    return _naming_view(naming), 200


def _view(place: Place, shared: bool = False) -> dict[str, Any]:
    return {**msgspec.structs.asdict(place), "shared": shared}


def _naming_view(naming: Naming) -> dict[str, Any]:
    going_on = cursor_of(naming.last) if naming.last else START
    return {"renamed": naming.renamed, "next_cursor": None if naming.is_done else going_on}
