"""Owns which ends of a trip still lack an address. How an address is found, and when, it does not know."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec.structs import replace

from shared.domain.log.trip import Endpoint, Flag, Trip
from shared.domain.place.geo import Position

ADDRESS_PENDING: Flag = "address_pending"
GIVE_UP_AFTER = timedelta(days=2)


def spot(position: Position) -> Position:
    """The position to four decimals, about 11 m: whoever stands there has the same address."""
    return Position(*(round(degrees, 4) + 0.0 for degrees in position))


def unaddressed_positions(trip: Trip) -> list[Position]:
    """The ends of a trip that are known by position and not by address."""
    return [position for end in (trip.from_, trip.to) if (position := _without_address(end))]


def _without_address(end: Endpoint) -> Position | None:
    return None if end.address else end.position


def flagged(trip: Trip, looked_up: bool) -> Trip:
    """The trip with the flag `address_pending` if it lacks an address and addresses are looked up, else without."""
    others = trip.flags_but(ADDRESS_PENDING)
    pending: tuple[Flag, ...] = (ADDRESS_PENDING,) if looked_up and unaddressed_positions(trip) else ()
    return replace(trip, flags=(*others, *pending))


def addressed(trip: Trip, found: Mapping[Position, str], now: datetime) -> Trip:
    """The trip with what was found where it has no address; "" means that there is none, and nothing to wait for.

    What the driver wrote stays. The flag stays as long as a position is not among those found.
    """
    begin, end = _filled(trip.from_, found), _filled(trip.to, found)
    flags = flagged(trip, any(position not in found for position in unaddressed_positions(trip))).flags
    if (trip.from_, trip.to, trip.flags) == (begin, end, flags):
        return trip
    return replace(trip, from_=begin, to=end, flags=flags, revision=trip.revision + 1, updated_at=now)


def _filled(end: Endpoint, found: Mapping[Position, str]) -> Endpoint:
    position = _without_address(end)
    return replace(end, address=found[position]) if position and position in found else end


def given_up(trip: Trip, now: datetime) -> bool:
    """Whether a trip has waited long enough: it was not changed for two days and still lacks an address."""
    return now - trip.updated_at > GIVE_UP_AFTER
