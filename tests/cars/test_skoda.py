"""Škoda: our requests against a server that answers as the maker's public API does."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer, RequestHandler
from werkzeug import Response

from shared.cars.provider import (
    PROVIDERS,
    CarUnavailable,
    ConsentMissing,
    LoginRefused,
    NotUnderstood,
    TooManyRequests,
)
from shared.domain.place.geo import Position
from tests.cars.local import PLACE, VIN, at, cost, failed, is_now, position, read, silence

KEY = {"api_key": "sk-never-tell-0815"}


@pytest.fixture(autouse=True)
def cloud(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> RequestHandler:
    """What the maker answers to a call with the key."""
    monkeypatch.setenv("SKODA_API_URL", httpserver.url_for("").rstrip("/"))
    return httpserver.expect_request(f"/api/v1/vehicles/{VIN}", headers={"X-API-Key": KEY["api_key"]})


def told(**changed: Any) -> dict[str, Any]:
    vehicle = {
        "vin": VIN,
        "name": "never-tell",
        "odometer": {"mileageInKm": 42163, "carCapturedTimestamp": "2026-11-20T08:12:31Z"},
        "parkingPosition": {"state": "PARKED", "gpsCoordinates": {"latitude": PLACE[0], "longitude": PLACE[1]}},
    }
    return {"vehicle": {**vehicle, **changed}, "errors": []}


def test_a_read_gives_the_odometer_with_its_own_time_and_where_the_car_stands_now(cloud: RequestHandler) -> None:
    cloud.respond_with_json(told())
    values = read("skoda", KEY)
    assert values.odometer_km is not None
    assert (values.odometer_km.value, values.odometer_km.at) == (42163.0, at("2026-11-20T08:12:31"))
    assert position(values) == Position(*PLACE)
    assert values.position is not None
    assert is_now(values.position.at)
    assert values.state is not None
    assert (values.state.value, is_now(values.state.at)) == ("parked", True)


def test_a_read_costs_its_one_request_also_where_it_is_refused(cloud: RequestHandler) -> None:
    cloud.respond_with_json(told())
    assert cost("skoda", KEY) == 1
    cloud.respond_with_json({}, status=401)
    assert cost("skoda", KEY) == 1


def test_a_car_in_motion_drives_and_has_no_position(cloud: RequestHandler) -> None:
    cloud.respond_with_json(told(parkingPosition={"state": "IN_MOTION"}))
    values = read("skoda", KEY)
    assert values.state is not None
    assert values.state.value == "driving"
    assert values.position is None


def test_that_a_car_drives_now_says_nothing_of_an_odometer_from_yesterday(cloud: RequestHandler) -> None:
    old = {"mileageInKm": 42163, "carCapturedTimestamp": "2026-11-19T18:00:00+01:00"}
    cloud.respond_with_json(told(odometer=old, parkingPosition={"state": "IN_MOTION"}))
    reading = read("skoda", KEY).reading()
    assert reading is not None
    assert (reading.at, reading.driving, reading.lat) == (at("2026-11-19T17:00:00"), False, None)


@pytest.mark.parametrize("parking", [None, {}, {"state": "UNKNOWN"}, {"state": None, "gpsCoordinates": None}])
def test_without_position_and_state_the_odometer_counts(cloud: RequestHandler, parking: Any) -> None:
    cloud.respond_with_json(told(parkingPosition=parking))
    values = read("skoda", KEY)
    assert values.odometer_km is not None
    assert (values.position, values.state) == (None, None)


@pytest.mark.parametrize(
    "odometer",
    [
        None,
        {"mileageInKm": None, "carCapturedTimestamp": "2026-11-20T08:12:31Z"},
        {"mileageInKm": 42163, "carCapturedTimestamp": None},
    ],
)
def test_an_odometer_that_is_missing_or_undated_is_left_out(cloud: RequestHandler, odometer: Any) -> None:
    cloud.respond_with_json(told(odometer=odometer))
    values = read("skoda", KEY)
    assert values.odometer_km is None
    assert position(values) == Position(*PLACE)


def test_a_value_of_which_an_error_is_told_is_none(cloud: RequestHandler) -> None:
    errors = [{"type": f"{what}_UNAVAILABLE", "description": "x"} for what in ("ODOMETER", "PARKING_POSITION")]
    cloud.respond_with_json({**told(), "errors": errors})
    values = read("skoda", KEY)
    assert (values.odometer_km, values.position, values.state) == (None, None, None)


def test_an_error_about_something_else_takes_no_value_away(cloud: RequestHandler) -> None:
    cloud.respond_with_json({**told(), "errors": [{"type": "CHARGING_UNSUPPORTED", "description": "x"}]})
    assert read("skoda", KEY).odometer_km is not None


def test_an_odometer_that_the_driver_switched_off_needs_his_consent(cloud: RequestHandler) -> None:
    cloud.respond_with_json({**told(odometer=None), "errors": [{"type": "ODOMETER_DISABLED", "description": "x"}]})
    failed(ConsentMissing, "skoda", KEY)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, LoginRefused),
        (403, LoginRefused),
        (404, ConsentMissing),
        (500, CarUnavailable),
        (503, CarUnavailable),
        (400, NotUnderstood),
        (302, NotUnderstood),
    ],
)
def test_each_refusal_is_told_for_what_it_is(cloud: RequestHandler, status: int, kind: type[CarUnavailable]) -> None:
    cloud.respond_with_data("never-tell", status, headers={"Location": "/elsewhere"})
    failed(kind, "skoda", KEY)


def test_a_key_is_not_taken_to_where_a_redirect_points(cloud: RequestHandler, httpserver: HTTPServer) -> None:
    cloud.respond_with_data("", 307, headers={"Location": httpserver.url_for("/elsewhere")})
    failed(NotUnderstood, "skoda", KEY)
    assert [request.path for request, _ in httpserver.log] == [f"/api/v1/vehicles/{VIN}"]


@pytest.mark.parametrize("key", ["", "never-tell\nX-Other: 1", "never-tell-€", None, 5])
def test_what_is_no_key_is_refused(cloud: RequestHandler, key: Any, httpserver: HTTPServer) -> None:
    cloud.respond_with_json(told())
    httpserver.expect_request(f"/api/v1/vehicles/{VIN}").respond_with_data("", 401)
    failed(LoginRefused, "skoda", {"api_key": str(key)} if key else {})


@pytest.mark.parametrize(("after", "wait_s"), [("120", 120), ("", 60), ("soon", 60), ("9" * 30, 86400), ("-5", 60)])
def test_too_many_requests_wait_as_long_as_told(cloud: RequestHandler, after: str, wait_s: int) -> None:
    cloud.respond_with_data("", 429, headers={"Retry-After": after})
    assert failed(TooManyRequests, "skoda", KEY).retry_after == timedelta(seconds=wait_s)


def test_a_wait_may_be_told_as_a_date(cloud: RequestHandler) -> None:
    until = datetime.now(UTC) + timedelta(minutes=10)
    cloud.respond_with_data("", 429, headers={"Retry-After": format_datetime(until, usegmt=True)})
    wait = failed(TooManyRequests, "skoda", KEY).retry_after
    assert timedelta(minutes=9) < wait <= timedelta(minutes=10)


@pytest.mark.parametrize(
    "body",
    [
        "<html>never-tell</html>",
        "[]",
        "{}",
        "null",
        '{"vehicle": []}',
        '{"vehicle": {"odometer": {"mileageInKm": {}, "carCapturedTimestamp": "2026-11-20T08:12:31Z"}}}',
        '{"vehicle": {"odometer": {"mileageInKm": 5, "carCapturedTimestamp": "2026-11-20T08:12:31"}}}',
        '{"vehicle": {"odometer": {"mileageInKm": 5, "carCapturedTimestamp": "never-tell"}}}',
        '{"vehicle": {"odometer": {"mileageInKm": 5, "carCapturedTimestamp": 1795161600}}}',
        '{"vehicle": {}, "errors": ["never-tell"]}',
    ],
)
def test_an_answer_of_another_shape_is_not_understood(cloud: RequestHandler, body: str) -> None:
    cloud.respond_with_data(body, content_type="application/json")
    failed(NotUnderstood, "skoda", KEY)


def test_silence_ends_with_the_time_limit(cloud: RequestHandler) -> None:
    with silence(cloud):
        failed(CarUnavailable, "skoda", KEY, timeout_s=0.5)


def test_nobody_there_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKODA_API_URL", "http://127.0.0.1:9")
    failed(CarUnavailable, "skoda", KEY)


def test_a_vin_cannot_lead_elsewhere(httpserver: HTTPServer) -> None:
    httpserver.expect_request(re.compile(".*")).respond_with_data("", 404)
    failed(ConsentMissing, "skoda", KEY, vin="../keys?x=")
    # A request of the test before, which nobody waited for, may come now.
    (request,) = [request for request, _ in httpserver.log if "keys" in request.path]
    assert (request.path, request.query_string) == ("/api/v1/vehicles/../keys?x=", b"")
    assert request.environ["RAW_URI"].startswith("/api/v1/vehicles/..%2Fkeys%3Fx")


def test_an_answer_without_end_is_not_kept_in_memory(cloud: RequestHandler) -> None:
    cloud.respond_with_response(Response((b"x" * 100_000 for _ in range(10_000)), content_type="application/json"))
    failed(CarUnavailable, "skoda", KEY)


def test_a_reading_is_as_coarse_as_its_cloud_tells_it(cloud: RequestHandler) -> None:
    cloud.respond_with_json(told())
    reading = read("skoda", KEY).reading()
    assert reading is not None
    assert reading.resolution_km == PROVIDERS["skoda"].resolution_km == 1.0
