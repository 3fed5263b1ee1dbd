"""Smartcar: its own SDK against a server that answers as Smartcar does."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest
import smartcar.config
from pytest_httpserver import HTTPServer, RequestHandler
from werkzeug import Request, Response

from shared.cars.provider import (
    PROVIDERS,
    CarUnavailable,
    ConsentMissing,
    LoginRefused,
    NotUnderstood,
    ProviderBroken,
    TooManyRequests,
)
from shared.domain.place.geo import Position
from tests.cars.local import PLACE, VIN, at, cost, failed, position, read, silence

CONSENT = {"refresh_token": "first-refresh"}
AGE = "2026-11-20T08:12:31.078Z"


class Cloud:
    """Smartcar: gives tokens one after the other, and knows one car; what it answers can be changed."""

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.refreshed = 0
        self.refused: set[str] = set()
        self.vins = {"car-1": VIN}
        self.odometer = part("/odometer", {"distance": 42163.7})
        self.location = part("/location", {"latitude": PLACE[0], "longitude": PLACE[1]})
        server.expect_request("/token", method="POST").respond_with_handler(self._token)
        server.expect_request("/v2.0/vehicles").respond_with_handler(self._vehicles)
        for vehicle in ("car-1", "car-2"):
            base = f"/v2.0/vehicles/{vehicle}"
            server.expect_request(f"{base}/vin").respond_with_handler(self._vin)
            server.expect_request(f"{base}/batch", method="POST").respond_with_handler(self._batch)

    def first(self, path: str) -> RequestHandler:
        """The next answer to a path, before the usual ones."""
        return self.server.expect_oneshot_request(path)

    def asked(self) -> list[str]:
        """The paths asked for, in order."""
        return [request.path.rsplit("/", 1)[1] for request, _ in self.server.log]

    def _token(self, request: Request) -> Response:
        expected = f"refresh-{self.refreshed}" if self.refreshed else CONSENT["refresh_token"]
        if request.authorization is None or request.authorization.password != "application-secret":
            return answer({"error": "invalid_client", "error_description": "never-tell"}, 401)
        if request.form["refresh_token"] != expected:
            return answer({"error": "invalid_grant", "error_description": "never-tell"}, 400)
        self.refreshed += 1
        tokens = {"access_token": f"access-{self.refreshed}", "refresh_token": f"refresh-{self.refreshed}"}
        return answer({**tokens, "token_type": "Bearer", "expires_in": 7200})

    def _vehicles(self, request: Request) -> Response:
        ids = list(self.vins)
        return self._known(request) or answer({"vehicles": ids, "paging": {"count": len(ids), "offset": 0}})

    def _vin(self, request: Request) -> Response:
        return self._known(request) or answer({"vin": self.vins[request.path.split("/")[3]]})

    def _batch(self, request: Request) -> Response:
        assert request.headers["sc-unit-system"] == "metric"
        return self._known(request) or answer({"responses": [self.odometer, self.location]})

    def _known(self, request: Request) -> Response | None:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        return error("AUTHENTICATION", None, 401) if token in self.refused else None


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    return Response(json.dumps(body), status, {"Content-Type": "application/json", **headers})


def error(kind: str, code: str | None, status: int, **headers: str) -> Response:
    return answer(fault(kind, code, status), status, **headers)


def fault(kind: str, code: str | None, status: int) -> dict[str, Any]:
    return {
        "type": kind,
        "code": code,
        "description": "never-tell",
        "docURL": "https://example.com",
        "statusCode": status,
        "requestId": "r",
        "resolution": {"type": None},
    }


def part(path: str, body: Any, age: str | None = AGE, unit: str = "metric", code: int = 200) -> dict[str, Any]:
    headers = {"sc-unit-system": unit, **({"sc-data-age": age} if age else {})}
    return {"path": path, "code": code, "headers": headers, "body": body}


def fresh() -> dict[str, Any]:
    return {
        "access_token": "access-0",
        "refresh_token": "first-refresh",
        "expires_at": time.time() + 3600,
        "vin": VIN,
        "vehicle_id": "car-1",
    }


@pytest.fixture
def cloud(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    monkeypatch.setattr(smartcar.config, "API_ORIGIN", httpserver.url_for("").rstrip("/"))
    monkeypatch.setattr(smartcar.config, "AUTH_ORIGIN", httpserver.url_for("/token"))
    monkeypatch.setenv("SMARTCAR_CLIENT_ID", "application")
    monkeypatch.setenv("SMARTCAR_CLIENT_SECRET", "application-secret")
    return Cloud(httpserver)


def test_the_first_read_takes_the_consent_and_finds_the_car(cloud: Cloud) -> None:
    tokens: dict[str, Any] = {}
    values = read("smartcar", CONSENT, tokens)
    assert values.odometer_km is not None
    assert values.odometer_km.value == 42163.7
    assert position(values) == Position(*PLACE)
    assert values.state is None
    assert cloud.asked() == ["token", "vehicles", "vin", "batch"]
    assert (tokens["access_token"], tokens["refresh_token"]) == ("access-1", "refresh-1")
    assert tokens["vehicle_id"] == "car-1"
    assert 7100 < tokens["expires_at"] - time.time() <= 7200


def test_a_later_read_is_one_request(cloud: Cloud) -> None:
    tokens: dict[str, Any] = {}
    read("smartcar", CONSENT, tokens)
    cloud.server.clear_log()
    read("smartcar", CONSENT, tokens)
    assert cloud.asked() == ["batch"]


def test_a_read_costs_what_a_plan_counts(cloud: Cloud) -> None:
    tokens: dict[str, Any] = {}
    # The VIN, odometer and position: tokens and the list of cars are no requests to a car.
    assert cost("smartcar", CONSENT, tokens) == 3 == PROVIDERS["smartcar"].budget.a_read
    assert cost("smartcar", CONSENT, tokens) == 2
    cloud.odometer = part("/odometer", fault("RATE_LIMIT", None, 429), code=429)
    assert cost("smartcar", CONSENT, tokens) == 2


def test_a_consent_that_has_ended_costs_no_request_to_the_car(cloud: Cloud) -> None:
    assert cost("smartcar", {"refresh_token": "another"}) == 0


def test_each_value_is_as_old_as_smartcar_says(cloud: Cloud) -> None:
    cloud.odometer = part("/odometer", {"distance": 5}, age="2026-11-18T07:00:00Z")
    values = read("smartcar", CONSENT, fresh())
    assert values.odometer_km is not None
    assert values.position is not None
    assert values.odometer_km.at == at("2026-11-18T07:00:00")
    assert values.position.at == at("2026-11-20T08:12:31.078")


def test_a_value_without_an_age_is_left_out(cloud: Cloud) -> None:
    cloud.odometer = part("/odometer", {"distance": 5}, age=None)
    cloud.location = {**part("/location", cloud.location["body"]), "headers": {}}
    values = read("smartcar", CONSENT, fresh())
    assert (values.odometer_km, values.position) == (None, None)


def test_miles_become_kilometres(cloud: Cloud) -> None:
    cloud.odometer = part("/odometer", {"distance": 1000}, unit="imperial")
    values = read("smartcar", CONSENT, fresh())
    assert values.odometer_km is not None
    assert values.odometer_km.value == pytest.approx(1609.344)


@pytest.mark.parametrize(
    "location",
    [
        part("/location", fault("PERMISSION", None, 403), code=403),
        part("/location", fault("UPSTREAM", "RATE_LIMIT", 429), code=429),
        part("/location", {"latitude": None, "longitude": None}),
    ],
)
def test_without_a_position_the_odometer_counts(cloud: Cloud, location: Any) -> None:
    cloud.location = location
    values = read("smartcar", CONSENT, fresh())
    assert values.odometer_km is not None
    assert values.position is None


@pytest.mark.parametrize(
    "odometer",
    [part("/odometer", {"distance": None}), part("/odometer", fault("VEHICLE_NOT_CAPABLE", None, 501), code=501)],
)
def test_without_an_odometer_the_position_counts(cloud: Cloud, odometer: Any) -> None:
    cloud.odometer = odometer
    values = read("smartcar", CONSENT, fresh())
    assert values.odometer_km is None
    assert position(values) == Position(*PLACE)


@pytest.mark.parametrize(
    ("kind", "code", "status", "raised"),
    [
        ("PERMISSION", None, 403, ConsentMissing),
        ("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", 400, ConsentMissing),
        ("VEHICLE_STATE", "REMOTE_ACCESS_DISABLED", 409, ConsentMissing),
        ("VEHICLE_STATE", "UNREACHABLE", 409, CarUnavailable),
        ("UPSTREAM", "RATE_LIMIT", 429, TooManyRequests),
        ("BILLING", "VEHICLE_REQUEST_LIMIT", 430, TooManyRequests),
        ("UPSTREAM", "NO_RESPONSE", 502, CarUnavailable),
        ("SERVER", "INTERNAL", 500, CarUnavailable),
        ("RESOURCE_NOT_FOUND", "VERSION", 404, ConsentMissing),
        ("VALIDATION", "PARAMETER", 400, NotUnderstood),
    ],
)
@pytest.mark.parametrize("whole", [True, False])
def test_each_refusal_is_told_for_what_it_is(
    cloud: Cloud, kind: str, code: str | None, status: int, raised: type[CarUnavailable], whole: bool
) -> None:
    if whole:
        cloud.first("/v2.0/vehicles/car-1/batch").respond_with_response(error(kind, code, status))
    cloud.odometer = part("/odometer", fault(kind, code, status), code=status)
    failed(raised, "smartcar", CONSENT, fresh())


@pytest.mark.parametrize("whole", [True, False])
def test_too_many_requests_wait_as_long_as_told(cloud: Cloud, whole: bool) -> None:
    refusal = error("RATE_LIMIT", "VEHICLE", 429, **{"Retry-After": "240"})
    if whole:
        cloud.first("/v2.0/vehicles/car-1/batch").respond_with_response(refusal)
    cloud.odometer = {
        **part("/odometer", fault("RATE_LIMIT", "VEHICLE", 429), code=429),
        "headers": {"Retry-After": "240"},
    }
    assert failed(TooManyRequests, "smartcar", CONSENT, fresh()).retry_after == timedelta(seconds=240)


@pytest.mark.parametrize("content_type", ["text/html", "application/json"])
def test_a_gateway_that_is_out_of_order_is_no_answer(cloud: Cloud, content_type: str) -> None:
    batch = cloud.first("/v2.0/vehicles/car-1/batch")
    batch.respond_with_data("<html>never-tell</html>", 502, content_type=content_type)
    failed(CarUnavailable, "smartcar", CONSENT, fresh())


def test_an_access_that_is_old_is_refreshed_with_the_newest_refresh_token(cloud: Cloud) -> None:
    tokens: dict[str, Any] = {}
    read("smartcar", CONSENT, tokens)
    tokens["expires_at"] = time.time() + 30
    read("smartcar", CONSENT, tokens)
    assert (tokens["access_token"], tokens["refresh_token"]) == ("access-2", "refresh-2")


def test_an_access_that_is_refused_too_early_is_refreshed_once(cloud: Cloud) -> None:
    cloud.refused = {"access-0"}
    tokens = fresh()
    assert read("smartcar", CONSENT, tokens).odometer_km is not None
    assert tokens["refresh_token"] == "refresh-1"
    assert cloud.asked() == ["batch", "token", "batch"]


def test_an_access_that_is_refused_also_when_new_is_a_refused_login(cloud: Cloud) -> None:
    cloud.refused = {"access-0", "access-1"}
    failed(LoginRefused, "smartcar", CONSENT, fresh())
    assert cloud.asked() == ["batch", "token", "batch"]


def test_a_new_refresh_token_is_handed_back_also_when_the_read_fails_after_it(cloud: Cloud) -> None:
    cloud.first("/v2.0/vehicles/car-1/batch").respond_with_data("", 503)
    tokens: dict[str, Any] = {}
    failed(CarUnavailable, "smartcar", CONSENT, tokens)
    assert tokens["refresh_token"] == "refresh-1"
    assert read("smartcar", CONSENT, tokens).odometer_km is not None
    assert cloud.refreshed == 1


def test_a_refresh_that_gives_no_new_refresh_token_leaves_the_former(cloud: Cloud) -> None:
    cloud.first("/token").respond_with_json({"access_token": "a", "token_type": "Bearer", "expires_in": 7200})
    tokens: dict[str, Any] = {}
    read("smartcar", CONSENT, tokens)
    assert tokens["refresh_token"] == CONSENT["refresh_token"]


@pytest.mark.parametrize("described", [{"error_description": "never-tell"}, {}])
def test_a_consent_that_has_ended_is_a_refused_login(cloud: Cloud, described: dict[str, str]) -> None:
    cloud.first("/token").respond_with_json({"error": "invalid_grant", **described}, status=400)
    failed(LoginRefused, "smartcar", CONSENT)


def test_application_keys_that_are_wrong_are_not_the_drivers_fault(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMARTCAR_CLIENT_SECRET", "never-tell")
    failed(ProviderBroken, "smartcar", CONSENT)


def test_without_application_keys_the_provider_is_broken(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SMARTCAR_CLIENT_ID")
    failed(ProviderBroken, "smartcar", CONSENT)
    assert cloud.asked() == []


@pytest.mark.parametrize(("status", "kind"), [(503, CarUnavailable), (429, TooManyRequests), (400, NotUnderstood)])
def test_a_refresh_that_fails_otherwise_refuses_no_login(cloud: Cloud, status: int, kind: type[CarUnavailable]) -> None:
    cloud.first("/token").respond_with_json({"error": "other", "error_description": "never-tell"}, status=status)
    failed(kind, "smartcar", CONSENT)


def test_of_several_cars_the_one_with_the_vin_is_read(cloud: Cloud) -> None:
    cloud.vins = {"car-1": "WVWZZZ1JZ3W000002", "car-2": VIN.lower()}
    tokens: dict[str, Any] = {}
    read("smartcar", CONSENT, tokens)
    assert tokens["vehicle_id"] == "car-2"


def test_a_car_that_the_consent_is_not_for_is_not_read(cloud: Cloud) -> None:
    cloud.vins = {"car-1": "WVWZZZ1JZ3W000002"}
    failed(ConsentMissing, "smartcar", CONSENT)


def test_the_id_of_a_former_vin_is_not_used(cloud: Cloud) -> None:
    tokens = {**fresh(), "vin": "WVWZZZ1JZ3W000002", "vehicle_id": "car-2"}
    read("smartcar", CONSENT, tokens)
    assert tokens["vehicle_id"] == "car-1"


@pytest.mark.parametrize(("vins", "works"), [(["car-1"], True), (["car-1", "car-2"], False)])
def test_without_a_vin_the_only_car_of_the_consent_is_read(cloud: Cloud, vins: list[str], works: bool) -> None:
    cloud.vins = dict.fromkeys(vins, VIN)
    if works:
        assert read("smartcar", CONSENT, vin="").odometer_km is not None
    else:
        failed(ConsentMissing, "smartcar", CONSENT, vin="")


@pytest.mark.parametrize(
    "body",
    ["<html>never-tell</html>", "[]", "{}", '{"responses": []}', '{"responses": [{"path": "/odometer"}]}'],
)
def test_an_answer_of_another_shape_is_not_understood(cloud: Cloud, body: str) -> None:
    cloud.first("/v2.0/vehicles/car-1/batch").respond_with_data(body, content_type="application/json")
    failed(NotUnderstood, "smartcar", CONSENT, fresh())


@pytest.mark.parametrize("odometer", [part("/odometer", {}), part("/odometer", {"distance": "never-tell"}, age="x")])
def test_an_odometer_of_another_shape_is_not_understood(cloud: Cloud, odometer: Any) -> None:
    cloud.odometer = odometer
    failed(NotUnderstood, "smartcar", CONSENT, fresh())


@pytest.mark.parametrize("path", ["/token", "/v2.0/vehicles/car-1/batch"])
def test_silence_ends_with_the_time_limit(cloud: Cloud, path: str) -> None:
    tokens = {} if path == "/token" else fresh()
    with silence(cloud.first(path)):
        failed(CarUnavailable, "smartcar", CONSENT, tokens, timeout_s=0.5)


def test_nobody_there_is_no_answer(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smartcar.config, "API_ORIGIN", "http://127.0.0.1:9")
    failed(CarUnavailable, "smartcar", CONSENT, fresh())


@pytest.mark.parametrize("path", ["/token", "/v2.0/vehicles/car-1/batch"])
def test_an_answer_without_end_is_not_kept_in_memory(cloud: Cloud, path: str) -> None:
    endless = Response((b"x" * 100_000 for _ in range(10_000)), content_type="application/json")
    cloud.first(path).respond_with_response(endless)
    failed(CarUnavailable, "smartcar", CONSENT, {} if path == "/token" else fresh())


def test_a_reading_is_as_coarse_as_its_cloud_tells_it(cloud: Cloud) -> None:
    reading = read("smartcar", CONSENT, fresh()).reading()
    assert reading is not None
    assert reading.resolution_km == PROVIDERS["smartcar"].resolution_km == 1.0


@pytest.mark.parametrize("unit", ["nautical", "0"])
def test_a_unit_that_is_not_known_is_not_understood(cloud: Cloud, unit: str) -> None:
    cloud.odometer = part("/odometer", {"distance": 10000}, unit=unit)
    failed(NotUnderstood, "smartcar", CONSENT, fresh())
