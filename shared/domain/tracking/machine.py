"""The machine: what each event makes of a driver's state. How far a drive went is decided by the log.

| event       | no drive                | driving                 | ending                    | paused         |
|-------------|-------------------------|-------------------------|---------------------------|----------------|
| Started     | begins                  | ping                    | resumes, or begins anew   | drives on      |
| Ended       | noted                   | ending, paused at place | same end, or earlier      | ending         |
| CarRead     | is noted                | drives on, or was over  | over if measured after it | drives on      |
| CarFailed   | asks later and later    | asks later and later    | over after the grace      | asks later     |
| NotAsked    | asks later and later    | over if stale           | over after the grace      | over if stale  |
| Dropped     | -                       | dropped                 | dropped                   | dropped        |

What is told of earlier times than the drive going on waits until no more of it comes, and is then woven into the drives
that are over. The phone's events are taken here, for its driver waits; what comes of a poll stands in `answers`.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from msgspec.structs import replace

from shared.domain.log.drive import EndedBecause, Finished, Heard
from shared.domain.place.places import Place, place_at
from shared.domain.thresholds import EVENTS_A_BLOCK, KEPT_EVENTS, MOST_BLOCKS, MOST_LATE, Rules
from shared.domain.tracking import answers
from shared.domain.tracking.blocks import with_block
from shared.domain.tracking.ending import close, stale_since, without_drive
from shared.domain.tracking.events import (
    CarFailed,
    CarRead,
    Dropped,
    Ended,
    Event,
    NotAsked,
    Outcome,
    Started,
    Status,
    WhyIgnored,
)
from shared.domain.tracking.state import (
    BY_TIME,
    UNKNOWN_CAR,
    DriverState,
    GoingOn,
    Leg,
    cut,
    leg_of,
    next_poll_at,
    with_log,
)


def advance(
    state: DriverState | None, event: Event, now: datetime, rules: Rules, places: Sequence[Place] = ()
) -> Outcome:
    """What an event makes of a driver's state. Pure; the same event twice changes nothing the second time.

    `now` is the moment of arrival (aware UTC); what happened when is judged by the times that the events carry.
    """
    state = state or DriverState()
    match event:
        case Started():
            return _compact(_started(_with_default(state, event), event, now, rules), rules)
        case Ended():
            return _compact(_ended(_with_default(state, event), event, now, rules, places), rules)
        case CarRead():
            return answers.car_read(state, event, now, rules, places)
        case CarFailed():
            return answers.car_failed(state, event, now, rules, places)
        case NotAsked():
            return answers.not_asked(state, event, now, rules, places)
        case Dropped():
            return _dropped(state, rules)


def touches_log(outcome: Outcome) -> bool:
    """Whether more came of an event than the state and a block of older events: something for the log to fold."""
    return bool(outcome.finished or outcome.weaves or outcome.told or outcome.asked)


def _with_default(state: DriverState, event: Started | Ended) -> DriverState:
    default = event.default_car_id
    return state if default == state.default_car_id else replace(state, default_car_id=default)


# --- what a phone says


def _started(state: DriverState, event: Started, now: datetime, rules: Rules) -> Outcome:
    heard = event.heard
    if state.knows(heard):
        return Outcome(state=state, status="ping_recorded")
    if _is_earlier(state, heard, rules):
        return _noted_late(state, heard, now, "ping_recorded")
    before = leg_of(state, rules)
    state, closed, is_over = _close_before(state, before, heard, now, rules)
    before = None if is_over else before
    taken, is_next = _take_legs(_with_late(_with(state, heard), rules), now, rules)
    begun = before is None or is_next
    is_anothers = not begun and _car_id(taken.state) != _car_id(state)
    resumed = before is not None and before.phase != "driving" and not begun and _drives(taken.state, rules)
    if begun or resumed or is_anothers:
        taken = _asking(taken, now, rules, at_once=begun or is_anothers)
    resumed = resumed or (before is None and _resumes_told(state, heard, rules))
    status: Status = "trip_resumed" if resumed else "trip_started" if begun else "ping_recorded"
    return replace(taken, status=status, finished=(*closed, *taken.finished))


def _ended(state: DriverState, event: Ended, now: datetime, rules: Rules, places: Sequence[Place]) -> Outcome:
    is_pause = place_at(places, event.heard.position, "pause") is not None
    end = replace(event.heard, is_end=True, is_pause=is_pause)
    if state.drive is None or _is_earlier(state, end, rules):
        return _end_without_start(state, end, now, rules)
    if state.drive.last and end.at < state.drive.last.at:
        return Outcome(state=_with(state, end), status="ignored", reason="trip_went_on")
    before, kept = leg_of(state, rules), _with(state, end)
    if any(heard.word == end.word for heard in cut(kept.drive, kept.events, rules, kept.default_car_id)[0]):
        return _end_without_start(state, end, now, rules)
    taken, is_next = _take_legs(kept, now, rules)
    leg = leg_of(taken.state, rules)
    if leg and leg.phase == "paused":
        return _told(taken, "paused")
    if leg and leg.phase == "driving" and not is_next:
        return _told(taken, "ignored", "trip_went_on")
    if before is None or before.ended_at is None or is_next:
        taken = _asking(taken, now, rules)
    return _told(taken, "ending")


def _end_without_start(state: DriverState, end: Heard, now: datetime, rules: Rules) -> Outcome:
    """An end proves that somebody drove until then. Just after a trip ended it is that trip's once more."""
    if state.knows(end):
        return Outcome(state=state, status="ignored", reason="no_active_trip")
    repeats = any(one.began_at <= end.at <= one.ended_at + rules.resume_within for one in state.told)
    if repeats:
        return _noted_late(state, end, now, "ignored", "no_active_trip")
    outcome, meant = _noted_late(state, end, now, "end_noted"), _meant(state, end)
    asked = outcome.state
    for car_id in meant:
        log = asked.of_car(car_id)
        asked = with_log(asked, car_id, replace(log, ask_at=min(now, log.ask_at or now)))
    return replace(outcome, state=asked, poll_now=bool(meant))


def _meant(state: DriverState, end: Heard) -> Sequence[str]:
    """The cars that an end without a start may be of."""
    if end.is_stray:
        return ()
    if end.car_id:
        return (end.car_id,)
    return state.car_ids or ([state.default_car_id] if state.default_car_id else ())


def _dropped(state: DriverState, rules: Rules) -> Outcome:
    """Without the drive going on; what the phone sent for it does not begin it again."""
    leg = leg_of(state, rules)
    if leg is None:
        return Outcome(state=state)
    whole = Leg(leg.started_at, leg.last_at, leg.car_id, [*state.events], leg.ended_at, leg.paused)
    finished, left = close(state, whole, "the driver dropped it")
    return Outcome(state=left, finished=(finished,))


def _told(outcome: Outcome, status: Status, reason: WhyIgnored = "") -> Outcome:
    return replace(outcome, status=status, reason=reason)


def _drives(state: DriverState, rules: Rules) -> bool:
    leg = leg_of(state, rules)
    return leg is not None and leg.phase == "driving"


def _car_id(state: DriverState) -> str | None:
    return state.drive.car_id if state.drive else None


def _with(state: DriverState, heard: Heard) -> DriverState:
    """With a word in its place. Those of one moment have one order, in whichever they came."""
    if state.knows(heard):
        return state
    events = list(state.events)
    place = bisect_right(events, BY_TIME(heard), key=BY_TIME)
    while place and BY_TIME(events[place - 1]) == BY_TIME(heard) and _rank(events[place - 1]) > _rank(heard):
        place -= 1
    return replace(state, events=(*events[:place], heard, *events[place:]))


def _rank(heard: Heard) -> tuple[str, float, float, float]:
    return heard.car_id or "", heard.lat or 0.0, heard.lng or 0.0, heard.accuracy_m or 0.0


# --- what is told of earlier times


def _is_earlier(state: DriverState, heard: Heard, rules: Rules) -> bool:
    """Whether a word is of a time before the drive going on, or before the end of one that is over."""
    drive, until = state.drive, state.told_until
    if drive and heard.at < drive.started_at - rules.resume_within:
        return True
    return until is not None and heard.at <= until and (drive is None or heard.at < drive.started_at)


def _noted_late(state: DriverState, heard: Heard, now: datetime, status: Status, reason: WhyIgnored = "") -> Outcome:
    """With a word that waits until no more of its time comes."""
    if not state.knows(heard):
        state = replace(state, late=(*state.late, heard), late_at=now)
    return Outcome(state=state, status=status, reason=reason, weaves=len(state.late) >= MOST_LATE)


def _with_late(state: DriverState, rules: Rules) -> DriverState:
    """With what waited and is of the drive that begins now: an end may come before its start."""
    if not state.late or not state.events:
        return state
    since = state.events[0].at
    mine = [heard for heard in state.late if heard.at >= since]
    if not mine:
        return state
    left = tuple(heard for heard in state.late if heard not in mine)
    state = replace(state, late=left, late_at=state.late_at if left else None)
    for heard in mine:
        state = _with(state, heard)
    return state


def _resumes_told(state: DriverState, start: Heard, rules: Rules) -> bool:
    """Whether a start came too late to keep its drive from being over: the log puts the two together."""
    until = state.told_until
    return until is not None and start.at - until <= rules.resume_within


# --- drives that begin and end -------------------------------------------------------------------------------------


def _take_legs(state: DriverState, now: datetime, rules: Rules) -> tuple[Outcome, bool]:
    """Every drive but the last is over, which becomes the one going on; and whether any is."""
    finished = list[Finished]()
    loose, legs = cut(state.drive, state.events, rules, state.default_car_id)
    going = state.drive
    for leg, _ in pairwise(legs):
        state, over = _over(replace(state, drive=_going_on(state, going, leg, now)), leg, "a later start", now)
        finished += over
        going = None
    if loose:
        left = tuple(heard for heard in state.events if heard not in loose)
        state = replace(state, events=left, late=(*state.late, *loose), late_at=now)
    state = replace(state, drive=_going_on(state, going, legs[-1], now))
    return Outcome(state=state, finished=tuple(finished)), len(legs) > 1


def _going_on(state: DriverState, going: GoingOn | None, leg: Leg, now: datetime) -> GoingOn:
    """The drive going on as its events tell of it by now; the car is the one going on, where they name none."""
    car_id = leg.car_id or (going.car_id if going else state.default_car_id)
    if going is None:
        has_car = car_id not in (None, UNKNOWN_CAR)
        return GoingOn(started_at=leg.started_at, car_id=car_id, heard_at=now, is_asked=has_car)
    return replace(going, started_at=leg.started_at, heard_at=now, car_id=car_id)


def _asking(outcome: Outcome, now: datetime, rules: Rules, at_once: bool = True) -> Outcome:
    """With the car of the drive going on asked anew, and at once if so; a drive in no car may be over at once."""
    state, drive = outcome.state, outcome.state.drive
    if drive is None:
        return outcome
    has_car = drive.car_id is not None and drive.car_id != UNKNOWN_CAR
    state = replace(state, drive=replace(drive, polls_after_end=0, is_asked=has_car))
    if at_once and drive.car_id and has_car:
        log = replace(state.of_car(drive.car_id), ask_at=now, is_mute=False)
        state = with_log(state, drive.car_id, log)
    due_at = next_poll_at(state, rules)
    return replace(outcome, state=state, poll_now=at_once and due_at is not None and due_at <= now)


def _close_before(
    state: DriverState, leg: Leg | None, start: Heard, now: datetime, rules: Rules
) -> tuple[DriverState, tuple[Finished, ...], bool]:
    """A start long after the last sign of a drive begins another one; one that is merely late does not."""
    if leg is None or state.drive is None:
        return state, (), False
    if state.drive.blocks >= MOST_BLOCKS and start.at > leg.last_at:
        return *_over(state, leg, "it is as long as a drive can be", now), True
    # Asked here as well: a ping then costs no call into another module.
    over = stale_since(state, state.drive, leg, now, rules) if state.drive.is_silent(now, rules) else None
    if over and start.at - over[0] >= rules.stale_after:
        return *_over(state, leg, over[1], now), True
    return state, (), False


def _over(state: DriverState, leg: Leg, why: EndedBecause, now: datetime) -> tuple[DriverState, tuple[Finished, ...]]:
    """The state without a drive that is over. Its words wait with those of earlier times: no driver waits for the log.

    But those that lie in the store already must leave it, for the next drive has the same place there.
    """
    going = state.drive
    if going and going.blocks:
        finished, state = close(state, leg, why)
        return state, (finished,)
    return replace(without_drive(state, leg), late=(*state.late, *leg.events), late_at=now), ()


def _compact(outcome: Outcome, rules: Rules) -> Outcome:
    """With the oldest events of the drive going on moved to the store, once there are many."""
    drive, many = outcome.state.drive, EVENTS_A_BLOCK + KEPT_EVENTS
    return with_block(outcome, drive, rules) if drive and len(outcome.state.events) >= many else outcome
