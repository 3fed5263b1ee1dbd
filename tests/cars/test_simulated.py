"""The simulated car, told by its own credentials: no server."""

from typing import Any

import pytest

from shared.cars.provider import PROVIDERS, NotUnderstood
from shared.domain.car.odometer import Reading
from shared.domain.place.geo import Position
from tests.cars.local import at, cost, position, read

SAYS = {"odometer_km": 12345.6, "lat": 52.1, "lng": 5.1, "state": "driving", "measured_at": "2026-11-20T09:12:31+01:00"}


def test_each_value_is_of_the_moment_that_is_said() -> None:
    reading = read("simulated", {"says": SAYS}).reading()
    assert reading == Reading(at("2026-11-20T08:12:31"), 12345.6, True, 52.1, 5.1)


def test_a_reading_is_as_coarse_as_its_cloud_tells_it() -> None:
    reading = read("simulated", {"says": SAYS}).reading()
    assert reading is not None
    assert reading.resolution_km == PROVIDERS["simulated"].resolution_km


def test_what_no_provider_counts_nobody_knows() -> None:
    assert cost("simulated", {"says": SAYS}) is None


@pytest.mark.parametrize("missing", ["odometer_km", "lat", "state"])
def test_what_is_missing_takes_nothing_else_away(missing: str) -> None:
    values = read("simulated", {"says": SAYS | {missing: None}})
    assert (values.odometer_km is None) == (missing == "odometer_km")
    assert position(values) == (None if missing == "lat" else Position(52.1, 5.1))
    assert (values.state is None) == (missing == "state")


@pytest.mark.parametrize(
    "changed",
    [
        {"odometer_km": float("nan")},
        {"odometer_km": float("inf")},
        {"odometer_km": 10**400},
        {"odometer_km": True},
        {"odometer_km": "never-tell"},
        {"measured_at": "2026-11-20T09:12:31"},
        {"measured_at": None},
    ],
    ids=["no number", "without end", "far too large", "true", "a word", "no offset", "no moment"],
)
def test_an_answer_of_another_shape_is_not_understood(changed: dict[str, Any]) -> None:
    with pytest.raises(NotUnderstood) as raised:
        read("simulated", {"says": SAYS | changed})
    assert "never-tell" not in str(raised.value)
