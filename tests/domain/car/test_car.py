"""What a car says: each value counts for the moment at which it was measured."""

import pytest

from shared.domain.car.car import CarState, CarValues, Measured
from shared.domain.car.odometer import Reading
from shared.domain.place.geo import Position
from tests.domain.world import at


def test_an_odometer_alone_is_a_reading() -> None:
    assert CarValues(Measured(1000.0, at(5))).reading() == Reading(at(5), 1000.0)


def test_without_an_odometer_there_is_no_reading() -> None:
    assert CarValues(None, Measured(Position(52, 5), at(5)), Measured("parked", at(5))).reading() is None


def test_state_and_position_of_the_same_moment_belong_to_the_reading() -> None:
    values = CarValues(Measured(1000.0, at(5)), Measured(Position(52, 5), at(6)), Measured("driving", at(4)))
    assert values.reading() == Reading(at(5), 1000.0, True, 52, 5)


def test_state_and_position_of_another_moment_do_not() -> None:
    values = CarValues(Measured(1000.0, at(5)), Measured(Position(52, 5), at(8)), Measured("driving", at(-60)))
    assert values.reading() == Reading(at(5), 1000.0)


@pytest.mark.parametrize("state", ["unknown", "offline", "parked"])
def test_only_a_car_that_says_so_drives(state: CarState) -> None:
    reading = CarValues(Measured(1000.0, at(5)), None, Measured(state, at(5))).reading()
    assert reading
    assert reading.driving is False
