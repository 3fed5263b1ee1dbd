"""What a trip learns from its driver's places and habits, through HTTP and the poller."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from shared.domain.log.kinds import Habits
from shared.domain.place.places import Place
from shared.repositories.accounts import AccountRepository
from tests.system.fixtures import UTRECHT, Driver, ago

NORTH = (52.1807, 5.1214)  # 10 km north of Utrecht
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)


def live(driver: Driver, habits: Habits) -> None:
    """The driver's settings from now on."""
    driver.account = replace(driver.account, habits=habits)
    AccountRepository(driver.stack.db).save(driver.account)


def place(driver: Driver, name: str, at: tuple[float, float], kind: Any) -> None:
    driver.store.save_place(Place(name.lower(), name, *at, kind=kind))


def drive(driver: Driver) -> dict[str, Any]:
    """A drive of 12.4 km from Utrecht to the north; the trip that comes of it."""
    driver.phone("start", ago(30), UTRECHT)
    driver.wait_read(12345.0)
    driver.arrive(ago(5), NORTH, 12357.4)
    (trip,) = driver.wait_trips(1)
    return trip


def test_a_drive_from_home_to_a_business_place_is_business_also_on_a_private_day(driver: Driver) -> None:
    live(driver, Habits("private", EVERY_DAY))
    place(driver, "Home", UTRECHT, "private")
    place(driver, "Customer", NORTH, "business")
    trip = drive(driver)
    assert (trip["from"]["place"], trip["to"]["place"]) == ("Home", "Customer")
    assert (trip["kind"], trip["business_km"], trip["private_km"]) == ("business", 12.4, 0.0)
    assert driver.call("GET", "/stats").json()["business_km"] == 12.4


def test_a_drive_between_two_business_places_is_business(driver: Driver) -> None:
    place(driver, "Office", UTRECHT, "business")
    place(driver, "Customer", NORTH, "business")
    assert drive(driver)["kind"] == "business"


def test_a_drive_on_a_private_day_is_private(driver: Driver) -> None:
    live(driver, Habits("business", EVERY_DAY))
    place(driver, "Customer", NORTH, "business")
    trip = drive(driver)
    assert (trip["kind"], trip["business_km"], trip["private_km"]) == ("private", 0.0, 12.4)


def test_a_drive_outside_the_business_hours_is_private_and_within_them_of_the_default_kind(driver: Driver) -> None:
    started_at = ago(30).astimezone(ZoneInfo("Europe/Amsterdam"))
    minute, later = f"{started_at:%H:%M}", f"{(started_at.hour + 12) % 24:02d}:00"
    live(driver, Habits("business", business_hours=(later, minute)))
    assert drive(driver)["kind"] == "private"
    other = driver.stack.driver()
    live(other, Habits("business", business_hours=(minute, later)))
    assert drive(other)["kind"] == "business"


def test_the_hours_are_those_of_the_drivers_own_time_zone(driver: Driver) -> None:
    there = driver.stack.driver(timezone="Pacific/Auckland")
    at = ago(30).astimezone(ZoneInfo("Pacific/Auckland"))
    live(there, Habits("business", business_hours=(f"{at:%H:%M}", f"{(at.hour + 3) % 24:02d}:59")))
    assert drive(there)["kind"] == "business"
    live(driver, there.account.habits)
    assert drive(driver)["kind"] == "private"


def test_where_nothing_is_known_the_kind_is_the_default_one(driver: Driver) -> None:
    assert drive(driver)["kind"] == "unclassified"
    other = driver.stack.driver()
    live(other, Habits("private"))
    assert drive(other)["kind"] == "private"


def test_a_trip_that_a_later_start_closes_is_proposed_a_kind_as_well(driver: Driver) -> None:
    live(driver, Habits("private"))
    driver.set_car(fault="error")
    driver.phone("start", ago(30), UTRECHT)
    driver.phone("end", ago(12), NORTH)
    driver.phone("start", ago(1))
    (trip,) = driver.wait(driver.trips, "the trip before")
    assert trip["kind"] == "private"


@pytest.mark.parametrize("kind", ["private", "unclassified"])
def test_a_kind_that_the_driver_set_stays_when_the_odometer_settles_the_trip(driver: Driver, kind: str) -> None:
    live(driver, Habits("business"))
    driver.phone("start", ago(45), UTRECHT)
    driver.wait_read(12345.0)
    driver.set_car(fault="error")
    driver.phone("end", ago(25), NORTH)
    (trip,) = driver.wait_trips(1)
    assert (trip["kind"], trip["flags"]) == ("business", ["odometer_pending"])
    assert driver.call("PATCH", f"/trips/{trip['id']}", json={"kind": kind}).status_code == 200
    driver.set_car(fault=None, odometer_km=12357.4, measured_at=ago(20))
    (trip,) = driver.wait(lambda: [one for one in driver.trips() if not one["flags"]], "the settled trip")
    assert (trip["kind"], trip["distance_km"], trip["business_km"]) == (kind, 12.4, 0.0)


def test_a_kind_set_by_hand_in_a_new_trip_is_not_proposed_another(driver: Driver) -> None:
    live(driver, Habits("business", EVERY_DAY))
    now = datetime.now(UTC)
    body = {"started_at": ago(60).isoformat(), "ended_at": now.isoformat(), "from": {}, "to": {}, "distance_km": 5}
    made = driver.call("POST", "/trips", json={**body, "kind": "mixed", "business_km": 2}).json()
    assert (made["kind"], made["business_km"], made["private_km"]) == ("mixed", 2.0, 3.0)
    again = driver.call("PATCH", f"/trips/{made['id']}", json={"started_at": ago(70).isoformat()}).json()
    assert again["kind"] == "mixed"
