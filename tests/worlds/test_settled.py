"""A log of which the older part is settled is the log that all of its facts make together."""

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
from tests.worlds.presets import PRESETS
from tests.worlds.product import Product
from tests.worlds.truth import Truth

LONG = [
    PRESETS[name]._replace(days=7, drives=(14, 24))
    for name in ("usual", "switch_off", "whole_km", "old_values", "wild_values", "untold", "late_drives", "by_hand")
]


class Watched(Product):
    """Remembers every fact that its state ever had."""

    def __init__(self, cars: tuple[str, ...]) -> None:
        super().__init__(cars)
        self.told: dict[str, Summary] = {}
        self.readings: dict[str, set[Reading]] = {}
        self.dropped = 0

    def waits(self) -> bool:
        state = self._fold.state
        alive = {one.id for one in state.told}
        # What is no more in the state is settled, or taken apart into others.
        self.told = {
            id_: one
            for id_, one in self.told.items()
            if id_ in alive or id_ in self._fold.store.records or one.is_by_hand
        }
        self.told |= {one.id: one for one in state.told}
        for car_id, log in state.open.items():
            self.readings.setdefault(car_id, set()).update(log.readings)
        return super().waits()

    def whole(self) -> Store:
        """The rows that all facts make together."""
        self.waits()
        state, store = self._fold.state, Store()
        logs = {car: OpenLog(readings=tuple(sorted(found, key=lambda r: r.at))) for car, found in self.readings.items()}
        whole = DriverState(
            told=tuple(self.told.values()), open=logs, car_ids=state.car_ids, default_car_id=state.default_car_id
        )
        store.records = self._fold.store.records
        rows = Rows(store)
        refolded(DriverState(), whole, rows, self._fold.owner, (), self._fold.now)
        store.put(rows)
        return store

    @property
    def stored(self) -> Store:
        return self._fold.store


def _plain(trip: Trip):
    return (
        trip.id,
        trip.car_id,
        trip.started_at,
        trip.ended_at,
        trip.from_m,
        trip.to_m,
        trip.distance_km,
        trip.excess_km,
        trip.flags,
    )


def _gap(gap: GapRow):
    return (gap.id, gap.from_m, gap.to_m, gap.since, gap.until)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("preset", LONG, ids=lambda preset: preset.name)
def test_settled_rows_are_those_that_all_facts_make(preset, seed: int) -> None:
    made: list[Watched] = []

    def make(truth: Truth) -> Watched:
        made.append(Watched(tuple(car.id for car in truth.plan.cars)))
        return made[0]

    stage = Stage(planned(preset, seed), make)
    stage.play()
    keeper = made[0]
    whole, stored = keeper.whole(), keeper.stored
    assert any(log.start for log in keeper._fold.state.open.values()), "something is settled"
    assert sorted(map(_plain, stored.trips_by_id.values()), key=str) == sorted(
        map(_plain, whole.trips_by_id.values()), key=str
    )
    assert sorted(map(_gap, stored.gaps_by_id.values())) == sorted(map(_gap, whole.gaps_by_id.values()))
