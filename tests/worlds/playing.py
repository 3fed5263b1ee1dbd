"""Plays a plan to whoever keeps its log, by a clock of its own: messages, polls, daily readings, the driver's words.

The keeper decides when it polls: at once where a message or a word makes a poll due, else with the next full minute.
"""

import traceback
from collections.abc import Callable
from typing import NamedTuple

from tests.worlds.cloud import Cloud, Told
from tests.worlds.log import CarAnswer, Correction, Keeper, Log, PhoneEvent, Played
from tests.worlds.phone import ACCURACY_M, Sent, sent
from tests.worlds.plan import DAY, HOUR, MINUTE, Plan, Word, moment, seconds
from tests.worlds.truth import TrueDrive, Truth

LOOK_S = 3 * HOUR  # when the daily reading is made
AFTER_S = DAY + 2 * HOUR  # so long a world goes on after the last thing in it
POLL_TAKES_S = 2  # from a message to the poll that it asks for
MOST_POLLS = 1500  # a world is given up after these

EMPTY = Log((), (), {})


class Spoken(NamedTuple):
    """A word of the driver, what became of it, and the trip that it was about."""

    word: Word
    played: Played
    trip_id: str = ""
    km: float = 0.0


class Run(NamedTuple):
    """A world that was played: its truth, what was heard and told in it, and the log that came of it.

    `idle_polls` are those that came while nothing waited.
    """

    truth: Truth
    heard: tuple[Sent, ...]
    told: tuple[Told, ...]
    polls_s: tuple[int, ...]
    idle_polls: int
    spoken: tuple[Spoken, ...]
    log: Log
    waits: bool
    due_s: float | None
    ends_s: int
    crash: str = ""


MakeKeeper = Callable[[Truth], Keeper]


def play(plan: Plan, make: MakeKeeper) -> Run:
    """The whole world, and a day more. What the keeper raises ends it and is kept as its crash."""
    stage = Stage(plan, make)
    try:
        stage.play()
        log, waits, due_at = stage.keeper.log(), stage.keeper.waits(), stage.keeper.due_at()
        return stage.run(log, waits, seconds(due_at) if due_at else None)
    except Exception:  # noqa: BLE001 - a tool that measures a product must outlive it
        return stage.run(EMPTY, False, None, traceback.format_exc())


class Stage:
    """A world while it is played."""

    def __init__(self, plan: Plan, make: MakeKeeper) -> None:
        self.truth = Truth(plan)
        self.keeper = make(self.truth)
        self._clouds = {car.id: Cloud(self.truth, car) for car in plan.cars}
        self._heard, self._agenda = tuple(sent(self.truth)), list[tuple[int, int, Sent | Word | None]]()
        self._told, self._polls_s, self._spoken = list[Told](), list[int](), list[Spoken]()
        self._idle_polls, self._urgent, self.now_s = 0, False, 0
        self.ends_s = self._last_s() + AFTER_S
        self._plan_agenda()

    def _last_s(self) -> int:
        plan = self.truth.plan
        arrivals = [one.arrives_s for one in self._heard]
        return max([self.truth.ends_s, *arrivals, *(q.until_s for q in plan.quirks), *(w.at_s for w in plan.words)])

    def _plan_agenda(self) -> None:
        acts: list[tuple[int, Sent | Word | None]] = [
            *((one.arrives_s, one) for one in self._heard),
            *((word.at_s, word) for word in self.truth.plan.words),
        ]
        acts += [(at_s, None) for at_s in range(LOOK_S, self.ends_s, DAY)]
        self._agenda = [(at_s, n, act) for n, (at_s, act) in enumerate(acts)]
        self._agenda.sort(key=lambda one: one[:2])

    def play(self) -> None:
        """Whatever comes next, until the end."""
        for at_s, _, act in self._agenda:
            self._poll_until(at_s)
            self.now_s = at_s
            self._act(act)
            self._urgent = True
        self._poll_until(self.ends_s)

    def _act(self, act: Sent | Word | None) -> None:
        now = moment(self.now_s)
        if isinstance(act, Sent):
            self.keeper.hear(_event(act), now)
        elif isinstance(act, Word):
            self._spoken.append(self._say(act))
        else:
            self.keeper.look(now)

    def _poll_until(self, until_s: int) -> None:
        while (at_s := self._next_poll_s()) is not None and at_s <= until_s and len(self._polls_s) < MOST_POLLS:
            self.now_s, self._urgent = at_s, False
            self._polls_s.append(at_s)
            self._idle_polls += not self.keeper.waits()
            self.keeper.poll(moment(at_s), self._ask)

    def _next_poll_s(self) -> int | None:
        due_at = self.keeper.due_at()
        if due_at is None:
            return None
        due_s = seconds(due_at)
        if due_s <= self.now_s and self._urgent:
            return self.now_s + POLL_TAKES_S
        return int(-(-max(due_s, self.now_s + 1) // MINUTE) * MINUTE)

    def _ask(self, car: str) -> CarAnswer | None:
        told = self._clouds[car].answer(self.now_s)
        if told:
            self._told.append(told)
        return told.answer if told else None

    def _say(self, word: Word) -> Spoken:
        drive = next(drive for drive in self.truth.drives if drive.n == word.n)
        correction = self._correction(word, drive)
        if word.kind not in ("manual", "eye") and not correction.trip_id:
            return Spoken(word, "cannot")  # there is no trip of it yet
        played = self.keeper.correct(correction, moment(self.now_s))
        return Spoken(word, played, correction.trip_id, correction.km)

    def _correction(self, word: Word, drive: TrueDrive) -> Correction:
        since, until = moment(drive.begins_s), moment(drive.ends_s)
        if word.kind == "manual":
            return Correction("manual", car=drive.car, since=since, until=until, km=round(drive.length_m / 1000, 1))
        if word.kind == "eye":
            km = self.truth.where(drive.car, self.now_s).odometer_m / 1000
            return Correction("eye", car=drive.car, km=round(km, 1))
        trips = [trip for trip in self.keeper.log().trips if trip.start < until and trip.end > since]
        km = round((drive.length_m + word.by_m) / 1000, 1)
        return Correction(word.kind, trips[0].id if len(trips) == 1 else "", km=max(km, 0.1))

    def run(self, log: Log, waits: bool, due_s: float | None, crash: str = "") -> Run:
        """What came of it."""
        return Run(
            truth=self.truth,
            heard=self._heard,
            told=tuple(self._told),
            polls_s=tuple(self._polls_s),
            idle_polls=self._idle_polls,
            spoken=tuple(self._spoken),
            log=log,
            waits=waits,
            due_s=due_s,
            ends_s=self.ends_s,
            crash=crash,
        )


def _event(one: Sent) -> PhoneEvent:
    lat, lng = one.position or (None, None)
    return PhoneEvent(one.kind, moment(one.at_s), lat, lng, ACCURACY_M if one.position else None, one.names)
