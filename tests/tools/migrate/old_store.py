"""Generates a store of the old system, and keeps its own truth of what each row stands for.

It drives cars forward on a clock of instants and writes down what the old system would have written; nothing here reads
a row back, so that it shares no mistake with the migration.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from google.cloud import firestore

from shared.domain.driver import Account
from shared.repositories.accounts import AccountRepository

BORIS, CARLA, DEWI, OTHER = (f"{name}@example.com" for name in ("boris", "carla", "dewi", "other"))
ZONES = {BORIS: "Europe/Amsterdam", CARLA: "Europe/Lisbon", DEWI: "Europe/Amsterdam"}
KINDS = {"B": "business", "P": "private", "M": "mixed", "": "unclassified"}
SECRETS = ("plain-text-boris", "plain-text-carla", "plain-text-dewi")
FIRST = datetime(2021, 1, 1, 6, tzinfo=UTC)


class Truth(msgspec.Struct, frozen=True):
    """What an old trip stands for; kilometres in tenths."""

    user: str
    car: str
    started_at: datetime
    ended_at: datetime
    tenths: int
    kind: str
    business: int
    private: int
    year: int


class OldStore:
    """The rows of an old store by path, and the truth of the trips among them by id."""

    def __init__(self, trips: int, seed: int = 7) -> None:
        self.random = random.Random(seed)
        self.rows: dict[str, dict[str, Any]] = {}
        self.truth: dict[str, Truth] = {}
        self.unreadable: set[str] = set()
        self.adopted: set[str] = set()
        self.readings: Counter[str] = Counter()
        self.stands: list[tuple[str, str, list[Any], datetime, int]] = []
        self._nights()
        self._bad_trips(max(6, trips // 100))
        left = trips - len(self.rows)
        for user, car, named, share in (
            (BORIS, "audi", [BORIS], 0.27),
            (BORIS, "polo", [BORIS], 0.07),
            (CARLA, "zoe", [CARLA], 0.30),
            (DEWI, "id3", [DEWI, "Dewi@Example.com", " dewi@example.com"], 0.29),
            (BORIS, "pool", [None, "", "boris"], 0.07),
        ):
            self._drive(user, car, named, round(left * share))
        while len(self.rows) < trips:
            self._drive(BORIS, "spare", [BORIS], 1)
        self._readings(max(10, trips // 50))
        self._others()

    # --- trips

    def _drive(self, user: str, car: str, named: list[Any], count: int) -> None:
        """A car from trip to trip; at times the odometer goes on unseen, or two trips share their minute."""
        odo, at = self.random.randrange(10_000, 900_000), FIRST
        done = 0
        while done < count:
            at = self._start(at + timedelta(minutes=self.random.randrange(100, 600)), ZONES[user])
            if self.random.random() < 0.02 and count - done > 1:
                for _ in range(2):
                    self._trip(user, car, named, at, None, None)
                done += 2
                continue
            self.stands.append((user, car, named, at - timedelta(minutes=10), odo))
            unseen = self.random.choice((3, 57, 240, -4)) if self.random.random() < 0.05 else 0
            start, odo = odo + unseen, odo + unseen + self.random.randrange(5, 900)
            seen_start, seen_end = self.random.choice(((start, odo),) * 8 + ((start, None), (None, odo), (None, None)))
            self._trip(user, car, named, at, seen_start, seen_end, odo - start)
            done += 1

    def _start(self, at: datetime, zone: str) -> datetime:
        """Not in the second of two equal hours: the old system could not say that of a start."""
        return at + timedelta(hours=1) if at.astimezone(ZoneInfo(zone)).fold else at

    def _trip(self, user: str, car: str, named: list[Any], at: datetime, start: Any, end: Any, tenths: int = 0) -> None:
        chance, zone = self.random.random, ZoneInfo(ZONES[user])
        tenths = tenths or self.random.randrange(5, 900)
        ended_at = at + timedelta(minutes=self.random.randrange(3, 19) + tenths // 15)
        if ended_at.astimezone(zone).fold:
            ended_at += timedelta(hours=1)
        kind = self.random.choice(("B", "P", "M", ""))
        business = {"B": tenths, "M": self.random.randrange(0, tenths + 1)}.get(kind, 0)
        private = 0 if kind == "" else tenths - business
        row = self._row(at.astimezone(zone), ended_at.astimezone(zone), car, self.random.choice(named))
        row |= {"trip_type": kind, "start_odo": self._km(start), "end_odo": self._km(end)}
        if start is None or end is None or chance() > 0.05:
            row["distance_km"] = self._km(tenths)
        if kind:
            row |= {"business_km": self._km(business), "private_km": self._km(private)}
        elif chance() < 0.5:
            row["trip_type"] = None
        if chance() < 0.05:
            row["gps_trail"] = self._trail(at)
        row["created_at"] = self.random.choice((ended_at, ended_at.replace(tzinfo=None).isoformat(), None))
        year = at.astimezone(zone).year
        self._add(row, Truth(user, car, at, ended_at, tenths, KINDS[kind], business, private, year))

    def _row(self, start: datetime, end: datetime, car: str, named: Any) -> dict[str, Any]:
        row = {
            "date": f"{start:%d-%m-%Y}",
            "start_time": f"{start:%H:%M}",
            "end_time": f"{end:%H:%M}",
            "from_address": "Dorpsstraat 1",
            "from_lat": 52.0907,
            "from_lon": 5.1214,
            "to_address": "Marktplein 2",
            "to_lat": "51,44",
            "to_lon": 5.47,
            "car_id": self.random.choice((car, car.upper())),
        }
        return row if named is None else {**row, "user_id": named}

    def _km(self, tenths: int | None) -> Any:
        if tenths is None:
            return self.random.choice((None, 0, ""))
        km = tenths / 10
        return self.random.choice((km, km, f"{km}", f"{km}".replace(".", ",")))

    def _trail(self, at: datetime) -> list[dict[str, Any]]:
        points: list[dict[str, Any]] = [
            {"lat": 52 + n / 100, "lng": 5.1, "timestamp": at + timedelta(minutes=n)} for n in range(4)
        ]
        return [*points, {"lat": "?", "lng": 5.1, "timestamp": "noon"}] if self.random.random() < 0.1 else points

    def _add(self, row: dict[str, Any], truth: Truth | None) -> None:
        old_id = f"{self.random.getrandbits(64):016x}"
        self.rows[f"trips/{old_id}"] = row
        if truth is None:
            self.unreadable.add(f"trips/{old_id}")
            return
        self.truth[old_id] = truth
        if row.get("user_id") in (None, "", "boris"):
            self.adopted.add(f"trips/{old_id}")

    def _nights(self) -> None:
        """Trips across midnight and in the nights when the clock is changed, in Amsterdam."""
        for start, end, wall in (
            ("2022-10-30T00:50+00:00", "2022-10-30T01:10+00:00", ("30-10-2022", "02:50", "02:10")),
            ("2023-03-26T00:50+00:00", "2023-03-26T01:20+00:00", ("26-03-2023", "01:50", "03:20")),
            ("2023-10-29T00:10+00:00", "2023-10-29T00:40+00:00", ("29-10-2023", "02:10", "02:40")),
            ("2023-12-31T22:50+00:00", "2023-12-31T23:10+00:00", ("31-12-2023", "23:50", "00:10")),
        ):
            at, until = datetime.fromisoformat(start), datetime.fromisoformat(end)
            row = self._row(at, until, "night", BORIS)
            row |= dict(zip(("date", "start_time", "end_time"), wall, strict=True))
            row |= {"distance_km": 12.5, "trip_type": "P"}
            self._add(row, Truth(BORIS, "night", at, until, 125, "private", 0, 125, int(wall[0][-4:])))

    def _bad_trips(self, count: int) -> None:
        spoilt: tuple[dict[str, Any], ...] = (
            {"date": "2022-01-31"},
            {"end_time": "25:00"},
            {"trip_type": "X"},
            {"distance_km": "far"},
            {"start_odo": 900, "end_odo": 800},
            {"business_km": 99},
        )
        for n in range(count):
            row = self._row(FIRST, FIRST + timedelta(minutes=5), "audi", self.random.choice((BORIS, CARLA)))
            row |= {"distance_km": 10, "trip_type": "B", **spoilt[n % len(spoilt)]}
            self._add(row, None)

    # --- the rest

    def _readings(self, count: int) -> None:
        """What the cars said between two trips; every tenth row is spoilt."""
        for n, (user, car, named, at, odo) in enumerate(self.random.sample(self.stands, min(count, len(self.stands)))):
            owner = self.random.choice(named)
            row: dict[str, Any] = {"odometer_km": f"{odo / 10}".replace(".", ","), "car_id": car}
            row |= {"fetched_at": at} if n % 2 else {"created_at": at.replace(tzinfo=None).isoformat()}
            row |= {} if owner is None else {"user_id": owner}
            path = f"odometer_readings/r{n:05}"
            self.rows[path] = row
            if n % 10 == 9:
                row["odometer_km"] = -1
                self.unreadable.add(path)
                continue
            self.readings[user] += 1
            if owner in (None, "", "boris"):
                self.adopted.add(path)

    def _others(self) -> None:
        boris, carla, dewi = SECRETS
        self.rows |= {
            "locations/Home": {"lat": 52.0907, "lng": 5.1214, "user_id": BORIS},
            "locations/Work": {"lat": "51,44", "lng": 5.47},
            "locations/Nowhere": {"lat": "north"},
            "cache/trip_start": {
                "active": True,
                "user_id": DEWI,
                "car_id": "id3",
                "start_time": "2026-01-23T08:00:00",
                "lat": 52.0,
                "lng": 5.0,
                "gps_events": [{"lat": 52.1, "lng": 5.0, "timestamp": "2026-01-23T08:10:00Z"}],
            },
            f"users/{BORIS}/settings/car": {"brand": "Audi", "vin": "V1", "username": "b", "password": boris},
            f"users/{CARLA}/settings/car": {"zoe": {"brand": "Renault", "password": carla}, "polo": {"spin": carla}},
            f"users/{DEWI}/settings/car": {"car_id": "id3", "brand": "Volkswagen", "token": dewi},
        }
        self.adopted |= {"locations/Work"}
        self.unreadable.add("locations/Nowhere")

    def write(self, db: firestore.Client) -> None:
        """Writes it all, and the accounts of the users who are registered: Dewi is not."""
        for email in (BORIS, CARLA, OTHER):
            AccountRepository(db).save(Account(email=email, timezone=ZONES.get(email, "Europe/Paris")))
        paths = list(self.rows)
        for n in range(0, len(paths), 400):
            batch = db.batch()
            for path in paths[n : n + 400]:
                batch.set(db.document(path), self.rows[path])
            batch.commit()

    # --- the truth, summed

    def sums(self, name: Callable[[Truth], Any]) -> dict[Any, tuple[int, int, int, int]]:
        """Count, whole, business and private tenths of the trips by a name."""
        found: dict[Any, tuple[int, int, int, int]] = {}
        for truth in self.truth.values():
            count, whole, business, private = found.get(name(truth), (0, 0, 0, 0))
            found[name(truth)] = (
                count + 1, whole + truth.tenths, business + truth.business, private + truth.private
            )  # fmt: skip
        return found


def everything(db: firestore.Client) -> dict[str, Any]:
    """Each document of the store with the moment of its last write: the same twice means that nothing was written."""
    return dict(_walk(db, db.collections()))


def _walk(db: firestore.Client, collections: Any) -> Iterator[tuple[str, Any]]:
    for collection in collections:
        for snapshot in collection.select([]).stream():
            yield snapshot.reference.path, snapshot.update_time
        if collection.id in ("users", "cache"):
            for document in collection.list_documents():
                yield from _walk(db, document.collections())
