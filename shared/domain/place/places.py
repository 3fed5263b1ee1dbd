"""Owns a user's places: circles on the map with a name and a kind."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from shared.domain.fitting import Conflict, number, text, unfit
from shared.domain.place.geo import Position, distance_km
from shared.domain.thresholds import LEAST_RADIUS_M, MOST_RADIUS_M, USUAL_RADIUS_M

PlaceKind = Literal["business", "private", "pause"]
# Between where they live and where they work a driver commutes.
Role = Literal["home", "work"]
MOST_ADDRESS = 200
LIMITS = {"lat": (-90.0, 90.0), "lng": (-180.0, 180.0), "radius_m": (LEAST_RADIUS_M, MOST_RADIUS_M)}


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """A geofence: centre in WGS84 degrees, radius in metres."""

    id: str
    name: str
    lat: float
    lng: float
    radius_m: float = USUAL_RADIUS_M
    kind: PlaceKind = "private"
    address: str = ""
    role: Role | None = None


def fitted(place: Place, said: Mapping[str, Any]) -> Place:
    """The place with what is said of it, by the names of its fields; what is not said stays. Raises Unfit."""
    given = dict(said)
    for field, limits in LIMITS.items():
        if field in given:
            given[field] = number(given[field], field, *limits)
            if given[field] is None:
                raise unfit(field, "must be a number")
    if "address" in given:
        given["address"] = text(given["address"], "address", MOST_ADDRESS)
    if "name" in given:
        given["name"] = text(given["name"], "name")
        if not given["name"]:
            raise unfit("name", "must not be empty")
    return replace(place, **given)


def refuse_twice(places: Iterable[Place], place: Place) -> None:
    """Raises Conflict where one of the places has the same name at the same position."""
    if any((one.name, one.lat, one.lng) == (place.name, place.lat, place.lng) for one in places):
        raise Conflict("A place of this name exists there already.", "name")


def names_the_same(place: Place, other: Place) -> bool:
    """Whether both give the same name to the same ends of trips."""
    circles = [(one.name, one.lat, one.lng, one.radius_m) for one in (place, other)]
    return circles[0] == circles[1]


def place_at(places: Iterable[Place], position: Position | None, kind: PlaceKind | None = None) -> Place | None:
    """The place whose circle holds the position, the nearest centre first; None if there is none."""
    if position is None:
        return None
    near = [
        (distance_km(position, Position(place.lat, place.lng)), place.id, place)
        for place in places
        if kind in (None, place.kind)
    ]
    inside = [entry for entry in near if entry[0] * 1000 <= entry[2].radius_m]
    return min(inside)[2] if inside else None
