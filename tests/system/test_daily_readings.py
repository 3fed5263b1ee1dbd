"""The daily look at every car: the odometer series has no holes, and no trip begins, ends or changes by it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from google.cloud import pubsub_v1
from msgspec.structs import replace

from shared.cars.provider import PROVIDERS
from shared.domain.car.asking import Asking, Window
from tests.system.fixtures import UTRECHT, Driver, Stack, ago
from tests.system.test_at_once import deliver
from tests.system.test_rules import NORTH, drive
from tools.local import processes


def look(driver: Driver, hours_old: float = 0) -> None:
    """The daily message of one driver, taken to its end. It leaves a car that is being asked."""
    driver.wait_unasked()
    published_at = datetime.now(UTC) - timedelta(hours=hours_old)
    assert deliver(driver.stack, driver.email, published_at, "daily") == 200


def readings(driver: Driver, car_id: str = "car") -> list[float]:
    """What the log has of a car, oldest first."""
    shown = driver.call("GET", f"/compare?car_id={car_id}").json()["odometer_readings"]
    return [reading["odometer_km"] for reading in shown][::-1]


def next_day(driver: Driver) -> None:
    """Lets the last look be of the day before."""
    asking = driver.store.state().value.asking
    driver.put_state(asking=replace(asking, looked_at=ago(24 * 60)))


def logged(driver: Driver) -> None:
    """One trip in the log, to 12,357.4 km, of five hours ago."""
    drive(driver, 300, 280, 12357.4)
    driver.wait_trips(1)


def test_the_clock_asks_for_one_look_of_each_user_with_a_car(stack: Stack) -> None:
    stack.empty()
    with_one, with_three, without = stack.driver(), stack.driver(), stack.driver(car=False)
    for n in (2, 3):
        with_three.add_car(f"car{n}", f"V{n}{with_three.vin}")
        with_three.set_car(vin=f"V{n}{with_three.vin}", odometer_km=1000.0 * n, measured_at=ago(30))
    told = requests.post(f"{stack.url}/scheduler/read-odometers", timeout=30)
    assert (told.status_code, told.json()) == (200, {"users": 2, "published": 2})
    for driver, cars in ((with_one, {"car": 12345.0}), (with_three, {"car": 12345.0, "car2": 2000.0, "car3": 3000.0})):
        for car_id, odometer_km in cars.items():
            processes.wait_until(
                lambda driver=driver, car_id=car_id: readings(driver, car_id),
                "the reading",  # type: ignore[misc]
            )
            assert readings(driver, car_id) == [odometer_km]
        state = driver.store.state().value
        assert (state.drive, state.asking.under_way) == (None, {})
        processes.wait_until(lambda driver=driver: driver.next_poll_at is None, "the end")  # type: ignore[misc]
        assert driver.trips() == []
    assert not without.store.state().version
    asked = [with_one.asked(), with_three.asked(), with_three.asked(f"V2{with_three.vin}")]
    assert asked == [1, 1, 1]


def test_the_message_is_one_a_user_and_says_why(stack: Stack) -> None:
    stack.empty()
    driver = stack.driver()
    driver.add_car("second", f"V2{driver.vin}")
    with pubsub_v1.SubscriberClient() as subscriber:
        mine = f"projects/{stack.project}/subscriptions/mine"
        subscriber.create_subscription(name=mine, topic=f"projects/{stack.project}/topics/poll-car")
        assert requests.post(f"{stack.url}/scheduler/read-odometers", timeout=30).json()["published"] == 1
        (pulled,) = subscriber.pull(subscription=mine, max_messages=10, timeout=30).received_messages
    assert json.loads(pulled.message.data) == {"user": driver.email, "reason": "daily"}


def test_a_look_twice_is_one_and_the_next_day_there_is_another(driver: Driver) -> None:
    driver.set_car(odometer_km=12350.0, measured_at=ago(30))
    look(driver)
    look(driver)
    assert (driver.asked(), readings(driver)) == (1, [12350.0])
    driver.set_car(odometer_km=12380.0, measured_at=ago(1))
    next_day(driver)
    look(driver)
    assert (driver.asked(), readings(driver)) == (2, [12350.0, 12380.0])


def test_a_reading_that_is_known_is_not_stored_again_and_an_older_one_stands_where_it_belongs(driver: Driver) -> None:
    logged(driver)
    (trip,), before = driver.trips(), readings(driver)
    driver.set_car(odometer_km=12357.4, measured_at=driver.store.state().value.known_readings("car")[-1].at)
    look(driver)
    assert readings(driver) == before
    driver.set_car(odometer_km=12351.0, measured_at=ago(290))
    next_day(driver)
    look(driver)
    assert readings(driver) == [12345.0, 12351.0, 12357.4]
    assert driver.trips()[0]["distance_km"] == trip["distance_km"] == 12.4


def test_the_next_trip_begins_where_the_look_saw_the_car_and_the_rest_is_a_gap(driver: Driver) -> None:
    logged(driver)
    driver.set_car(odometer_km=12400.0, measured_at=ago(50))
    look(driver)
    assert readings(driver)[-1] == 12400.0
    driver.set_car(fault="error")
    driver.phone("start", ago(40), UTRECHT)
    driver.set_car(fault=None, odometer_km=12412.0, measured_at=ago(9))
    driver.phone("end", ago(10), NORTH)
    _, trip = driver.wait_trips(2)
    assert (trip["start_odometer_km"], trip["gap_before_km"], trip["distance_km"]) == (12400.0, 42.6, 12.0)


@pytest.mark.parametrize("wrong", [0, 12000.0, 14400.0, None, -5.0])
def test_a_reading_that_cannot_be_true_is_left_out(driver: Driver, wrong: float | None) -> None:
    logged(driver)
    before = readings(driver)
    driver.set_car(odometer_km=wrong, measured_at=ago(5))
    look(driver)
    assert readings(driver) == before


def test_a_reading_is_held_against_what_the_driver_saw(driver: Driver) -> None:
    seen = {"odometer_km": 13000.0, "at": ago(300).isoformat()}
    assert driver.call("POST", "/cars/car/odometer", json=seen).status_code == 201
    driver.set_car(odometer_km=12345.0, measured_at=ago(5))
    look(driver)
    assert readings(driver) == [13000.0]
    driver.set_car(odometer_km=13010.0, measured_at=ago(4))
    next_day(driver)
    look(driver)
    assert readings(driver) == [13000.0, 13010.0]


def test_a_car_that_drives_is_read_and_no_trip_begins_by_it(driver: Driver) -> None:
    logged(driver)
    driver.set_car(odometer_km=12370.0, measured_at=ago(5), state="driving")
    look(driver)
    assert (readings(driver)[-1], driver.active(), len(driver.trips())) == (12370.0, {}, 1)


def test_a_trip_that_goes_on_is_polled_as_ever_and_not_touched(driver: Driver) -> None:
    driver.add_car("second", f"V2{driver.vin}")
    driver.phone("start", ago(30), UTRECHT)
    driver.wait_read(12345.0)
    driver.set_car(odometer_km=12350.0, measured_at=ago(20), state="driving")
    look(driver)
    # The message finds a poll due, or one under way: either way the trip's own polls go on.
    driver.wait_read(12350.0)
    state = driver.store.state().value
    assert state.drive
    assert (state.drive.started_at, state.known_readings("car")[-1].km) == (state.events[0].at, 12350.0)
    # The other car stands meanwhile, and is looked at.
    driver.wait(lambda: readings(driver, "second"), "the look at the other car")
    assert (driver.asked(f"V2{driver.vin}"), readings(driver, "second")) == (1, [12345.0])


def test_a_trip_that_begins_during_the_look_is_not_touched(start_stack: Callable[..., Stack]) -> None:
    stack = start_stack(CAR_TIMEOUT_S="30")
    stack.empty()
    driver = stack.driver()
    driver.set_car(fault="hang", odometer_km=12350.0, measured_at=ago(1))
    assert requests.post(f"{driver.stack.url}/scheduler/read-odometers", timeout=30).json()["published"] == 1
    processes.wait_until(lambda: driver.asked() == 1, "the look")
    driver.phone("start", ago(2), UTRECHT)
    assert deliver(driver.stack, driver.email, datetime.now(UTC)) == 200
    assert driver.asked() == 1, "the trip's own poll waits until the look is over"
    driver.set_car(fault=None)
    driver.wait_read(12350.0)
    driver.wait(lambda: driver.asked() >= 2, "the trip's own poll")
    driver.wait_unasked()
    state = driver.store.state().value
    assert state.drive
    assert (state.drive.started_at, readings(driver)) == (state.events[0].at, [12350.0])


def test_a_trip_that_waits_for_its_odometer_is_settled_in_the_ordinary_way(driver: Driver) -> None:
    driver.phone("start", ago(60), UTRECHT)
    driver.wait_read(12345.0)
    driver.set_car(fault="error")
    driver.phone("end", ago(20), NORTH)
    driver.wait_trips(1)
    driver.set_car(fault=None, odometer_km=12357.4, measured_at=ago(10))
    look(driver)
    trip = driver.wait(lambda: [t for t in driver.trips() if not t["flags"]], "the settled trip")[0]
    assert (trip["distance_km"], readings(driver)) == (12.4, [12345.0, 12357.4])


@pytest.mark.parametrize(("hours_old", "asked"), [(5.5, 1), (6.5, 0)])
def test_a_look_waits_for_its_turn_for_hours_but_not_until_the_next(
    driver: Driver, hours_old: float, asked: int
) -> None:
    look(driver, hours_old)
    assert driver.asked() == asked


def test_budgets_and_refusals_hold_for_one_car_and_hinder_no_other(driver: Driver) -> None:
    vins = {"car": driver.vin, **{f"car{n}": f"V{n}{driver.vin}" for n in (2, 3, 4)}}
    for car_id in ("car2", "car3", "car4"):
        driver.add_car(car_id, vins[car_id])
    car = driver.store.cars.list_cars()["car"]
    driver.store.cars.save(replace(car, login_refusals=2))
    until = datetime.now(UTC) + timedelta(hours=1)
    used_up = Window(until, PROVIDERS["simulated"].budget.requests)
    driver.put_state(asking=Asking(windows={"car2 simulated": used_up}))
    driver.set_car(vin=vins["car3"], fault="unauthorized")
    driver.set_car(vin=vins["car4"], odometer_km=4000.0, measured_at=ago(5))
    look(driver)
    assert {car_id: driver.asked(vin) for car_id, vin in vins.items()} == {"car": 0, "car2": 0, "car3": 1, "car4": 0}
    # One call has no time for more than three cars that may hang.
    driver.wait(lambda: readings(driver, "car4"), "the fourth car")
    assert {car_id: driver.asked(vin) for car_id, vin in vins.items()} == {"car": 0, "car2": 0, "car3": 1, "car4": 1}
    assert driver.store.cars.list_cars()["car3"].login_refusals == 1
    assert readings(driver, "car4") == [4000.0]


def test_a_look_asks_no_car_without_credentials_and_goes_on_with_the_next(driver: Driver) -> None:
    vin = f"V2{driver.vin}"
    driver.add_car("second", vin)
    driver.set_car(vin=vin, odometer_km=2000.0, measured_at=ago(30), state="parked")
    assert driver.call("PUT", "/cars/alone", json={"provider": "simulated", "vin": "ALONE"}).status_code == 201
    driver.set_car(vin="ALONE", odometer_km=3000.0, measured_at=ago(30), state="parked")
    look(driver)
    state = driver.store.state().value
    assert (readings(driver), readings(driver, "second"), readings(driver, "alone")) == ([12345.0], [2000.0], [])
    assert ({log.due_at for log in state.open.values()}, state.asking.under_way, state.asking.lost) == ({None}, {}, {})
    assert sorted(state.asking.windows) == ["car simulated", "second simulated"]
    assert (driver.asked("ALONE"), driver.store.cars.list_cars()["alone"].login_refusals) == (0, 0)


def test_a_look_whose_process_died_is_ended_by_a_later_one(start_stack: Callable[..., Stack]) -> None:
    stack = start_stack(CAR_TIMEOUT_S="1")
    driver = stack.driver()
    driver.add_car("second", f"V2{driver.vin}")
    driver.set_car(fault="hang")
    driver.set_car(vin=f"V2{driver.vin}", odometer_km=2000.0, measured_at=ago(5))
    requests.post(f"{stack.url}/scheduler/read-odometers", timeout=30)
    processes.wait_until(lambda: driver.asked() == 1, "the look")
    stack.kill_functions()
    driver.set_car(fault=None, odometer_km=12350.0, measured_at=ago(5))
    found: Any = driver.wait(lambda: readings(driver, "second") and readings(driver), "both readings")
    assert (found, readings(driver, "second")) == ([12350.0], [2000.0])
    assert driver.store.cars.list_cars()["car"].login_refusals == 0
