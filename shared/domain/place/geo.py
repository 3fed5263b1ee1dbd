"""Owns distances on the earth. Knows nothing of trips, phones or cars."""

from math import asin, cos, radians, sin, sqrt
from typing import NamedTuple

EARTH_RADIUS_KM = 6371.0088  # mean radius R1 of the GRS80 ellipsoid (IUGG)


class Position(NamedTuple):
    """WGS84 degrees, latitude first."""

    lat: float
    lng: float


def distance_km(a: Position, b: Position) -> float:
    """Great-circle distance in km by the haversine formula (Sinnott, Sky & Telescope 68/2, 1984)."""
    half_lat = radians(b.lat - a.lat) / 2
    half_lng = radians(b.lng - a.lng) / 2
    h = sin(half_lat) ** 2 + cos(radians(a.lat)) * cos(radians(b.lat)) * sin(half_lng) ** 2
    return 2 * EARTH_RADIUS_KM * asin(sqrt(min(1.0, h)))
