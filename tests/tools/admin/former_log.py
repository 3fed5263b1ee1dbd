"""A log as the version before this one kept it: folded pure, and written in the shape of that version."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from google.cloud import firestore
from msgspec.structs import replace

from shared.domain.car.car import Car
from shared.domain.car.odometer import Reading
from shared.domain.driver import Account
from shared.domain.log.drive import Heard, Record, drive_id
from shared.domain.log.explaining import interval, told
from shared.domain.log.gap_row import GapRow
from shared.domain.log.laying import Owner
from shared.domain.log.moved import moved
from shared.domain.log.record import recorded
from shared.domain.log.rows import Rows
from shared.domain.log.shown import trip_view
from shared.domain.log.summary import Said, Summary
from shared.domain.log.sums import Sums, sums_of, sums_of_gap
from shared.domain.log.trip import Endpoint, Trip, classified, dated, trip_id
from shared.domain.log.words import summary_of, worded
from shared.domain.thresholds import Rules
from shared.domain.tracking.imports import taken_in
from shared.domain.tracking.recount import Facts, begun
from shared.domain.tracking.state import DriverState
from shared.domain.tracking.weaving import drives_of
from shared.repositories.accounts import account_document
from shared.repositories.documents import to_document
from shared.repositories.readings import reading_fields, reading_id
from shared.repositories.trips import trip_document
from tests.domain.world import Store

FIRST, NOW = datetime(2024, 1, 1, 6, tzinfo=UTC), datetime(2026, 11, 26, tzinfo=UTC)
CARS = ("audi", "polo", "zoe")
MINUTE = timedelta(minutes=1)


class FormerLog:
    """What so many drives in three cars made: with gaps, some explained, trips that were touched or deleted, trips by
    hand, moved ones, and a few boundaries that the fold of this version does not find."""

    def __init__(self, email: str, drives: int, seed: int = 5) -> None:
        self.email, self.random = email, random.Random(seed)
        self.owner = Owner(email, "Europe/Amsterdam")
        self.records: list[Record] = []
        self.drives: list[Summary] = []
        self.given: dict[str, Trip] = {}
        self.readings: dict[str, list[Reading]] = {car_id: [] for car_id in CARS}
        self.entries: list[dict[str, Any]] = []
        self.deleted: list[str] = []
        self.unread = set[str]()
        at, odometers = FIRST, {car_id: 10_000.0 + 20_000 * n for n, car_id in enumerate(CARS)}
        for n in range(drives):
            at = self._drive(n, at, self.random.choice(CARS), odometers)
        self._fold()
        self._tell()

    # --- what happened

    def _drive(self, n: int, at: datetime, car_id: str, odometers: dict[str, float]) -> datetime:
        """One drive, read before and after it, and what its driver makes of it; when the next one may begin."""
        chance = self.random
        began_at = at + chance.choice((90, 200, 600)) * MINUTE
        odometers[car_id] += chance.choice((0, 0, 0, 0, 0, 0, 0, 2, 7, 30))
        km = chance.randrange(30, 200) / 10
        ended_at = began_at + max(3, int(km * 1.3)) * MINUTE
        start_km, end_km = round(odometers[car_id], 1), round(odometers[car_id] + 1.02 * km, 1)
        odometers[car_id] = end_km
        if n % 40 == 7:
            self._by_hand(n, began_at, ended_at, car_id, start_km, end_km)
            return ended_at
        is_begin_read, is_end_read = car_id not in self.unread, chance.random() > 0.15
        self.unread = (self.unread | {car_id}) if not is_end_read else self.unread - {car_id}
        self.readings[car_id] += [Reading(began_at - MINUTE, start_km)] if is_begin_read else []
        self.readings[car_id] += [Reading(ended_at + MINUTE, end_km)] if is_end_read else []
        words = [Heard(at, *place, car_id=car_id, is_end=at == ended_at) for at, place in _way(began_at, ended_at, km)]
        record = recorded(drive_id(began_at, ended_at, car_id), words)
        [drive] = drives_of([record], DriverState(default_car_id=CARS[0]), Rules())
        self.records.append(record)
        self.drives.append(self._said(n, drive, end_km - start_km))
        return ended_at

    def _by_hand(self, n: int, began_at: datetime, ended_at: datetime, car_id: str, *odometers_km: float) -> None:
        """A trip that its driver entered, or that another system had."""
        trip = self._row(began_at, ended_at, car_id, *odometers_km)
        if n % 80 == 7:
            self.given[trip.id] = trip = replace(trip, summary=moved(trip))
        else:
            names = ("started_at", "ended_at", "start_odometer_km", "end_odometer_km")
            trip = replace(trip, source="manual", set_by_hand=tuple(sorted(names)), purpose="by hand")
            trip = worded(trip, trip, dict.fromkeys(names))
            trip = replace(trip, summary=replace(summary_of(trip), id=trip.id))
            self.given[trip.id] = trip
            self._enter("trip", trip.id, {}, trip_view(trip))
        self.drives.append(summary_of(trip))

    def _said(self, n: int, drive: Summary, km: float) -> Summary:
        id_ = trip_id(self.email, drive.began_at, car_id=drive.id)
        drive = replace(drive, trip_ids=(id_,))
        if n % 25 == 3:
            trip = self._row(drive.began_at, drive.ended_at, str(drive.car_id), None, None, round(km, 1))
            self.deleted.append(id_)
            self._enter("trip", id_, trip_view(replace(trip, id=id_)), {})
            return replace(drive, said=Said(is_deleted=True, is_touched=True), trip_ids=())
        if n % 25 == 11:
            self._enter("trip", id_, {"distance_km": round(km, 1), "notes": ""}, {"distance_km": 55.5, "notes": "x"})
            return replace(drive, said=Said(distance_m=55_500, is_touched=True))
        if n % 25 == 17:
            self._enter("trip", id_, {"purpose": ""}, {"purpose": "customer"})
            return replace(drive, said=Said(is_touched=True))
        return drive

    def _row(
        self, began_at: datetime, ended_at: datetime, car_id: str, start_km: Any, end_km: Any, km: float = 0.0
    ) -> Trip:
        trip = Trip(
            id=trip_id(self.email, began_at, "manual", car_id), user=self.email, car_id=car_id, started_at=began_at,
            ended_at=ended_at, timezone="Europe/Amsterdam", date="", year=0, month=0, from_=Endpoint(52.0, 5.0),
            to=Endpoint(52.1, 5.0), start_odometer_km=start_km, end_odometer_km=end_km,
            distance_km=km or round(end_km - start_km, 1), created_at=ended_at, updated_at=ended_at,
        )  # fmt: skip
        return classified(dated(trip))

    def _enter(self, kind: str, row: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """An entry as it was: it knew neither the chain nor what is a word, nor for which years it counts."""
        n = len(self.entries) + 1
        entry = {"n": n, "at": NOW, "by": "first key", "why": "", "kind": kind, "row": row, "before": {**before}}
        self.entries.append({**entry, "after": {**after}})

    # --- what came of it

    def _fold(self) -> None:
        cars = [Car(car_id, "simulated") for car_id in CARS]
        facts, store = Facts(self.drives, self.readings, {}, cars, CARS[0]), Store()
        rows, before = Rows(store), begun(facts)
        found = taken_in(before, [*self.given.values()], facts, rows, self.owner, NOW)
        store.put(rows)
        self.state, self.thoughts = found.state, found.thoughts
        self.trips, self.gaps = store.trips_by_id, store.gaps_by_id

    def _tell(self) -> None:
        """What the rows have of their driver, and what they would not have by the fold of this version."""
        for id_, trip in self.trips.items():
            if (said := summary_of(trip).said).is_touched and trip.source == "automatic":
                theirs = ("distance_km", "notes") if said.distance_m else ("purpose",)
                words = {"notes": "x"} if said.distance_m else {"purpose": "customer"}
                self.trips[id_] = replace(trip, set_by_hand=theirs, revision=2, **words)
        for gap in sorted(self.gaps.values(), key=lambda gap: gap.since)[1::9]:
            self.gaps[gap.id] = replace(gap, explained_as="private", revision=2)
            after = {**interval(gap), **told(self.gaps[gap.id])}
            self._enter("gap", gap.id, told(gap), after)
        unread = [trip for trip in self.trips.values() if trip.end_odometer_known == "estimated" and _is_free(trip)]
        for trip in sorted(unread, key=lambda trip: trip.started_at)[2::20]:
            self._shift(trip)

    def _shift(self, trip: Trip) -> None:
        """Half a kilometre goes from a trip to the one behind it, as another fold had it."""
        behind = next((row for row in (*self.trips.values(), *self.gaps.values()) if _is_behind(row, trip)), None)
        if isinstance(behind, Trip) and _is_free(behind) and trip.to_m:
            m = trip.to_m - 500
            self.trips[trip.id] = classified(replace(trip, to_m=m, **_shown(trip.from_m, m)))
            self.trips[behind.id] = classified(replace(behind, from_m=m, **_shown(m, behind.to_m)))

    # --- as it was stored

    def documents(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """All documents by their paths below the user."""
        for trip in self.trips.values():
            yield f"trips/{trip.id}", trip_document(trip)
        for gap in self.gaps.values():
            yield f"gaps/{gap.id}", {name: value for name, value in to_document(gap).items() if name != "is_touched"}
        for record in self.records:
            yield f"drives/{record.id}", to_document(record)
        for (car_id, reading), why in self.thoughts.items():
            standing = "not_believed" if why else "believed"
            fields = reading_fields(car_id, reading, reading.at, standing, why or "")  # type: ignore[arg-type]
            yield f"odometer_readings/{reading_id(car_id, reading)}", fields
        for entry in self.entries:
            yield f"history/{entry['n']:08d}", entry
        for year, months in sums_by_year([*self.trips.values(), *self.gaps.values()]).items():
            yield f"stats/{year}", {"months": months}
        state = msgspec.to_builtins(replace(self.state, entries=len(self.entries)))
        for log in state.get("open", {}).values():
            log.pop("gap_before_km", None)
        text = msgspec.json.encode(state).decode()
        yield "cache/trip_start", {"version": 3, "state": text, "next_poll_at": None, "shard": 0}
        cars = {car_id: to_document(Car(car_id, "simulated")) for car_id in CARS}
        yield "settings/car", {"cars": cars}

    def write(self, db: firestore.Client) -> None:
        """Writes all of it, and the account, in place of whatever there is."""
        root = db.collection("users").document(self.email)
        db.recursive_delete(root)
        root.set({**account_document(Account(self.email, default_car_id=CARS[0])), "log_version": 3})
        documents = [*self.documents()]
        for n in range(0, len(documents), 400):
            batch = db.batch()
            for path, fields in documents[n : n + 400]:
                batch.set(db.document(f"{root.path}/{path}"), fields)
            batch.commit()


def _way(began_at: datetime, ended_at: datetime, km: float) -> Iterator[tuple[datetime, tuple[float, float]]]:
    """A fix every few minutes, due north."""
    at = began_at
    while at < ended_at:
        share = (at - began_at) / (ended_at - began_at)
        yield at, (round(52 + share * km / 111.195, 6), 5.0)
        at += 8 * MINUTE
    yield ended_at, (round(52 + km / 111.195, 6), 5.0)


def _is_free(trip: Trip) -> bool:
    """Whether nobody said how long a trip was."""
    return trip.source == "automatic" and not trip.set_by_hand and trip.excess_km == 0 and trip.distance_km > 1


def _is_behind(row: Any, trip: Trip) -> bool:
    return row.id != trip.id and row.car_id == trip.car_id and row.from_m == trip.to_m and row.set_on_m == 0


def _shown(from_m: Any, to_m: Any) -> dict[str, Any]:
    start_km, end_km = from_m // 100 / 10, to_m // 100 / 10
    return {"start_odometer_km": start_km, "end_odometer_km": end_km, "distance_km": round(end_km - start_km, 1)}


def sums_by_year(rows: Iterable[Trip | GapRow]) -> dict[int, dict[str, dict[str, Any]]]:
    """The sums of rows, as they are stored."""
    years: dict[int, dict[str, dict[str, Sums]]] = {}
    for row in rows:
        sums = sums_of_gap(row) if isinstance(row, GapRow) else sums_of(row)
        cars = years.setdefault(row.year, {}).setdefault(str(row.month), {})
        cars[str(row.car_id)] = cars.get(str(row.car_id), Sums()).plus(sums)
    return {
        year: {month: {car: to_document(sums) for car, sums in cars.items()} for month, cars in months.items()}
        for year, months in years.items()
    }


def kilometres(trips: Sequence[Trip]) -> dict[str, Any]:
    """What must stay of each trip."""
    return {trip.id: (trip.distance_km, trip.start_odometer_km, trip.end_odometer_km, trip.car_id) for trip in trips}
