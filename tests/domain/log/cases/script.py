"""Scripted days: a line is what phone or cloud says, and a clock of its own polls the keeper whenever it is due.

    10000@-5 parked H           what the car's cloud says from then on: odometer, when measured, state, own position
    10010@11.. driving          the same measured anew whenever it is asked
    10027@29.3 parked from 40   told only from minute 40 on
    b: 500@-5 parked            of car b; where none is named it is the first one
    down 20 300                 the cloud fails from minute 20 until 300; `b: down 20 300`
    start 0 H                   the phone: a start, `ping` or `end` with its own time and position
    start 0 H in b              it names the car
    end 30 O arrives 200        it arrives later than it was seen (or, by a wrong clock, earlier)
    look 600                    the daily reading; one comes each night anyway

Minutes count from 08:00 UTC. H and O are places, 27 km apart by road and 22.4 in a straight line; `H+4n-2e` is 4 km
north and 2 west of H.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import cos, radians
from typing import Any, NamedTuple

from tests.worlds.log import CarAnswer, Correction, Keeper, Log, PhoneEvent, Played, Position, Trip
from tests.worlds.product import Product

MORNING = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)
PLACES = {"H": (52.0, 5.0), "O": (52.16, 5.2), "F": (50.11, 8.68)}
KM_PER_DEGREE = 111.195
ACCURACY_M = 12.0
POLL_TAKES = timedelta(seconds=2)  # from what happens to the poll that it asks for
NIGHT_MIN, DAY_MIN = 19 * 60, 24 * 60  # the daily readings, at three
REST_MIN = 26 * 60  # so long nothing more happens before a log is looked at
MOST_POLLS = 3000

SAYS = re.compile(
    r"(?:(?P<car>\w+): *)?(?P<km>[\d.]+)@(?P<at>-?[\d.]+?)(?P<live>\.\.)?"
    r"(?: (?P<state>driving|parked|unknown))?(?: (?P<place>[HOF]\S*))?(?: from (?P<from>-?[\d.]+))?"
)
DOWN = re.compile(r"(?:(?P<car>\w+): *)?down (?P<since>-?[\d.]+) (?P<until>[\d.]+)")
PHONE = re.compile(
    r"(?P<kind>start|ping|end) (?P<at>-?[\d.]+)(?: (?P<place>[HOF]\S*))?(?: in (?P<car>\w+))?"
    r"(?: arrives (?P<arrives>-?[\d.]+))?"
)
LOOK = re.compile(r"look (?P<at>-?[\d.]+)")
OFFSET = re.compile(r"([+-][\d.]+)([ne])")


def place(name: str) -> Position:
    """WGS84 degrees of a named place, or of one so many km north and east of it."""
    lat, lng = PLACES[name[0]]
    for km, axis in OFFSET.findall(name):
        degrees = float(km) / KM_PER_DEGREE
        lat, lng = (lat + degrees, lng) if axis == "n" else (lat, lng + degrees / cos(radians(lat)))
    return lat, lng


def is_near(position: Position | None, name: str, within_km: float = 0.3) -> bool:
    """Whether a position is known, and that of a named place."""
    if position is None:
        return False
    lat, lng = place(name)
    north, east = position[0] - lat, (position[1] - lng) * cos(radians(lat))
    return bool(KM_PER_DEGREE * (north**2 + east**2) ** 0.5 <= within_km)


class Said(NamedTuple):
    """What a cloud says from a moment on. A live answer is measured whenever it is asked for."""

    told_from: datetime
    answer: CarAnswer
    is_live: bool


class Script:
    """A driver, their cars, and what happens to them; it goes on from where it is with each text."""

    def __init__(
        self,
        cars: tuple[str, ...] = ("car",),
        begins: datetime = MORNING,
        resolution_km: float = 0.1,
        keeper: Keeper | None = None,
    ) -> None:
        self.cars = cars
        self.keeper: Keeper = Product(self.cars) if keeper is None else keeper
        self.begins, self.now = begins, begins - timedelta(days=1)
        self.asked: dict[str, list[datetime]] = defaultdict(list)
        self.stuck: list[datetime] = []  # when something waited that nobody would ask for
        self._resolution_km = resolution_km
        self._said: dict[str, list[Said]] = defaultdict(list)
        self._down: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
        self._polls, self._urgent = 0, False
        self._night = NIGHT_MIN

    def at(self, minutes: float) -> datetime:
        """A minute of the script."""
        return self.begins + timedelta(minutes=minutes)

    def play(self, text: str) -> "Script":
        """What a text says, by the time at which it arrives, and the polls between."""
        lines = [line for line in (line.strip() for line in text.splitlines()) if line]
        acts = [act for line in lines for act in self._read(line)]
        for at, act in sorted(acts, key=lambda one: one[0]):
            self._go_on_to(at)
            self._act(act)
        return self

    def until(self, minutes: float) -> Log:
        """Lets time pass; the log as it is then."""
        self._go_on_to(self.at(minutes))
        return self.keeper.log()

    def rest(self, minutes: float = REST_MIN) -> Log:
        """Lets nothing more happen for so long, a day and two hours unless told otherwise; the log then."""
        return self.until((self.now - self.begins) / timedelta(minutes=1) + minutes)

    def tell(self, kind: Any, minutes: float, position: Position | None = None, car: str | None = None) -> None:
        """What the phone says; it arrives at its own time, or now if that is over."""
        self._go_on_to(max(self.at(minutes), self.now))
        lat, lng = position or (None, None)
        self._act(PhoneEvent(kind, self.at(minutes), lat, lng, ACCURACY_M if position else None, car))

    def says(self, kind: Any, about: Trip | None = None, **more: Any) -> Played:
        """The driver's word at this moment; `since` and `until` are minutes."""
        times = {name: self.at(more.pop(name)) for name in ("since", "until") if name in more}
        trip_id = about.id if about else ""
        played = self.keeper.correct(Correction(kind, trip_id, **times, **more), self.now)
        self._look_for_stuck()
        self._urgent = True
        return played

    # --- the lines

    def _read(self, line: str) -> Iterator[tuple[datetime, PhoneEvent | None]]:
        if found := PHONE.fullmatch(line):
            event = self._event(**found.groupdict())
            arrives = found["arrives"]
            yield self.at(float(arrives)) if arrives else event.at, event
        elif found := LOOK.fullmatch(line):
            yield self.at(float(found["at"])), None
        elif found := DOWN.fullmatch(line):
            since, until = self.at(float(found["since"])), self.at(float(found["until"]))
            self._down[found["car"] or (self.cars or ("",))[0]].append((since, until))
        elif found := SAYS.fullmatch(line):
            self._said[found["car"] or (self.cars or ("",))[0]].append(self._answer(found))
        else:
            raise ValueError(line)

    def _event(self, kind: Any, at: str, place: str | None, car: str | None, arrives: str | None) -> PhoneEvent:
        lat, lng = _place(place)
        return PhoneEvent(kind, self.at(float(at)), lat, lng, ACCURACY_M if place else None, car)

    def _answer(self, found: re.Match[str]) -> Said:
        at = self.at(float(found["at"]))
        answer = CarAnswer(float(found["km"]), at, found["state"] or "unknown", *_place(found["place"]))
        answer = answer._replace(resolution_km=self._resolution_km)
        return Said(self.at(float(found["from"])) if found["from"] else at, answer, bool(found["live"]))

    # --- the clock

    def _act(self, event: PhoneEvent | None) -> None:
        if event:
            self.keeper.hear(event, self.now)
        else:
            self.keeper.look(self.now)
        self._look_for_stuck()
        self._urgent = True

    def _go_on_to(self, at: datetime) -> None:
        while (night := self.at(self._night)) <= at:
            self._night += DAY_MIN
            self._poll_until(night)
            self.now = night
            self._act(None)
        self._poll_until(at)
        self.now = max(self.now, at)

    def _poll_until(self, until: datetime) -> None:
        while (due := self._next_poll()) is not None and due <= until:
            self.now, self._urgent, self._polls = due, False, self._polls + 1
            assert self._polls < MOST_POLLS, "it is polled for ever"
            self.keeper.poll(due, self._ask)
            self._look_for_stuck()

    def _next_poll(self) -> datetime | None:
        due = self.keeper.due_at()
        if due is None:
            return None
        if due <= self.now and self._urgent:
            return self.now + POLL_TAKES
        return _full_minute(max(due, self.now + timedelta(seconds=1)))

    def _ask(self, car: str) -> CarAnswer | None:
        self.asked[car].append(self.now)
        if any(since <= self.now < until for since, until in self._down[car]):
            return None
        told = [said for said in self._said[car] if said.told_from <= self.now]
        if not told:
            return None
        said = sorted(told, key=lambda one: one.told_from)[-1]
        return said.answer._replace(measured_at=self.now) if said.is_live else said.answer

    def _look_for_stuck(self) -> None:
        if self.keeper.waits() and self.keeper.due_at() is None:
            self.stuck.append(self.now)


def played(text: str, **more: Any) -> Script:
    """A script as far as its text goes."""
    return Script(**more).play(text)


def log_of(text: str, **more: Any) -> Log:
    """What has come of a script a day after the last thing in it."""
    return played(text, **more).rest()


# --- what is asked of a log


def kms(log: Log, car: str | None = None) -> list[float]:
    """The kilometres of its trips by time, those of one car if one is named."""
    trips = [trip for trip in log.trips if car is None or trip.car == car]
    return [trip.km for trip in sorted(trips, key=lambda trip: trip.start)]


def gap_km(log: Log, car: str | None = None) -> float:
    """The kilometres that no trip has."""
    return round(sum(gap.km for gap in log.gaps if car is None or gap.car == car), 3)


def only(log: Log, car: str | None = None) -> Trip:
    """The one trip that there is, of a car if one is named."""
    (trip,) = [trip for trip in log.trips if car is None or trip.car == car]
    return trip


def _place(name: str | None) -> tuple[float | None, float | None]:
    return place(name) if name else (None, None)


def _full_minute(at: datetime) -> datetime:
    full = at.replace(second=0, microsecond=0)
    return full if full == at else full + timedelta(minutes=1)
