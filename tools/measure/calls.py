"""What each kind of call reads, writes and takes for drivers whose logs are short and very long."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import NamedTuple

from google.cloud import firestore

from shared.repositories.user_store import UserStore
from tools.measure.assumptions import CAR_LATE, DRIVE, PAGES
from tools.measure.drivers import fill_log, park
from tools.measure.instances import UNREACHED
from tools.measure.playing import Calls, Ground, Step, playing, register
from tools.measure.table import Table

TRIPS, SMALL_TRIPS = (100, 10_000), (60, 80)
REPEATS, SMALL_REPEATS = 15, 2
EVERY = timedelta(hours=3)  # a trip of the log
PAGE, READINGS = 50, 20
MOST_RATIO = 2.0  # of the time with the longest log to that with the shortest
# No waits between the steps of a drive, and no end of it before the car has answered; warm instances.
SETTINGS = {"POLL_EVERY_S": "0", "POLL_AFTER_END_S": "0", "END_GRACE_S": "80000", "GEOCODERS": ""}
SETTINGS |= {"USER_CACHE_S": "3600", **UNREACHED}
# The documents that each kind of call may read and write; GET /compare one more for each calendar year of the log.
BUDGETS = {
    "start": (2, 1),
    "poll after the start": (5, 3),
    "ping": (2, 1),
    "run of the scheduler, one poll due": (1, 0),
    "poll while driving": (5, 3),
    "end": (2, 1),
    "poll that finishes a trip": (9, 6),
    f"GET /trips, page of {PAGE}": (PAGE + 1, 0),
    "GET /stats of a year": (1, 0),
    "GET /compare": (4 + READINGS, 0),
}
SOME = timedelta(minutes=10)
STEPS = (
    Step(timedelta(), "webhook_start", timedelta()),
    Step(SOME, "webhook_start"),
    Step(SOME, "scheduler", SOME),
    Step(DRIVE, "webhook_end", DRIVE + CAR_LATE),
)
VIEWS = (("trips", f"/?limit={PAGE}"), ("stats", PAGES["stats"]), ("compare", "/"))
HEAD = (
    "call", "at most", "{0} trips", "{1} trips", "kept", "ms, {0}", "ms, {1}", "ratio", "in queries",
    "ratio of the rest",
)  # fmt: skip


class Driver(NamedTuple):
    """A driver with a log: how many trips, over how many calendar years, and the odometer after them."""

    store: UserStore
    trips: int
    years: int
    odometer_km: float


SeenBy = dict[tuple[str, int], list[Calls]]


def measure(small: bool, tell: Callable[[str], None]) -> list[Table]:
    """Every kind of call, again and again, by drivers with logs of several lengths."""
    sizes, repeats = (SMALL_TRIPS, SMALL_REPEATS) if small else (TRIPS, REPEATS)
    with playing(SETTINGS) as (ground, db):
        drivers = [_driver(db, trips, tell) for trips in sizes]
        seen: SeenBy = {}
        for n in range(repeats + 1):
            for driver in drivers:
                tell(f"{driver.trips:,} trips, {n} of {repeats}")
                # The first time warms the instance up, and is the key's first use today.
                _go_through(ground, driver, seen if n else {})
        return [table(drivers, seen)]


def _driver(db: firestore.Client, trips: int, tell: Callable[[str], None]) -> Driver:
    tell(f"a log of {trips:,} trips into the store")
    store = register(db, f"driver-{trips}@example.com")
    odometer_km = fill_log(store, trips, datetime.now(UTC), EVERY)
    return Driver(store, trips, len(store.sums(None)), odometer_km)


def _go_through(ground: Ground, driver: Driver, seen: SeenBy) -> None:
    """Drives once, after the trip of the time before was taken out of the log again, and looks at the log."""
    email, ended = driver.store.email, datetime.now(UTC) - timedelta(minutes=15)
    park(driver.store, driver.odometer_km, ended - timedelta(hours=1))
    driven = [calls for _, calls in ground.drive(email, ended, driver.odometer_km, STEPS)]
    if driver.store.state().value.drive:
        raise RuntimeError("the poll did not finish the trip")
    looked = [ground.call(function, "GET", path, email) for function, path in VIEWS]
    for kind, calls in zip(BUDGETS, [*driven, *looked], strict=True):
        seen.setdefault((kind, driver.trips), []).append(calls)


def table(drivers: list[Driver], seen: SeenBy) -> Table:
    """What was seen, beside what each kind of call may read and write."""
    sizes = [f"{driver.trips:,}" for driver in drivers]
    rows = [_row(kind, drivers, [seen[kind, driver.trips] for driver in drivers]) for kind in BUDGETS]
    slow = [f"{row[0]} ({row[-3]})" for row in rows if float(row[-3]) > MOST_RATIO]
    said = (
        f"Documents read and written by one call of a warm instance, as Firestore bills them, and the middle of "
        f"{len(seen['start', drivers[0].trips])} calls in milliseconds; a poll's with the simulated car's answer. "
        f"“Ratio” is {sizes[-1]} trips by {sizes[0]}; it should be {MOST_RATIO:g} at most: "
        f"{'it is' if not slow else 'it is not for ' + ', '.join(slow)}. “In queries” is what a call waits for "
        f"them, in ms with {sizes[-1]} trips: the emulator has no composite indexes and looks at all of a driver's "
        f"trips. The ratio of all the rest is {max(float(row[-1]) for row in rows):.1f} at most."
    )
    return Table("calls", said, [name.format(*sizes) for name in HEAD], rows)


def _row(kind: str, drivers: list[Driver], each: list[list[Calls]]) -> list[str]:
    reads, writes = BUDGETS[kind]
    budget = (reads + (drivers[-1].years if kind == "GET /compare" else 0), writes)
    counts = [[(one.reads, one.writes + one.deletes) for one in of] for of in each]
    most = [tuple(map(max, zip(*of, strict=True))) for of in counts]
    kept = all(counted <= allowed for of in most for counted, allowed in zip(of, budget, strict=True))
    took_ms = [1000 * median(one.took_s for one in of) for of in each]
    rest_ms = [1000 * median(one.took_s - one.queries_s for one in of) for of in each]
    in_queries_ms = 1000 * median(one.queries_s for one in each[-1])
    figures = (*took_ms, took_ms[-1] / took_ms[0], in_queries_ms, rest_ms[-1] / rest_ms[0])
    cells = ("{}, {}".format(*pair) for pair in (budget, *most))
    return [kind, *cells, "yes" if kept else "**no**", *(f"{figure:.1f}" for figure in figures)]
