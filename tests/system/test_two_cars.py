"""Several cars: what is open of each is its own, and starts that contradict each other stop no later call."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tests.system.fixtures import UTRECHT, Driver, ago
from tests.system.test_rules import NORTH
from tools.local import processes


@pytest.fixture
def second(driver: Driver) -> str:
    """The VIN of a second car of theirs, at 500.0 km."""
    vin = f"V2{driver.vin}"
    driver.add_car("b", vin)
    driver.set_car(vin=vin, odometer_km=500.0, measured_at=ago(600))
    return vin


def every_call_answers(driver: Driver) -> None:
    """What drivers look at, and what phones and the scheduler say."""
    for path in ("/trips", "/trips/active", "/compare", "/compare?car_id=b", "/stats", "/cars", "/cars/b/data"):
        assert driver.call("GET", path).status_code in (200, 404), path
    driver.stack.tick()


# --- one moment ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["car", "b"])
def test_starts_of_one_moment_in_two_cars_are_two_drives_and_all_later_calls_answer(
    driver: Driver, second: str, first: str
) -> None:
    begin, other = ago(40), {"car": "b", "b": "car"}[first]
    assert driver.phone("start", begin, UTRECHT, car_id=first)["status"] == "trip_started"
    every_call_answers(driver)
    driver.phone("start", begin, UTRECHT, car_id=other)
    every_call_answers(driver)
    for car_id in (first, other):
        driver.phone("end", ago(20), NORTH, car_id=car_id)
        every_call_answers(driver)
    driver.set_car(odometer_km=12357.4, measured_at=ago(19))
    driver.set_car(vin=second, odometer_km=510.0, measured_at=ago(19))
    trips = driver.wait(
        lambda: not driver.active() and driver.next_poll_at is None and driver.trips(), "the end of all that waits"
    )
    assert sorted(trip["car_id"] for trip in trips) == ["b", "car"]
    every_call_answers(driver)


def test_equal_starts_on_one_car_are_one_drive(driver: Driver) -> None:
    begin = ago(40)
    assert driver.phone("start", begin, UTRECHT, car_id="car")["status"] == "trip_started"
    for more in ({"car_id": "car"}, {}, {"accuracy_m": 5}):
        assert driver.phone("start", begin, UTRECHT, **more)["status"] == "ping_recorded"
    assert driver.phone("start", begin, NORTH)["status"] == "ping_recorded"
    every_call_answers(driver)
    driver.wait_read(12345.0)
    driver.arrive(ago(20), NORTH, 12357.4)
    (trip,) = driver.wait_trips(1)
    assert (trip["distance_km"], datetime.fromisoformat(trip["started_at"])) == (12.4, begin.replace(microsecond=0))
    # And another one of that moment, once it is over.
    assert driver.phone("start", begin, UTRECHT, car_id="car")["status"] == "ping_recorded"
    driver.wait(lambda: driver.next_poll_at is None, "the end of all that waits")
    every_call_answers(driver)
    assert driver.trips() == [trip]


def test_starts_and_ends_of_one_moment_are_read_by_all_later_calls(driver: Driver, second: str) -> None:
    moment = ago(30)
    for car_id in ("car", "b", "nobodys", None):
        for event in ("start", "end", "start"):
            driver.phone(event, moment, UTRECHT, **({"car_id": car_id} if car_id else {}))
            every_call_answers(driver)
    driver.phone("end", ago(25), NORTH)
    driver.wait(lambda: not driver.active(), "the end")
    every_call_answers(driver)


# --- a car that is theirs no more ----------------------------------------------------------------------------------


def test_a_car_that_they_gave_away_is_one_that_they_do_not_have(driver: Driver, second: str) -> None:
    driver.phone("start", ago(60), UTRECHT, car_id="b")
    driver.wait_read(500.0)
    driver.arrive(ago(40), NORTH, 510.0, car_id="b", vin=second)
    driver.wait_trips(1)
    assert driver.call("DELETE", "/cars/b").status_code == 204
    driver.phone("start", ago(30), NORTH, car_id="b")
    assert driver.phone("end", ago(20), UTRECHT, car_id="b")["car_id"] is None
    before, after = driver.wait_trips(2)
    assert (before["car_id"], before["distance_km"], before["flags"]) == ("b", 10.0, [])
    assert (after["car_id"], "car_unknown" in after["flags"]) == (None, True)


# --- a car that waits for its end odometer -------------------------------------------------------------------------


def in_car(driver: Driver, vin: str) -> None:
    """A drive of 10 km in car b that is over."""
    driver.phone("start", ago(15), NORTH, car_id="b")
    driver.wait_read(500.0)
    driver.set_car(vin=vin, odometer_km=510.0, measured_at=ago(4))
    driver.phone("end", ago(5), UTRECHT, car_id="b")
    driver.wait_trips(2)


def dropped(driver: Driver, vin: str) -> None:
    """A drive in car b that they drop."""
    driver.phone("start", ago(15), NORTH, car_id="b")
    driver.wait_read(500.0)
    assert driver.call("DELETE", "/trips/active").status_code == 204


@pytest.mark.parametrize("drive", [in_car, dropped])
def test_a_car_that_waits_for_its_end_odometer_is_asked_whatever_becomes_of_another(
    driver: Driver, second: str, drive: Callable[[Driver, str], None]
) -> None:
    driver.phone("start", ago(60), UTRECHT, car_id="car")
    driver.wait_read(12345.0)
    driver.set_car(fault="error")
    driver.phone("end", ago(20), NORTH, car_id="car")
    (trip,) = driver.wait_trips(1)
    assert "odometer_pending" in trip["flags"]
    drive(driver, second)
    asked = driver.asked()
    driver.set_car(fault=None, odometer_km=12358.1, measured_at=ago(10))
    found: list[Any] = driver.wait(
        lambda: [one for one in driver.trips() if one["car_id"] == "car" and not one["flags"]], "the end odometer"
    )
    assert driver.asked() > asked
    assert (found[0]["distance_km"], found[0]["end_odometer_km"]) == (13.1, 12358.1)
    others = [one for one in driver.trips() if one["car_id"] == "b"]
    assert [(one["distance_km"], one["flags"]) for one in others] == ([(10.0, [])] if drive is in_car else [])
    processes.wait_until(lambda: driver.next_poll_at is None, "nobody to be asked any more")
