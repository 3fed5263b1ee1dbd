"""The budget of a car's cloud: counted before it is asked, kept, and respected, by polls and by others."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from shared.cars.provider import PROVIDERS, TooManyRequests
from shared.domain.car.asking import Asking, Window
from shared.services.asking import ask_once
from tests.system.fixtures import UTRECHT, Driver, Stack, ago
from tests.system.test_at_once import deliver
from tests.system.test_rules import NORTH
from tools.local import processes

BUDGET = PROVIDERS["simulated"].budget
WINDOW = "car simulated"


def use_up(driver: Driver, until: datetime, left: int = 0) -> None:
    """Leaves so many requests of the car's budget until a moment."""
    driver.put_state(asking=Asking(windows={WINDOW: Window(until, BUDGET.requests - left)}))


def window(driver: Driver) -> Window:
    return driver.store.state().value.asking.windows[WINDOW]


def wait_counted(driver: Driver, at_least: int = 1) -> None:
    """Waits until as many reads are counted as were made; one under way is counted a moment before it is made."""
    processes.wait_until(lambda: window(driver).requests == driver.asked() >= at_least, "as many counted as made")


def soon(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def test_each_read_is_counted_in_a_window_that_begins_with_the_first(driver: Driver) -> None:
    before = datetime.now(UTC)
    driver.phone("start", ago(30), UTRECHT)
    driver.wait_read(12345.0)
    first = window(driver)
    assert before + BUDGET.per <= first.until <= datetime.now(UTC) + BUDGET.per
    driver.set_car(odometer_km=12350.0, measured_at=ago(10))
    driver.wait_read(12350.0)
    wait_counted(driver, at_least=2)
    assert window(driver).until == first.until


def test_the_count_outlives_the_trip(driver: Driver) -> None:
    driver.phone("start", ago(30), UTRECHT)
    driver.wait_read(12345.0)
    driver.set_car(odometer_km=12357.4, measured_at=ago(4))
    driver.phone("end", ago(5), NORTH)
    driver.wait_trips(1)
    wait_counted(driver)
    driver.phone("start", None, NORTH)
    wait_counted(driver, at_least=3)
    assert driver.call("DELETE", "/trips/active").status_code == 204
    wait_counted(driver)


def test_a_read_that_would_go_over_is_not_made_until_the_window_is_over(driver: Driver) -> None:
    end = soon(5)
    use_up(driver, end)
    driver.phone("start", ago(30), UTRECHT)
    processes.wait_until(lambda: driver.next_poll_at == end, "the poll that did not ask")
    driver.stack.tick()
    assert deliver(driver.stack, driver.email, datetime.now(UTC)) == 200
    assert driver.asked() == 0
    driver.wait_read(12345.0)
    assert datetime.now(UTC) > end
    wait_counted(driver)


def test_the_last_request_of_the_budget_is_used(driver: Driver) -> None:
    use_up(driver, soon(600), left=1)
    driver.phone("start", ago(30), UTRECHT)
    driver.wait_read(12345.0)
    driver.stack.tick()
    processes.wait_until(lambda: driver.next_poll_at == window(driver).until, "the poll that did not ask")
    assert driver.asked() == 1


def test_a_trip_that_ends_without_budget_is_logged_from_gps_after_the_grace(driver: Driver) -> None:
    use_up(driver, soon(600))
    driver.phone("start", ago(60), UTRECHT)
    driver.phone("end", ago(20), NORTH)
    (trip,) = driver.wait_trips(1)
    assert (trip["distance_source"], trip["end_odometer_km"]) == ("gps", None)
    assert "odometer_pending" in trip["flags"]
    assert driver.asked() == 0
    # It is settled once there is a budget again.
    driver.put_state(asking=Asking())
    driver.put_log("car", ask_at=datetime.now(UTC))
    driver.set_car(odometer_km=12357.4, measured_at=ago(10))
    trip = driver.wait(lambda: [t for t in driver.trips() if t["end_odometer_km"]], "the settled trip")[0]
    assert trip["end_odometer_km"] == 12357.4


def test_a_read_whose_process_died_stays_counted(start_stack: Callable[..., Stack]) -> None:
    driver = start_stack(CAR_TIMEOUT_S="1").driver()
    driver.set_car(fault="hang")
    driver.phone("start", ago(30), UTRECHT)
    driver.wait(lambda: driver.asked() == 1, "the poll")
    driver.stack.kill_functions()
    driver.set_car(fault=None)
    driver.wait_read(12345.0)
    wait_counted(driver, at_least=2)


def test_the_budget_of_one_car_is_not_that_of_another(driver: Driver) -> None:
    use_up(driver, soon(600))
    driver.add_car("second", "VIN2" + driver.vin)
    driver.set_car(vin="VIN2" + driver.vin, odometer_km=500.0)
    driver.phone("start", ago(60), UTRECHT, car_id="second")
    driver.wait_read(500.0)
    assert driver.asked() == 0


def test_who_asks_outside_of_a_trip_takes_from_the_same_budget(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAR_CLOUD_URL", driver.stack.cloud_url)
    use_up(driver, soon(600), left=1)
    car = driver.store.cars.list_cars()["car"]
    values = ask_once(driver.store, car)
    assert values.odometer_km
    assert values.odometer_km.value == 12345.0
    with pytest.raises(TooManyRequests) as refused:
        ask_once(driver.store, car)
    assert timedelta(seconds=500) < refused.value.retry_after <= timedelta(seconds=600)
    assert driver.asked() == 1
    assert driver.store.state().value.asking.under_way == {}
    assert driver.active() == {}
