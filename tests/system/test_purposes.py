"""Drivers are offered the purposes that they last used between two places, over HTTP."""

from typing import Any

import pytest

from tests.rows import at, put, trip
from tests.system.fixtures import Driver, Stack
from tests.system.test_tenancy import MANUAL

HOME, OFFICE = {"place": "Home"}, {"place": "Office"}


def log(driver: Driver, *purposes: str, **more: Any) -> list[dict[str, Any]]:
    """Trips by hand, a day apart, the newest last."""
    made = []
    for n, purpose in enumerate(purposes):
        times = {"started_at": f"2026-01-{n + 1:02}T08:12:00Z", "ended_at": f"2026-01-{n + 1:02}T08:41:00Z"}
        body = {**MANUAL, "from": HOME, "to": OFFICE, "purpose": purpose, **times, **more}
        made.append(driver.call("POST", "/trips", json=body).json())
    return made


def offered(driver: Driver, **query: str) -> list[Any]:
    answer = driver.call("GET", "/trips/purposes", params=query)
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json()["purposes"]
    return found


def test_a_trip_is_offered_what_others_between_its_ends_were_for(driver: Driver) -> None:
    visit, *_ = log(driver, "Visit", "Stock", "Visit", kind="business")
    earlier = {"started_at": "2025-12-24T18:00:00Z", "ended_at": "2025-12-24T18:09:00Z"}
    (other,) = log(driver, "Cinema", to={"place": "Town"}, kind="private", **earlier)
    way = [
        {"purpose": "Visit", "kind": "business", "last_used": "2026-01-03", "count": 2},
        {"purpose": "Stock", "kind": "business", "last_used": "2026-01-02", "count": 1},
    ]
    assert offered(driver, **{"from": "office", "to": "Home"}) == way
    assert offered(driver, trip_id=visit["id"]) == [{**way[0], "count": 1}, way[1]], "not what it is for itself"
    assert offered(driver, trip_id=other["id"]) == []
    assert [one["purpose"] for one in offered(driver)] == ["Visit", "Stock", "Cinema"]
    assert [one["purpose"] for one in offered(driver, **{"from": "", "to": "Town"})] == ["Cinema"]


def test_nobody_is_offered_the_purposes_of_another_driver(stack: Stack, driver: Driver) -> None:
    (trip,) = log(driver, "Visit")
    other = stack.driver()
    assert offered(other) == []
    assert other.call("GET", "/trips/purposes", params={"trip_id": trip["id"]}).status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [({"trip_id": "x", "to": "y"}, "trip_id"), ({"from": "x" * 101}, "from"), ({"limit": "5"}, "limit")],
)
def test_a_query_that_cannot_be_meant_is_refused_and_named(driver: Driver, query: Any, field: str) -> None:
    answer = driver.call("GET", "/trips/purposes", params=query)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_only_the_newest_trips_are_looked_at(driver: Driver) -> None:
    put(driver.store, *(trip(1000 * n, 1000 * n + 1000, at(n), purpose=f"No. {n == 0}") for n in range(201)))
    assert [(one["purpose"], one["count"]) for one in offered(driver)] == [("No. False", 200)]
