"""What each kind of call reads, writes and takes for drivers whose logs are short and very long."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from google.cloud import firestore

from shared.messaging.polls import ask_for_poll
from shared.repositories.user_store import UserStore
from tools.benchmarks import instances, log
from tools.benchmarks.table import Table
from tools.costs.counts import Calls
from tools.costs.playing import CAR, HOME, WORK, Ground, playing, register

TRIPS, SMALL_TRIPS = (1, 100, 1000, 10_000), (1, 60)
REPEATS, SMALL_REPEATS = 15, 2
PAGE, READINGS = 50, 20
# A call may take so many times as long with the longest log as with the shortest one that fills its answer.
MOST_RATIO = 2.0
# No waits between the steps of a drive, and no end of it before the car has answered.
SETTINGS = {"POLL_EVERY_S": "0", "POLL_AFTER_END_S": "0", "END_GRACE_S": "80000", "GEOCODERS": ""}
SETTINGS |= {"USER_CACHE_S": "3600", **instances.UNREACHED}  # warm instances


class Kind(NamedTuple):
    """A kind of call; documents that it may read and write with a log of so many years; whether it shows some."""

    name: str
    reads: Callable[[int], int]
    writes: int
    shows: bool = False


KINDS = (
    Kind("start", lambda years: 2, 1),
    Kind("ping", lambda years: 2, 1),
    Kind("poll while driving", lambda years: 5, 3),
    Kind("end", lambda years: 2, 1),
    Kind("poll that finishes a trip", lambda years: 9, 6),
    Kind("GET /trips/active", lambda years: 1, 0),
    Kind(f"GET /trips, page of {PAGE}", lambda years: PAGE + 1, 0, shows=True),
    Kind("GET /stats of a year", lambda years: 1, 0),
    Kind("GET /compare", lambda years: 4 + years + READINGS, 0, shows=True),
)


class Seen(NamedTuple):
    """What one call did, the seconds that it took, and those of them in which it waited for the answers of queries."""

    calls: Calls
    took_s: float
    queries_s: float

    @property
    def rest_s(self) -> float:
        """The seconds without the queries."""
        return self.took_s - self.queries_s


class Driver(NamedTuple):
    """A driver with a log: how many trips, over how many calendar years, and the odometer after them."""

    store: UserStore
    trips: int
    years: int
    odometer_km: float


TOOK, REST, QUERIES = attrgetter("took_s"), attrgetter("rest_s"), attrgetter("queries_s")
SeenBy = dict[tuple[str, int], list[Seen]]


def measure(small: bool, tell: Callable[[str], None]) -> Table:
    """Measures on emulators of its own, or on those that the environment names."""
    sizes, repeats = (SMALL_TRIPS, SMALL_REPEATS) if small else (TRIPS, REPEATS)
    with TemporaryDirectory() as logs, instances.emulated(Path(logs)), playing("bench", SETTINGS) as (ground, db):
        drivers = [_driver(db, trips, tell) for trips in sizes]
        seen: SeenBy = {}
        for n in range(repeats + 1):
            for driver in drivers:
                tell(f"{driver.trips:,} trips, {n} of {repeats}")
                # The first time warms the instance up, and is the key's first use today.
                _go_through(ground, driver, seen if n else {})
        return _table(drivers, seen, repeats)


def _driver(db: firestore.Client, trips: int, tell: Callable[[str], None]) -> Driver:
    tell(f"a log of {trips:,} trips into the store")
    store, until = register(db, f"driver-{trips}@example.com"), datetime.now(UTC) - timedelta(hours=1)
    odometer_km = log.fill(store, CAR, trips, until, (HOME, WORK))
    return Driver(store, trips, len(store.sums(None)), odometer_km)


def _go_through(ground: Ground, driver: Driver, seen: SeenBy) -> None:
    """Looks at the log, then drives once and takes the trip out of the log again."""

    def note(kind: str, call: Callable[[], Calls]) -> None:
        began = time.perf_counter()
        calls = call()
        took_s = time.perf_counter() - began
        seen.setdefault((kind, driver.trips), []).append(Seen(calls, took_s, ground.queries_s))

    def get(kind: str, function: str, path: str) -> None:
        note(kind, lambda: ground.call(function, "GET", path, driver.store.email))

    get(KINDS[6].name, "trips", f"/?limit={PAGE}")
    get(KINDS[7].name, "stats", f"/?year={datetime.now(UTC).year}")
    get(KINDS[8].name, "compare", "/")
    begun, km = datetime.now(UTC) - timedelta(minutes=40), driver.odometer_km
    log.park(driver.store, CAR, km, begun - timedelta(minutes=30))
    phone = _Phone(ground, driver, begun)
    note("start", lambda: phone.posts("start", 0))
    phone.polled(km, "parked", -1)
    note("ping", lambda: phone.posts("start", 10))
    ask_for_poll(driver.store.email, "schedule")
    phone.polled(km + 5, "driving", 10, note, "poll while driving")
    get("GET /trips/active", "trips", "/active")
    note("end", lambda: phone.posts("end", 20))
    phone.polled(km + log.KM, "parked", 21, note, "poll that finishes a trip")
    if driver.store.state().value.active:
        raise RuntimeError("the poll did not finish the trip")
    log.drop_newest(driver.store)


class _Phone(NamedTuple):
    """A driver's phone and his car on a drive that began at a moment."""

    ground: Ground
    driver: Driver
    begun: datetime

    def posts(self, event: str, minutes: int) -> Calls:
        """The phone's start or end, so many minutes after the beginning."""
        lat, lng = HOME.lat + (WORK.lat - HOME.lat) * minutes / 20, HOME.lng + (WORK.lng - HOME.lng) * minutes / 20
        body = {"lat": lat, "lng": lng, "timestamp": self._at(minutes)}
        return self.ground.call(f"webhook_{event}", "POST", "/", self.driver.store.email, json=body)

    def polled(self, km: float, state: str, minutes: int, note: Any = None, kind: str = "") -> None:
        """Has the message that waits poll the car, which shows an odometer and a state of a moment."""
        self.ground.show_car(odometer_km=km, state=state, measured_at=self._at(minutes), lat=None, lng=None)
        message = self.ground.waiting()
        if json.loads(message.data)["user"] != self.driver.store.email:
            raise RuntimeError("the message asks for another driver")
        if note:
            note(kind, lambda: self.ground.deliver(message))
        else:
            self.ground.deliver(message)

    def _at(self, minutes: int) -> str:
        return (self.begun + timedelta(minutes=minutes)).isoformat()


def _table(drivers: list[Driver], seen: SeenBy, repeats: int) -> Table:
    sizes = [driver.trips for driver in drivers]
    over = [kind.name for kind in KINDS if not all(_kept(kind, driver, seen) for driver in drivers)]
    ratios = {kind: _ratio(kind, sizes, seen, TOOK) for kind in KINDS}
    rest = {kind: _ratio(kind, sizes, seen, REST) for kind in KINDS}
    slow = [f"{kind.name} ({ratio:.1f})" for kind, ratio in ratios.items() if ratio > MOST_RATIO]
    summary = (
        f"documents read and written by one call of a warm instance, and the middle of {repeats} calls in "
        "milliseconds, functions, counting and callers in one process and the emulators beside it; a poll’s with the "
        "simulated car’s answer. Documents are as Firestore bills them: a query that finds nothing is one. "
        f"{'All within' if not over else 'Not within'} the bounds{': ' + ', '.join(over) if over else ''}. "
        f"“Ratio” is {sizes[-1]:,} trips by 1, or by {sizes[1]:,} where the answer shows trips or readings, "
        f"which are fewer with one; it should be {MOST_RATIO:g} at most: "
        f"{'it is' if not slow else 'it is not for ' + ', '.join(slow)}. "
        "The emulator is part of it, whose queries have no composite indexes and look at all of a driver’s trips: the "
        f"last columns say what the calls waited for queries, and the ratio of all the rest, {max(rest.values()):.1f} "
        "at most."
    )
    columns = [f"{size:,} trip{'s' if size > 1 else ''}" for size in sizes]
    times = (*(f"ms, {column}" for column in columns), "ratio")
    head = ("call", "at most", *columns, *times, f"in queries, {columns[-1]}", "ratio of the rest")
    rows = []
    for kind in KINDS:
        in_queries = f"{_ms(seen[kind.name, sizes[-1]], QUERIES):.1f}"
        rows.append((*_cells(kind, drivers, seen), f"{ratios[kind]:.1f}", in_queries, f"{rest[kind]:.1f}"))
    return Table("calls", summary, head, rows, not over and not slow)


def _kept(kind: Kind, driver: Driver, seen: SeenBy) -> bool:
    calls = [one.calls for one in seen[kind.name, driver.trips]]
    return all(call.reads <= kind.reads(driver.years) and call.writes + call.deletes <= kind.writes for call in calls)


def _ratio(kind: Kind, sizes: list[int], seen: SeenBy, seconds: Callable[[Seen], float]) -> float:
    shortest = sizes[1 if kind.shows else 0]
    return _ms(seen[kind.name, sizes[-1]], seconds) / _ms(seen[kind.name, shortest], seconds)


def _ms(seen: list[Seen], seconds: Callable[[Seen], float]) -> float:
    return 1000 * median(map(seconds, seen))


def _cells(kind: Kind, drivers: list[Driver], seen: SeenBy) -> tuple[str, ...]:
    each = [seen[kind.name, driver.trips] for driver in drivers]
    most = [max(kind.reads(driver.years) for driver in drivers), kind.writes]
    counts = (f"{max(one.calls.reads for one in of)}, {max(one.calls.writes for one in of)}" for of in each)
    return (kind.name, f"{most[0]}, {most[1]}", *counts, *(f"{_ms(of, TOOK):.1f}" for of in each))
