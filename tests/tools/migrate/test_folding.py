"""What is moved, folded part by part: whatever the old rows said, nothing is lost and the rows tile the odometer."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.domain.car.odometer import Reading
from shared.domain.log.laying import Owner as LogOwner
from shared.domain.log.tiling import Row, why_not_tiled
from shared.domain.log.trip import Trip
from shared.domain.tracking.state import DriverState
from tests.tools.migrate.migration import WHOLE
from tests.tools.migrate.old_store import BORIS
from tools.migrate.folding import FACTS_AT_ONCE, into_open, parts_of
from tools.migrate.former_facts import Memory
from tools.migrate.old_trips import Owner, trip_of
from tools.migrate.outcome import along

NOW = datetime(2026, 11, 26, tzinfo=UTC)
OWNER, OLD_OWNER = LogOwner(BORIS, "UTC"), Owner(BORIS, "UTC", "audi")


def old_trip(n: int, at: datetime, minutes: int, **fields: Any) -> Trip:
    end = at + timedelta(minutes=minutes)
    row = {"date": f"{at:%d-%m-%Y}", "start_time": f"{at:%H:%M}", "end_time": f"{end:%H:%M}"}
    return trip_of(f"{n}", {**WHOLE, **row, **fields}, OLD_OWNER).trip


def messy(seed: int, count: int) -> tuple[list[Trip], list[Reading]]:
    """Trips that overlap, odometers that jump and fall, distances that are not theirs, readings out of nowhere."""
    chance = random.Random(seed)
    at, odo, trips, readings = datetime(2021, 1, 1, tzinfo=UTC), 500_000, list[Trip](), list[Reading]()
    for n in range(count):
        at += timedelta(minutes=chance.choice((0, 1, 30, 300, 3000)))
        odo += chance.choice((0, 0, 0, 3, 2400, -4, -1000, 100_000, -100_000)) if chance.random() < 0.15 else 0
        tenths, minutes = chance.randrange(900), chance.choice((0, 1, 10, 60, 300))
        said: dict[str, Any] = {"distance_km": (tenths if chance.random() < 0.9 else chance.randrange(3000)) / 10}
        said |= {"start_odo": odo / 10} if chance.random() < 0.9 else {}
        said |= {"end_odo": (odo + tenths) / 10} if chance.random() < 0.9 else {}
        said |= {"from_lat": 52 + chance.random(), "from_lon": 5.1} if chance.random() < 0.5 else {}
        trips.append(old_trip(n, at, minutes, **said))
        odo, at = odo + tenths, at + timedelta(minutes=minutes)
        if chance.random() < 0.1:
            readings.append(Reading(at, odo / 10 if chance.random() < 0.7 else float(chance.randrange(10**5))))
    return trips, readings


def folded(trips: list[Trip], readings: list[Reading]) -> tuple[Memory, DriverState, int]:
    """The rows, the state behind them, and the most rows that one part put."""
    memory, state, most = Memory(), DriverState(), 0
    for part in parts_of("audi", trips, readings):
        rows = memory.rows()
        state, _ = into_open(state, rows, part, "audi", None, OWNER, NOW)
        most = max(most, len(rows.trips) + len(rows.gaps))
        memory.take(rows)
    return memory, state, most


def by_time(memory: Memory) -> list[Row]:
    rows: list[Row] = [
        row for row in (*memory.kept_trips.values(), *memory.kept_gaps.values()) if row.from_m is not None
    ]
    return sorted(rows, key=along)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_old_rows_say_the_rows_tile_and_each_trip_shows_what_it_showed(seed: int) -> None:
    trips, readings = messy(seed, 120)
    memory, _, most = folded(trips, readings)
    assert why_not_tiled(by_time(memory)) is None
    shown = {trip.id: (trip.distance_km, trip.started_at, trip.ended_at, trip.kind) for trip in trips}
    found = memory.kept_trips.values()
    assert {trip.id: (trip.distance_km, trip.started_at, trip.ended_at, trip.kind) for trip in found} == shown
    assert most <= 4 * FACTS_AT_ONCE


def test_a_car_of_which_no_odometer_is_known_leaves_nothing_to_remember() -> None:
    at = datetime(2024, 1, 1, 8, tzinfo=UTC)
    trips = [old_trip(n, at + n * timedelta(hours=5), 20, distance_km=9.5) for n in range(130)]
    memory, state, _ = folded(trips, [])
    assert (len(memory.kept_trips), state.told) == (130, ())
    assert not any(trip.flags or trip.from_m is not None for trip in memory.kept_trips.values())


def test_few_trips_and_readings_stay_to_be_remembered_however_many_there_were() -> None:
    at, trips, readings = datetime(2021, 1, 1, 8, tzinfo=UTC), list[Trip](), list[Reading]()
    for n in range(300):
        km = 1000 + 12.0 * n
        trips.append(old_trip(n, at + n * timedelta(days=1), 20, start_odo=km, end_odo=km + 10, distance_km=10))
    readings += [Reading(at + timedelta(days=300 + n), 1000 + 12.0 * 300) for n in range(200)]
    memory, state, _ = folded(trips, readings)
    assert sum(gap.missing_km for gap in memory.kept_gaps.values()) == pytest.approx(2 * 300)
    assert (len(state.told) < 20, len(state.of_car("audi").readings) <= 60) == (True, True)
