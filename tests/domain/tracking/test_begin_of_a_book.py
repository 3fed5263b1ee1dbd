"""Where the open part of a car's book begins: as its driver said, until a part of it is settled."""

from datetime import UTC, datetime

from shared.domain.car.car import Car
from shared.domain.car.odometer import Reading
from shared.domain.log.book import Start
from shared.domain.tracking.state import DriverState, OpenLog, with_cars

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
