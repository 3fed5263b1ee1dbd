"""Owns which trips are commutes: between where their driver lives and where they work."""

from collections.abc import Sequence

from shared.domain.log.trip import Endpoint, Trip
from shared.domain.place.places import Place, Role, place_at


def is_commute(trip: Trip, places: Sequence[Place]) -> bool:
    """Whether a trip goes from a home to a place of work or back, by the roles of its driver's places."""
    return {_role(end, places) for end in (trip.from_, trip.to)} == {"home", "work"}


def _role(end: Endpoint, places: Sequence[Place]) -> Role | None:
    """The role of the place at an end, by whose name it goes too; else of the one that has the name which it bears."""
    if place := place_at(places, end.position):
        return place.role
    name = end.place.strip().casefold()
    return next((place.role for place in places if place.role and place.name.strip().casefold() == name), None)
