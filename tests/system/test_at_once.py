"""Many calls at one moment, messages twice or late, a hanging car, and processes that are killed."""

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import requests

from tests.system.fixtures import UTRECHT, Driver, Stack, ago
from tests.system.test_rules import NORTH
from tools.local import processes


def deliver(stack: Stack, user: str, published_at: datetime, reason: str = "test") -> int:
    """Posts a message to the poller as Eventarc does; the status."""
    headers = {
        "ce-id": "1",
        "ce-source": "//pubsub.googleapis.com/projects/p/topics/poll-car",
        "ce-type": "google.cloud.pubsub.topic.v1.messagePublished",
        "ce-specversion": "1.0",
    }
    data = base64.b64encode(json.dumps({"user": user, "reason": reason}).encode()).decode()
    message = {"data": data, "messageId": "1", "publishTime": published_at.isoformat()}
    return requests.post(f"{stack.url}/poller", json={"message": message}, headers=headers, timeout=60).status_code


def test_twenty_four_starts_at_once_make_one_trip(driver: Driver) -> None:
    with ThreadPoolExecutor(24) as pool:
        told = list(pool.map(lambda _: driver.phone("start")["status"], range(24)))
    assert sorted(told) == ["ping_recorded"] * 23 + ["trip_started"]


def test_sixteen_ends_and_twenty_four_ticks_at_once_save_one_trip_and_count_it_once(driver: Driver) -> None:
    driver.phone("start", ago(30), UTRECHT)
    driver.wait_read(12345.0)
    driver.set_car(odometer_km=12357.4, measured_at=datetime.now(UTC) + timedelta(minutes=1))
    with ThreadPoolExecutor(40) as pool:
        ends = [pool.submit(driver.phone, "end", None, NORTH) for _ in range(16)]
        ticks = [pool.submit(driver.stack.tick) for _ in range(24)]
        told = {end.result()["status"] for end in ends}
        assert all(tick.result()["active"] >= 0 for tick in ticks)
    assert "ending" in told <= {"ending", "ignored"}
    (trip,) = driver.wait_trips(1)
    assert trip["distance_km"] == 12.4
    stats = driver.call("GET", "/stats").json()
    assert (stats["trip_count"], stats["total_km"]) == (1, 12.4)


def test_a_message_twice_or_late_changes_nothing(start_stack: Callable[..., Stack]) -> None:
    driver = start_stack(POLL_EVERY_S="300").driver()
    driver.phone("start", ago(30), UTRECHT)
    driver.wait_read(12345.0)
    before, asked = driver.store.state(), driver.asked()
    late = datetime.now(UTC) - timedelta(minutes=6)
    now = datetime.now(UTC)
    assert [deliver(driver.stack, driver.email, at) for at in (now, now, late)] == [200, 200, 200]
    assert driver.store.state() == before
    assert driver.asked() == asked


def test_a_late_message_is_dropped_even_where_a_poll_is_due(driver: Driver) -> None:
    driver.phone("start", ago(30), UTRECHT)
    # Without a tick: the start's own message is the only one under way.
    processes.wait_until(lambda: driver.active()["odometer_km"], "the start's poll")
    asked = driver.asked()
    assert deliver(driver.stack, driver.email, datetime.now(UTC) - timedelta(minutes=6)) == 200
    assert driver.asked() == asked
    assert deliver(driver.stack, driver.email, datetime.now(UTC)) == 200
    assert driver.asked() == asked + 1


@pytest.mark.parametrize("user", ["nobody@example.com", "../../trips", ""])
def test_a_message_for_nobody_is_not_sent_again(stack: Stack, user: str) -> None:
    assert deliver(stack, user, datetime.now(UTC)) == 200


def test_a_user_whose_car_hangs_delays_nobody(stack: Stack) -> None:
    hanging, others = stack.driver(), [stack.driver() for _ in range(4)]
    hanging.set_car(fault="hang")
    hanging.phone("start", ago(30), UTRECHT)
    for driver in others:
        driver.phone("start", ago(30), UTRECHT)
        driver.wait_read(12345.0)
        driver.set_car(odometer_km=12357.4, measured_at=ago(1))
        driver.phone("end", ago(2), NORTH)
    assert [len(driver.wait_trips(1)) for driver in others] == [1] * 4
    assert hanging.active()["odometer_km"] is None
    hanging.set_car(fault=None)
    hanging.wait_read(12345.0)


def test_a_car_that_is_being_asked_is_asked_by_no_second_poll_which_stays_due(
    start_stack: Callable[..., Stack],
) -> None:
    driver = start_stack(CAR_TIMEOUT_S="30").driver()
    driver.set_car(fault="hang")
    driver.phone("start", ago(30), UTRECHT)
    processes.wait_until(lambda: driver.asked() == 1, "the start's poll")
    driver.phone("end", ago(5), NORTH)
    assert deliver(driver.stack, driver.email, datetime.now(UTC)) == 200
    assert driver.asked() == 1
    driver.set_car(fault=None, odometer_km=12357.4, measured_at=ago(4))
    (trip,) = driver.wait_trips(1)
    assert trip["end_odometer_km"] == 12357.4


def test_a_killed_process_loses_nothing(start_stack: Callable[..., Stack]) -> None:
    # Reads that die count as refused logins; here more than two of them may die in a row.
    stack = start_stack(LOST_LOGIN_COUNTS_S="0", CAR_TIMEOUT_S="1")
    driver = stack.driver()
    fixes = [(52.0907 + n * 0.02, 5.1214) for n in range(4)]

    steps: list[Callable[[], object]] = [
        lambda: driver.phone("start", ago(30), fixes[0]),
        lambda: driver.wait_read(12345.0),
        lambda: driver.phone("start", ago(25), fixes[1]),
        lambda: driver.set_car(odometer_km=12350.0, measured_at=ago(20)),
        lambda: driver.wait_read(12350.0),
        lambda: driver.phone("start", ago(15), fixes[2]),
        stack.tick,
        lambda: driver.phone("end", ago(5), fixes[-1]),
        lambda: driver.set_car(odometer_km=12357.4, measured_at=ago(4)),
        lambda: driver.wait_trips(1),
    ]
    for step in steps:
        step()
        stack.kill_functions()
    (trip,) = driver.wait_trips(1)
    assert (trip["distance_km"], trip["start_odometer_km"], trip["end_odometer_km"]) == (12.4, 12345.0, 12357.4)
    assert driver.call("GET", "/stats").json()["total_km"] == 12.4
    assert driver.call("GET", "/compare").json()["comparison"]["difference_km"] == 0


def test_a_poll_that_dies_on_the_way_is_done_by_a_later_one(start_stack: Callable[..., Stack]) -> None:
    stack = start_stack(CAR_TIMEOUT_S="1")
    driver = stack.driver()
    driver.set_car(fault="hang")
    driver.phone("start", ago(30), UTRECHT)
    driver.wait(lambda: driver.asked() == 1, "the poll")
    stack.kill_functions()
    driver.set_car(fault=None)
    driver.wait_read(12345.0)
