"""After a year of a car is closed its log goes on: nothing that turns out later begins in that year."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from shared.domain.car.car import Car
from shared.domain.fitting import Conflict
from shared.domain.log.rows import Rows
from shared.domain.log.sealing import is_changed
from shared.domain.log.tiling import Row, along, why_not_tiled
from shared.domain.tracking.closing import settled_through, with_closed
from tests.domain.world import MORNING, World

AMSTERDAM = "Europe/Amsterdam"
NEW_YEAR = datetime(2025, 12, 31, 23, tzinfo=UTC)
DAY = 24 * 60
ZONES = (AMSTERDAM, "America/New_York", "Pacific/Honolulu", "Pacific/Auckland")


def minute(day: float, hour: float = 0) -> float:
    """So many days after New Year in Amsterdam, in minutes of the scripted morning."""
    return (NEW_YEAR - MORNING) / timedelta(minutes=1) + day * DAY + hour * 60


@pytest.fixture
def world() -> World:
    """A driver in the last days of 2025."""
    found = World()
    found.now = NEW_YEAR - timedelta(days=9)
    return found


def drive(world: World, begin: float, a_km: float, b_km: float) -> None:
    world.start(begin, a_km)
    world.end(begin + 60, b_km)
    world.tick(begin + 120)


def close(world: World) -> dict[str, Row]:
    """Closes 2025 on the third day after it; its rows."""
    world.now = max(world.now, NEW_YEAR + timedelta(days=2, hours=12))
    store = Rows(world.store)
    state = settled_through(world.state, "car", NEW_YEAR, store, world.owner, world.now)
    world.state = with_closed(state, "car", 2025, AMSTERDAM)
    world.store.put(store)
    return {row.id: row for row in rows(world) if row.year == 2025}


def rows(world: World) -> list[Row]:
    return sorted([*world.trips.values(), *world.store.gaps_by_id.values()], key=along)


def refuse_changed(world: World, sealed: dict[str, Row]) -> None:
    now = {row.id: row for row in rows(world) if row.year == 2025}
    assert now.keys() == sealed.keys()
    assert not [id_ for id_, row in sealed.items() if is_changed(row, now[id_])]
    assert why_not_tiled([row for row in rows(world) if row.from_m is not None]) is None


@pytest.mark.parametrize("timezone", ZONES)
@pytest.mark.parametrize("is_settled", [True, False])
def test_kilometres_that_turn_out_later_are_of_the_year_after(world: World, timezone: str, is_settled: bool) -> None:
    world.read(minute(-6), 1000.0)
    drive(world, minute(-5), 0, 20)
    world.read(minute(-5, 3), 1025.0)
    if is_settled:
        world.read(minute(-4), 1025.0)
        world.read(minute(-3), 1025.0)
    else:
        drive(world, minute(-1), 20, 30)
    sealed = close(world)
    assert len(sealed) == (1 if is_settled else 2)
    world.owner = replace(world.owner, timezone=timezone)
    drive(world, minute(3), 30, 50)
    world.read(minute(3, 3), 1200.0)
    drive(world, minute(5), 50, 60)
    world.read(minute(5, 3), 1215.0)
    refuse_changed(world, sealed)
    last_km = max(row.to_m or 0 for row in sealed.values()) / 1000
    later = [row for row in rows(world) if row.year == 2026]
    assert (later[0].from_m, later[-1].to_m) == (1000 * last_km, 1_215_000)


@pytest.mark.parametrize("timezone", ZONES)
def test_a_drive_of_new_years_night_is_of_the_year_in_which_it_was_when_the_other_was_closed(
    world: World, timezone: str
) -> None:
    world.read(minute(-1), 1000.0)
    drive(world, minute(-1, 2), 0, 20)
    world.read(minute(-1, 4), 1025.0)
    sealed = close(world)
    world.owner = replace(world.owner, timezone=timezone)
    # The phone was without network: what it says now is of the night of New Year.
    drive(world, minute(0, 1), 20, 40)
    world.tick(minute(2, 13))
    world.read(minute(3), 1050.0)
    refuse_changed(world, sealed)
    assert [trip.year for trip in world.log] == [2025, 2026]


def test_a_year_of_which_words_of_the_phone_wait_is_not_closed_before_these_are_in_the_log(world: World) -> None:
    world.read(minute(-1), 1000.0)
    drive(world, minute(-1, 2), 0, 20)
    world.read(minute(-1, 4), 1025.0)
    # A drive of the last night of the year, and nobody who puts it into the log for a day.
    world.start(minute(0, -3), 20)
    world.end(minute(0, -2), 40)
    world.start(minute(0, 2), 40)
    with pytest.raises(Conflict, match="is not in the log yet"):
        close(world)
    for hour in (12, 13):  # the drive is over by itself, and then all of them are taken in
        world.tick(minute(2, hour))
    sealed = close(world)
    world.read(minute(3), 1045.0)
    refuse_changed(world, sealed)
    assert [trip.year for trip in world.log] == [2025, 2025, 2026]


def test_the_begin_of_a_car_that_was_never_read_is_not_before_the_end_of_its_closed_year(world: World) -> None:
    drive(world, minute(-1, 2), 0, 20)
    sealed = close(world)
    world.cars = [Car("car", "simulated", start_odometer_km=900.0, available_from="2025-06-01")]
    world.read(minute(3), 1000.0)
    drive(world, minute(3, 1), 20, 40)
    world.read(minute(3, 4), 1025.0)
    refuse_changed(world, sealed)
    placed = [row for row in rows(world) if row.from_m is not None]
    assert (placed[0].from_m, placed[0].year, placed[-1].to_m) == (900_000, 2026, 1_025_000)
