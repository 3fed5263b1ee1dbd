"""Whether a trip that is told from elsewhere is one that the log has."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.domain.log.beside import Beside, is_one_drive
from shared.domain.log.trip import Trip, dated, trip_id

AT = datetime(2024, 1, 5, 8, tzinfo=UTC)


def trip(begin_s: float, lasts_s: float, **fields: Any) -> Trip:
    at = AT + timedelta(seconds=begin_s)
    made = Trip(
        id=trip_id("b", at), user="b", car_id="audi", started_at=at, ended_at=at + timedelta(seconds=lasts_s),
        timezone="UTC", date="", year=0, month=0, created_at=AT, updated_at=AT, **fields,
    )  # fmt: skip
    return dated(made)


@pytest.mark.parametrize(
    ("a", "b", "is_one"),
    [
        ((0, 1800), (0, 1800), True),
        ((34, 1700), (0, 1740), True),
        ((40, 15), (0, 0), True),
        ((0, 1800), (600, 600), True),
        ((0, 1800), (1800, 600), False),
        ((0, 1800), (1790, 600), False),
        ((0, 1800), (1750, 600), False),
        ((0, 0), (0, 1800), False),
        ((0, 1800), (900, 1800), False),
        ((0, 1800), (890, 1800), True),
    ],
)
def test_two_are_one_where_most_of_the_shorter_lies_in_the_other(
    a: tuple[float, float], b: tuple[float, float], is_one: bool
) -> None:
    assert is_one_drive(trip(*a), trip(*b)) is is_one
    assert is_one_drive(trip(*b), trip(*a)) is is_one


def test_a_trip_is_found_by_its_id_wherever_it_is_by_now() -> None:
    known = trip(0, 1800)
    moved = trip(86_400 * 9, 60, kind="business")
    assert Beside([known, moved]).find(trip(30, 1700)) == known
    far = trip(86_400 * 30, 60)
    assert Beside([moved]).find(far) is None
    assert Beside([trip(86_400 * 9, 60), known]).find(known) == known


def test_a_trip_over_midnight_is_found_from_both_days() -> None:
    night = trip(15.5 * 3600, 3600)
    for begin_s in (15.4 * 3600, 15.9 * 3600):
        assert Beside([night]).find(trip(begin_s, 3500)) == night


def test_a_trip_without_times_is_found_by_its_odometers_on_its_day() -> None:
    known = trip(3600, 600, start_odometer_km=100.0, end_odometer_km=110.0)
    same = trip(0, 600, start_odometer_km=100.1, end_odometer_km=110.0)
    other = trip(1200, 600, start_odometer_km=110.0, end_odometer_km=120.0)
    beside = Beside([known])
    assert beside.find(same, is_untimed=True) == known
    assert beside.find(other, is_untimed=True) is None
    assert not beside.has_others([same, other])
    assert beside.has_others([other])
    assert not beside.has_others([trip(86_400, 60)])
