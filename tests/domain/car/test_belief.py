"""Which readings of a car are believed: what costs least is what happened, and no reading is sacred."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from shared.domain.car.belief import Belief, believed, is_drivable
from shared.domain.car.odometer import Reading

MORNING = datetime(2026, 3, 2, 8, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return MORNING + timedelta(minutes=minutes)


def read(minutes: float, km: float, **fields: Any) -> Reading:
    return Reading(at(minutes), km, **fields)


def series(belief: Belief) -> list[list[float]]:
    return [[reading.km for reading in one] for one in belief.series]


def doubted(*readings: Reading) -> list[float]:
    return [reading.km for reading in believed(readings).doubted]


# --- one wrong reading


def test_what_no_car_can_have_driven_is_not_believed_and_what_comes_later_is() -> None:
    belief = believed([read(-5, 800), read(10, 1304), read(20, 818), read(31, 827)])
    assert series(belief) == [[800, 818, 827]]
    assert [reading.km for reading in belief.doubted] == [1304]


def test_the_first_reading_is_no_more_sacred_than_the_tenth() -> None:
    assert doubted(read(0, 400_000), read(60, 10_027)) == [10_027]
    assert doubted(read(0, 400_000), read(60, 10_027), read(90, 10_054)) == [400_000]


def test_what_cars_tell_that_know_none_is_suspect_by_itself() -> None:
    assert doubted(read(0, 1_048_575), read(60, 10_027)) == [1_048_575]
    assert doubted(read(0, 10_000), read(60, 65_535), read(90, 10_027)) == [65_535]


def test_however_often_an_old_value_is_told_it_is_one_word() -> None:
    lower = [read(minute, 10_000) for minute in (20, 30, 40, 50)]
    assert doubted(read(0, 10_020), read(10, 10_027), *lower, read(60, 10_040), read(70, 10_054)) == [10_000] * 4


def test_of_two_values_of_one_moment_the_one_shown_before_is_not_believed() -> None:
    belief = believed([read(0, 10_000), read(60, 10_000), read(60, 10_027), read(70, 10_027)])
    assert series(belief) == [[10_000, 10_027, 10_027]]


# --- another odometer


def test_another_odometer_begins_a_series_once_it_costs_less_than_all_that_it_says() -> None:
    belief = believed([read(0, 10_000), read(60, 10_027), read(100, 125_027), read(200, 125_054)])
    assert series(belief) == [[10_000, 10_027], [125_027, 125_054]]
    assert [(before.km, after.km) for before, after in belief.breaks] == [(10_027, 125_027)]


def test_the_driver_says_with_one_reading_that_it_is_another_one() -> None:
    belief = believed([read(0, 10_000), read(60, 10_027), read(100, 5, source="eye", begins_series=True)])
    assert series(belief) == [[10_000, 10_027], [5]]


# --- what a driver said


def test_what_their_driver_confirmed_is_never_left_out() -> None:
    car = [read(minute, 20_000 + minute) for minute in (0, 30, 60)]
    assert 10_000 not in doubted(*car, read(90, 10_000, source="eye", is_confirmed=True))


def test_a_typing_error_yields_to_what_they_say_next() -> None:
    belief = believed([read(0, 10_000), read(60, 11_027, source="eye"), read(70, 10_027, source="eye")])
    (wrong,) = belief.doubted
    assert (wrong.km, belief.why_doubted(wrong)) == (11_027, "replaced")


def test_a_look_is_worth_more_than_one_word_of_the_car_and_less_than_two() -> None:
    assert doubted(read(0, 20_000), read(30, 10_000, source="eye")) == [20_000]
    assert doubted(read(0, 20_000), read(10, 20_010), read(30, 10_000, source="eye")) == [10_000]


# --- when it was measured


def test_a_reading_of_an_interval_stands_where_its_value_fits() -> None:
    vague = read(240, 10_000, since=at(0))
    assert doubted(read(-60, 9_990), vague, read(60, 10_027), read(120, 10_054)) == []


def test_a_coarse_odometer_may_fall_by_less_than_it_hides() -> None:
    assert is_drivable(read(0, 10_027.4), read(10, 10_027, resolution_km=1.0))
    assert not is_drivable(read(0, 10_028), read(10, 10_027, resolution_km=1.0))


def test_a_car_drives_no_faster_than_two_hundred_and_no_further_than_a_day_allows() -> None:
    assert is_drivable(read(0, 10_000), read(57, 10_200))
    assert not is_drivable(read(0, 10_000), read(50, 10_200))
    assert is_drivable(read(0, 10_000), read(24 * 60, 11_900))
    assert not is_drivable(read(0, 10_000), read(24 * 60, 12_100))


# --- for all readings

ODOMETERS = some.sampled_from((9_000, 10_000, 10_010, 10_027, 10_100, 65_535, 400_000))
readings = some.lists(
    some.builds(read, some.integers(0, 600), ODOMETERS, source=some.sampled_from(("car", "car", "eye"))), max_size=9
)


@given(readings, some.randoms(use_true_random=False))
def test_the_order_in_which_they_come_does_not_matter(known: Sequence[Reading], dice: Any) -> None:
    shuffled = [*known, *known]
    dice.shuffle(shuffled)
    assert believed(shuffled) == believed(known)


@given(readings)
def test_each_is_believed_or_doubted_and_a_doubt_has_a_reason(known: Sequence[Reading]) -> None:
    belief = believed(known)
    trusted = [reading for one in belief.series for reading in one]
    assert {*trusted, *belief.doubted} == {*known}
    assert not {*trusted} & {*belief.doubted}
    assert all(belief.why_doubted(reading) for reading in belief.doubted)
