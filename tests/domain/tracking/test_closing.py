"""Once all before a moment is settled for a car, nothing that phone or car say later changes a row of that time."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.domain.fitting import Conflict
from shared.domain.log.rows import Rows
from shared.domain.log.sealing import is_changed
from shared.domain.log.tiling import Row, along, why_not_tiled
from shared.domain.thresholds import NEWS_REACHES
from shared.domain.tracking.closing import settled_through
from tests.worlds.plan import MIDNIGHT
from tests.worlds.planning import planned
from tests.worlds.playing import Stage
from tests.worlds.presets import PRESETS
from tests.worlds.product import Ask, Product
from tests.worlds.truth import Truth

DAYS = 6


class Closing(Product):
    """Closes all before each midnight as soon as that can be, and remembers what was closed."""

    def __init__(self, cars: tuple[str, ...]) -> None:
        super().__init__(cars)
        self.sealed: dict[str, Row] = {}
        self.waited: list[datetime] = []
        self._next = {car: MIDNIGHT + timedelta(days=1) for car in cars}

    def poll(self, now: datetime, ask: Ask) -> None:
        """As before, and then it looks whether something can be closed."""
        super().poll(now, ask)
        for car, until in self._next.items():
            if now >= until + NEWS_REACHES:
                self._close(car, until)

    def _close(self, car: str, until: datetime) -> None:
        fold = self._fold
        rows, before = Rows(fold.store), self.placed(car)
        try:
            state = settled_through(fold.state, car, until, rows, fold.owner, fold.now)
        except Conflict:
            self.waited.append(until)
            return
        fold.state = state
        fold.store.put(rows)
        after = self.placed(car)
        assert why_not_tiled(after) is None
        assert _span(before) == _span(after), "closing adds no kilometre and takes none away"
        self.sealed |= {row.id: row for row in self.rows(car) if _began_at(row) < until}
        self._next[car] = until + timedelta(days=1)

    def rows(self, car: str) -> list[Row]:
        """The rows of a car."""
        store = self._fold.store
        found: list[Row] = [*store.trips_by_id.values(), *store.gaps_by_id.values()]
        return sorted((row for row in found if row.car_id == car), key=along)

    def placed(self, car: str) -> list[Row]:
        """Those of them that have a stretch of the odometer."""
        return [row for row in self.rows(car) if row.from_m is not None]


def _span(rows: list[Row]) -> tuple[int | None, int | None] | None:
    return (rows[0].from_m, rows[-1].to_m) if rows else None


def _began_at(row: Row) -> Any:
    return along(row)[0]


@pytest.mark.parametrize("name", PRESETS)
def test_what_is_closed_stays_as_it_is_whatever_comes_later(name: str) -> None:
    made: list[Closing] = []

    def make(truth: Truth) -> Closing:
        made.append(Closing(tuple(car.id for car in truth.plan.cars)))
        return made[0]

    Stage(planned(PRESETS[name]._replace(days=DAYS, drives=(12, 20)), 1), make).play()
    [log] = made
    stored = {row.id: row for car in log._next for row in log.rows(car)}
    assert not [id_ for id_, row in log.sealed.items() if is_changed(row, stored.get(id_))]
    for car, until in log._next.items():
        late = [row for row in log.rows(car) if _began_at(row) < until - timedelta(days=1) and row.id not in log.sealed]
        assert late == []
    assert log.sealed or not log._next, "a driver may have no car of their own"
