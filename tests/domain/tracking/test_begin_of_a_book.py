"""Where the open part of a car's book begins: as its driver said, until a part of it is settled."""

from datetime import UTC, datetime

from shared.domain.car.car import Car
from shared.domain.car.odometer import Reading
from shared.domain.log.book import Start
from shared.domain.tracking.state import DriverState, OpenLog, with_cars
from tests.domain.world import World

AT = datetime(2026, 1, 23, 8, tzinfo=UTC)


def test_where_nothing_is_settled_the_book_begins_with_what_the_driver_said_of_the_car() -> None:
    log = OpenLog(readings=(Reading(AT, 12_345.0),))
    state = with_cars(DriverState(open={"car": log}), [Car("car", "simulated", start_odometer_km=12_000.0)])
    start = state.of_car("car").start
    assert start
    assert (start.m, start.is_said, start.at < AT) == (12_000_000, True, True)


def test_a_settled_part_that_ends_at_a_typed_odometer_stays_settled_whatever_is_said_of_the_car() -> None:
    settled = Start(AT, 15_000_000, known="typed")
    state = DriverState(open={"car": OpenLog(start=settled)})
    for car in (Car("car", "simulated"), Car("car", "simulated", start_odometer_km=12_000.0)):
        assert with_cars(state, [car]).of_car("car").start == settled


def test_a_drive_before_a_car_is_read_for_the_first_time_has_kilometres_since_the_odometer_of_its_begin() -> None:
    world = World()
    world.cars = [Car("car", "simulated", start_odometer_km=10_000.0)]
    world.start(0, 0)
    for minute in range(1, 27):
        world.start(minute, minute)
    world.end(27, 27)
    world.fail(28)
    world.tick(60)
    world.read(90, 10_027.0)
    assert [(trip.distance_km, trip.start_odometer_km) for trip in world.log] == [(27.0, 10_000.0)]


def test_what_a_driver_says_later_of_the_begin_of_a_book_is_laid_into_its_rows() -> None:
    world = World()
    world.read(-5, 10_027.0)
    world.start(0, 0)
    world.end(27, 27)
    world.read(28, 10_054.0)
    world.cars = [Car("car", "simulated", start_odometer_km=10_000.0)]
    world.read(100, 10_054.0)
    assert [(gap.from_m, gap.to_m) for gap in world.store.gaps_by_id.values()] == [(10_000_000, 10_027_000)]


def test_a_car_that_was_read_before_its_first_drive_is_known_by_that_reading() -> None:
    world = World()
    world.cars = [Car("car", "simulated", start_odometer_km=10_000.0)]
    world.start(60, 0)
    world.read(0, 10_004.0, now=61)
    world.end(90, 20)
    world.read(91, 10_025.0)
    (trip,) = world.log
    assert (trip.start_odometer_km, trip.start_odometer_known, trip.distance_km) == (10_004.0, "read", 21.0)
    assert [gap.missing_km for gap in world.store.gaps_by_id.values()] == [4.0]
