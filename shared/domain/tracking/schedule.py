"""Owns when a car is asked next. Every car cloud has a daily budget, so nobody asks for its own sake."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from shared.domain.car.asking import looking
from shared.domain.thresholds import Rules
from shared.domain.tracking.state import Leg, TripState

LONGEST_WAIT = timedelta(minutes=30)
MANY = 16  # doublings after which the longest wait is reached anyway


def after_failure(state: TripState, retry_after: timedelta, now: datetime, rules: Rules) -> TripState:
    """The state after a failed read: waits double from the ordinary one, and the cloud's own wish is honoured."""
    wait = min(rules.poll_every * 2 ** min(state.failures, MANY), LONGEST_WAIT)
    return replace(state, failures=state.failures + 1, car_retry_at=now + max(wait, retry_after))


def scheduled(
    state: TripState,
    leg: Leg | None,
    now: datetime,
    rules: Rules,
    lease_until: datetime | None = None,
    has_car: bool = True,
    not_before: datetime | None = None,
) -> TripState:
    """The state with its next poll. A poll that was wanted while this one was under way (not our lease) stays.

    `not_before` is when the car may be asked again; a trip may be over earlier.
    """
    retry_at = max((moment for moment in (state.car_retry_at, not_before) if moment), default=None)
    next_poll_at = _next_poll_at(replace(state, car_retry_at=retry_at), leg, now, rules, has_car)
    wanted_at = state.next_poll_at if state.next_poll_at != lease_until else None
    if next_poll_at and wanted_at:
        next_poll_at = min(next_poll_at, wanted_at)
    counted = state.polls_after_end + 1 if leg is None or leg.ended_at else 0
    return replace(state, next_poll_at=next_poll_at, polls_after_end=counted)


def _next_poll_at(state: TripState, leg: Leg | None, now: datetime, rules: Rules, has_car: bool) -> datetime | None:
    doublings = 2 ** min(state.polls_after_end, MANY)
    if leg is None and state.pending_car_id is None:
        return state.unaddressed.due_at(now)
    if leg is None:
        return _not_before_retry(state, now + min(rules.poll_every * doublings, LONGEST_WAIT))
    if leg.ended_at:
        wait = min(rules.poll_after_end * doublings, rules.poll_every)
        return max(now, min(_not_before_retry(state, now + wait), leg.ended_at + rules.wait_for_end(has_car)))
    stale_at = (state.heard_at or now) + rules.stale_after
    return min(_not_before_retry(state, now + rules.poll_every), stale_at) if has_car else stale_at


def _not_before_retry(state: TripState, moment: datetime) -> datetime:
    return max(moment, state.car_retry_at) if state.car_retry_at else moment


def claimed(state: TripState, now: datetime, lease: timedelta) -> TripState | None:
    """The state with this poll claimed until the lease is over, or None where no poll is due."""
    due = state.next_poll_at is not None and state.next_poll_at <= now
    return replace(state, next_poll_at=now + lease) if due else None


def look_begun(state: TripState, car_ids: Iterable[str], now: datetime) -> TripState:
    """The state with a daily look at these cars that is due now. Only for a driver of whom no trip needs a poll."""
    return replace(state, asking=looking(state.asking, car_ids, now), next_poll_at=now)


def car_to_ask(state: TripState) -> str | None:
    """The car whose turn it is: that of the trip going on, of the trip that waits for its end odometer, of the look."""
    if state.active:
        return state.car_id
    return state.pending_car_id or next(iter(state.asking.to_look_at), None)
