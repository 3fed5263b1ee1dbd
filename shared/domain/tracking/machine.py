"""The machine: what each event makes of a driver's state. How far a drive went is decided by the log.

| event       | no drive                | driving                 | ending                    | paused         |
|-------------|-------------------------|-------------------------|---------------------------|----------------|
| Started     | begins                  | ping                    | resumes, or begins anew   | drives on      |
| Ended       | kept for a late start   | ending, paused at place | same end, or earlier      | ending         |
| CarRead     | settles, or is noted    | drives on, or was over  | over if measured after it | drives on      |
| CarFailed   | asks later and later    | asks later and later    | over after the grace      | asks later     |
| NotAsked    | asks later and later    | over if stale           | over after the grace      | over if stale  |
| Dropped     | -                       | dropped                 | dropped                   | dropped        |

The phone's events are taken here, for its driver waits; what comes of a poll stands in `answers`.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from msgspec.structs import replace

from shared.domain.log.drive import Drive, EarlierStart, EndedBecause, Heard
from shared.domain.place.places import Place, place_at
from shared.domain.thresholds import (
    EVENTS_A_BLOCK,
    FORGET_AN_END_AFTER,
    KEPT_EVENTS,
    KEPT_LOOSE_ENDS,
    MOST_BLOCKS,
    STILL_FOR,
    Rules,
)
from shared.domain.tracking import answers
from shared.domain.tracking.ending import close, stale_since
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
from shared.domain.tracking.leaving import kept_beside, let_go, with_block
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
    if isinstance(event, Started | Ended) and state.drive and state.drive.blocks >= MOST_BLOCKS:
        return _after_full(state, event, now, rules, places)
    match event:
        case Started():
            return _compact(_let_go(_started(state, event, now, rules), now, rules), rules)
        case Ended():
            return _compact(_let_go(_ended(state, event, now, rules, places), now, rules), rules)
        case CarRead():
            return answers.car_read(state, event, now, rules, places)
        case CarFailed():
            return answers.car_failed(state, event, now, rules, places)
        case NotAsked():
            return answers.not_asked(state, event, now, rules, places)
        case Dropped():
            return _dropped(state, rules)


def _after_full(
    state: DriverState, event: Started | Ended, now: datetime, rules: Rules, places: Sequence[Place]
) -> Outcome:
    """A drive whose words have no room for another one is over, and the next is taken as one that came later."""
    leg = leg_of(state, rules)
    if leg is None:
        return Outcome(state=state)
    until = leg.ended_at or leg.last_at
    next_start = event.heard.at if isinstance(event, Started) and event.heard.at > until else None
    drive, state = close(state, leg, until, "it is as long as a drive can be", next_start)
    outcome = advance(state, event, now, rules, places)
    return replace(outcome, drives=(drive, *outcome.drives))


def touches_log(outcome: Outcome) -> bool:
    """Whether more came of an event than the state and a block of older events: something for the log to keep."""
    return bool(outcome.drives or outcome.dropped or outcome.settlement or outcome.earlier_start or outcome.beside)


def _started(state: DriverState, event: Started, now: datetime, rules: Rules) -> Outcome:
    heard = event.heard
    if _is_over(state, heard.at):
        return _began_earlier(state, heard, rules)
    if state.knows(heard):
        return Outcome(state=state, status="ping_recorded")
    before = leg_of(state, rules)
    state, closed = _close_before(state, before, heard, now, rules)
    before = None if closed else before
    outcome = Outcome(state=state) if before else _let_go_older(state, heard.at - STILL_FOR, rules)
    late = before is None and _resumes_saved(state, heard, rules)
    taken = _take_legs(_with(outcome.state, heard), event.default_car_id, now, rules)
    begun = before is None or bool(taken.drives)
    is_anothers = not begun and _last_car_id(taken.state) != _last_car_id(state)
    resumed = before is not None and before.phase != "driving" and not begun and _drives(taken.state, rules)
    if begun or resumed or is_anothers:
        taken = _asking(taken, now, rules, at_once=begun or is_anothers)
    status: Status = "trip_resumed" if resumed or late else "trip_started" if begun else "ping_recorded"
    return replace(taken, status=status, drives=(*closed, *taken.drives), beside=outcome.beside)


def _ended(state: DriverState, event: Ended, now: datetime, rules: Rules, places: Sequence[Place]) -> Outcome:
    is_pause = place_at(places, event.heard.position, "pause") is not None
    end = replace(event.heard, is_end=True, is_pause=is_pause)
    if _is_over(state, end.at):
        return kept_beside(Outcome(state=state, status="ignored", reason="no_active_trip"), end, rules)
    before = leg_of(state, rules)
    # A start that came while the car stood still may be the one that this end belongs to.
    outcome = Outcome(state=state) if before else _let_go_older(state, end.at - rules.stale_after, rules)
    kept = _with(outcome.state, end)
    if state.drive and state.drive.last and end.at < state.drive.last.at:
        return replace(_told(outcome, "ignored", "trip_went_on"), state=kept)
    if not any(leg.started_at <= end.at for leg in cut(kept.drive, kept.events, rules)[1]):
        return Outcome(state=_with(state, end), status="ignored", reason="no_active_trip")
    taken = replace(_take_legs(kept, _last_car_id(state), now, rules), beside=outcome.beside)
    leg = leg_of(taken.state, rules)
    if leg and leg.phase == "paused":
        return _told(taken, "paused")
    if leg and leg.phase == "driving" and not taken.drives:
        return _told(taken, "ignored", "trip_went_on")
    if before is None or before.ended_at is None or taken.drives:
        taken = _asking(taken, now, rules)
    return _told(taken, "ending")


def _dropped(state: DriverState, rules: Rules) -> Outcome:
    """Without the drive going on; what the phone sent for it does not begin it again."""
    leg = leg_of(state, rules)
    if leg is None:
        return Outcome(state=state)
    until = max([leg.last_at, *(heard.at for heard in state.events)])
    former = state.of_car(state.drive.car_id or "") if state.drive else None
    drive, left = close(state, replace(leg, events=[*state.events]), until, "the driver dropped it")
    if former and drive.car_id:
        # Of the car's log nothing was decided: what waits there waits on.
        left = with_log(left, drive.car_id, replace(former, ask_at=former.ask_at if former.pending_since else None))
    return Outcome(state=left, dropped=drive)


def _told(outcome: Outcome, status: Status, reason: WhyIgnored = "") -> Outcome:
    return replace(outcome, status=status, reason=reason)


def _drives(state: DriverState, rules: Rules) -> bool:
    leg = leg_of(state, rules)
    return leg is not None and leg.phase == "driving"


def _is_over(state: DriverState, moment: datetime) -> bool:
    return state.closed_until is not None and moment <= state.closed_until


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


def _last_car_id(state: DriverState) -> str | None:
    """The car of the drive going on, else of the last one that is over."""
    if state.drive:
        return state.drive.car_id
    return next((over.car_id for over in reversed(state.recent) if over.car_id), None)


# --- drives that begin and end -------------------------------------------------------------------------------------


def _take_legs(state: DriverState, default_car_id: str | None, now: datetime, rules: Rules) -> Outcome:
    """Closes every drive but the last, which becomes the one going on."""
    drives = list[Drive]()
    _, legs = cut(state.drive, state.events, rules)
    going = _going_on(state.drive, legs[0], default_car_id, now)
    for leg, following in pairwise(legs):
        until, state = leg.ended_at or leg.last_at, replace(state, drive=going)
        drive, state = close(state, leg, until, "a later start", following.started_at)
        drives.append(drive)
        going = _following(drive, _going_on(None, following, default_car_id, now))
    return Outcome(state=replace(state, drive=going), drives=tuple(drives))


def _going_on(going: GoingOn | None, leg: Leg, default_car_id: str | None, now: datetime) -> GoingOn:
    """The drive going on as its events tell of it by now; the car is the one going on, where they name none."""
    car_id = leg.car_id or (going.car_id if going else default_car_id)
    if going is None:
        has_car = car_id not in (None, UNKNOWN_CAR)
        return GoingOn(started_at=leg.started_at, car_id=car_id, heard_at=now, is_asked=has_car)
    going = replace(going, started_at=leg.started_at, heard_at=now)
    return going if going.car_id == car_id else replace(going, car_id=car_id, readings=())


def _following(over: Drive, going: GoingOn) -> GoingOn:
    """A drive that begins as another one ends: what the same car said since then is for this one."""
    since = tuple(reading for reading in over.readings if reading.at >= over.ended_at)
    return replace(going, readings=since) if over.car_id == going.car_id else going


def _asking(outcome: Outcome, now: datetime, rules: Rules, at_once: bool = True) -> Outcome:
    """With the car of the drive going on asked anew, and at once if so; a drive in no car may be over at once."""
    state, drive = outcome.state, outcome.state.drive
    if drive is None:
        return outcome
    has_car = drive.car_id is not None and drive.car_id != UNKNOWN_CAR
    state = replace(state, drive=replace(drive, polls_after_end=0, is_asked=has_car))
    if at_once and drive.car_id and has_car:
        state = with_log(state, drive.car_id, replace(state.of_car(drive.car_id), ask_at=now))
    due_at = next_poll_at(state, rules)
    return replace(outcome, state=state, poll_now=at_once and due_at is not None and due_at <= now)


def _close_before(
    state: DriverState, leg: Leg | None, start: Heard, now: datetime, rules: Rules
) -> tuple[DriverState, tuple[Drive, ...]]:
    """A start long after the last sign of a drive begins another one; one that is merely late does not."""
    if leg is None or state.drive is None:
        return state, ()
    over: tuple[datetime, EndedBecause] | None = None
    going = state.drive
    if now - going.heard_at >= rules.stale_after:
        over = stale_since(going, leg, now, rules)
    if over and start.at - over[0] >= rules.stale_after:
        drive, state = close(state, leg, *over)
        return state, (drive,)
    return state, ()


def _began_earlier(state: DriverState, start: Heard, rules: Rules) -> Outcome:
    """A start from before a trip that is saved already moves its beginning, as it would have while the trip went on."""
    ignored = kept_beside(Outcome(state=state, status="ignored", reason="trip_already_closed"), start, rules)
    car_id = UNKNOWN_CAR if start.is_stray else start.car_id or _last_car_id(state) or ""
    log = state.of_car(car_id)
    if log.trip_id is None or log.begun_at is None or log.ended_at != state.closed_until:
        return ignored
    resumes_former = log.free_since is not None and start.at - log.free_since <= rules.resume_within
    if resumes_former or not timedelta(0) < log.begun_at - start.at <= rules.stale_after:
        return ignored
    moved = with_log(ignored.state, car_id, replace(log, begun_at=start.at))
    earlier = EarlierStart(log.trip_id, start, log.begun_at)
    return replace(_told(ignored, "ping_recorded"), state=moved, earlier_start=earlier)


def _resumes_saved(state: DriverState, start: Heard, rules: Rules) -> bool:
    """Whether a start came too late to keep its trip from being saved: the log will put the two together."""
    ended_at, car_id = state.closed_until, start.car_id or _last_car_id(state)
    if ended_at is None or start.at - ended_at > rules.resume_within:
        return False
    log = state.of_car(car_id or "")
    return car_id is None or (log.pending_since is not None and log.ended_at == ended_at)


# --- words that leave the state ------------------------------------------------------------------------------------


def _let_go_older(state: DriverState, moment: datetime, rules: Rules) -> Outcome:
    """Without the starts from before a moment that no drive took: nothing that is heard from now on can."""
    old = [heard for heard in state.events if not heard.is_end and heard.at < moment]
    return let_go(Outcome(state=state), old, rules) if old else Outcome(state=state)


def _let_go(outcome: Outcome, now: datetime, rules: Rules) -> Outcome:
    """Without the ends for which no start came in a day, or that are too many."""
    state = outcome.state
    if not any(heard.is_end for heard in state.events):
        return outcome
    loose = [*state.events] if state.drive is None else cut(state.drive, state.events, rules)[0]
    ends = [heard for heard in loose if heard.is_end]
    recent = [end for end in ends if now - end.at <= FORGET_AN_END_AFTER][-KEPT_LOOSE_ENDS:]
    return let_go(outcome, [end for end in ends if end not in recent], rules) if len(recent) < len(ends) else outcome


def _compact(outcome: Outcome, rules: Rules) -> Outcome:
    """With the oldest events of the drive going on moved to the store, once there are many."""
    drive, many = outcome.state.drive, EVENTS_A_BLOCK + KEPT_EVENTS
    return with_block(outcome, drive, rules) if drive and len(outcome.state.events) >= many else outcome
