"""Owns a user's places: circles on the map with a name and a kind."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from shared.domain.geo import Position, distance_km

PlaceKind = Literal["business", "private", "pause"]


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """A geofence: centre in WGS84 degrees, radius in metres."""

    id: str
    name: str
    lat: float
    lng: float
    radius_m: float = 150.0
    kind: PlaceKind = "private"
    address: str = ""


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
