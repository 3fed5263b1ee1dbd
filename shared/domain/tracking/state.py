"""Owns what is remembered of one driver between two events, and what follows from it: the drives, the next poll.

The phase of a drive is not stored but follows from the phone's events in the order of their own times. So it cannot
depend on the order in which they arrive. Nor is the next poll stored by anybody who changes the state: it follows from
all that waits.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from operator import attrgetter
from typing import Literal

import msgspec
from msgspec.structs import replace

from shared.domain.car.asking import Asking
from shared.domain.car.odometer import Reading
from shared.domain.log.drive import Heard
from shared.domain.place.trail import Fix
from shared.domain.thresholds import KEPT_CARS, LONGEST_WAIT, Rules

Phase = Literal["driving", "ending", "paused"]

# Stands for every car that the phone names and the driver does not have: however many names, it is one.
UNKNOWN_CAR = "-"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
BY_TIME = attrgetter("at", "is_end")


class GoingOn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The drive going on: since when and in which car, as far as the events tell by now; its believed readings.

    `heard_at` is when phone or car last showed that it goes on. Older events lie in the store in so many `blocks`, of
    which so many `points` have a position and make `km`; `last` is the latest fix among them. `is_asked` is false once
    nobody can be asked how far the car has gone.
    """

    started_at: datetime
    car_id: str | None
    heard_at: datetime
    readings: tuple[Reading, ...] = ()
    polls_after_end: int = 0
    is_asked: bool = True
    blocks: int = 0
    points: int = 0
    km: float = 0.0
    last: Fix | None = None


class OverDrive(msgspec.Struct, frozen=True, omit_defaults=True):
    """A drive that is over, or what was heard beside any: the id under which its events are kept, and when it was."""

    id: str
    began_at: datetime
    ended_at: datetime
    car_id: str | None = None


class OpenLog(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is open of one car's log: its last trip, its last believed reading, and when it is asked.

    `pending_since` is when the trip began to wait for its end odometer, and `asked` how often the car was asked since.
    `begun_at` is where that trip begins as far as it is known, `free_since` the end of the one before. `told` is the
    newest that the car said, believed or not. After so many `failures` it is not asked before `retry_at`. `ask_at` is
    when it is asked next, and `leased_until` until when somebody does it.
    """

    ended_at: datetime | None = None
    trip_id: str | None = None
    last: Reading | None = None
    told: Reading | None = None
    pending_since: datetime | None = None
    begun_at: datetime | None = None
    free_since: datetime | None = None
    asked: int = 0
    failures: int = 0
    retry_at: datetime | None = None
    ask_at: datetime | None = None
    leased_until: datetime | None = None

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

    `drive` is the one going on, `events` what was heard and is in no drive that is over, by time, `recent` the drives
    that are. So many `entries` has the history of the log.
    """

    drive: GoingOn | None = None
    events: tuple[Heard, ...] = ()
    recent: tuple[OverDrive, ...] = ()
    closed_until: datetime | None = None
    open: dict[str, OpenLog] = {}
    asking: Asking = Asking()
    look_ups: LookUps = LookUps()
    rejected: int = 0
    log_changes: int = 0
    entries: int = 0

    def of_car(self, car_id: str) -> OpenLog:
        """What is open of a car's log; nothing, for one of which nothing is known."""
        return self.open.get(car_id) or OpenLog()

    def knows(self, heard: Heard) -> bool:
        """Whether the same was heard before: a message may come twice, and the second time later or by another key."""
        return any(kept.at == heard.at and kept.word == heard.word for kept in self.events)

    def known_readings(self, car_id: str) -> tuple[Reading, ...]:
        """The believed readings of the car by time, from its last parked one."""
        last = self.of_car(car_id).last
        driven = self.drive.readings if self.drive and self.drive.car_id == car_id else ()
        return ((last,) if last else ()) + driven


def with_log(state: DriverState, car_id: str, log: OpenLog) -> DriverState:
    """The state with what is open of a car's log.

    A driver has fewer cars at a time than are remembered. Of those that they had, the one left longest ago is
    forgotten first, but none before its trip has its end odometer: what the log says of it is in the store.
    """
    others = {other: kept for other, kept in state.open.items() if other != car_id}
    if len(others) >= KEPT_CARS:
        del others[min(others, key=lambda other: _forgotten_first(others[other]))]
    return replace(state, open={**others, car_id: log})


def _forgotten_first(log: OpenLog) -> tuple[bool, bool, datetime]:
    return log.pending_since is not None, log.due_at is not None, log.ended_at or LONG_AGO


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


def cut(drive: GoingOn | None, events: Iterable[Heard], rules: Rules) -> tuple[list[Heard], list[Leg]]:
    """The events that belong to no drive, and the drives that all others make, by time: all but the last are over.

    The first goes on from what lies in the store of the drive going on, and nothing older than that ends it or begins
    another. An end without a start before it waits for one. At equal times a start comes before an end.
    """
    stored = drive.last if drive else None
    legs = [Leg(drive.started_at, stored.at, drive.car_id, [])] if drive and stored else []
    loose = list[Heard]()
    for event in sorted(events, key=BY_TIME):
        if not event.is_end:
            _enter(legs, event, stored, rules)
        elif legs and legs[-1].started_at <= event.at:
            _leave(legs[-1], event, stored)
        else:
            loose.append(event)
    if drive and not legs:
        legs.append(Leg(drive.started_at, drive.started_at, drive.car_id, []))
    return loose, legs


def _leave(leg: Leg, end: Heard, stored: Fix | None) -> None:
    leg.events.append(end)
    if leg.ended_at or (stored and end.at < stored.at):
        return
    leg.last_at = max(leg.last_at, end.at)
    leg.paused = end.is_pause
    leg.ended_at = None if end.is_pause else end.at


def _enter(legs: list[Leg], start: Heard, stored: Fix | None, rules: Rules) -> None:
    car_id = UNKNOWN_CAR if start.is_stray else start.car_id
    is_old = stored is not None and start.at <= stored.at
    if not legs or (not is_old and _begins_anew(legs[-1], start, car_id, rules)):
        legs.append(Leg(start.at, start.at, car_id, [start]))
        return
    leg = legs[-1]
    leg.events.append(start)
    leg.started_at = min(leg.started_at, start.at)
    leg.last_at = max(leg.last_at, start.at)
    leg.car_id = leg.car_id or car_id
    leg.ended_at, leg.paused = None, False


def _begins_anew(leg: Leg, start: Heard, car_id: str | None, rules: Rules) -> bool:
    other_car = bool(car_id and leg.car_id and car_id != leg.car_id)
    too_late = bool(leg.ended_at and start.at - leg.ended_at > rules.resume_within)
    return other_car or too_late


def leg_of(state: DriverState, rules: Rules) -> Leg | None:
    """The drive going on as the phone tells of it; None where none is."""
    return cut(state.drive, state.events, rules)[1][-1] if state.drive else None


# --- the next poll -------------------------------------------------------------------------------------------------


def next_poll_at(state: DriverState, rules: Rules) -> datetime | None:
    """When somebody has to look at this driver next: at a car, at the drive going on, or for addresses.

    None only where nothing waits. Addresses wait for the polls of a car, which find them along the way, but not for one
    that is put off: its budget may be used up for weeks.
    """
    due = [log.due_at for log in state.open.values() if log.due_at]
    if state.drive:
        due.append(over_at(state, state.drive, rules))
    if due and state.look_ups.due_at:
        due.append(state.look_ups.due_at + LONGEST_WAIT)
    return min(due, default=state.look_ups.due_at)


def over_at(state: DriverState, drive: GoingOn, rules: Rules) -> datetime:
    """When the drive going on is over by itself, if nothing more is heard. Whoever reads its car may finish first."""
    has_left = any(heard.is_end for heard in state.events)  # a ping is spared what only an end needs
    leg = leg_of(state, rules) if has_left else None
    ended_at = leg.ended_at if leg else None
    moment = ended_at + rules.wait_for_end(drive.is_asked) if ended_at else drive.heard_at + rules.stale_after
    leased_until = state.of_car(drive.car_id).leased_until if drive.car_id else None
    return max(moment, leased_until) if leased_until else moment
