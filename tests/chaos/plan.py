"""The truth: who drove when, where and how far, and what phones and clouds made of it. All of it by the seed."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from math import cos, hypot, radians, sin
from random import Random
from typing import Literal, NamedTuple, get_args

KM_PER_DEGREE = 111.195
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
# Users live so far apart, and their cars have gone so far, that no trip of one can be taken for that of another.
REGION_DEGREES, REGION_KM = 1.5, 60.0
CAR_KM = 10_000.0
HALT_KM = 0.5  # who ends a drive that near to a place of kind pause might only pause there

# Of the drives in which a car's cloud says nothing: more than are remembered of a driver at a time.
SILENT_DRIVES = 34

Position = tuple[float, float]
What = Literal["read", "settled", "closed", "stopped", "over", "measured", "all measured"]
# What a plan plays besides, where it is told to: ends that come when the next trip is over, starts in another car while
# nobody has read the one before, a car whose cloud says nothing for more than thirty drives.
Extra = Literal["late-ends", "other-cars", "silent-car"]
EXTRAS: tuple[Extra, ...] = get_args(Extra)


def dice(*words: object) -> Random:
    """Random numbers that follow from the words alone: whatever else is drawn, these stay."""
    return Random("/".join(map(str, words)))


class Send(NamedTuple):
    """A call of the phone."""

    event: Literal["start", "end"]
    at: datetime
    position: Position
    car_id: str | None


class Together(NamedTuple):
    """Calls that reach the functions at one moment, in any order."""

    sends: tuple[Send, ...]


class Show(NamedTuple):
    """What the car's cloud says from now on: measured `at`, in km."""

    car_id: str
    at: datetime
    odometer_km: float | None
    state: Literal["driving", "parked"]
    position: Position


class Break(NamedTuple):
    """The car's cloud fails from now on; None mends it."""

    car_id: str
    fault: str | None


class NewCredentials(NamedTuple):
    """The driver sets the credentials of a car anew."""

    car_id: str


class Late(NamedTuple):
    """The car's cloud still says what it said, so many seconds of the real clock."""

    wait_s: float


class Await(NamedTuple):
    """Nothing happens before the system has done something, as nothing does while a car stands for hours.

    read: it knows a reading measured at the moment; settled: the newest trip has its end odometer;
    closed: no trip goes on; stopped: it asks the car no more, for its login was refused; over: no trip goes on, and the
    newest, which may still be more than this drive, has its end odometer; measured: so has the car's trip that began
    at the moment; all measured: so have all trips.
    """

    what: What
    car_id: str | None
    at: datetime


class AddPlace(NamedTuple):
    """The driver has a place of kind pause here from now on."""

    position: Position


class Edit(NamedTuple):
    """The driver makes his newest trip one of a kind."""

    kind: Literal["business", "private"]


Step = Send | Together | Show | Break | NewCredentials | Late | Await | AddPlace | Edit


class Drive(NamedTuple):
    """One drive as it was. `seen_at` is the phone's first event that was not lost, None where none was told.

    `last_sign_at` is its last one, where nobody can know more of the end than that it came later.
    """

    car_id: str | None
    begins_at: datetime
    ends_at: datetime
    start_km: float
    end_km: float
    seen_at: datetime | None
    seen_km: float
    end_was_told: bool
    settles: bool
    fixes: tuple[tuple[datetime, Position], ...]
    steps: tuple[Step, ...]
    last_sign_at: datetime | None = None

    @property
    def distance_km(self) -> float:
        """How far it went."""
        return round(self.end_km - self.start_km, 1)


class User(NamedTuple):
    """A driver with the drives of a day."""

    number: int
    car_ids: tuple[str, ...]
    home: Position
    drives: tuple[Drive, ...]


class Kill(NamedTuple):
    """The process that serves the functions dies once so many drives are done."""

    done: int


class Outage(NamedTuple):
    """Store or bus cannot be reached for a while: connections are cut, or nothing comes through."""

    done: int
    which: Literal["store", "bus"]
    how: Literal["cut", "stalled"]
    lasts_s: float


class Plan(NamedTuple):
    """All that one seed makes: users, faults, and the waits that the functions are set to."""

    seed: int
    users: tuple[User, ...]
    faults: tuple[Kill | Outage, ...]
    settings: dict[str, str]


def plan(seed: int, now: datetime, users: int = 30, drives: int = 10, extras: Collection[Extra] = ()) -> Plan:
    """Makes a plan whose last drives end about now (aware UTC). What extras change is theirs: all else stays."""
    rng, total = dice(seed), users * drives
    kills = tuple(Kill(done) for done in rng.sample(range(total // 20, total), max(1, total // 50)))
    outages = tuple(
        Outage(rng.randrange(total // 10, total * 9 // 10), which, rng.choice(("cut", "stalled")), lasts_s)
        for which, lasts_s in zip(("store", "bus"), rng.sample((2.0, 5.0, 10.0, 20.0), 2), strict=True)
    )
    # With a long grace trips wait for the car's word, with a short one they are saved from GPS and settled later.
    settings = {"END_GRACE_S": rng.choice(("900", "900", "86000"))}
    faults = tuple(sorted((*kills, *outages), key=lambda fault: fault.done))
    made = tuple(_user(seed, number, now, drives, extras) for number in range(users))
    return Plan(seed, made, faults, settings)


def _user(seed: int, number: int, now: datetime, drives: int, extras: Collection[Extra]) -> User:
    rng = dice(seed, number)
    cars: tuple[str, ...] = {0: (), 1: ("car", "van")}.get(number % 10, ("car",))
    home = (30.0 + number * REGION_DEGREES, 5.0)
    outlines = list(_outlines(rng, cars, drives))
    if "other-cars" in extras and len(cars) > 1:
        outlines = _swapping(dice(seed, number, "other-cars"), outlines)
    if "silent-car" in extras and number % 10 == 2:
        outlines = _silent(dice(seed, number, "silent-car"), outlines)
    # The last drive ended within the hour. Without a car it may be resumed for five minutes: nobody waits for that.
    ended_s = rng.randrange(60 if cars else 360, 2400)
    lasted = sum((one.pause + one.minutes * MINUTE for one in outlines), timedelta(0))
    moment = now.replace(microsecond=0) - ended_s * SECOND - lasted
    odometers = {car: CAR_KM * (2 * number + n + 1) + rng.randrange(0, 1000) / 10 for n, car in enumerate(cars)}
    script = Script(rng, home, odometers, dice(seed, number, "late-ends") if "late-ends" in extras else None)
    made = []
    for n, outline in enumerate(outlines):
        moment += outline.pause
        following = outlines[n + 1] if n + 1 < len(outlines) else None
        made.append(script.drive(outline, following, moment))
        moment += outline.minutes * MINUTE
    return User(number, cars, home, tuple(made))


def km_between(one: Position, other: Position) -> float:
    """How far it is from one to the other, in km."""
    north_km = (one[0] - other[0]) * KM_PER_DEGREE
    return hypot(north_km, (one[1] - other[1]) * KM_PER_DEGREE * cos(radians(one[0])))


class Outline(NamedTuple):
    """What is to happen in a drive, before it is known where and when."""

    car_id: str | None
    pause: timedelta  # since the one before
    minutes: int
    ping_every: int  # minutes; 0 for none
    untold: bool
    start_lost: bool
    end_lost: bool
    quick: bool  # the next drive begins before anybody could read the car
    swaps: bool = False  # so it does, in another car
    names_end: bool = True  # the phone says which car it left
    silent: bool = False  # the car's cloud says nothing


def _outlines(rng: Random, cars: tuple[str, ...], drives: int) -> Iterator[Outline]:
    ping_every = rng.choice((0, 1, 1, 3))
    before: Outline | None = None
    for n in range(drives):
        plain = n in (0, drives - 1) or not cars or (before is not None and before.quick)
        untold = not plain and rng.random() < 0.06
        pinged = ping_every > 0 and not untold
        minutes = rng.randrange(5, 9) if ping_every == 1 else rng.randrange(6, 19)
        before = Outline(
            car_id=rng.choice(cars) if cars else None,
            pause=rng.randrange(960, 5400) * SECOND,
            minutes=minutes,
            ping_every=ping_every,
            untold=untold,
            start_lost=pinged and not plain and rng.random() < 0.1,
            end_lost=bool(cars) and not untold and n < drives - 1 and rng.random() < 0.12,
            quick=False,
        )
        # With a second car the next drive may be in that one, and then nobody reads this one for hours.
        readable = len(cars) == 1 and n < drives - 1
        quick = readable and not untold and not before.end_lost and rng.random() < 0.1
        before = before._replace(quick=quick)
        yield before


def _swapping(rng: Random, outlines: list[Outline]) -> list[Outline]:
    """The drives, some of which begin in another car as soon as the one before is left, or before that is told."""
    found = list(outlines)
    for n in range(len(found) - 1):
        one, following = found[n : n + 2]
        follows_a_swap = n > 0 and found[n - 1].swaps
        if one.car_id == following.car_id or one.untold or follows_a_swap or rng.random() < 0.3:
            continue
        end_lost, names_end = rng.random() < 0.3, rng.random() < 0.5
        found[n] = one._replace(swaps=True, end_lost=end_lost, names_end=names_end)
        pause = rng.choice((0, 1, rng.randrange(2, 900))) * SECOND
        found[n + 1] = following._replace(pause=pause, untold=False, start_lost=False)
    return found


def _silent(rng: Random, outlines: list[Outline]) -> list[Outline]:
    """The first and the last drive, and between them many of which the car's cloud says nothing."""
    first, last = outlines[0], outlines[-1]
    silent = first._replace(end_lost=False, quick=True, silent=True)
    return [
        first._replace(quick=False),
        *(
            silent._replace(pause=rng.randrange(960, 1200) * SECOND, minutes=rng.randrange(5, 9))
            for _ in range(SILENT_DRIVES)
        ),
        last,
    ]


class Script:
    """Writes the drives of one user, one after the other, with all that phone and car cloud do about them."""

    def __init__(self, rng: Random, home: Position, odometers: dict[str, float], late: Random | None) -> None:
        self._rng, self._home, self._at, self._late = rng, home, home, late
        self._odometers = odometers
        self._parked: dict[str | None, Position] = {}  # where each car was left, and the driver comes to it
        self._unknown = set(odometers)  # cars of which the system does not know where the odometer stands
        self._held: list[Send] = []  # calls that come with the next drive
        self._belated: list[tuple[int, Send]] = []  # calls that come when so many later drives are over
        self._unread: list[Step] = []  # what the cloud says of a car that was left for another one
        self._afterwards: list[Step] = []  # what the system has to have done when the next drive is over
        self._silent = False  # the car's cloud says nothing by now
        self._old: list[Send] = []  # what may come a second time
        self._halts: list[Position] = []  # places of kind pause that the driver has still to set up
        self._halted: list[Position] = []  # all of them: who stops there has not arrived

    def drive(self, outline: Outline, following: Outline | None, begins_at: datetime) -> Drive:
        """One drive with its steps."""
        rng, car_id = self._rng, outline.car_id
        self._at = self._parked.get(car_id, self._at)
        course = self._course(outline.minutes)
        while any(km_between(course[-1][0], halt) < HALT_KM for halt in self._halted):
            course = self._course(outline.minutes)
        self._at = self._parked[car_id] = course[-1][0]
        start_km = self._odometers.get(car_id or "", 0.0)
        end_km = round(start_km + course[-1][1], 1)
        paused = outline.ping_every == 3 and not (outline.untold or outline.start_lost) and rng.random() < 0.15
        events = [] if outline.untold else self._events(outline, begins_at, course, paused)
        told = [event for event in events if not self._is_lost(outline, event, events)]
        seen_at = min((event.at for event in told), default=None)
        seen_km = course[round((seen_at - begins_at) / MINUTE)][1] if seen_at else 0.0
        made = Drive(
            car_id=car_id,
            begins_at=begins_at,
            ends_at=begins_at + outline.minutes * MINUTE,
            start_km=start_km,
            end_km=end_km,
            seen_at=seen_at,
            seen_km=seen_km,
            end_was_told=not outline.end_lost,
            settles=not outline.quick,
            last_sign_at=max(event.at for event in told) if outline.swaps and outline.end_lost else None,
            fixes=tuple(sorted({(event.at, event.position) for event in told})),
            steps=(),
        )
        steps = self._untold(made) if outline.untold else self._steps(outline, following, made, told, course)
        if car_id:
            self._odometers[car_id] = end_km
        return made._replace(steps=tuple(steps))

    def _course(self, minutes: int) -> list[tuple[Position, float]]:
        """Where the car is at each minute, and how far it has gone by then."""
        rng, at = self._rng, self._at
        heading, winding, driven_km = rng.uniform(0, 360), rng.uniform(1.12, 1.28), 0.0
        if abs(at[0] - self._home[0]) * KM_PER_DEGREE > REGION_KM / 2:
            heading = 180.0 if at[0] > self._home[0] else 0.0
        if abs(at[1] - self._home[1]) * KM_PER_DEGREE * cos(radians(at[0])) > REGION_KM / 2:
            heading = 270.0 if at[1] > self._home[1] else 90.0
        course, km_an_hour = [(at, 0.0)], rng.uniform(30, 90)
        for _ in range(minutes):
            heading += rng.uniform(-15, 15)
            step_km = km_an_hour / 60 * rng.uniform(0.8, 1.2)
            north = at[0] + step_km * cos(radians(heading)) / KM_PER_DEGREE
            east = at[1] + step_km * sin(radians(heading)) / KM_PER_DEGREE / cos(radians(at[0]))
            at, driven_km = (round(north, 6), round(east, 6)), driven_km + step_km * winding
            course.append((at, driven_km))
        return course

    def _events(
        self, outline: Outline, begins_at: datetime, course: list[tuple[Position, float]], paused: bool
    ) -> list[Send]:
        """What the phone would say if nothing went wrong, by time."""

        def send(event: Literal["start", "end"], minute: int) -> Send:
            return Send(event, begins_at + minute * MINUTE, course[minute][0], outline.car_id)

        last = outline.minutes
        pings = range(outline.ping_every, last, outline.ping_every) if outline.ping_every else ()
        left = send("end", last) if outline.names_end else send("end", last)._replace(car_id=None)
        events = [send("start", 0), *(send("start", minute) for minute in pings), left]
        if not outline.start_lost and self._rng.random() < 0.15:  # CarPlay drops, and is back within minutes
            drop = self._rng.randrange(1, last - 3)
            events += [send("end", drop), send("start", drop + self._rng.randrange(1, 4))]
        if paused:
            halt = self._rng.randrange(1, last - 1)
            self._halts.append(course[halt][0])
            self._halted.append(course[halt][0])
            events += [send("end", halt), send("start", halt + 1)]
        return sorted(set(events), key=lambda event: (event.at, event.event == "end"))

    def _is_lost(self, outline: Outline, event: Send, events: list[Send]) -> bool:
        first, last = events[0], events[-1]
        if event is first:
            return outline.start_lost
        if event is last:
            return outline.end_lost
        # A lost ping is nothing; of a drop of CarPlay, and of a drive whose start was lost, the rest comes.
        drop = any(other.event == "end" for other in events[1:-1])
        return not drop and not outline.start_lost and self._rng.random() < 0.1

    # --- what happens, in its order

    def _untold(self, drive: Drive) -> list[Step]:
        """The phone stayed at home: only the car's cloud knows."""
        if drive.car_id is None:
            return []
        self._unknown.add(drive.car_id)
        return [Show(drive.car_id, drive.ends_at + MINUTE, drive.end_km, "parked", self._at)]

    def _steps(
        self,
        outline: Outline,
        following: Outline | None,
        drive: Drive,
        told: list[Send],
        course: list[tuple[Position, float]],
    ) -> list[Step]:
        rng, car_id = self._rng, drive.car_id
        steps: list[Step] = [AddPlace(position) for position in self._halts]
        self._halts = []
        steps += self._silence(drive, outline.silent)
        looked = car_id is not None and (car_id in self._unknown or rng.random() < 0.25) and not outline.silent
        hold_end = outline.quick and drive.end_was_told and rng.random() < 0.5 and not outline.silent
        delivered = list(told)
        if hold_end:
            delivered.remove(told[-1])
        if car_id and looked:
            steps += self._known_start(drive, delivered, course[0][0])
            self._unknown.discard(car_id)
        calls = self._calls(delivered)
        if self._held:
            calls.insert(0, Together((*self._held, delivered[0])))
            self._held = []
        if car_id and not outline.silent:
            middle = len(calls) // 2
            calls[middle:middle] = self._on_the_way(drive, course)
        if self._unread and rng.random() < 0.5:
            begun = 1 + next(n for n, call in enumerate(calls) if isinstance(call, Send | Together))
            calls[begun:begun], self._unread = self._unread, []
        steps += calls
        if hold_end:
            self._hold(told[-1])
        steps += self._over(outline, following, drive)
        edits = not outline.quick and rng.random() < 0.2
        # Whoever touches a trip that is two keeps the two as one.
        if edits and not (outline.swaps or self._belated):
            steps.append(Edit(rng.choice(("business", "private"))))
        self._old = (self._old + (told[:-1] if hold_end and self._late else told))[-20:]
        return steps

    def _silence(self, drive: Drive, is_silent: bool) -> list[Step]:
        """The car's cloud falls silent, or speaks again: then all that was driven meanwhile is measured."""
        if drive.car_id is None or is_silent == self._silent:
            return []
        self._silent = is_silent
        self._afterwards = [] if is_silent else [Await("all measured", drive.car_id, drive.ends_at)]
        return [Break(drive.car_id, "error" if is_silent else None)]

    def _hold(self, end: Send) -> None:
        """An end that comes with the next drive, or when that one or even the one after it is over."""
        if self._late:
            self._belated.append((self._late.choice((1, 1, 2)), end))
        else:
            self._held = [end]

    def _over(self, outline: Outline, following: Outline | None, drive: Drive) -> list[Step]:
        """What comes after the phone's last call: the car's word, if anybody hears it before the next drive."""
        car_id = drive.car_id
        if car_id is None:
            return [Await("closed", None, drive.ends_at)]
        shown = Show(car_id, drive.ends_at + MINUTE, drive.end_km, "parked", self._at)
        if outline.swaps:
            assert drive.seen_at
            self._unread, self._afterwards = [shown], [Await("measured", car_id, drive.seen_at)]
            return []
        if outline.quick:
            return [shown] if not outline.silent and self._rng.random() < 0.5 else []
        steps = self._parking(drive, "over" if self._belated else "settled") + self._unread + self._afterwards
        self._unread, self._afterwards = [], []
        return steps + self._ends_at_last(drive, is_last=following is None)

    def _ends_at_last(self, drive: Drive, is_last: bool) -> list[Step]:
        """The ends that come now, with which alone this drive can be told from those before it."""
        if not self._belated:
            return []
        due: list[Step] = [end for drives, end in self._belated if drives == 1 or is_last]
        self._belated = [(drives - 1, end) for drives, end in self._belated if drives > 1 and not is_last]
        return due if self._belated else [*due, Await("settled", drive.car_id, drive.ends_at)]

    def _known_start(self, drive: Drive, delivered: list[Send], position: Position) -> list[Step]:
        """The car is read before it leaves: only so can anybody know what it did before."""
        assert drive.car_id
        measured_at = drive.begins_at - MINUTE
        shown = Show(drive.car_id, measured_at, drive.start_km, "parked", position)
        return [shown, delivered[0], Await("read", drive.car_id, measured_at)]

    def _calls(self, delivered: list[Send]) -> list[Step]:
        """The phone's calls with what happens to calls: twice, at once, in another order, old ones again."""
        rng, calls, rest = self._rng, [], list(delivered)
        for n in range(len(rest) - 1):
            if rng.random() < 0.2 and not self._tears(rest[n], rest[n + 1]):
                rest[n], rest[n + 1] = rest[n + 1], rest[n]
        while rest:
            # Without a car the trail is all there is: what comes after the end is known comes too late for it.
            many = 1 if rest[0].car_id is None else min(len(rest), rng.choice((1, 1, 1, 2, 3)))
            sends, rest = rest[:many], rest[many:]
            if rng.random() < 0.15:
                sends.append(rng.choice(sends))
            if self._old and rng.random() < 0.1:
                sends.append(rng.choice(self._old))
            calls.append(Together(tuple(sends)) if len(sends) > 1 else sends[0])
        return calls

    def _tears(self, earlier: Send, later: Send) -> bool:
        """Whether another order of the two would lose what nobody can know without a car: how far it went."""
        return "end" in (earlier.event, later.event) and earlier.car_id is None

    def _on_the_way(self, drive: Drive, course: list[tuple[Position, float]]) -> list[Step]:
        """The car's cloud while it drives: right, wrong, broken, or silent."""
        assert drive.car_id
        rng, steps, car_id = self._rng, list[Step](), drive.car_id
        if car_id in self._unknown:
            return []
        minute = len(course) // 2
        position, driven_km = course[minute]
        measured_at = drive.begins_at + minute * MINUTE
        if rng.random() < 0.15:
            steps += [Break(car_id, rng.choice(("error", "garbage", "rate_limited", "hang")))]
            steps += [Late(rng.uniform(0.2, 1.5)), Break(car_id, None)]
        if rng.random() < 0.15:
            steps.append(self._wrong(drive, measured_at - MINUTE / 2, position))
        if rng.random() < 0.5:
            steps.append(Show(car_id, measured_at, round(drive.start_km + driven_km, 1), "driving", position))
        return steps

    def _wrong(self, drive: Drive, measured_at: datetime, position: Position) -> Show:
        assert drive.car_id
        wrong_km = self._rng.choice((0.0, None, drive.start_km - 300, drive.start_km + 5000, -1.0))
        return Show(drive.car_id, measured_at, wrong_km, "parked", position)

    def _parking(self, drive: Drive, until: What) -> list[Step]:
        """The car stands for long: its cloud comes round at last, and the log gets its end odometer."""
        assert drive.car_id
        rng, car_id, steps = self._rng, drive.car_id, list[Step]()
        if rng.random() < 0.3:
            steps.append(Late(rng.uniform(0.2, 2)))
        if rng.random() < 0.15:
            steps += [self._wrong(drive, drive.ends_at + MINUTE / 2, self._at), Late(rng.uniform(0.2, 1))]
        if rng.random() < 0.15:
            steps += [Break(car_id, rng.choice(("error", "garbage", "rate_limited", "hang")))]
            steps += [Late(rng.uniform(0.5, 2)), Break(car_id, None)]
        if rng.random() < 0.04:
            refused = Await("stopped", car_id, drive.ends_at)
            steps += [Break(car_id, "unauthorized"), refused, Break(car_id, None), NewCredentials(car_id)]
        shows = [
            Show(car_id, drive.ends_at + minutes * MINUTE, drive.end_km, "parked", self._at) for minutes in (1, 7, 12)
        ]
        if drive.end_was_told:
            return [*steps, shows[0], Await(until, car_id, drive.ends_at)]
        for show in shows[:2]:
            steps += [show, Await("read", car_id, show.at)]
        return [*steps, shows[2], Await(until, car_id, drive.ends_at)]
