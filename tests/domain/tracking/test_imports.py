"""What comes from another system, folded part by part: whatever it says, nothing is lost, the rows tile the odometer,
and they are those that all facts make together."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.log.gap_row import GapRow
from shared.domain.log.laying import Owner
from shared.domain.log.moved import moved
from shared.domain.log.rows import Rows
from shared.domain.log.tiling import Row, along, why_not_tiled
from shared.domain.log.trip import Endpoint, Trip, classified, dated, trip_id
from shared.domain.log.words import summary_of
from shared.domain.tracking.imports import Most, taken_in
from shared.domain.tracking.recount import Counted, Facts, recounted
from shared.domain.tracking.state import DriverState
from tests.domain.world import Store

NOW = datetime(2026, 11, 26, tzinfo=UTC)
OWNER = Owner("boris@example.com", "UTC")
SOME = Most(rows=200, facts=100)


def old_trip(n: int, at: datetime, minutes: int, distance_km: float, **fields: Any) -> Trip:
    trip = Trip(
        id=trip_id(OWNER.user, at, n=n), user=OWNER.user, car_id="audi", started_at=at,
        ended_at=at + timedelta(minutes=minutes), timezone="UTC", date="", year=0, month=0, kind="business",
        distance_km=distance_km, created_at=at, updated_at=at, **fields,
    )  # fmt: skip
    trip = classified(dated(trip))
    return replace(trip, summary=moved(trip))


def messy(seed: int, count: int) -> tuple[list[Trip], list[Reading]]:
    """Trips that overlap, odometers that jump and fall, distances that are not theirs, readings out of nowhere."""
    chance = random.Random(seed)
    at, odo, trips, readings = datetime(2021, 1, 1, tzinfo=UTC), 500_000, list[Trip](), list[Reading]()
    for n in range(count):
        at += timedelta(minutes=chance.choice((0, 1, 30, 300, 3000)))
        odo += chance.choice((0, 0, 0, 3, 2400, -4, -1000, 100_000, -100_000)) if chance.random() < 0.15 else 0
        tenths, minutes = chance.randrange(900), chance.choice((0, 1, 10, 60, 300))
        said: dict[str, Any] = {"start_odometer_km": odo / 10} if chance.random() < 0.9 else {}
        said |= {"end_odometer_km": (odo + tenths) / 10} if chance.random() < 0.9 else {}
        said |= {"from_": Endpoint(52 + chance.random(), 5.1)} if chance.random() < 0.5 else {}
        shown = tenths if chance.random() < 0.9 else chance.randrange(3000)
        trips.append(old_trip(n, at, minutes, shown / 10, **said))
        odo, at = odo + tenths, at + timedelta(minutes=minutes)
        if chance.random() < 0.1:
            readings.append(Reading(at, odo / 10 if chance.random() < 0.7 else float(chance.randrange(10**5))))
    return trips, readings


def facts_of(trips: list[Trip], readings: list[Reading]) -> Facts:
    return Facts([summary_of(trip) for trip in trips], {"audi": readings}, {}, [], None)


def folded(trips: list[Trip], readings: list[Reading]) -> tuple[Store, DriverState, int]:
    """The rows, the state behind them, and the most rows that one part put."""
    store, state, most, read = Store(), DriverState(), 0, set[Reading]()
    while trips or len(read) < len({*readings}):
        rows, left = Rows(store), [one for one in readings if one not in read]
        found = taken_in(state, trips, facts_of(trips, left), rows, OWNER, NOW, SOME)
        most = max(most, len(rows.trips) + len(rows.gaps))
        store.put(rows)
        store.readings |= found.thoughts
        state, read = found.state, read | {reading for _, reading in found.readings}
        trips = [trip for trip in trips if trip.id not in found.trips]
    return store, state, most


def by_time(store: Store) -> list[Row]:
    rows: list[Row] = [*store.trips_by_id.values(), *store.gaps_by_id.values()]
    return sorted((row for row in rows if row.from_m is not None), key=along)


@pytest.mark.parametrize("seed", range(5, 10))
def test_whatever_old_rows_say_the_rows_tile_and_each_trip_shows_what_it_showed(seed: int) -> None:
    trips, readings = messy(seed, 120)
    store, _, most = folded(trips, readings)
    assert why_not_tiled(by_time(store)) is None
    shown = {trip.id: (trip.distance_km, trip.started_at, trip.ended_at, trip.kind) for trip in trips}
    found = store.trips_by_id.values()
    assert {trip.id: (trip.distance_km, trip.started_at, trip.ended_at, trip.kind) for trip in found} == shown
    assert most <= SOME.rows


@pytest.mark.parametrize("seed", range(5, 10))
def test_what_came_part_by_part_is_what_all_of_it_makes_together(seed: int) -> None:
    trips, readings = messy(seed, 120)
    store, _, _ = folded(trips, readings)
    gaps, stretches = set[str](), dict[str, tuple[int | None, int | None]]()
    for one in recounted(facts_of(trips, readings), OWNER, NOW):
        if isinstance(one, Counted) and isinstance(one.says, GapRow):
            gaps.add(one.says.id)
            assert one.says.to_m == store.gaps_by_id[one.says.id].to_m
        elif isinstance(one, Counted):
            stretches[one.drive.summary.id] = (one.says.from_m, one.says.to_m)
        else:
            assert store.readings[one.car_id, one.reading] == one.why_not
    assert {trip.id: (trip.from_m, trip.to_m) for trip in store.trips_by_id.values()} == stretches
    assert {*store.gaps_by_id} == gaps


def test_a_car_of_which_no_odometer_is_known_leaves_little_to_remember() -> None:
    at = datetime(2024, 1, 1, 8, tzinfo=UTC)
    trips = [old_trip(n, at + n * timedelta(hours=5), 20, 9.5) for n in range(130)]
    store, state, _ = folded(trips, [])
    assert (len(store.trips_by_id), len(state.told) < 10) == (130, True)
    assert not any(trip.flags or trip.from_m is not None for trip in store.trips_by_id.values())


def test_few_trips_and_readings_stay_to_be_remembered_however_many_there_were() -> None:
    at, trips, readings = datetime(2021, 1, 1, 8, tzinfo=UTC), list[Trip](), list[Reading]()
    for n in range(300):
        km = 1000 + 12.0 * n
        odometers = {"start_odometer_km": km, "end_odometer_km": km + 10}
        trips.append(old_trip(n, at + n * timedelta(days=1), 20, 10, **odometers))
    readings += [Reading(at + timedelta(days=300 + n), 1000 + 12.0 * 300) for n in range(200)]
    store, state, _ = folded(trips, readings)
    assert sum(gap.missing_km for gap in store.gaps_by_id.values()) == pytest.approx(2 * 300)
    assert (len(state.told) < 20, len(state.of_car("audi").readings) <= 60) == (True, True)
    assert len(store.readings) == 200
