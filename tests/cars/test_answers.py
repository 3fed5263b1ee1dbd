"""Lengths come in many units, and none that is not known is taken for kilometres."""

from typing import Any

import pytest

from shared.cars.answers import KM_IN, in_km, odometer_km
from shared.domain.car.car import Measured
from tests.cars.local import at

NOON = at("2026-11-20T12:00:00")


@pytest.mark.parametrize(
    ("length", "unit", "km"),
    [
        (12345, "km", 12345.0),
        ("12345.6", "KM", 12345.6),
        (12345, " Kilometres ", 12345.0),
        (10000, "mi", 16093.44),
        (10000, "MILES", 16093.44),
        (10000, "imperial", 16093.44),
        (12345, "metric", 12345.0),
        (12345678, "m", 12345.678),
        (1, "DISTANCE_UNIT_MILES", 1.609344),
        (1, "DISTANCE_UNIT_KM", 1.0),
    ],
)
def test_a_length_is_told_in_a_unit_and_kept_in_km(length: Any, unit: str, km: float) -> None:
    assert in_km(length, unit) == pytest.approx(km)


@pytest.mark.parametrize("unit", ["", "leagues", "0", "1", "ft", "invalid", "unknown length unit", "DISTANCE_UNIT_"])
def test_a_unit_that_is_not_known_is_none(unit: str) -> None:
    with pytest.raises(KeyError):
        in_km(1, unit)


@pytest.mark.parametrize("length", [None, True, "many", "", float("nan"), float("inf"), 1e306, "NaN", {}, []])
def test_what_is_no_number_is_no_length(length: Any) -> None:
    for unit in KM_IN:
        with pytest.raises((ValueError, TypeError)):
            in_km(length, unit)


@pytest.mark.parametrize("unit", [None, 0, 1.0, True, {}])
def test_what_is_no_word_is_no_unit(unit: Any) -> None:
    with pytest.raises(TypeError):
        in_km(1, unit)


def test_an_odometer_says_in_km_what_was_told_and_since_when_it_can_be_so() -> None:
    assert odometer_km(10000, NOON, "mi", at("2026-11-20T08:00:00")) == Measured(
        pytest.approx(16093.44), NOON, at("2026-11-20T08:00:00")
    )
    assert odometer_km(None, NOON) is None
    assert odometer_km(10000, None) is None
