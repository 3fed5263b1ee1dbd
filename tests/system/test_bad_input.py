"""Bad input gets the contract's error, never a 500, and starts nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.system.fixtures import Driver, Stack, ago

BAD = [
    ({"lat": 91, "lng": 5}, "lat"),
    ({"lat": 52, "lng": 180.1}, "lng"),
    ({"lat": 52}, "lng"),
    ({"longitude": "5,1"}, "lat"),
    ({"lat": "NaN", "lng": "5"}, "lat"),
    ({"lat": "inf", "lng": 5}, "lat"),
    ({"lat": True, "lng": 5}, "lat"),
    ({"lat": [52], "lng": 5}, "lat"),
    ({"lat": "52.0.1", "lng": 5}, "lat"),
    ({"lat": 10**400, "lng": 5}, "lat"),
    ({"timestamp": "yesterday"}, "timestamp"),
    ({"timestamp": 1700000000}, "timestamp"),
    ({"timestamp": "0001-01-01T00:00:00+23:59"}, "timestamp"),
    ({"timestamp": ago(24 * 60 + 1).isoformat()}, "timestamp"),
    # By the clock of the test, not of the collection: minutes later it would be no future any more.
    ({"timestamp": lambda: ago(-7).isoformat()}, "timestamp"),
    ({"car_id": "../x"}, "car_id"),
    ({"car_id": 5}, "car_id"),
    ({"accuracy_m": -1}, "accuracy_m"),
]


@pytest.mark.parametrize("event", ["start", "end"])
@pytest.mark.parametrize(("body", "field"), BAD)
def test_a_bad_field_is_refused_and_named(driver: Driver, event: str, body: Any, field: str) -> None:
    body = {name: value() if callable(value) else value for name, value in body.items()}
    response = driver.call("POST", f"/webhook/{event}", json=body)
    assert response.status_code == 400, response.text
    told = response.json()
    assert told.get("field") == field
    assert {"type", "title", "status", "detail"} <= set(told)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert driver.active() == {}


@pytest.mark.parametrize("data", [b"{", b"[]", b'"x"', b"\xff\xfe", b"null", b"[" * 60_000])
def test_a_body_that_is_no_json_object_is_refused(driver: Driver, data: bytes) -> None:
    for path in ("/webhook/start", "/webhook/end", "/trips"):
        response = driver.call("POST", path, data=data)
        assert response.status_code == 400, response.text
    assert driver.active() == {}


def test_a_body_over_64_kib_is_refused(driver: Driver) -> None:
    for path in ("/webhook/start", "/webhook/end", "/trips"):
        assert driver.call("POST", path, data=b"{" + b" " * 65536 + b"}").status_code == 413
        assert driver.call("POST", path, data=iter([b"{" + b" " * 65536 + b"}"])).status_code == 413


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/webhook/start", "POST"),
        ("DELETE", "/webhook/end", "POST"),
        ("POST", "/stats", "GET"),
        ("POST", "/export", "GET"),
        ("PUT", "/trips", "GET, PATCH, POST"),
        ("PATCH", "/trips/active", "DELETE, GET"),
        ("PUT", "/trips/some-id", "DELETE, GET, PATCH"),
        ("GET", "/trips/some-id/split", "POST"),
        ("POST", "/logbook/2026/checks", "GET"),
        ("PATCH", "/trips/purposes", "GET"),
        ("PUT", "/trips/import", "POST"),
        ("GET", "/scheduler/poll-all", "POST"),
        ("GET", "/reminders/remind", "POST"),
        ("PATCH", "/audi/compare", "GET"),
        ("POST", "/cars", "GET"),
        ("PATCH", "/cars/car", "DELETE, PUT"),
        ("GET", "/cars/car/credentials", "PUT"),
        ("GET", "/cars/car/test", "POST"),
        ("POST", "/cars/car/data", "GET"),
        ("DELETE", "/cars/car/odometer", "POST"),
        ("DELETE", "/locations", "GET, POST"),
        ("PUT", "/locations/some-id", "DELETE, PATCH"),
        ("GET", "/locations/some-id/apply", "POST"),
        ("PUT", "/settings", "GET, PATCH"),
        ("PATCH", "/settings/keys", "GET, POST"),
        ("GET", "/settings/keys/full", "DELETE"),
    ],
)
def test_another_method_is_told_which_are_taken(driver: Driver, method: str, path: str, allowed: str) -> None:
    response = driver.call(method, path)
    assert (response.status_code, response.headers["Allow"]) == (405, allowed)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nothing",
        "/webhook",
        "/trips/a/b",
        "/stats/x",
        "/scheduler/other",
        "/trips/__x__",
        "/trips/%2e%2e",
        "/trips/x%00",
        "/cars/car/x",
        "/cars/a/b/data",
        "/locations/a/b",
        "/settings/x",
        "/settings/keys/a/b",
        "/cars/x%00/data",
    ],
)
def test_an_unknown_path_is_a_404_problem(driver: Driver, path: str) -> None:
    response = driver.call("GET", path)
    assert (response.status_code, response.headers["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    "query",
    ["year=1999", "year=2101", "year=x", "month=1", "year=2026&month=13", "car_id=a%20b", "year=-1", "year=２０２６"],
)
def test_a_bad_query_is_refused(driver: Driver, query: str) -> None:
    for path in ("/trips", "/stats"):
        assert driver.call("GET", f"{path}?{query}").status_code == 400
    for more in ("limit=0", "limit=201", "kind=x", "cursor=%00", "cursor=abc"):
        assert driver.call("GET", f"/trips?{more}").status_code == 400
    assert driver.call("GET", "/compare?year=1999").status_code == 400


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("application/json", b'{"lat": "52,0907", "lng": "5,1214"}'),
        ("application/x-www-form-urlencoded", b"lat=52%2C0907&lon=5.1214"),
        ("application/x-www-form-urlencoded", b'{"latitude": 52.0907, "longitude": 5.1214}'),
        ("text/plain", b'{"lat": 52.0907, "lng": 5.1214, "surprise": [1]}'),
    ],
)
def test_what_phones_send_is_understood(driver: Driver, kind: str, data: bytes) -> None:
    typed = requests.post(
        f"{driver.stack.url}/webhook/start",
        data=data,
        headers={"Authorization": f"Bearer {driver.key}", "Content-Type": kind},
        timeout=30,
    )
    assert typed.status_code == 200, typed.text
    assert driver.active()["points"] == 1
    assert driver.store.state().value.events[0].lat == 52.0907


def test_zero_zero_counts_as_no_position_and_an_empty_body_is_fine(driver: Driver) -> None:
    assert driver.phone("start", None, (0, 0))["status"] == "trip_started"
    assert driver.call("POST", "/webhook/start").json()["status"] == "ping_recorded"
    assert driver.active()["points"] == 0


def test_a_time_without_offset_is_in_the_users_zone(stack: Stack) -> None:
    driver = stack.driver(timezone="Etc/GMT-5")
    local = (datetime.now(UTC) + timedelta(hours=5) - timedelta(minutes=3)).replace(tzinfo=None, microsecond=0)
    told = driver.phone("start", timestamp=local.isoformat())
    assert told["started_at"] == local.isoformat() + "+05:00"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(
    ["lat", "lng", "lon", "latitude", "longitude", "timestamp", "car_id", "accuracy_m", "kind", "from", "to",
     "distance_km", "started_at", "ended_at", "start_odometer_km", "end_odometer_km", "business_km", "revision"]
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(names, json_values, max_size=6), path=st.sampled_from(["start", "end", "trips"]))
def test_no_body_is_answered_with_a_500(stack: Stack, body: Any, path: str) -> None:
    if not hasattr(stack, "fuzzed"):
        stack.fuzzed = stack.driver()  # type: ignore[attr-defined]
    driver: Driver = stack.fuzzed  # type: ignore[attr-defined]
    response = driver.call("POST", "/trips" if path == "trips" else f"/webhook/{path}", json=body)
    assert response.status_code in (200, 201, 400, 409), (body, response.text)


set_up_names = st.sampled_from(
    ["provider", "name", "vin", "plate", "available_from", "start_odometer_km", "default", "token", "says", "at",
     "odometer_km", "lat", "lng", "radius_m", "kind", "address", "cursor", "timezone", "language", "default_car_id",
     "default_kind", "private_days", "business_hours", "reminders", "scope", "label"]
)  # fmt: skip
SET_UP_CALLS = [
    ("PUT", "/cars/car"),
    ("PUT", "/cars/car/credentials"),
    ("POST", "/cars/car/odometer"),
    ("POST", "/locations"),
    ("PATCH", "/locations/x"),
    ("POST", "/locations/x/apply"),
    ("PATCH", "/settings"),
    ("POST", "/settings/keys"),
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.dictionaries(set_up_names, json_values | st.just("simulated") | st.just(52), max_size=6),
    call=st.sampled_from(SET_UP_CALLS),
)
def test_nothing_that_is_set_up_is_answered_with_a_500(stack: Stack, body: Any, call: tuple[str, str]) -> None:
    if not hasattr(stack, "setting_up"):
        stack.setting_up = stack.driver()  # type: ignore[attr-defined]
    driver: Driver = stack.setting_up  # type: ignore[attr-defined]
    response = driver.call(*call, json=body)
    assert response.status_code in (200, 201, 400, 404, 409), (call, body, response.text)
