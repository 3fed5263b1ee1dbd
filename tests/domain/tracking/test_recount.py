"""A log that was kept word by word is the one that its facts make together, whatever world they are of."""

from time import process_time
from typing import Any

import pytest

from shared.domain.car.car import Car
from shared.domain.car.odometer import Reading
from shared.domain.log.explaining import word_of
from shared.domain.log.gap_row import Explained, GapRow
from shared.domain.log.laying import Owner
from shared.domain.log.marking import marks
from shared.domain.log.summary import Summary, trail_of
from shared.domain.log.trip import Trip
from shared.domain.tracking.recount import Counted, Facts, Thought, recounted
from tests.domain.world import at, fix
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


def usual(count: int) -> Facts:
    """Drives of half an hour, three a day, each read before and after it and again hours later."""
    drives, readings = list[Summary](), list[Reading]()
    for n in range(count):
        begin, end, km = at(480 * n), at(480 * n + 30), 1000 + 27.0 * n
        fixes = [fix(480 * n + minute, minute if n % 2 == 0 else 30 - minute) for minute in range(31)]
        drives.append(
            Summary(id=str(n), began_at=begin, ended_at=end, car_id="car", trail=trail_of(marks(fixes, begin, end, ())))
        )
        readings += [Reading(at(480 * n - 1), km), *(Reading(at(480 * n + minute), km + 27.0) for minute in (31, 300))]
    return Facts(drives, {"car": readings}, {}, [Car("car", "simulated")], "car")


def test_a_log_that_is_four_times_as_long_takes_about_four_times_as_long() -> None:
    owner, took_s = Owner("d@example.com", "UTC"), dict[int, float]()
    for count in (50, 50, 200):
        began_s = process_time()
        rows = [one for one in recounted(usual(count), owner, at(480 * count + 5000)) if isinstance(one, Counted)]
        took_s[count] = process_time() - began_s
        assert [round((row.says.to_m or 0) - (row.says.from_m or 0)) for row in rows] == [27_000] * count
    # Where nothing were settled, the last drives would be folded one by one with all that can be remembered.
    assert took_s[200] < 12 * took_s[50]
