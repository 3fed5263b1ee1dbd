"""Owns when a car is asked next. Every car cloud has a daily budget, so nobody asks for its own sake."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from shared.domain.thresholds import GIVE_UP_SETTLING_AFTER, LONGEST_WAIT, Rules
from shared.domain.tracking.books import Books
from shared.domain.tracking.events import Outcome
from shared.domain.tracking.state import DriverState, GoingOn, Leg, OpenLog, leg_of, over_at, with_log

SELDOM = timedelta(hours=12)  # a car that said nothing for a day
ASKED_ONCE_WITHIN = timedelta(hours=24)
MANY = 16  # doublings after which the longest wait is reached anyway


def after_failure(log: OpenLog, retry_after: timedelta, now: datetime, rules: Rules) -> OpenLog:
    """A car after a failed read: waits double from the ordinary one, and the cloud's own wish is honoured."""
    wait = min(rules.poll_every * 2 ** min(log.failures, MANY), LONGEST_WAIT)
    return replace(log, failures=log.failures + 1, retry_at=now + max(wait, retry_after))


def scheduled(state: DriverState, books: Books, outcome: Outcome, now: datetime, rules: Rules) -> DriverState:
    """The state in which everything that waits for a car has a time at which it is asked."""
    state = waiting(state, books, now, rules)
    if outcome.finished or outcome.weaves:
        state = _asking_others(state, now)
    if outcome.asked:
        state = planned(state, outcome.asked.car_id, leg_of(state, rules), now, rules, outcome.asked.not_before)
    return state


def waiting(state: DriverState, books: Books, now: datetime, rules: Rules) -> DriverState:
    """The state in which each car is asked that something waits for by now, and no other one for its own sake."""
    for car_id in sorted({*state.open, *books.of}):
        state = _waiting(state, car_id, _is_pending(books, car_id), now, rules)
    return state


def _is_pending(books: Books, car_id: str) -> bool:
    """Whether a trip of the car has no end odometer yet, or an end waits for what the car says."""
    book = books.of.get(car_id)
    return book is not None and any(trip.has("odometer_pending") for trip in book.trips)


def _waiting(state: DriverState, car_id: str, is_pending: bool, now: datetime, rules: Rules) -> DriverState:
    log = state.of_car(car_id)
    if not is_pending:
        if log.pending_since is None:
            return state
        is_driven = state.drive is not None and state.drive.car_id == car_id
        return with_log(
            state, car_id, replace(log, pending_since=None, asked=0, ask_at=log.ask_at if is_driven else None)
        )
    if log.pending_since and log.due_at:
        return state
    if log.pending_since is None:
        log = replace(log, pending_since=now, asked=0)
    # Who was to be asked for a drive that is over by now is asked for what waits.
    wait = _wait(log, None, None, now, rules)
    ask_at = None if wait is None else min(now + wait, log.ask_at or now + wait)
    return with_log(state, car_id, replace(log, ask_at=ask_at))


def _asking_others(state: DriverState, now: datetime) -> DriverState:
    """The state in which every car that a drive could have been in is asked once since it is over."""
    unnamed = [one.ended_at for one in state.told if one.car_id is None and not one.is_stray and not one.is_by_hand]
    if len(state.car_ids) < 2 or not unnamed or now - max(unnamed) > ASKED_ONCE_WITHIN:
        return state
    for car_id in state.car_ids:
        log = state.of_car(car_id)
        newest = max((reading.at for reading in log.readings), default=None)
        is_asked = log.due_at is not None or log.is_mute or (newest is not None and newest >= max(unnamed))
        if not is_asked:
            state = with_log(state, car_id, replace(log, ask_at=now))
    return state


def planned(
    state: DriverState, car_id: str, leg: Leg | None, now: datetime, rules: Rules, not_before: datetime | None = None
) -> DriverState:
    """The state with the next time at which a car is asked, after it was or could not be; never, if nothing waits.

    `leg` is the drive going on: its car is asked once more when it is over by itself, whatever holds for the way. Not
    before the car's cloud is fit again, nor before a moment if one is given. Where somebody wants it sooner by now, it
    stays as they want it.
    """
    log, drive = state.of_car(car_id), state.drive
    going = drive if drive and leg and drive.car_id == car_id else None
    wait = _wait(log, going, leg, now, rules)
    last_at = [over_at(state, going, rules)] if going else []
    on_the_way_until = last_at if leg and not leg.ended_at else []
    next_at = None if wait is None else max(min([now + wait, *last_at]), min([not_before or now, *on_the_way_until]))
    ask_at = next_at and max(next_at, log.retry_at or now)
    wanted = [moment for moment in (ask_at, log.ask_at) if moment]
    log = replace(log, ask_at=min(wanted, default=None))
    if going and leg:
        asked = going.polls_after_end + 1 if leg.ended_at else 0
        return with_log(replace(state, drive=replace(going, polls_after_end=asked)), car_id, log)
    return with_log(state, car_id, replace(log, asked=log.asked + 1) if log.pending_since else log)


def _wait(log: OpenLog, going: GoingOn | None, leg: Leg | None, now: datetime, rules: Rules) -> timedelta | None:
    if going and leg:
        if not going.is_asked:
            return None
        after_end = rules.poll_after_end * (1 << min(going.polls_after_end, MANY))
        return min(after_end, rules.poll_every) if leg.ended_at else rules.poll_every
    if log.pending_since is None or log.is_mute:
        return None
    if now - log.pending_since > GIVE_UP_SETTLING_AFTER:
        return SELDOM
    return min(rules.poll_every * (1 << min(log.asked, MANY)), LONGEST_WAIT)


def is_on_the_way(state: DriverState, car_id: str, now: datetime, rules: Rules) -> bool:
    """Whether a car drives as far as is known: its drive has no end yet, and is not over by itself."""
    drive, leg = state.drive, leg_of(state, rules)
    if drive is None or drive.car_id != car_id or leg is None or leg.ended_at:
        return False
    return now < over_at(state, drive, rules)


# --- whose turn it is ----------------------------------------------------------------------------------------------


def car_to_ask(state: DriverState, now: datetime, but: Collection[str] = ()) -> str | None:
    """The car to ask now, none of those: that of the drive going on if it is due, else the one due for longest."""
    due = [(log.due_at, car_id) for car_id, log in state.open.items() if log.due_at and log.due_at <= now]
    driven = state.drive.car_id if state.drive else None
    asked = sorted((car_id != driven, due_at, car_id) for due_at, car_id in due if car_id not in but)
    return asked[0][2] if asked else None


def leased(state: DriverState, car_id: str | None, until: datetime) -> DriverState:
    """The state in which one car is being asked until a moment at the latest; None where what is over is folded."""
    if car_id is None:
        return replace(state, folding_until=until)
    return with_log(state, car_id, replace(state.of_car(car_id), leased_until=until, ask_at=None))


def given_back(state: DriverState, car_id: str | None, lease_until: datetime | None) -> DriverState:
    """The state in which nobody asks the car, or folds, if that lease is still the one that counts."""
    if car_id is None:
        return replace(state, folding_until=None) if state.folding_until == lease_until else state
    log = state.of_car(car_id)
    return with_log(state, car_id, replace(log, leased_until=None)) if log.leased_until == lease_until else state


def looking(state: DriverState, car_ids: Iterable[str], now: datetime) -> DriverState:
    """The state with a daily look begun: each of these cars is asked now, unless something has it asked anyway."""
    for car_id in sorted(car_ids):
        log = state.of_car(car_id)
        if log.due_at is None:
            state = with_log(state, car_id, replace(log, ask_at=now, is_mute=False))
    return replace(state, asking=replace(state.asking, looked_at=now))
