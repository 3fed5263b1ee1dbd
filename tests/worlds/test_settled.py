"""A log of which the older part is settled is the log that all of its facts make together."""

from collections.abc import Collection
from typing import Any

import pytest

from shared.domain.car.odometer import Reading
from shared.domain.log.gap_row import GapRow
from shared.domain.log.rows import Rows
from shared.domain.log.summary import Summary
from shared.domain.log.trip import Trip
from shared.domain.tracking.keeping import refolded
from shared.domain.tracking.state import DriverState, OpenLog
from tests.domain.world import Store
from tests.worlds.planning import planned
from tests.worlds.playing import Stage
from tests.worlds.presets import PRESETS, Preset
from tests.worlds.product import Product
from tests.worlds.truth import Truth

KINDS = ("usual", "switch_off", "whole_km", "old_values", "wild_values", "untold", "late_drives", "two_cars_unnamed")
LONG = [PRESETS[name]._replace(days=7, drives=(14, 24)) for name in KINDS]


class Watched(Product):
    """Remembers every fact that its state ever had."""

    def __init__(self, cars: tuple[str, ...]) -> None:
        super().__init__(cars)
        self._told: dict[str, Summary] = {}
        self._readings: dict[str, set[Reading]] = {}

    def waits(self) -> bool:
        """As before; it is asked at each poll."""
        state = self._fold.state
        # A drive that left the state with its record was taken apart into others, and one that did without is settled.
        self._told = {id_: one for id_, one in self._told.items() if id_ in self._fold.store.records}
        self._told |= {one.id: one for one in state.told}
        for car_id, log in state.open.items():
            self._readings.setdefault(car_id, set()).update(log.readings)
        return super().waits()

    def is_settled(self) -> bool:
        """Whether anything is."""
        return any(log.start for log in self._fold.state.open.values())

    def stored(self) -> Store:
        """The rows as they were put one after another."""
        return self._fold.store

    def whole(self) -> Store:
        """The rows that all facts make together."""
        self.waits()
        state, store = self._fold.state, Store()
        whole = DriverState(
            told=tuple(self._told.values()),
            open={car: OpenLog(readings=_by_time(found)) for car, found in self._readings.items()},
            car_ids=state.car_ids,
            default_car_id=state.default_car_id,
        )
        store.records = self._fold.store.records
        rows = Rows(store)
        refolded(DriverState(), whole, rows, self._fold.owner, self._fold.now)
        store.put(rows)
        return store


def _by_time(readings: Collection[Reading]) -> tuple[Reading, ...]:
    return tuple(sorted(readings, key=lambda reading: reading.at))


@pytest.mark.parametrize("seed", [1])
@pytest.mark.parametrize("preset", LONG, ids=lambda preset: preset.name)
def test_settled_rows_are_those_that_all_facts_make(preset: Preset, seed: int) -> None:
    made: list[Watched] = []

    def make(truth: Truth) -> Watched:
        made.append(Watched(tuple(car.id for car in truth.plan.cars)))
        return made[0]

    Stage(planned(preset, seed), make).play()
    whole, stored = made[0].whole(), made[0].stored()
    assert made[0].is_settled()
    assert _trips(stored) == _trips(whole)
    assert _gaps(stored) == _gaps(whole)


def _trips(store: Store) -> list[Any]:
    return sorted(map(_of_trip, store.trips_by_id.values()), key=str)


def _of_trip(trip: Trip) -> Any:
    odometer = (trip.from_m, trip.to_m, trip.distance_km, trip.excess_km)
    return trip.id, trip.car_id, trip.started_at, trip.ended_at, odometer, trip.flags, trip.from_, trip.to


def _gaps(store: Store) -> list[Any]:
    return sorted(map(_of_gap, store.gaps_by_id.values()))


def _of_gap(gap: GapRow) -> Any:
    return gap.id, gap.car_id, gap.from_m, gap.to_m, gap.since, gap.until
