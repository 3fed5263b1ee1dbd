"""Counts what ordinary trips, looks at the log and ticks of the clock cost. The same counts on any day."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from google.cloud import firestore
from msgspec.structs import replace

from shared.domain.odometer import Reading
from shared.domain.trip import trip_id
from shared.repositories.user_store import UserStore
from shared.settings import DEFAULTS_S
from tools.costs.assumptions import CAR_LATE, DRIVE, DRIVE_KM, PING_EVERY
from tools.costs.counts import ByFunction, Calls, Measured
from tools.costs.playing import CAR, HOME, WORK, Ground, playing, register
from tools.costs.storage import stored_bytes
from tools.deploy.functions import FUNCTIONS
from tools.local.serve import routes_of

DRIVER, VIEWER = "driver@example.com", "viewer@example.com"
FIRST_KM = 20_000.0
# Trips are played in quick motion: no waits, and an instance remembers nobody, as between the calls of a real trip.
# The grace is long, so that a trip of two hours ago is not over before its car has answered.
SETTINGS = {
    "POLL_EVERY_S": "0",
    "POLL_AFTER_END_S": "0",
    "USER_CACHE_S": "0",
    "END_GRACE_S": "80000",
    "GEOCODERS": "pdok",
}
APART = timedelta(minutes=40)
# The log that is looked at: one year of trips on fixed days, in two calendar years, more than a page of them.
LOG_BEGINS, LOG_TRIPS, LOG_EVERY = datetime(2025, 7, 1, 8, tzinfo=UTC), 60, timedelta(days=6)
LOG_ENDS_IN = 2026
SOME_US = timedelta(microseconds=123_456)  # as the clock has them nearly always
ASKED = {"stats": f"/?year={LOG_ENDS_IN}"}  # where a page is asked for with more than its address
# A view opens what each function shows of itself.
PAGES = {
    function.name: ASKED.get(function.name, "/")
    for function in FUNCTIONS
    if function.is_public and any(rule.rule == "/" and "GET" in (rule.methods or ()) for rule in routes_of(function))
}
KEPT = ("trips", "odometer_readings")  # what a trip leaves for good


class Step(NamedTuple):
    """Something that happens so long after a trip's start; a poll follows if the car then shows a moment."""

    at: timedelta
    what: Literal["start", "due", "end"]  # a ping is a start; due is a tick that finds a poll due
    shows: timedelta | None = None


def polls_while_driving() -> int:
    """The polls that the default settings make of the drive, after the one at its start."""
    return int(DRIVE.total_seconds() // DEFAULTS_S["POLL_EVERY_S"])


def polls_after_end() -> int:
    """The polls that the default settings make from the end until the car's cloud shows the parked car."""
    polls, asked_s = 1, 0.0
    while asked_s < CAR_LATE.total_seconds():
        asked_s += min(DEFAULTS_S["POLL_AFTER_END_S"] * 2 ** (polls - 1), DEFAULTS_S["POLL_EVERY_S"])
        polls += 1
    return polls


def steps(pings: bool) -> list[Step]:
    """What happens on an ordinary trip. After its end the car goes on to show the drive until it is so late.

    The last poll asks no car: it finds the addresses of the trip, for spots that were asked for before.
    """
    every = timedelta(seconds=DEFAULTS_S["POLL_EVERY_S"])
    due = [n * every for n in range(1, polls_while_driving() + 1)]
    begun = Step(timedelta(0), "start", timedelta(0))
    pinged = [Step(n * PING_EVERY, "start") for n in range(1, DRIVE // PING_EVERY + 1)] if pings else []
    driving = sorted([begun, *pinged, *(Step(at, "due", at) for at in due)], key=lambda step: step.at)
    parked = DRIVE + CAR_LATE
    shown = [driving[-1].at] * (polls_after_end() - 1) + [parked, parked]
    return [*driving, Step(DRIVE, "end", shown[0]), *(Step(DRIVE, "due", at) for at in shown[1:])]


def measure() -> Measured:
    """Counts everything on the emulators that the environment names."""
    while True:
        today = datetime.now(UTC).date()
        measured = _measure()
        # A UTC midnight in between would have been a key's first use on one more day.
        if datetime.now(UTC).date() == today:
            return measured


def _measure() -> Measured:
    with playing("costs", SETTINGS) as (ground, db):
        # Nobody is there yet: the runs find nothing to do.
        ticks = {
            schedule.job: ground.call(function.name, "POST", schedule.path)
            for function in FUNCTIONS
            for schedule in function.schedules
        }
        register(db, DRIVER)
        first = _play(ground, 0, pings=False)
        trip, trip_bytes = _weighed(ground, db, 1, pings=False)
        pinged, pinged_bytes = _weighed(ground, db, 2, pings=True)
        day, day_bytes = _looked_at(ground, db)
        viewer = register(db, VIEWER)
        _fill(db, viewer)
        for _ in range(2):  # the first look is the key's first use today
            view = {name: ground.call(name, "GET", path, VIEWER) for name, path in PAGES.items()}
        other = [_stored(db, VIEWER, but=KEPT), _stored(db, DRIVER, only=("cache",))]
        return Measured(
            trip, pinged, view, ticks, first["webhook_start"].writes - trip["webhook_start"].writes,
            trip_bytes, pinged_bytes, sum(sum(sizes.values()) for sizes in other), day, day_bytes,
        )  # fmt: skip


def _play(ground: Ground, number: int, pings: bool) -> ByFunction:
    """An ordinary trip, the first, second or third (0 to 2) of the last two hours."""
    counted: dict[str, Calls] = {}
    ended = datetime.now(UTC).replace(microsecond=0) - 2 * CAR_LATE - (2 - number) * APART
    for step in steps(pings):
        caller = "scheduler" if step.what == "due" else f"webhook_{step.what}"
        if step.what == "due":
            calls = ground.call("scheduler", "POST", "/poll-all")
        else:
            calls = ground.call(caller, "POST", "/", DRIVER, json=_position(ended, step.at))
        if step.shows is not None:
            ground.show_car(**_car(ended, step.shows, FIRST_KM + number * DRIVE_KM))
            message_bytes, poll = ground.poll()
            calls = calls.plus(Calls(messages=1, message_bytes=message_bytes))
            counted["poller"] = counted.get("poller", Calls()).plus(poll)
        counted[caller] = counted.get(caller, Calls()).plus(calls)
    return counted


def _looked_at(ground: Ground, db: firestore.Client) -> tuple[ByFunction, int]:
    """The daily look at the driver's car, which stands where the last trip left it, and the bytes that it leaves."""
    before = _stored(db, DRIVER, only=KEPT)
    parked = _car(datetime.now(UTC).replace(microsecond=0), DRIVE, FIRST_KM + 2 * DRIVE_KM) | {"state": "parked"}
    ground.show_car(**parked)
    asked = ground.call("scheduler", "POST", "/read-odometers")
    message_bytes, poll = ground.poll()
    after = _stored(db, DRIVER, only=KEPT)
    if len(after) != len(before) + 1:
        raise RuntimeError("the daily look did not leave one reading")
    asked = asked.plus(Calls(messages=1, message_bytes=message_bytes))
    return {"scheduler": asked, "poller": poll}, sum(after.values()) - sum(before.values())


def _position(ended: datetime, at: timedelta) -> dict[str, Any]:
    done = at / DRIVE
    lat, lng = HOME.lat + (WORK.lat - HOME.lat) * done, HOME.lng + (WORK.lng - HOME.lng) * done
    timestamp = (ended - DRIVE + at).isoformat()
    return {"lat": round(lat, 5), "lng": round(lng, 5), "timestamp": timestamp, "accuracy_m": 5}


def _car(ended: datetime, at: timedelta, before_km: float) -> dict[str, Any]:
    seen = min(at, DRIVE)
    where = _position(ended, seen)
    return {
        "odometer_km": round(before_km + DRIVE_KM * (seen / DRIVE), 1),
        "lat": where["lat"],
        "lng": where["lng"],
        "state": "parked" if at > DRIVE else "driving",
        "measured_at": (ended - DRIVE + at).isoformat(),
    }


def _weighed(ground: Ground, db: firestore.Client, number: int, pings: bool) -> tuple[ByFunction, int]:
    """An ordinary trip, and the bytes that it leaves in the store for good."""
    before = _stored(db, DRIVER, only=KEPT)
    counted, after = _play(ground, number, pings), _stored(db, DRIVER, only=KEPT)
    trip, state = UserStore(db, DRIVER).trips({}, 1, None)[0], UserStore(db, DRIVER).state().value
    if state.active or trip.flags or (trip.distance_km, trip.distance_source) != (DRIVE_KM, "odometer"):
        raise RuntimeError(f"the trip that was played did not come out as an ordinary one: {trip}")
    return counted, sum(after.values()) - sum(before.values())


def _stored(db: firestore.Client, email: str, only: tuple[str, ...] = (), but: tuple[str, ...] = ()) -> dict[str, int]:
    """Billed bytes of a user's documents by path; of some collections alone, or of all but some."""
    root = db.collection("users").document(email)
    sizes = {} if only else {root.path: stored_bytes(root.path, root.get().to_dict() or {})}
    for collection in root.collections():
        if collection.id not in but and (not only or collection.id in only):
            for snapshot in collection.stream():
                path = snapshot.reference.path
                sizes[path] = stored_bytes(path, snapshot.to_dict() or {})
    return sizes


def _fill(db: firestore.Client, viewer: UserStore) -> None:
    """Gives the viewer a log of the driver's last trip again and again, with its readings."""
    driver = UserStore(db, DRIVER)
    last = driver.trips({}, 1, None)[0]
    readings = driver.readings(CAR, polls_while_driving() + 3)[1:]  # without that of the daily look
    for n in range(LOG_TRIPS):
        begins = LOG_BEGINS + n * LOG_EVERY
        later, further_km = begins - last.started_at, n * DRIVE_KM - 2 * DRIVE_KM
        change = viewer.change()
        trip = replace(
            last, id=trip_id(VIEWER, begins), user=VIEWER, started_at=begins, ended_at=last.ended_at + later,
            timezone="UTC", date=begins.date().isoformat(), year=begins.year, month=begins.month,
            created_at=begins + SOME_US, updated_at=begins + SOME_US,
            start_odometer_km=FIRST_KM + n * DRIVE_KM, end_odometer_km=FIRST_KM + (n + 1) * DRIVE_KM,
        )  # fmt: skip
        change.put_trip(None, trip)
        for reading in readings:
            at = reading["at"] + later
            change.add_reading(CAR, Reading(at, round(reading["km"] + further_km, 1)), at, reading["source"])
        change.commit()
