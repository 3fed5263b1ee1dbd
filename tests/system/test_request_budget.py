"""The budget of a car's cloud: counted before it is asked, booked after, and respected, by polls and by others."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from shared.cars.provider import PROVIDERS, CredentialsMissing, TooManyRequests
from shared.domain.car.asking import Asking, Window
from shared.domain.car.car import Car
from shared.services import asking
from shared.services.asking import Asked, Permit, ask_once
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
    driver.set_car(odometer_km=12357.4, measured_at=ago(4))
    driver.phone("start", ago(30), UTRECHT)
    driver.phone("end", ago(5), NORTH)
    (trip,) = driver.wait_trips(1)
    assert trip["end_odometer_km"] == 12357.4
    driver.phone("start", ago(2), NORTH)
    driver.stack.tick()
    assert (driver.asked(), window(driver).requests) == (1, BUDGET.requests)


def test_on_the_way_nothing_is_taken_of_what_is_kept_for_the_end(driver: Driver) -> None:
    use_up(driver, soon(6000), left=BUDGET.requests // 3)
    driver.phone("start", ago(30), UTRECHT)
    assert deliver(driver.stack, driver.email, datetime.now(UTC)) == 200
    assert (driver.asked(), driver.store.state().value.drive is None) == (0, False)
    driver.set_car(odometer_km=12357.4, measured_at=ago(4))
    driver.phone("end", ago(5), NORTH)
    (trip,) = driver.wait_trips(1)
    assert trip["end_odometer_km"] == 12357.4


def test_where_the_budget_becomes_small_polls_on_the_way_come_further_apart(driver: Driver) -> None:
    use_up(driver, soon(6000), left=BUDGET.requests // 3 + 10)
    driver.phone("start", ago(30), UTRECHT)
    driver.wait_read(12345.0)
    driver.wait_unasked()
    assert soon(300) < driver.next_poll_at < soon(3000)


def test_a_trip_that_ends_without_budget_is_logged_from_gps_after_the_grace(driver: Driver) -> None:
    use_up(driver, soon(600))
    driver.phone("start", ago(60), UTRECHT)
    driver.phone("end", ago(20), NORTH)
    (trip,) = driver.wait_trips(1)
    assert (trip["distance_source"], trip["end_odometer_km"]) == ("gps", None)
    assert "odometer_pending" in trip["flags"]
    assert driver.asked() == 0
    # It is settled once there is a budget again. The cloud is told first: a poll may come as soon as one is due.
    driver.set_car(odometer_km=12357.4, measured_at=ago(10))
    driver.put_state(asking=Asking())
    driver.put_log("car", ask_at=datetime.now(UTC))
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


# --- the account ---------------------------------------------------------------------------------------------------


def begun(driver: Driver, car: Car, on_the_way: bool = False) -> Permit:
    """A read that was begun, if there was a permit for it."""
    now, stored, change = datetime.now(UTC), driver.store.state(), driver.store.change()
    cars, until = driver.store.cars.read(), now + asking.lease()
    state, permit = asking.begin(change, stored.value, cars, car, now, until, on_the_way=on_the_way)
    change.put_state(stored, state)
    change.commit()
    return permit


def finished(driver: Driver, car: Car, permit: Permit, cost: int | None) -> None:
    stored, change, asked = driver.store.state(), driver.store.change(), Asked(cost=cost)
    change.put_state(stored, asking.finish(change, driver.store, stored.value, car, permit, asked))
    change.commit()


@pytest.fixture
def dacia(driver: Driver) -> Car:
    """A car of which a read may need five requests."""
    secrets = {"email": "driver@example.com", "password": "-"}
    driver.store.cars.save(Car("dacia", "renault", vin="VF1AAAAA000000001"), secrets)
    return driver.store.cars.list_cars()["dacia"]


def counted(driver: Driver) -> tuple[int, int]:
    """The requests and the reads in the account of that car."""
    kept = driver.store.state().value.asking.windows["dacia renault"]
    return kept.requests, kept.reads


def test_what_a_read_really_cost_is_booked_once(driver: Driver, dacia: Car) -> None:
    first, second = begun(driver, dacia), begun(driver, dacia)
    assert counted(driver) == (10, 2), "the most that they may need"
    finished(driver, dacia, second, 2)
    assert counted(driver) == (7, 2)
    finished(driver, dacia, second, 2)  # the commit was made, and its answer was lost
    assert counted(driver) == (7, 2)
    finished(driver, dacia, first, None)
    assert counted(driver) == (7, 2), "nobody knows what it cost"


def test_a_read_that_is_slower_than_its_lease_is_booked_too(driver: Driver, dacia: Car) -> None:
    permit = begun(driver, dacia)
    assert permit.until
    state = driver.store.state().value
    driver.put_state(asking=replace(state.asking, under_way={}, lost={"dacia": (permit.until,)}))
    finished(driver, dacia, permit, 1)
    assert counted(driver) == (1, 1)


def test_a_read_that_found_no_credentials_cost_nothing(driver: Driver) -> None:
    car = driver.store.cars.list_cars()["car"]
    permit = begun(driver, car)
    driver.stack.db.document(f"users/{driver.email}/settings/credentials").delete()
    asked = asking.read(driver.store, car)
    assert (type(asked.error), asked.cost) == (CredentialsMissing, 0)
    finished(driver, car, permit, asked.cost)
    assert (window(driver).requests, window(driver).reads, driver.asked()) == (0, 0, 0)


def test_the_reserve_is_for_an_end_and_not_for_the_way(driver: Driver) -> None:
    car = driver.store.cars.list_cars()["car"]
    use_up(driver, soon(600), left=BUDGET.requests // 3)
    on_the_way, at_the_end = begun(driver, car, on_the_way=True), begun(driver, car)
    assert (on_the_way.given, on_the_way.not_before) == (False, window(driver).until)
    assert at_the_end.given
    state = driver.store.state().value
    usual = timedelta(minutes=5)
    assert usual < asking.between_reads(state, car, datetime.now(UTC), usual) <= timedelta(seconds=600)
    assert asking.between_reads(replace(state, asking=Asking()), car, datetime.now(UTC), usual) == usual
