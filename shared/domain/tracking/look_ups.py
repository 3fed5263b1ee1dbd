"""Owns when the addresses that trips lack are looked up. How an address is found it does not know."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from shared.domain.thresholds import MOST_LOOK_UPS, Rules
from shared.domain.tracking.state import DriverState, LookUps

AT_A_TIME = 5
LONGEST_WAIT = timedelta(days=1)
DOUBLINGS = 16  # after which the longest wait is reached anyway


def wanted(state: DriverState, trip_ids: Collection[str], now: datetime) -> DriverState:
    """The state that remembers trips without an address, the newest fifty."""
    if not trip_ids:
        return state
    waiting = [kept for kept in state.look_ups.trips if kept not in trip_ids]
    trips = (*waiting, *trip_ids)[-MOST_LOOK_UPS:]
    return replace(state, look_ups=replace(state.look_ups, trips=trips, due_at=state.look_ups.due_at or now))


def claimed(state: DriverState, now: datetime, lease: timedelta) -> DriverState | None:
    """The state with its look-ups claimed until the lease is over, or None where none is due."""
    due_at = state.look_ups.due_at
    if due_at is None or due_at > now:
        return None
    return replace(state, look_ups=replace(state.look_ups, due_at=now + lease))


def looked_up(
    state: DriverState, asked: Sequence[str], left: Sequence[str], failed: bool, now: datetime, rules: Rules
) -> DriverState:
    """The state after look-ups of some trips, of which some are left. After failures waits double up to a day."""
    before = state.look_ups
    trips = (*(kept for kept in before.trips if kept not in asked), *left)
    wait = min(rules.poll_every * 2 ** min(before.failures, DOUBLINGS), LONGEST_WAIT)
    if failed and left:
        return replace(state, look_ups=LookUps(trips, before.failures + 1, now + wait))
    return replace(state, look_ups=LookUps(trips, due_at=now if trips else None))


def forgotten(state: DriverState) -> DriverState:
    """The state without look-ups, where addresses are not looked up any more."""
    return replace(state, look_ups=LookUps()) if state.look_ups.trips else state
