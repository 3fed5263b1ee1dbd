"""Owns what is remembered of one driver between two events, and what follows from it: the drives, the next poll.

The phase of a drive is not stored but follows from the phone's events in the order of their own times. So it cannot
depend on the order in which they arrive. Nor is the next poll stored by anybody who changes the state: it follows from
all that waits.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter
from typing import Literal

import msgspec
from msgspec.structs import replace

from shared.domain.car.asking import Asking
from shared.domain.car.car import Car
from shared.domain.car.odometer import Reading
from shared.domain.log.chapter import Chapter
from shared.domain.log.drive import Heard
from shared.domain.log.gap_row import Explained
from shared.domain.log.outlines import Start
from shared.domain.log.summary import Summary
from shared.domain.log.trip import local_date
from shared.domain.log.year import span_of
from shared.domain.place.trail import Fix
from shared.domain.thresholds import CAR_CHANGE, KEPT_CARS, LONGEST_SILENCE, LONGEST_WAIT, Rules

Phase = Literal["driving", "ending", "paused"]

# Stands for every car that the phone names and the driver does not have: however many names, it is one.
UNKNOWN_CAR = "-"
# Where nobody said since when a car was there, its book begins a little before the first that is known of it.
START_BEFORE = timedelta(minutes=10)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
BY_TIME = attrgetter("at", "is_end")


class GoingOn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The drive going on: since when and in which car, as far as the events tell by now.

    `heard_at` is when phone or car last showed that it goes on. Older events lie in the store in so many `blocks`, of
    which so many `points` have a position and make `km`; `last` is the latest fix among them. `is_asked` is false once
    nobody can be asked how far the car has gone.
    """

    started_at: datetime
    car_id: str | None
    heard_at: datetime
    polls_after_end: int = 0
    is_asked: bool = True
    blocks: int = 0
    points: int = 0
    km: float = 0.0
    last: Fix | None = None

    def is_silent(self, now: datetime, rules: Rules) -> bool:
        """Whether nothing was heard of it for so long that it may be over."""
        return now - self.heard_at >= rules.stale_after


class OpenLog(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is open of one car's log: what was read since the book is settled, and when it is asked.

    The book begins at `start`, behind the trip `after_trip` and `gap_before_km` of nobody; `before_trip` is the one
    that follows where a stretch that was settled is opened anew, both by their ids. What the driver `explained` are
    stretches of the odometer from there on, and it had got another odometer `series` times by then; the first row
    begins `set_on_m` metres behind the one before. Its gaps are cut at New Year in `timezone`. Where it is not what is
    open but a `chapter` that is opened anew, it ends with that. `told` is the newest that the car said, believed or
    not. `pending_since` is when something began to wait for what the car says, and `asked` how often it was asked
    since. After so many `failures` it is not asked before `retry_at`. `ask_at` is when it is asked next, and
    `leased_until` until when somebody does it. `is_mute` where nobody can ask it.
    """

    start: Start | None = None
    gap_before_km: float = 0.0
    after_trip: str | None = None
    before_trip: str | None = None
    readings: tuple[Reading, ...] = ()
    explained: tuple[Explained, ...] = ()
    series: int = 0
    set_on_m: int = 0
    timezone: str = ""
    chapter: Chapter | None = None
    told: Reading | None = None
    pending_since: datetime | None = None
    asked: int = 0
    failures: int = 0
    retry_at: datetime | None = None
    ask_at: datetime | None = None
    leased_until: datetime | None = None
    is_mute: bool = False

    @property
    def due_at(self) -> datetime | None:
        """When somebody has to look at the car: once a lease that was not given back is over, else when it is asked."""
        return self.leased_until or self.ask_at


class LookUps(msgspec.Struct, frozen=True, omit_defaults=True):
    """Ids of trips whose addresses are still to be found; not before `due_at`, which grows with the failures."""

    trips: tuple[str, ...] = ()
    failures: int = 0
    due_at: datetime | None = None


class DriverState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One driver's memory; times are aware UTC. Every field is bounded, whatever is sent and however long.

    `drive` is the one going on and `events` what was heard of it, by time. `late` is what was heard of earlier times,
    the last of it at `late_at`; it waits until no more comes. `told` are the drives that are over and may still change,
    by their begin; `open` has what is open of each car's log, and `car_ids` are the cars that the driver has. Where the
    phone names none it means `default_car_id`. Until `folding_until` somebody puts a drive that is over into the log.
    `closed_years` are, by car, the years of its log that are sealed, of which the last ended by the clock of the time
    zone that it was `closed_in` (IANA name): no row of these changes any more.
    """

    drive: GoingOn | None = None
    default_car_id: str | None = None
    events: tuple[Heard, ...] = ()
    late: tuple[Heard, ...] = ()
    late_at: datetime | None = None
    folding_until: datetime | None = None
    told: tuple[Summary, ...] = ()
    open: dict[str, OpenLog] = {}
    car_ids: tuple[str, ...] = ()
    asking: Asking = Asking()
    look_ups: LookUps = LookUps()
    rejected: int = 0
    closed_years: dict[str, tuple[int, ...]] = {}
    closed_in: dict[str, str] = {}
    entries: int = 0
    last_hash: str = ""

    def of_car(self, car_id: str) -> OpenLog:
        """What is open of a car's log; nothing, for one of which nothing is known."""
        return self.open.get(car_id) or OpenLog()

    def knows(self, heard: Heard) -> bool:
        """Whether the same was heard before: a message may come twice, and the second time later or by another key."""
        return any(kept.at == heard.at and kept.word == heard.word for kept in (*self.events, *self.late))

    def is_closed(self, car_id: str | None, year: int) -> bool:
        """Whether a year of the log of a car is sealed."""
        return car_id is not None and year in self.closed_years.get(car_id, ())

    def zone_of(self, car_id: str, timezone: str) -> str:
        """By which time zone what is open of a car's log is dated: its driver's (IANA name), but where that would put
        what begins there into a closed year, the one in which that ended."""
        years, start = self.closed_years.get(car_id, ()), self.of_car(car_id).start
        is_later = start is not None and local_date(start.at, timezone).year not in years
        return timezone if not years or is_later else self.closed_in.get(car_id, timezone)

    def closed_until(self, car_id: str) -> datetime | None:
        """When the last closed year of a car's log ended (aware UTC); None where none is closed."""
        years, timezone = self.closed_years.get(car_id), self.closed_in.get(car_id)
        return span_of(max(years), None, timezone)[1] if years and timezone else None

    def known_readings(self, car_id: str) -> tuple[Reading, ...]:
        """What is remembered of a car's odometer, by time."""
        return self.of_car(car_id).readings

    @property
    def told_until(self) -> datetime | None:
        """When the last drive ended that is over, as the phone told of it."""
        return max((one.ended_at for one in self.told if not one.is_by_hand), default=None)


def with_told(state: DriverState, told: Iterable[Summary]) -> DriverState:
    """The state with these drives that are over, by their begin."""
    return replace(state, told=tuple(sorted(told, key=lambda one: (one.began_at, one.ended_at, one.id))))


def with_log(state: DriverState, car_id: str, log: OpenLog) -> DriverState:
    """The state with what is open of a car's log.

    A driver has fewer cars at a time than are remembered. Of those that they had, the one of which the oldest is known
    is forgotten first, but none as long as something waits for it: what the log says of it is in the store.
    """
    others = {other: kept for other, kept in state.open.items() if other != car_id}
    if len(others) >= KEPT_CARS:
        del others[min(others, key=lambda other: _forgotten_first(others[other]))]
    return replace(state, open={**others, car_id: log})


def _forgotten_first(log: OpenLog) -> tuple[bool, bool, datetime]:
    newest = log.readings[-1].at if log.readings else LONG_AGO
    return log.pending_since is not None, log.due_at is not None, newest


def with_cars(state: DriverState, cars: Iterable[Car]) -> DriverState:
    """The state that knows which cars the driver has, and with what each book begins of which nothing is settled."""
    driven_at = [one.since for one in state.told]
    driven_at += [state.drive.started_at] if state.drive else []
    for car in (known := sorted(cars, key=lambda one: one.id)):
        log = state.of_car(car.id)
        if log.start is None or log.start.is_said:
            start = _start_of(car, log, driven_at, state.closed_until(car.id))
            state = state if start == log.start else with_log(state, car.id, replace(log, start=start))
    found = tuple(car.id for car in known)
    return state if found == state.car_ids else replace(state, car_ids=found)


def _start_of(car: Car, log: OpenLog, driven_at: Sequence[datetime], closed_until: datetime | None) -> Start | None:
    """What its driver said of the begin of a car's period, before all that is known of it and before every drive, of
    which `driven_at` are the begins: who drives before the car is read for the first time has driven since then. What
    was driven before its last closed year was over stays as it is."""
    if car.start_odometer_km is None:
        return None
    since = date.fromisoformat(car.available_from) if car.available_from else None
    said_at = datetime(since.year, since.month, since.day, tzinfo=UTC) if since else LONG_AGO
    first_at = min([*driven_at, *(reading.at for reading in log.readings)], default=None)
    at = said_at if since and not (first_at and first_at <= said_at) else first_at and first_at - START_BEFORE
    at = max(at or closed_until, closed_until) if closed_until else at
    return Start(at, round(1000 * car.start_odometer_km), known="typed", is_said=True) if at else None


def begun_before(log: OpenLog, moment: datetime) -> OpenLog:
    """What is open of a log that begins before a moment, unless something before it is settled: an odometer that was
    said, and no reading, stands before all that is known."""
    start = log.start
    if start is None or not start.is_said or moment > start.at:
        return log
    return replace(log, start=start._replace(at=moment - START_BEFORE))


# --- drives --------------------------------------------------------------------------------------------------------


class Leg(msgspec.Struct):
    """A drive as far as the phone tells: from the first start to an end that no start followed in time."""

    started_at: datetime
    last_at: datetime
    car_id: str | None
    events: list[Heard]
    ended_at: datetime | None = None
    paused: bool = False

    @property
    def phase(self) -> Phase:
        """Ending once the phone left the car, paused at a place of kind pause, driving otherwise."""
        if self.ended_at:
            return "ending"
        return "paused" if self.paused else "driving"


def cut(
    drive: GoingOn | None, events: Iterable[Heard], rules: Rules, default_car_id: str | None = None
) -> tuple[list[Heard], list[Leg]]:
    """The ends that belong to no drive, and the drives that all other events make, by time: all but the last are over.

    The first goes on from what lies in the store of the drive going on, and nothing older than that ends it or begins
    another. At equal times a start comes before an end.
    """
    stored = drive.last if drive else None
    legs = [Leg(drive.started_at, stored.at, drive.car_id, [])] if drive and stored else []
    loose = list[Heard]()
    for event in sorted(events, key=BY_TIME):
        if not event.is_end:
            _enter(legs, event, stored, rules, default_car_id)
        elif leg := _left(legs, event, rules):
            # Of two starts of one moment neither tells until when the other drive can have gone on.
            later_at = legs[-1].started_at
            _leave(leg, event, stored, later_at if later_at > leg.started_at else None)
        else:
            loose.append(event)
    if drive and not legs:
        legs.append(Leg(drive.started_at, drive.started_at, drive.car_id, []))
    return loose, legs


def _left(legs: list[Leg], end: Heard, rules: Rules) -> Leg | None:
    """The drive that an end is of: the last one, unless that is over for long or in another car.

    Who changes cars is told of the new one before the old one lets go: an end that names no car, up to a minute after
    a start in another one, ends the former drive.
    """
    if not legs or end.at < legs[-1].started_at:
        return None
    last, before = legs[-1], legs[-2] if len(legs) > 1 else None
    if before and before.ended_at is None and before.car_id != last.car_id:
        is_change = end.car_id is None and end.at - last.started_at <= CAR_CHANGE
        if is_change or (end.car_id and end.car_id == before.car_id):
            return before
    car_id = UNKNOWN_CAR if end.is_stray else end.car_id
    is_other = bool(car_id and last.car_id and car_id != last.car_id)
    is_over = last.ended_at is not None and end.at - last.ended_at > rules.resume_within
    return None if is_other or is_over or end.at - last.last_at > LONGEST_SILENCE else last


def _leave(leg: Leg, end: Heard, stored: Fix | None, until: datetime | None) -> None:
    leg.events.append(end)
    if leg.ended_at or (stored and end.at < stored.at):
        return
    at = min(end.at, until) if until else end.at
    leg.last_at = max(leg.last_at, at)
    leg.paused = end.is_pause
    leg.ended_at = None if end.is_pause else at


def _enter(legs: list[Leg], start: Heard, stored: Fix | None, rules: Rules, default_car_id: str | None) -> None:
    car_id = UNKNOWN_CAR if start.is_stray else start.car_id
    is_old = stored is not None and start.at <= stored.at
    if not legs or (not is_old and _begins_anew(legs[-1], start, car_id, rules, default_car_id)):
        legs.append(Leg(start.at, start.at, car_id, [start]))
        return
    leg = legs[-1]
    leg.events.append(start)
    leg.started_at = min(leg.started_at, start.at)
    leg.last_at = max(leg.last_at, start.at)
    leg.car_id = leg.car_id or car_id
    leg.ended_at, leg.paused = None, False


def _begins_anew(leg: Leg, start: Heard, car_id: str | None, rules: Rules, default_car_id: str | None) -> bool:
    # Who was silent for a while and then names a car may have left the one that they did not name.
    is_silent = start.at - leg.last_at > rules.resume_within
    former = leg.car_id or (default_car_id if is_silent else None)
    other_car = bool(car_id and former and car_id != former)
    too_late = bool(leg.ended_at and start.at - leg.ended_at > rules.resume_within)
    return other_car or too_late or start.at - leg.last_at > rules.stale_after


def leg_of(state: DriverState, rules: Rules) -> Leg | None:
    """The drive going on as the phone tells of it; None where none is."""
    return cut(state.drive, state.events, rules, state.default_car_id)[1][-1] if state.drive else None


# --- the next poll -------------------------------------------------------------------------------------------------


def next_poll_at(state: DriverState, rules: Rules) -> datetime | None:
    """When somebody has to look at this driver next: at a car, at the drive going on, or for addresses.

    None only where nothing waits. Addresses wait for the polls of a car, which find them along the way, but not for one
    that is put off: its budget may be used up for weeks.
    """
    due = [log.due_at for log in state.open.values() if log.due_at] + _folds_at(state, rules)
    if due and state.look_ups.due_at:
        due.append(state.look_ups.due_at + LONGEST_WAIT)
    return min(due, default=state.look_ups.due_at)


def folds_at(state: DriverState, rules: Rules) -> datetime | None:
    """When something is over by itself, and is to be put into the log whatever a car says."""
    return min(_folds_at(state, rules), default=None)


def _folds_at(state: DriverState, rules: Rules) -> list[datetime]:
    drive = [over_at(state, state.drive, rules)] if state.drive else []
    return [*drive, state.late_at + rules.poll_after_end] if state.late_at else drive


def over_at(state: DriverState, drive: GoingOn, rules: Rules) -> datetime:
    """When the drive going on is over by itself, if nothing more is heard. Whoever reads its car may finish first."""
    has_left = any(heard.is_end for heard in state.events)  # a ping is spared what only an end needs
    leg = leg_of(state, rules) if has_left else None
    ended_at = leg.ended_at if leg else None
    moment = ended_at + rules.wait_for_end(drive.is_asked) if ended_at else drive.heard_at + rules.stale_after
    leased_until = state.of_car(drive.car_id).leased_until if drive.car_id else None
    return max(moment, leased_until) if leased_until else moment
