"""Owns which purposes are offered to a driver: those that they last gave trips between the same two places."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import msgspec

from shared.domain.log.trip import Endpoint, Trip, TripKind
from shared.domain.place.geo import distance_km
from shared.domain.thresholds import USUAL_RADIUS_M

MOST_OFFERED = 10
ANYWHERE = Endpoint()


class Use(msgspec.Struct, frozen=True):
    """What a trip tells of purposes: its ends, and when it was used for what."""

    id: str
    started_at: datetime
    date: str
    from_: Endpoint = msgspec.field(name="from", default=ANYWHERE)
    to: Endpoint = ANYWHERE
    purpose: str = ""
    kind: TripKind = "unclassified"


class Purpose(msgspec.Struct, frozen=True):
    """A purpose as it was given last: the kind of that trip, its date, and how many trips had it."""

    purpose: str
    kind: TripKind
    last_used: str
    count: int


class Ends(NamedTuple):
    """Between which two ends trips are looked for, whichever way they went. If one says nothing, any will do."""

    one: Endpoint = ANYWHERE
    other: Endpoint = ANYWHERE


def of_trip(trip: Trip) -> Ends:
    """Between which ends a trip went."""
    return Ends(trip.from_, trip.to)


def named(one: str, other: str) -> Ends:
    """Between two places by their names, or addresses where trips have no place there; empty where any will do."""
    return Ends(*(Endpoint(place=name, address=name) for name in (one, other)))


def offered(uses: Iterable[Use], ends: Ends) -> list[Purpose]:
    """The purposes of those uses that went between these ends, each once. `uses` are by time, newest first, and so are
    they, MOST_OFFERED at most."""
    found = dict[str, list[Use]]()
    for use in uses:
        if use.purpose.strip() and _is_between(use, ends):
            found.setdefault(use.purpose.strip().casefold(), []).append(use)
    newest = list(found.values())[:MOST_OFFERED]
    return [Purpose(of[0].purpose.strip(), of[0].kind, of[0].date, len(of)) for of in newest]


def _is_between(use: Use, ends: Ends) -> bool:
    ways = ((use.from_, use.to), (use.to, use.from_))
    return any(_is_there(ends.one, one) and _is_there(ends.other, other) for one, other in ways)


def _is_there(wanted: Endpoint, end: Endpoint) -> bool:
    """Whether an end is where one is wanted: by the names of places, else by positions, else by addresses."""
    if wanted == ANYWHERE:
        return True
    if wanted.place and end.place:
        return _same(wanted.place, end.place)
    if wanted.position and end.position:
        return distance_km(wanted.position, end.position) * 1000 <= USUAL_RADIUS_M
    return bool(wanted.address) and _same(wanted.address, end.address)


def _same(name: str, other: str) -> bool:
    return name.strip().casefold() == other.strip().casefold()
