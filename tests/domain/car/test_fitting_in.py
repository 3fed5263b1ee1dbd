"""Whether a driver's word can be true beside what the car said, and what it replaces."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.car.fitting_in import beside, contradicts, drivable, fits, nearest, why_beside
from shared.domain.car.odometer import Disbelief, Reading

NOON = datetime(2026, 1, 23, 12, tzinfo=UTC)


def car(hours: float, km: float, resolution_km: float = 0.1) -> Reading:
    return Reading(NOON + timedelta(hours=hours), km, resolution_km=resolution_km)


def word(hours: float, km: float, *, new_series: bool = False) -> Reading:
    return Reading(NOON + timedelta(hours=hours), km, source="eye", begins_series=new_series)


@pytest.mark.parametrize(
    ("later", "possible"),
    [
        (car(1, 10000.0), True),
        (car(1, 9999.9), True),
        (car(1, 9999.8), False),
        (car(1, 9999.0, resolution_km=1.0), True),
        (car(1, 9998.9, resolution_km=1.0), False),
        (car(1, 10210.0), True),
        (car(1, 10210.1), False),
        (car(0, 10010.0), True),
        (car(0, 10010.1), False),
        (car(100, 16500.0), True),
        (car(100, 16500.1), False),
    ],
)
def test_a_car_does_not_run_back_and_goes_only_so_far_in_the_time(later: Reading, possible: bool) -> None:
    assert drivable(car(0, 10000.0), later) is possible
    assert fits(car(0, 10000.0), later) is fits(later, car(0, 10000.0))


def test_of_one_moment_neither_reading_is_the_earlier_one() -> None:
    assert fits(car(0, 10000.0), car(0, 10005.0))
    assert fits(car(0, 10005.0), car(0, 10000.0))
    assert not fits(car(0, 10000.0), car(0, 10500.0))


def test_what_the_car_said_twice_refuses_a_word_and_once_does_not() -> None:
    twice = [car(-2, 10000.0), car(-1, 10027.0)]
    assert contradicts(word(0, 9000.0), twice) == tuple(twice)
    assert contradicts(word(0, 9000.0), twice[1:]) == ()
    assert contradicts(word(0, 10027.0), twice) == ()


def test_two_values_of_the_car_that_contradict_each_other_refuse_nothing() -> None:
    assert contradicts(word(0, 10027.0), [car(-2, 400000.0), car(-1, 1048575.0)]) == ()


def test_what_its_driver_said_before_refuses_no_word() -> None:
    assert contradicts(word(0, 10027.0), [word(-2, 11000.0), word(-1, 11027.0)]) == ()


def test_later_readings_of_the_car_refuse_a_word_as_earlier_ones_do() -> None:
    later = [car(1, 10000.0), car(2, 10027.0)]
    assert contradicts(word(0, 11000.0), later) == tuple(later)
    assert contradicts(word(0, 1000.0), later) == tuple(later)


def test_another_odometer_is_held_against_nothing_that_the_former_one_showed() -> None:
    before, after = [car(-2, 10000.0), car(-1, 10027.0)], [car(1, 5.0), car(2, 30.0)]
    assert contradicts(word(0, 3.0, new_series=True), before) == ()
    assert beside(word(1.5, 20.0), [*before, word(0, 3.0, new_series=True), *after]) == ()
    assert beside(word(-0.5, 10030.0), [*before, word(0, 3.0, new_series=True), *after]) == ()
    assert contradicts(word(3, 10027.0), [*before, word(0, 3.0, new_series=True), *after]) == tuple(after)


def test_within_its_own_series_another_odometer_has_to_fit() -> None:
    after = [car(1, 5.0), car(2, 30.0)]
    assert contradicts(word(0, 3000.0, new_series=True), after) == tuple(after)


@pytest.mark.parametrize(
    ("said", "other", "why"),
    [
        (word(0, 9000.0), car(-1, 10000.0), "falls"),
        (word(0, 11000.0), car(1, 10000.0), "above a later one"),
        (word(0, 11000.0), car(-1, 10000.0), "jumps"),
        (word(0, 9000.0), car(1, 10000.0), "jumps"),
    ],
)
def test_why_a_word_does_not_fit_is_told_by_the_nearest_reading(said: Reading, other: Reading, why: Disbelief) -> None:
    far_away = car(100 if other.at > said.at else -100, 10000.0)
    assert why_beside(said, [far_away, other]) == why


def test_the_nearest_in_time_come_by_time() -> None:
    known = [car(-9, 1.0), car(-1, 2.0), car(2, 3.0), car(7, 4.0)]
    assert nearest(word(0, 5.0), known, 2) == (known[1], known[2])
    assert nearest(word(0, 5.0), known[::-1], 3) == (known[1], known[2], known[3])
