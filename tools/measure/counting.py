"""Counts what ordinary trips, looks at the log and runs of the clock cost."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

import msgspec
from google.cloud import firestore

from shared.messaging.reminders import REMIND_TOPIC
from shared.repositories.user_store import UserStore
from shared.settings import DEFAULTS_S
from tools.deploy.functions import FUNCTIONS
from tools.local.relay import as_push
from tools.measure.assumptions import CAR_LATE, DRIVE, PAGES, PING_EVERY
from tools.measure.drivers import TRIP_KM, fill_log, park
from tools.measure.metering import Message
from tools.measure.playing import Calls, Ground, Step, billed_bytes, car, playing, register
from tools.measure.storage import stored_bytes

DRIVER, QUIET = "driver@example.com", "quiet@example.com"
# Trips are played in quick motion: no waits, and an instance remembers nobody, as between the calls of a real trip.
# The grace is long, so that a trip of two hours ago is not over before its car has answered.
SETTINGS = {
    "POLL_EVERY_S": "0", "POLL_AFTER_END_S": "0", "USER_CACHE_S": "0", "END_GRACE_S": "80000", "GEOCODERS": "pdok",
    "SMTP_HOST": "127.0.0.1", "SMTP_SECURITY": "none", "SMTP_FROM": "log@example.com",
}  # fmt: skip
APART = timedelta(minutes=40)
LOG_TRIPS, LOG_EVERY = 60, timedelta(days=6)
KEPT = ("trips", "drives", "odometer_readings")  # what a trip leaves for good
ByFunction = Mapping[str, Calls]


class Counted(NamedTuple):
    """What was counted, by function. A trip holds the scheduler's runs that found a poll due."""

    trip: ByFunction
    pinged_trip: ByFunction
    view: ByFunction
    day: ByFunction  # the daily look at a driver's car
    idle_runs: ByFunction  # by scheduled job: a run that finds nothing to do
    key_day_writes: float  # of a key's first use on a day
    trip_bytes: int  # stored for good, with index entries
    pinged_trip_bytes: int
    day_bytes: int  # of the reading that the daily look leaves
    driver_bytes: int  # a driver's other documents
    reminded: Calls = Calls()  # the daily message about what one driver is to be reminded of, and that is nothing


def steps(pings: bool) -> list[Step]:
    """What happens on an ordinary trip by the default settings. After its end the car shows the drive for a while.

    The last poll asks no car: it finds the addresses of the trip, for spots that were asked for before.
    """
    poll_every = timedelta(seconds=DEFAULTS_S["POLL_EVERY_S"])
    pinged = [Step(n * PING_EVERY, "webhook_start") for n in range(1, DRIVE // PING_EVERY + 1)] if pings else []
    due = [Step(n * poll_every, "scheduler", n * poll_every) for n in range(1, DRIVE // poll_every + 1)]
    driving = [Step(timedelta(), "webhook_start", timedelta()), *sorted([*pinged, *due], key=lambda step: step.at)]
    asked, parked = [timedelta()], DRIVE + CAR_LATE
    while asked[-1] < CAR_LATE:
        wait_s = DEFAULTS_S["POLL_AFTER_END_S"] * 2 ** (len(asked) - 1)
        asked.append(asked[-1] + min(timedelta(seconds=wait_s), poll_every))
    shown = [driving[-1].at] * (len(asked) - 1) + [parked, parked]
    return [*driving, Step(DRIVE, "webhook_end", shown[0]), *(Step(DRIVE, "scheduler", at) for at in shown[1:])]


def count(tell: Callable[[str], None]) -> Counted:
    """Counts everything on the emulators that the environment names."""
    with playing(SETTINGS) as (ground, db):
        # Nobody is there yet: the runs find nothing to do.
        idle = {
            schedule.job: ground.call(function.name, "POST", schedule.path)
            for function in FUNCTIONS
            for schedule in function.schedules
        }
        store = register(db, DRIVER)
        parked_at = datetime.now(UTC).replace(microsecond=0) - 5 * APART
        km = fill_log(store, LOG_TRIPS, parked_at, LOG_EVERY)
        park(store, km, parked_at)
        played = []
        for number, pings in enumerate((False, False, True)):
            tell("driving")
            ended = parked_at + (number + 2) * APART
            played.append(_grown(db, partial(_play, ground, ended, km + number * TRIP_KM, pings)))
            _check(store)
        (first, _), (trip, trip_bytes), (pinged, pinged_bytes) = played
        day, day_bytes = _grown(db, partial(_looked_at, ground, km + 2 * TRIP_KM))
        for _ in range(2):  # the first view is the key's first use today
            view = {name: ground.call(name, "GET", path, DRIVER) for name, path in PAGES.items()}
        key_day_writes = first["webhook_start"].writes - trip["webhook_start"].writes
        reminded = _reminded(ground, db)
        other_bytes = _bytes(db, lambda collection: collection not in KEPT)
        stored = (trip_bytes, pinged_bytes, day_bytes, other_bytes)
        return Counted(trip, pinged, view, day, idle, key_day_writes, *stored, reminded)


def _play(ground: Ground, ended: datetime, before_km: float, pings: bool) -> ByFunction:
    """An ordinary trip."""
    found: dict[str, Calls] = {}
    for function, calls in ground.drive(DRIVER, ended, before_km, steps(pings)):
        found[function] = found.get(function, Calls()).plus(calls)
    return found


def _looked_at(ground: Ground, before_km: float) -> ByFunction:
    """The daily look at the driver's car, which stands where the last trip left it."""
    ground.show_car(**car(datetime.now(UTC).replace(microsecond=0), DRIVE, before_km) | {"state": "parked"})
    asked, poll = ground.polled(ground.call("scheduler", "POST", "/read-odometers"))
    return {"scheduler": asked, "poller": poll}


def _reminded(ground: Ground, db: firestore.Client) -> Calls:
    """A message about a driver to whom there is nothing to say, with the read by which the clock finds them."""
    register(db, QUIET)
    message = Message(msgspec.json.encode({"user": QUIET}), "1", datetime.now(UTC))
    pushed = ground.call("reminders", "POST", "/remind", json=as_push(message, "demo", REMIND_TOPIC)[1])
    return pushed.plus(Calls(reads=1, messages=1, message_bytes=billed_bytes(message)))


def _check(store: UserStore) -> None:
    trip = store.trips.newest({}, 1, None)[0]
    if store.state().value.drive or trip.flags or (trip.distance_km, trip.distance_source) != (TRIP_KM, "odometer"):
        raise RuntimeError(f"the trip that was played did not come out as an ordinary one: {trip}")


def _grown(db: firestore.Client, play: Callable[[], ByFunction]) -> tuple[ByFunction, int]:
    """What was played, and the bytes that it leaves in the store for good."""
    before = _bytes(db, KEPT.__contains__)
    played = play()
    return played, _bytes(db, KEPT.__contains__) - before


def _bytes(db: firestore.Client, counts: Callable[[str], bool]) -> int:
    """Billed bytes of the driver's collections that count; of their own document if `users` does."""
    root = db.collection("users").document(DRIVER)
    found = [root.get()] if counts("users") else []
    found += [one for collection in root.collections() if counts(collection.id) for one in collection.stream()]
    return sum(stored_bytes(one.reference.path, one.to_dict() or {}) for one in found)
