"""A log of weeks, driven and spoken of in this process: what the phone says, what the cars say, what their driver says.

The services are those that are deployed, on a store of Google's; only the clock is the test's own.
"""

import math
import secrets
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from shared import settings
from shared.domain.car.odometer import Reading
from shared.domain.driver import Account
from shared.domain.log.chapter import Chapter
from shared.domain.log.drive import Heard
from shared.domain.log.gap_row import GapRow
from shared.domain.log.history import CAR, Author
from shared.domain.log.tiling import Row, along, why_not_tiled
from shared.domain.log.trip import Trip
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
from shared.services import cars, tracking
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
            placed.sort(key=along)
            found += [why] if (why := why_not_tiled(placed)) else []
        return found


def road_km(a: Position, b: Position) -> float:
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
            km = round(road_km(log.at[car_id], there) * random.uniform(0.95, 1.3), 1)
            if random.random() < 0.12:  # nobody told of this one
                log.km[car_id], log.at[car_id] = log.km[car_id] + km, there
                at += timedelta(minutes=2 * km + 30)
                continue
            told = random.choice(("bser", "bpser", "ser", "se", "bsper", "pser", "spe", "bse"))
            named = "b" not in log.km or random.random() < 0.7
            at = log.drive(car_id, at, there, km, named=named, told=told)
            at += timedelta(minutes=random.randrange(20, 180))
    return log
