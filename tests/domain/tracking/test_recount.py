"""A log that was kept word by word is the one that its facts make together, whatever world they are of."""

from typing import Any

import pytest

from shared.domain.car.odometer import Reading
from shared.domain.log.explaining import word_of
from shared.domain.log.gap_row import Explained, GapRow
from shared.domain.log.summary import Summary
from shared.domain.log.trip import Trip
from shared.domain.tracking.recount import Counted, Facts, Thought, recounted
from tests.worlds.planning import planned
from tests.worlds.playing import Stage
from tests.worlds.presets import PRESETS
from tests.worlds.product import Product
from tests.worlds.truth import Truth


class Watched(Product):
    """Remembers every drive that its state ever had."""

    def __init__(self, cars: tuple[str, ...]) -> None:
        super().__init__(cars)
        self._told: dict[str, Summary] = {}

    def waits(self) -> bool:
        """As before; it is asked at each poll."""
        known = self._fold.store.records
        # A drive that left the state with its record was taken apart into others, and one that did without is settled.
        self._told = {id_: one for id_, one in self._told.items() if id_ in known or one.is_by_hand}
        self._told |= {one.id: one for one in self._fold.state.told}
        return super().waits()

    def is_settled(self) -> bool:
        """Whether anything is."""
        return any(log.start for log in self._fold.state.open.values())

    def facts(self) -> Facts:
        """All of them."""
        self.waits()
        readings, explained = dict[str, list[Reading]](), dict[str, list[Explained]]()
        for (car_id, reading), why in self._fold.store.readings.items():
            if why != "withdrawn":
                readings.setdefault(car_id, []).append(reading)
        for gap in self._fold.store.gaps_by_id.values():
            if word := word_of(gap):
                explained.setdefault(gap.car_id, []).append(word)
        return Facts([*self._told.values()], readings, explained, self._fold.cars, self._fold.state.default_car_id)

    def counted(self) -> list[Any]:
        """Its rows as its facts make them."""
        return sorted(map(_said, recounted(self.facts(), self._fold.owner, self._fold.now)))

    def kept(self) -> list[Any]:
        """Its rows as they were put one after another."""
        store = self._fold.store
        trips = (
            _trip(trip.car_id, trip.started_at, trip.ended_at, trip.from_m, trip.to_m, trip.flags, _ends(trip))
            for trip in store.trips_by_id.values()
        )
        readings = (_thought(*key, why) for key, why in store.readings.items() if why != "withdrawn")
        return sorted([*trips, *map(_gap, store.gaps_by_id.values()), *readings])


def _said(one: Counted | Thought) -> str:
    if isinstance(one, Thought):
        return _thought(*one)
    row = one.says
    if isinstance(row, GapRow):
        return _gap(row)
    drive = row.drive
    ends = None if drive.summary.is_by_hand else [row.begin, row.end]
    return _trip(row.car_id, drive.began_at, drive.ended_at, row.from_m, row.to_m, row.flags, ends)


def _gap(row: GapRow) -> str:
    return str((row.id, row.from_m, row.to_m, row.since, row.until, row.explained_as))


def _thought(*told: Any) -> str:
    return str(told)


def _ends(trip: Trip) -> list[Any] | None:
    """Where a trip began and ended, unless its driver said so."""
    return None if trip.source == "manual" else [trip.from_.position, trip.to.position]


def _trip(*told: Any) -> str:
    return str(told)


@pytest.mark.parametrize("name", PRESETS)
def test_a_log_of_twelve_days_is_what_its_facts_make_together(name: str) -> None:
    made: list[Watched] = []

    def make(truth: Truth) -> Watched:
        made.append(Watched(tuple(car.id for car in truth.plan.cars)))
        return made[0]

    Stage(planned(PRESETS[name]._replace(days=12, drives=(24, 34)), 1), make).play()
    assert made[0].is_settled()
    assert made[0].kept() == made[0].counted()
