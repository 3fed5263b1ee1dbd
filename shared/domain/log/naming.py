"""Owns which ends of a trip bear the name of a place."""

from collections.abc import Sequence

from msgspec.structs import replace

from shared.domain.log.trip import Endpoint
from shared.domain.place.geo import Position
from shared.domain.place.places import Place, place_at


def named_after(end: Endpoint, place: Place, places: Sequence[Place]) -> Endpoint:
    """The end with the place's name where it lies in its circle and no other place of `places` is nearer."""
    if end.lat is None or end.lng is None or end.place == place.name:
        return end
    nearest = place_at(places, Position(end.lat, end.lng))
    return replace(end, place=place.name) if nearest and nearest.id == place.id else end
