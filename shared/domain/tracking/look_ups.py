"""Owns when the addresses that trips lack are looked up. How an address is found it does not know."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from shared.domain.thresholds import Rules
from shared.domain.tracking.state import TripState, Unaddressed

MOST_WAITING = 50
AT_A_TIME = 5
LONGEST_WAIT = timedelta(days=1)
DOUBLINGS = 16  # after which the longest wait is reached anyway


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
