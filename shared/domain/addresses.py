"""Owns which trips still lack an address, and when they are looked up. How an address is found it does not know."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from shared.domain.geo import Position
from shared.domain.rules import Rules
from shared.domain.state import TripState, Unaddressed
from shared.domain.trip import Endpoint, Flag, Trip

ADDRESS_PENDING: Flag = "address_pending"
MOST_WAITING = 50
AT_A_TIME = 5
LONGEST_WAIT = timedelta(days=1)
GIVE_UP_AFTER = timedelta(days=2)
DOUBLINGS = 16  # after which the longest wait is reached anyway


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


def wanted(state: TripState, trip_ids: Collection[str], now: datetime) -> TripState:
    """The state that remembers trips without an address, the newest fifty.

    A driver at rest is due for them. While a trip goes on, or waits for its odometer, the polls of the car do it along.
    """
    waiting = [kept for kept in state.unaddressed.trips if kept not in trip_ids]
    trips = (*waiting, *trip_ids)[-MOST_WAITING:]
    return _due(replace(state, unaddressed=replace(state.unaddressed, trips=trips)), now)


def _due(state: TripState, now: datetime) -> TripState:
    due_at = state.unaddressed.due_at(now)
    if due_at is None or _asks_car(state):
        return state
    return replace(state, next_poll_at=min(due_at, state.next_poll_at or due_at))


def claimed(state: TripState, now: datetime, lease: timedelta) -> TripState | None:
    """The state with its look-ups claimed until the lease is over, or None where none is due."""
    due_at, until = state.unaddressed.due_at(now), now + lease
    if due_at is None or due_at > now:
        return None
    return _with(state, replace(state.unaddressed, retry_at=until), until)


def looked_up(
    state: TripState, asked: Sequence[str], left: Sequence[str], failed: bool, now: datetime, rules: Rules
) -> TripState:
    """The state after look-ups of some trips, of which some are left. After failures waits double up to a day."""
    before = state.unaddressed
    trips = (*(kept for kept in before.trips if kept not in asked), *left)
    wait = min(rules.poll_every * 2 ** min(before.failures, DOUBLINGS), LONGEST_WAIT)
    after = Unaddressed(trips, before.failures + 1, now + wait) if failed and left else Unaddressed(trips)
    return _with(state, after, after.due_at(now))


def forgotten(state: TripState) -> TripState:
    """The state without look-ups, where addresses are not looked up any more."""
    return _with(state, Unaddressed(), None) if state.unaddressed.trips else state


def _with(state: TripState, unaddressed: Unaddressed, due_at: datetime | None) -> TripState:
    state = replace(state, unaddressed=unaddressed)
    return state if _asks_car(state) else replace(state, next_poll_at=due_at)


def _asks_car(state: TripState) -> bool:
    return state.active or state.pending_car_id is not None or bool(state.asking.to_look_at)


def given_up(trip: Trip, now: datetime) -> bool:
    """Whether a trip has waited long enough: it was not changed for two days and still lacks an address."""
    return now - trip.updated_at > GIVE_UP_AFTER
