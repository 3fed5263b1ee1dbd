"""What a car says: each value counts for the moment at which it was measured."""

import msgspec
import pytest

from shared.domain.car.car import CarState, CarValues, Measured
from shared.domain.car.odometer import Reading
from shared.domain.place.geo import Position
from tests.domain.world import at


def test_an_odometer_alone_is_a_reading() -> None:
    assert CarValues(Measured(1000.0, at(5))).reading() == Reading(at(5), 1000.0)


def test_a_reading_says_from_when_it_can_be_and_how_coarse_it_is() -> None:
    values = CarValues(Measured(1000.0, at(40), at(2)), resolution_km=1.0)
    assert values.reading() == Reading(at(40), 1000.0, since=at(2), resolution_km=1.0, source="car")


def test_to_an_odometer_of_no_one_moment_nothing_else_belongs() -> None:
    place, state = Measured(Position(52, 5), at(40)), Measured[CarState]("driving", at(2))
    values = CarValues(Measured(1000.0, at(40), at(2)), place, state)
    assert values.reading() == Reading(at(40), 1000.0, since=at(2))


@pytest.mark.parametrize(("since", "is_of_one_moment"), [(38, True), (37.9, False)])
def test_a_reading_that_can_be_from_long_before_is_of_no_one_moment(since: float, is_of_one_moment: bool) -> None:
    assert Reading(at(40), 1000.0, since=at(since)).is_of_one_moment is is_of_one_moment


def test_what_is_usual_of_a_reading_takes_no_room_in_the_state() -> None:
    assert set(msgspec.to_builtins(Reading(at(5), 1000.0))) == {"at", "km"}


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
