"""A log of weeks, driven and spoken of in this process: what the phone says, what the cars say, what their driver says.

The services are those that are deployed, on a store of Google's; only the clock is the test's own.
"""

import math
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from msgspec.structs import replace

from shared import settings
from shared.domain.car.car import Car
from shared.domain.car.odometer import Reading
from shared.domain.driver import Account
from shared.domain.fitting import Conflict, NotFound, Unfit
from shared.domain.log.chapter import Chapter
from shared.domain.log.drive import Heard
from shared.domain.log.gap_row import GapRow
from shared.domain.log.history import CAR, Author
from shared.domain.log.tiling import Row, why_not_tiled
from shared.domain.log.trip import Endpoint, Trip
from shared.domain.place.geo import Position
from shared.domain.thresholds import POSITION_DECIMALS
from shared.domain.tracking.events import CarRead, NotAsked
from shared.domain.tracking.machine import advance
from shared.domain.tracking.state import with_cars
from shared.repositories.accounts import AccountRepository
from shared.repositories.chapters import chapter_of
from shared.repositories.documents import client, from_document, until_current
from shared.repositories.trips import trip_of
from shared.repositories.user_store import UserStore
from shared.services import cars, logbook, odometer, own_settings, several_trips, tracking, trips
from shared.services.log import StoredOwner, stage
from shared.services.verification import verified

BEGIN = datetime(2025, 3, 3, 7, tzinfo=UTC)
PLACES = [
    Position(52.09, 5.12),
    Position(52.16, 5.39),
    Position(52.37, 4.9),
    Position(51.92, 4.48),
    Position(52.0, 5.9),
]
REFUSED = (Unfit, Conflict, NotFound)


class Kept(NamedTuple):
    """All documents of a log by their paths, when that was, and what its cars show and where they are."""

    documents: dict[str, Any]
    now: datetime
    km: dict[str, float]
    at: dict[str, Position]


class SpokenLog:
    """A driver whose days are played one after another."""

    def __init__(self) -> None:
        self.email, self.now = f"d{secrets.token_hex(6)}@example.com", BEGIN
        self.store = UserStore(client(), self.email)
        self.km: dict[str, float] = {}
        self.at: dict[str, Position] = {}
        AccountRepository(client()).save(Account(self.email))

    @property
    def account(self) -> Account:
        """Who they are by now."""
        found = AccountRepository(client()).find(self.email)
        assert found
        return found

    @property
    def author(self) -> Author:
        """They themselves, at this moment."""
        return Author("session", self.now)

    def add_car(self, car_id: str, km: float) -> None:
        """One more car; the first is the default."""
        cars.put(self.email, car_id, {"provider": "simulated", "vin": car_id.upper()})
        self.km[car_id], self.at[car_id] = km, PLACES[0]

    def kept(self) -> Kept:
        """All that there is, to come back to it."""
        root = client().document(f"users/{self.email}")
        found = {one.reference.path: one.to_dict() for of in root.collections() for one in of.stream()}
        return Kept({root.path: root.get().to_dict(), **found}, self.now, {**self.km}, {**self.at})

    def restore(self, kept: Kept) -> None:
        """Makes all what it was."""
        batch = client().batch()
        for path in self.kept().documents.keys() - kept.documents.keys():
            batch.delete(client().document(path))
        for path, fields in kept.documents.items():
            batch.set(client().document(path), fields)
        batch.commit()
        self.now, self.km, self.at = kept.now, {**kept.km}, {**kept.at}

    # --- what phone and cars say

    def hear(self, word: Any, at: datetime, place: Position | None, car_id: str | None = None) -> None:
        """A word of the phone, told at once."""
        self.now = max(self.now, at)
        lat, lng = (round(degrees, POSITION_DECIMALS) for degrees in place) if place else (None, None)
        word(self.account, Heard(at, lat, lng, 10.0, car_id), self.now)

    def read(self, car_id: str, at: datetime, km: float | None = None, **more: Any) -> None:
        """A car tells its odometer, at once."""
        place = self.at[car_id]
        reading = Reading(at, round(self.km[car_id] if km is None else km, 1), lat=place.lat, lng=place.lng, **more)
        self.poll(at, CarRead(car_id, reading))

    def poll(self, at: datetime, event: Any) -> None:
        """What comes of a poll."""
        self.now = max(self.now, at)

        @until_current
        def record() -> None:
            read, change = self.store.state(), self.store.change(Author(CAR, self.now))
            state = with_cars(read.value, self.store.cars.list_cars().values())
            outcome = advance(state, event, self.now, settings.current.rules)
            owner = StoredOwner(self.store)
            change.put_state(read, stage(change, self.store, read.value, outcome, owner, self.now))
            change.commit()

        record()

    def drive(
        self, car_id: str, at: datetime, there: Position, km: float, *, named: bool = True, told: str = "ser"
    ) -> datetime:
        """A drive: `told` says of what there is to hear: the start, pings, the end, the car read before and after."""
        minutes = max(4, round(km * 1.2))
        begin, here, end = at, self.at[car_id], at + timedelta(minutes=minutes)
        name = car_id if named else None
        if "b" in told:
            self.read(car_id, begin - timedelta(minutes=1))
        if "s" in told:
            self.hear(tracking.start, begin, here, name)
        if "p" in told:
            for minute in range(4, minutes, max(4, minutes // 4)):
                share = minute / minutes
                middle = Position(*(a + share * (b - a) for a, b in zip(here, there, strict=True)))
                self.hear(tracking.start, begin + timedelta(minutes=minute), middle, name)
        self.km[car_id], self.at[car_id] = self.km[car_id] + km, there
        if "e" in told:
            self.hear(tracking.end, end, there, name)
        if "r" in told:
            self.read(car_id, end + timedelta(minutes=1))
        self.poll(end + timedelta(minutes=20), NotAsked())
        return end + timedelta(minutes=20)

    # --- what there is

    def rows(self) -> list[Row]:
        """All rows."""
        root = client().document(f"users/{self.email}")
        found: list[Row] = [trip_of(one.to_dict()) for one in root.collection("trips").stream()]
        return found + [from_document(one.to_dict(), GapRow) for one in root.collection("gaps").stream()]

    def trips(self) -> list[Trip]:
        """Their trips by time."""
        found = (row for row in self.rows() if isinstance(row, Trip))
        return sorted(found, key=lambda trip: (trip.started_at, trip.id))

    def gaps(self) -> list[GapRow]:
        """Their gaps by time."""
        found = (row for row in self.rows() if isinstance(row, GapRow))
        return sorted(found, key=lambda gap: (gap.since, gap.from_m))

    def chapters(self) -> list[Chapter]:
        """What is settled of the books of their cars."""
        return [chapter_of(one.to_dict()) for one in client().collection(f"users/{self.email}/chapters").stream()]

    def wrong(self) -> list[str]:
        """What of the log does not follow from its facts, and where its rows do not tile the odometer."""
        found = [str(one) for one in verified(self.email).differences]
        of = dict[str, list[Row]]()
        for row in self.rows():
            if row.car_id and row.from_m is not None:
                of.setdefault(row.car_id, []).append(row)
        for placed in of.values():
            placed.sort(key=lambda row: (row.since if isinstance(row, GapRow) else row.started_at, row.from_m))
            found += [why] if (why := why_not_tiled(placed)) else []
        return found


def miles(a: Position, b: Position) -> float:
    """About how far it is by road, in km."""
    return 1.3 * math.hypot(111.2 * (a.lat - b.lat), 68 * (a.lng - b.lng))


def played(random: Random, days: int, second: int = 4) -> SpokenLog:
    """A log of so many days; of the second car from a day on."""
    log = SpokenLog()
    log.add_car("a", 12_000.0 + random.randrange(1000))
    log.read("a", BEGIN - timedelta(hours=1))
    for day in range(days):
        if day == second:
            log.add_car("b", 50_000.0 + random.randrange(1000))
        at = BEGIN + timedelta(days=day, minutes=random.randrange(120))
        log.read("a", at - timedelta(minutes=90))
        if "b" in log.km:
            log.read("b", at - timedelta(minutes=88))
        for _ in range(random.choice((1, 2, 2, 3))):
            car_id = "b" if "b" in log.km and random.random() < 0.35 else "a"
            there = random.choice([place for place in PLACES if place != log.at[car_id]])
            km = round(miles(log.at[car_id], there) * random.uniform(0.95, 1.3), 1)
            if random.random() < 0.12:  # nobody told of this one
                log.km[car_id], log.at[car_id] = log.km[car_id] + km, there
                at += timedelta(minutes=2 * km + 30)
                continue
            told = random.choice(("bser", "bpser", "ser", "se", "bsper", "pser", "spe", "bse"))
            named = "b" not in log.km or random.random() < 0.7
            at = log.drive(car_id, at, there, km, named=named, told=told)
            at += timedelta(minutes=random.randrange(20, 180))
    return log


# --- what their driver says

Action = tuple[str, float, float, float]
KINDS = {
    "delete": 4, "distance": 2, "end odometer": 2, "start odometer": 2, "both odometers": 1, "car": 3, "no car": 1, "car back": 2,
    "shift": 2, "started": 1, "ended": 1, "to now": 1, "give back": 2, "kind": 1, "ends": 1, "several": 3,
    "add": 3, "add odometers": 2, "explain": 3, "take back": 2, "reading": 3, "withdraw": 2,
    "start km": 1, "no start km": 1, "zone": 1, "default": 1, "third car": 1, "drop car": 1, "drive": 4, "day": 2,
    "several deleted": 1,
}  # fmt: skip


def actions(random: Random, count: int) -> list[Action]:
    """So many things that a driver does."""
    names, weights = zip(*KINDS.items(), strict=True)
    return [
        (name, random.random(), random.random(), random.random()) for name in random.choices(names, weights, k=count)
    ]


def at_share(rows: list[Any], share: float, time_of: Callable[[Any], datetime]) -> Any:
    """The row at a share of the time."""
    if not rows:
        raise NotFound("nothing")
    moments = [time_of(row) for row in rows]
    wanted = BEGIN + share * timedelta(days=14)
    return min(zip(rows, moments, strict=True), key=lambda one: abs(one[1] - wanted))[0]


def do(log: SpokenLog, action: Action) -> str:
    """Does one thing; what was done in words."""
    name, x, y, z = action
    log.now += timedelta(minutes=3)
    me, author = log.account, log.author

    def trip() -> Trip:
        found: Trip = at_share(log.trips(), x, lambda one: one.started_at)
        return found

    def say(said: dict[str, Any]) -> str:
        one = trip()
        trips.correct(me, one.id, said, None, author)
        return f"{one.id} {one.car_id} {one.started_at:%d %H:%M} {said}"

    def other() -> str:
        mine = [car for car in log.store.cars.list_cars() if car != trip().car_id]
        return mine[int(y * len(mine))] if mine else ""

    match name:
        case "delete":
            one = trip()
            trips.delete(me, one.id, author)
            return f"{one.id} {one.car_id} {one.started_at:%d %H:%M}"
        case "distance":
            return say({"distance_km": round(trip().distance_km * (0.7 + 0.6 * y), 1)})
        case "end odometer":
            return say({"end_odometer_km": round((trip().end_odometer_km or 12_000.0) + 20 * y - 10, 1)})
        case "start odometer":
            return say({"start_odometer_km": round((trip().start_odometer_km or 12_000.0) + 20 * y - 10, 1)})
        case "both odometers":
            begin = (trip().start_odometer_km or 12_000.0) + 10 * y - 5
            return say({"start_odometer_km": round(begin, 1), "end_odometer_km": round(begin + 30 * z, 1)})
        case "car":
            return say({"car_id": other()})
        case "no car":
            return say({"car_id": None})
        case "car back":
            return say({"car_id": "" if y < 0.8 else None})
        case "shift":
            by = timedelta(minutes=round(240 * y - 120))
            return say(
                {"started_at": (trip().started_at + by).isoformat(), "ended_at": (trip().ended_at + by).isoformat()}
            )
        case "started":
            return say({"started_at": (trip().started_at + timedelta(minutes=round(20 * y - 10))).isoformat()})
        case "ended":
            return say({"ended_at": (trip().ended_at + timedelta(minutes=round(20 * y - 10))).isoformat()})
        case "to now":
            begin = log.now - timedelta(minutes=60 + 300 * y)
            return say({"started_at": begin.isoformat(), "ended_at": (begin + timedelta(minutes=20)).isoformat()})
        case "give back":
            one = trip()
            theirs = [name.replace("from", "from_") for name in one.set_by_hand] or ["kind"]
            field = theirs[int(y * len(theirs))]
            return say({field: "" if field == "car_id" else None})
        case "kind":
            return say({"kind": ("business", "private", "unclassified")[int(3 * y)]})
        case "ends":
            return say({"to": Endpoint(place="Somewhere"), "from_": Endpoint(52.1, 5.1)})
        case "several" | "several deleted":
            found = log.trips()
            n = int(x * len(found))
            some = [one.id for one in found[n : n + 2 + int(3 * y)]]
            if name == "several deleted":
                for id_ in some:
                    trips.delete(me, id_, author)
                    author = log.author
                return f"{some}"
            said: dict[str, Any] = (
                {"kind": "business"},
                {"distance_km": round(10 + 40 * z, 1)},
                {"car_id": other()},
                {"car_id": ""},
                {"distance_km": None},
                {"started_at": None},
            )[int(6 * z)]
            several_trips.correct(me, some, said, author)
            return f"{some} {said}"
        case "add" | "add odometers":
            begin = BEGIN + x * timedelta(days=13)
            mine = sorted(log.store.cars.list_cars())
            said = {
                "started_at": begin.isoformat(),
                "ended_at": (begin + timedelta(minutes=10 + 40 * y)).isoformat(),
                "from_": Endpoint(place="A"),
                "to": Endpoint(place="B"),
                "car_id": mine[int(z * len(mine))],
            }
            if name == "add":
                said["distance_km"] = round(40 * z, 1)
            else:
                said["start_odometer_km"] = round((trip().end_odometer_km or 12_000) + 10 * y - 3, 1)
                said["end_odometer_km"] = round(said["start_odometer_km"] + 20 * z, 1)
            return f"{said} {trips.add(me, said, author).id}"
        case "explain":
            gap: GapRow = at_share(log.gaps(), x, lambda one: one.since)
            said = ({"explained_as": "private"}, {"explained_as": "other", "reason": "x", "business_km": 0.1},
                    {"explained_as": "business"}, {"explained_as": "correction", "reason": "y"})[int(4 * y)]  # fmt: skip
            logbook.explain(me, gap.id, said, None, author)
            return f"{gap.id} {said}"
        case "take back":
            explained = [one for one in log.gaps() if one.explained_as]
            gap = at_share(explained, x, lambda one: one.since)
            logbook.explain(me, gap.id, {"explained_as": None}, None, author)
            return f"{gap.id}"
        case "reading":
            moment = BEGIN + x * timedelta(days=14)
            car_id = "a" if z < 0.7 else "b"
            near = [one for one in log.trips() if one.car_id == car_id and one.to_m and one.ended_at <= moment]
            if not near:
                raise NotFound("no trip")
            km = (near[-1].to_m or 0) / 1000 + (0.0 if y < 0.4 else 20 * (y - 0.5))
            reading = Reading(min(moment, log.now), round(km, 1), source="eye", is_confirmed=z > 0.5)
            odometer.enter(me, car_id, reading, author)
            return f"{car_id} {reading}"
        case "withdraw":
            found = [
                one
                for car_id in log.km
                for one, *_ in [[kept] for kept in odometer.page(me.email, car_id, 200, None, None)[0]]
                if one.reading.is_word and one.standing != "withdrawn"
            ]
            kept = at_share(found, x, lambda one: one.reading.at)
            odometer.withdraw(me, kept.id.split(".")[2], kept.id, author)
            return f"{kept.id}"
        case "start km":
            first = min((one.from_m for one in log.rows() if one.car_id == "a" and one.from_m is not None), default=0)
            cars.put(me.email, "a", {"start_odometer_km": round(first / 1000 - 50 * y, 1)})
            return f"{round(first / 1000 - 50 * y, 1)}"
        case "no start km":
            cars.put(me.email, "a", {"start_odometer_km": None})
            return ""
        case "zone":
            own_settings.change(
                me.email, {"timezone": ("Asia/Tokyo", "America/New_York", "Europe/Amsterdam")[int(3 * y)]}
            )
            return f"{y}"
        case "default":
            mine = sorted(log.store.cars.list_cars())
            own_settings.change(me.email, {"default_car_id": mine[int(y * len(mine))]})
            return mine[int(y * len(mine))]
        case "third car":
            if "c" not in log.km:
                log.add_car("c", 80_000.0)
                log.read("c", log.now)
            return ""
        case "drop car":
            if len(log.store.cars.list_cars()) > 2:
                cars.delete(me.email, "c")
            return ""
        case "drive":
            mine = sorted(log.store.cars.list_cars())
            car_id = mine[int(y * len(mine))]
            there = PLACES[int(z * len(PLACES))]
            at = log.now + timedelta(minutes=30 + 300 * x)
            km = round(miles(log.at[car_id], there) + 2, 1)
            log.drive(car_id, at, there, km, named=x < 0.6, told=("bser", "se", "pser", "bspe")[int(4 * x)])
            return f"{car_id} {at:%d %H:%M} {km}"
        case "day":
            log.now += timedelta(hours=20)
            for car_id in sorted(log.store.cars.list_cars()):
                log.read(car_id, log.now)
            log.poll(log.now, NotAsked())
            return ""
    raise AssertionError(name)
