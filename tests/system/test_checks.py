"""The checks of a year by HTTP: what they tell, to whom, and that what is kept of them is never out of date."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.log.trip import Endpoint
from shared.domain.place.places import Place
from tests.rows import at, gap, put, trip
from tests.system.fixtures import UTRECHT, Driver, Stack, ago
from tests.system.test_rules import NORTH, drive
from tools.local import processes

HOME, WORK = (Endpoint(*UTRECHT), Endpoint(*NORTH, address="Havenweg 2, 3500 AA Utrecht"))
FIRST = trip(12_000_000, 12_050_000, at(0), kind="business", from_=HOME, to=WORK)
BETWEEN = gap(12_050_000, 12_071_700, at(1), after_trip=FIRST.id)
SECOND = trip(12_071_700, 12_100_000, at(2), kind="private")
OPEN = trip(12_100_000, 12_110_000, at(4))
CHECKS = "/logbook/2026/checks"


@pytest.fixture
def log(driver: Driver) -> Driver:
    """A driver whose log has a business, a private and an unclassified trip, and a gap."""
    put(driver.store, FIRST, BETWEEN, SECOND, OPEN)
    return driver


def shown(driver: Driver, query: str = "", year: int = 2026) -> dict[str, Any]:
    response = driver.call("GET", f"/logbook/{year}/checks{query}")
    assert response.status_code == 200, response.text
    told: dict[str, Any] = response.json()
    return told


def found(told: dict[str, Any], n: int) -> dict[str, Any]:
    (one,) = (check for check in told["checks"] if check["n"] == n)
    return dict(one)


def test_a_year_shows_its_checks_with_the_private_kilometres_in_the_language_asked_for(log: Driver) -> None:
    told = shown(log)
    assert [check["n"] for check in told["checks"]] == [*range(1, 22)]
    assert told["private_km"] == {
        "so_far": 28.3, "worst_case": 60.0, "forecast": told["private_km"]["forecast"], "limit": 500.0,
    }  # fmt: skip
    assert told["private_km_vat"] == 28.3
    gaps = found(told, 5)
    assert (gaps["result"], gaps["basis"], gaps["rows"]) == ("fails", "law", [BETWEEN.id])
    assert gaps["advice"].startswith("Van 21,7 km")
    assert found(shown(log, "?lang=en"), 5)["advice"].startswith("No trip has 21.7 km")
    log.call("PATCH", "/settings", json={"language": "en"})
    processes.wait_until(lambda: found(shown(log), 5)["name"] == "No kilometres are missing", "the other language")
    assert found(shown(log, "?lang=nl"), 5) == gaps


@pytest.mark.parametrize(
    ("query", "field"), [("lang=de", "lang"), ("lang=", "lang"), ("car_id=-", "car_id"), ("month=1", "month")]
)
def test_a_query_that_does_not_fit_is_refused_with_its_field(driver: Driver, query: str, field: str) -> None:
    response = driver.call("GET", f"{CHECKS}?{query}")
    assert (response.status_code, response.json()["field"]) == (400, field)


def test_a_year_or_car_that_is_not_there_is_not_found_and_an_empty_one_is(log: Driver, stack: Stack) -> None:
    for path in ("/logbook/1999/checks", "/logbook/2101/checks", "/logbook/x/checks", f"{CHECKS}?car_id=nobodys"):
        assert log.call("GET", path).status_code == 404
    assert stack.driver(car=False).call("GET", CHECKS).status_code == 404
    empty = shown(log, year=2024)
    assert (empty["private_km"]["worst_case"], found(empty, 19)["result"]) == (0.0, "not_applicable")
    shown(log)
    log.call("DELETE", "/cars/car")
    assert log.call("GET", f"{CHECKS}?car_id=car").status_code == 200
    assert log.call("GET", "/logbook/2024/checks?car_id=car").status_code == 404


def test_another_driver_finds_nothing_of_it(log: Driver, stack: Stack) -> None:
    other = stack.driver()
    assert shown(log)["private_km"]["so_far"] == 28.3
    assert shown(other)["private_km"]["so_far"] == 0.0
    assert other.call("GET", CHECKS, key=log.key).status_code == 401
    assert log.call("GET", CHECKS, key=log.webhook_key).status_code == 403
    assert [*log.kept("checks")] == [*other.kept("checks")] == ["2026-nl-car"]


def patched(log: Driver, path: str, **body: Any) -> None:
    assert log.call("PATCH", path, json=body).status_code == 200


def read_at_a_garage(log: Driver) -> None:
    change = log.store.change()
    change.add_reading("car", Reading(at(3), 15_000.0, source="garage"), at(3), "not_believed", "jumps")
    change.commit()


def place_with_role(log: Driver, role: Any, position: tuple[float, float]) -> None:
    log.store.save_place(Place(str(role), str(role), *position, role=role))


def place_roles(log: Driver) -> None:
    place_with_role(log, "home", UTRECHT)
    place_with_role(log, "work", NORTH)


def address_found(log: Driver) -> None:
    read, state = log.store.trips.find(FIRST.id), log.store.state()
    assert read
    trip = replace(read.value, from_=replace(HOME, address="Domplein 1, 3500 AA Utrecht"))
    change = log.store.change()
    change.tile("car", [read.value], [trip])
    change.put_trip(read, trip)
    change.put_state(state, state.value)
    change.commit()


def plate_set(log: Driver) -> None:
    car = {"provider": "simulated", "make": "Skoda", "type": "Enyaq", "plate": "AB-123-C"}
    assert log.call("PUT", "/cars/car", json={**car, "available_from": "2026-01-01"}).status_code == 200


@pytest.mark.parametrize(
    ("n", "changed"),
    [
        (5, lambda log: patched(log, f"/logbook/gaps/{BETWEEN.id}", explained_as="private")),
        (17, read_at_a_garage),
        (9, place_roles),
        (1, plate_set),
        (6, address_found),
    ],
    ids=["gap", "reading", "roles of places", "plate", "address"],
)
def test_each_change_gives_fresh_findings(log: Driver, n: int, changed: Callable[[Driver], None]) -> None:
    before = found(shown(log), n)
    assert found(shown(log), n) == before
    changed(log)
    assert found(shown(log), n) != before


def test_a_trip_that_is_patched_gives_fresh_findings_and_one_that_is_deleted(driver: Driver) -> None:
    body = {"started_at": "2026-01-23T08:12:00+01:00", "ended_at": "2026-01-23T08:41:00+01:00", "distance_km": 22.4}
    trip_id = driver.call("POST", "/trips", json={**body, "from": {}, "to": {}, "kind": "unclassified"}).json()["id"]
    assert found(shown(driver), 7)["rows"] == [trip_id]
    patched(driver, f"/trips/{trip_id}", kind="private")
    assert found(shown(driver), 7)["rows"] == []
    assert shown(driver)["private_km"]["so_far"] == 22.4
    assert driver.call("DELETE", f"/trips/{trip_id}").status_code == 204
    assert shown(driver)["private_km"]["so_far"] == 0.0


def test_what_is_driven_after_the_last_row_counts_at_once(driver: Driver) -> None:
    drive(driver, 900, 880, 12357.4)
    driver.wait_trips(1)
    year = datetime.now(UTC).year
    shown(driver, year=year)
    driver.set_car(odometer_km=12400.0, measured_at=ago(50))
    driver.phone("start", ago(40), UTRECHT)
    driver.wait_read(12400.0)
    assert "open-car" in found(shown(driver, year=year), 5)["rows"]
