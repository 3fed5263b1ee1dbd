"""No credential, token or key is in any answer or log line, and no coordinate in the log, whatever goes wrong."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from shared.domain.car.car import Car
from shared.domain.driver import LOG_VERSION
from shared.domain.tracking.state import DriverState
from tests.system.fixtures import Driver, Stack, ago
from tests.system.test_at_once import deliver
from tests.system.test_daily_readings import next_day
from tests.system.test_rules import drive
from tools.local import processes
from tools.local.car_cloud import FAULTS

SECRET = "hunter2-of-boris"  # in every credential and token
LAT, LNG = 52.0312345, 5.1367891
BREAKING: list[Any] = [
    {"token": f"{SECRET}-\u2713"},  # no header can hold it
    {"token": f"{SECRET}\r\nX-Other: 1"},
    {"token": {"deep": [SECRET]}},
    {"says": SECRET},
    {"says": [SECRET]},
    {"says": {"measured_at": SECRET}},
    {"says": {"measured_at": "2026-01-23T08:12:00+01:00", "odometer_km": SECRET}},
    {"says": {"measured_at": "2026-01-23T08:12:00+01:00", "odometer_km": 1.0, "lat": SECRET, "lng": LNG}},
    {"tokens": SECRET},
]


class Heard:
    """All that a caller was told."""

    def __init__(self, driver: Driver) -> None:
        self.driver, self.answers = driver, list[str]()

    def call(self, method: str, path: str, *statuses: int, **more: Any) -> requests.Response:
        """A call whose answer is kept."""
        response = self.driver.call(method, path, **more)
        self.answers.append(f"{response.headers} {response.text}")
        assert response.status_code in (statuses or (200,)), response.text
        return response


@pytest.fixture
def heard(start_stack: Callable[..., Stack]) -> Heard:
    driver = start_stack(CAR_TIMEOUT_S="1").driver()
    set_credentials(driver, {"token": f"t-{driver.vin}", "password": SECRET})
    driver.set_car(lat=LAT, lng=LNG)
    return Heard(driver)


def set_credentials(driver: Driver, credentials: dict[str, Any]) -> None:
    car = Car("car", "simulated", vin=driver.vin)
    driver.store.cars.save(car, {"token": SECRET, **credentials})
    driver.store.cars.keep_tokens("car", {"refresh": f"{SECRET}-refresh"}, driver.store.cars.access("car"))


def log_of(driver: Driver) -> str:
    return (driver.stack.data / "logs" / "functions.log").read_text()


def secrets_of(driver: Driver) -> Iterator[str]:
    sealed = driver.store.cars._credentials.get().to_dict() or {}
    yield from (SECRET, f"t-{driver.vin}", driver.key, driver.webhook_key)
    yield from (key.sha256 for key in driver.account.keys.values())
    yield from driver.stack.operator_env()["CREDENTIALS_KEYS"].split(",")
    yield from (str(text) for part in ("sealed", "tokens") for text in sealed.get(part, {}).values())


def look(driver: Driver) -> None:
    """One read of the car, whatever comes of it."""
    next_day(driver)
    assert deliver(driver.stack, driver.email, datetime.now(UTC), "daily") == 200


def test_nothing_leaks(heard: Heard) -> None:
    driver = heard.driver
    _ordinary_calls(heard)
    _wrong_calls(heard)
    for fault in FAULTS:
        driver.set_car(fault=fault)
        look(driver)
    driver.set_car(fault=None)
    for credentials in BREAKING:
        set_credentials(driver, credentials)
        look(driver)
    # An error that names what the driver typed in: the words of any library may.
    driver.store.cars.save(Car("car", f"of-{SECRET}", vin=driver.vin), {"token": SECRET})
    look(driver)
    failed = len(FAULTS) + len(BREAKING) + 1
    _with_broken_documents(heard)
    log = log_of(driver)
    assert log.count("car not read") >= failed
    assert "trip saved" in log
    assert "a bug, or a service that is down" in log
    for secret in secrets_of(driver):
        assert secret not in log
        assert [answer for answer in heard.answers if secret in answer] == []
    for degrees in (LAT, LNG):
        assert f"{degrees:.3f}" not in log


def _ordinary_calls(heard: Heard) -> None:
    driver = heard.driver
    drive(driver, 30, 5, 12357.4)
    driver.wait_trips(1)
    heard.call("POST", "/webhook/start", json={"lat": LAT, "lng": LNG}, key=driver.webhook_key)
    heard.call("GET", f"/trips/active?key={driver.key}")
    heard.call("POST", "/webhook/end", json={"lat": LAT, "lng": LNG})
    heard.call("DELETE", "/trips/active", 204)
    heard.call("GET", "/trips")
    heard.call("GET", "/stats")
    heard.call("GET", "/compare")
    for path in ("/scheduler/poll-all", "/scheduler/read-odometers"):
        heard.call("POST", path)
    heard.answers.append(driver.stack.admin("list-keys", driver.email))
    heard.answers.append(driver.stack.admin("rotate-credentials"))


def _wrong_calls(heard: Heard) -> None:
    driver = heard.driver
    heard.call("GET", "/trips", 403, key=driver.webhook_key)
    heard.call("GET", "/trips", 401, key=f"{SECRET}-guessed")
    heard.call("GET", f"/trips?key={SECRET}&user=other@example.com", 401, key=SECRET)
    heard.call("GET", f"/nothing/{driver.key}?key={driver.key}", 404)
    heard.call("POST", "/webhook/start", 400, json={"lat": 1000 + LAT, "lng": LNG})
    heard.call("POST", "/webhook/start", 400, json={"lat": LAT, "lng": LNG, "timestamp": "tomorrow"})
    heard.call("POST", "/webhook/start", 400, data=f'{{"lat": {LAT}, "lng": ')
    late = {"lat": LAT, "lng": LNG, "timestamp": (datetime.now(UTC) - timedelta(days=2)).isoformat()}
    heard.call("POST", "/webhook/end", 400, json=late)
    for body in (json.dumps({"user": f"{SECRET} {LAT}"}), "5", "[]"):
        message = {"message": {"data": body, "publishTime": "now"}}
        requests.post(f"{driver.stack.url}/poller", json=message, timeout=30)


def _with_broken_documents(heard: Heard) -> None:
    """What the functions say of documents that are not as they should be."""
    driver = heard.driver
    driver.store.cars._credentials.set({"sealed": {"car": "gAAAA-not-a-seal"}, "tokens": {}})
    look(driver)
    processes.wait_until(lambda: "none of CREDENTIALS_KEYS" in log_of(driver), "the line")
    event = {"at": ago(9).isoformat(), "lat": str(LAT), "lng": LNG}
    of_now = {"version": LOG_VERSION, "state": json.dumps({"events": [event]}), "next_poll_at": ago(9), "shard": 0}
    of_before = {"active": True, "started_at": ago(9), "fixes": [event]}
    for document, status, delivered in ((of_now, 500, 500), (of_before, 503, 200)):
        driver.store._state.set(document)
        heard.call("GET", "/trips/active", status)
        heard.call("POST", "/webhook/start", status, json={"lat": LAT, "lng": LNG})
        assert deliver(driver.stack, driver.email, datetime.now(UTC)) == delivered
    change = driver.store.change()
    driver.store._state.delete()
    change.put_state(driver.store.state(), DriverState())
    change.commit()
