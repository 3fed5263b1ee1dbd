"""At most two refused logins reach a car's cloud, whatever comes twice and whoever dies; then the driver must act."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from shared.cars.provider import BeingAsked, CarUnavailable, ConsentMissing, CredentialsMissing, LoginRefused
from shared.domain.car.asking import Asking
from shared.domain.car.car import Car
from shared.services import asking
from shared.services.asking import Asked, ask_once
from tests.system.fixtures import UTRECHT, Driver, Stack, ago
from tests.system.test_at_once import deliver
from tests.system.test_rules import NORTH
from tools.local import processes


def car_of(driver: Driver) -> Car:
    return driver.store.cars.list_cars()["car"]


def told_all(driver: Driver) -> bool:
    """Whether no read is under way."""
    return not driver.store.state().value.asking.under_way


def test_messages_twice_and_events_at_once_make_no_third_login(driver: Driver) -> None:
    driver.set_car(fault="unauthorized")
    calls: list[Callable[[], object]] = []
    for _ in range(6):
        calls.append(lambda: deliver(driver.stack, driver.email, datetime.now(UTC)))
        calls.append(lambda: deliver(driver.stack, driver.email, datetime.now(UTC), "daily"))
        calls.append(lambda: driver.phone("start", ago(30), UTRECHT))
        calls.append(lambda: driver.phone("end", ago(5), NORTH))
        calls.append(driver.stack.tick)
    with ThreadPoolExecutor(16) as pool:
        for done in [pool.submit(call) for call in calls]:
            done.result()
    driver.wait(lambda: car_of(driver).login_stopped and told_all(driver), "the stop")
    assert driver.asked() == 2
    driver.stack.tick()
    assert deliver(driver.stack, driver.email, datetime.now(UTC)) == 200
    assert driver.asked() == 2
    assert car_of(driver).login_refusals == 2


def test_a_read_whose_process_died_counts_as_refused(start_stack: Callable[..., Stack]) -> None:
    driver = start_stack(CAR_TIMEOUT_S="1").driver()
    driver.set_car(fault="hang")
    driver.phone("start", ago(30), UTRECHT)
    driver.wait(lambda: driver.asked() == 1, "the poll")
    # The cloud has the login, and may have refused it: nobody can know.
    driver.stack.kill_functions()
    driver.set_car(fault="unauthorized")
    driver.wait(lambda: car_of(driver).login_stopped, "the stop")
    driver.wait(lambda: told_all(driver), "the end of the poll")
    assert driver.asked() == 2
    assert any("credentials" in warning for warning in driver.call("GET", "/compare").json()["warnings"])


def test_two_processes_that_died_stop_logging_in_and_new_credentials_begin_anew(
    start_stack: Callable[..., Stack],
) -> None:
    driver = start_stack(CAR_TIMEOUT_S="1").driver()
    driver.set_car(fault="hang")
    driver.phone("start", ago(30), UTRECHT)
    for number in (1, 2):
        driver.wait(lambda number=number: driver.asked() == number, "the poll")  # type: ignore[misc]
        driver.stack.kill_functions()
    driver.wait(lambda: car_of(driver).login_stopped, "the stop")
    assert driver.asked() == 2
    driver.set_car(fault=None)
    driver.add_car("car", driver.vin)
    driver.wait_read(12345.0)
    assert car_of(driver).login_refusals == 0


def test_a_stop_by_processes_that_died_ends_by_itself_after_some_hours(start_stack: Callable[..., Stack]) -> None:
    driver = start_stack(CAR_TIMEOUT_S="1", LOST_LOGIN_COUNTS_S="3600").driver()
    long_ago, lately = ago(61), ago(59)
    driver.store.cars.save(replace(car_of(driver), login_refusals=2))
    driver.put_state(asking=Asking(lost={"car": (lately, lately)}))
    driver.phone("start", ago(30), UTRECHT)
    assert deliver(driver.stack, driver.email, datetime.now(UTC)) == 200
    assert driver.asked() == 0
    driver.put_state(asking=Asking(lost={"car": (long_ago, lately)}))
    driver.wait_read(12345.0)
    assert car_of(driver).login_refusals == 0


def test_lost_reads_of_former_credentials_take_nothing_from_the_count_of_new_ones(driver: Driver) -> None:
    driver.put_state(asking=Asking(lost={"car": (ago(600), ago(600))}))
    driver.set_car(fault="unauthorized")
    driver.phone("start", ago(30), UTRECHT)
    driver.wait(lambda: car_of(driver).login_stopped and told_all(driver), "the stop")
    driver.stack.tick()
    assert (driver.asked(), car_of(driver).login_refusals) == (2, 2)


def test_a_login_that_is_taken_forgets_the_refusal_before_it(driver: Driver) -> None:
    driver.set_car(fault="unauthorized")
    driver.phone("start", ago(30), UTRECHT)
    processes.wait_until(lambda: car_of(driver).login_refusals == 1 and told_all(driver), "one refusal")
    driver.set_car(fault=None)
    driver.wait_read(12345.0)
    assert car_of(driver).login_refusals == 0


@pytest.mark.parametrize("fault", ["error", "garbage", "rate_limited"])
def test_other_failures_are_no_refusals(driver: Driver, fault: str) -> None:
    driver.set_car(fault=fault)
    driver.phone("start", ago(30), UTRECHT)
    driver.wait(lambda: driver.asked() >= 3, "three reads")
    driver.wait_unasked()
    assert car_of(driver).login_refusals == 0


@pytest.mark.parametrize(("error", "count"), [(LoginRefused("no"), 1), (ConsentMissing("no"), 0)])
def test_a_missing_consent_is_no_refusal(driver: Driver, error: CarUnavailable, count: int) -> None:
    now = datetime.now(UTC)
    until = now + timedelta(seconds=30)
    stored, change = driver.store.state(), driver.store.change()
    state, permit = asking.begin(change, stored.value, driver.store.cars.read(), car_of(driver), now, until)
    assert permit.given
    asked = Asked(error=error, access=driver.store.cars.access("car"))
    change.put_state(stored, asking.finish(change, driver.store, state, car_of(driver), permit, asked))
    change.commit()
    assert car_of(driver).login_refusals == count


def test_a_refusal_of_former_credentials_does_not_count_for_new_ones(start_stack: Callable[..., Stack]) -> None:
    driver = start_stack(CAR_TIMEOUT_S="30").driver()
    driver.set_car(fault="hang")
    driver.phone("start", ago(30), UTRECHT)
    processes.wait_until(lambda: driver.asked() == 1, "the poll")
    driver.store.cars.save(car_of(driver), {"token": "new"})
    driver.set_car(fault="unauthorized")
    driver.wait_unasked()
    assert car_of(driver).login_refusals == 0


def test_a_car_without_credentials_is_never_asked_and_nothing_counts_as_a_refusal(stack: Stack) -> None:
    driver = stack.driver(car=False)
    driver.set_car(odometer_km=12345.0, measured_at=ago(600), state="parked")
    assert driver.call("PUT", "/cars/car", json={"provider": "simulated", "vin": driver.vin}).status_code == 201
    for _ in range(3):
        driver.phone("start", ago(40), UTRECHT, car_id="car")
        assert deliver(driver.stack, driver.email, datetime.now(UTC)) == 200
        assert deliver(driver.stack, driver.email, datetime.now(UTC), "daily") == 200
        driver.put_state(asking=replace(driver.store.state().value.asking, looked_at=ago(24 * 60)))
        assert driver.call("POST", "/cars/car/test").json()["problem"] == "credentials_missing"
        with pytest.raises(CredentialsMissing):
            ask_once(driver.store, car_of(driver))
    driver.phone("end", ago(20), NORTH)
    driver.wait_trips(1)
    state, car = driver.store.state().value, car_of(driver)
    assert driver.asked() == 0
    assert (state.asking.windows, state.asking.under_way, state.asking.lost) == ({}, {}, {})
    assert (car.login_refusals, car.login_stopped) == (0, False)


def test_who_asks_outside_of_a_trip_is_stopped_by_the_same_count(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAR_CLOUD_URL", driver.stack.cloud_url)
    driver.set_car(fault="unauthorized")

    def refused(_: int) -> type[Exception]:
        try:
            ask_once(driver.store, car_of(driver))
        except CarUnavailable as error:
            return type(error)
        raise AssertionError("it was taken")

    with ThreadPoolExecutor(8) as pool:
        told = set(pool.map(refused, range(8)))
    assert LoginRefused in told <= {LoginRefused, BeingAsked}
    assert driver.asked() == 2
    assert car_of(driver).login_stopped
    driver.store.cars.save(replace(car_of(driver), login_refusals=0), {"token": f"t-{driver.vin}"})
    driver.set_car(fault=None)
    assert ask_once(driver.store, car_of(driver)).odometer_km
