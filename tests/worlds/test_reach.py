"""How far news reaches: what it changes of rows that are there already."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from shared.domain.log.trip import Trip
from shared.domain.tracking.events import CarRead, Ended, Event, Started
from tests.worlds.planning import planned
from tests.worlds.playing import Stage
from tests.worlds.presets import PRESETS
from tests.worlds.product import Product
from tests.worlds.truth import Truth

# Beyond the stretch that it is about, news reaches so many drives: where it moves a boundary within a coarse odometer,
# shows that a reading is not believed or was old news, or in which car somebody drove.
REACH = 4
Rows = dict[str, Trip]


class Watched(Product):
    """Notes for each event the most rows that it changed beyond its own stretch."""

    def __init__(self, cars: tuple[str, ...]) -> None:
        super().__init__(cars)
        self.furthest = 0
        self.told = ""

    def _take(self, event: Event, now: datetime) -> None:
        before, late = {**self._fold.trips}, [heard.at for heard in self._fold.state.late]
        super()._take(event, now)
        moments = [*late, *_moments(event)]
        for car in self._cars:
            self._note(car, before, moments, str(event))

    def _note(self, car: str, before: Rows, moments: Sequence[datetime], told: str) -> None:
        after = {id_: trip for id_, trip in self._fold.trips.items() if trip.car_id == car}
        former = {id_: trip for id_, trip in before.items() if trip.car_id == car}
        ordered = sorted({**former, **after}.values(), key=lambda trip: trip.started_at)
        changed = [n for n, trip in enumerate(ordered) if _row(former.get(trip.id)) != _row(after.get(trip.id))]
        if changed and moments:
            first, last = _stretch(ordered, former, moments)
            far = max(max(first - n, n - last, 0) for n in changed)
            if far > self.furthest:
                self.furthest, self.told = far, f"{told} changed {[ordered[n].id for n in changed]}"


def _moments(event: Event) -> list[datetime]:
    if isinstance(event, Started | Ended):
        return [event.heard.at]
    return [event.reading.at] if isinstance(event, CarRead) and event.reading else []


def _row(trip: Trip | None) -> tuple[object, ...] | None:
    return (trip.started_at, trip.ended_at, trip.from_m, trip.to_m, trip.distance_km) if trip else None


def _stretch(ordered: Sequence[Trip], former: Rows, moments: Sequence[datetime]) -> tuple[int, int]:
    """The first and the last trip between the read odometers around some moments, as they were known before."""
    first = max((n for n, trip in enumerate(ordered) if trip.started_at <= min(moments)), default=0)
    last = min((n for n, trip in enumerate(ordered) if trip.ended_at >= max(moments)), default=len(ordered) - 1)
    first, last = min(first, last), max(first, last)
    while first and not _is_read(former.get(ordered[first].id), "start_odometer_known"):
        first -= 1
    while last < len(ordered) - 1 and not _is_read(former.get(ordered[last].id), "end_odometer_known"):
        last += 1
    return first, last


def _is_read(trip: Trip | None, end: str) -> bool:
    return trip is not None and getattr(trip, end) == "read"


@pytest.mark.parametrize("preset", PRESETS)
def test_news_changes_no_row_more_than_four_drives_beyond_its_stretch(preset: str) -> None:
    made: list[Watched] = []

    def make(truth: Truth) -> Watched:
        made.append(Watched(tuple(car.id for car in truth.plan.cars)))
        return made[-1]

    for seed in range(2):
        Stage(planned(PRESETS[preset], seed), make).play()
    furthest = max(made, key=lambda one: one.furthest)
    assert furthest.furthest <= REACH, furthest.told
