"""Cars of real makes through the whole stack: the poller asks a server that answers as the maker's does."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from shared.domain.car.car import Car
from shared.repositories.accounts import AccountRepository
from tests.system.fixtures import UTRECHT, Driver, Stack, ago

SKODA, OTHER = "TMBJJ7NE1L0000002", "VF1AAAAA000000002"


class Makers:
    """Škoda's and Smartcar's servers: what the cars show, and each refresh token works once."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("").rstrip("/")
        self.km, self.measured_at, self.refreshed = 1000.0, ago(300), 0
        server.expect_request(f"/api/v1/vehicles/{SKODA}", headers={"X-API-Key": "key"}).respond_with_handler(
            self._skoda
        )
        server.expect_request("/token").respond_with_handler(self._token)
        server.expect_request("/v2.0/vehicles").respond_with_json(
            {"vehicles": ["one"], "paging": {"count": 1, "offset": 0}}
        )
        server.expect_request("/v2.0/vehicles/one/vin").respond_with_json({"vin": OTHER})
        server.expect_request("/v2.0/vehicles/one/batch").respond_with_handler(self._batch)

    def settings(self) -> dict[str, str]:
        return {
            "SKODA_API_URL": self.url,
            "SMARTCAR_API_ORIGIN": self.url,
            "SMARTCAR_AUTH_ORIGIN": f"{self.url}/token",
            "SMARTCAR_CLIENT_ID": "application",
            "SMARTCAR_CLIENT_SECRET": "secret",
        }

    def _skoda(self, _: Request) -> Response:
        odometer = {"mileageInKm": self.km, "carCapturedTimestamp": self.measured_at.isoformat()}
        return answer({"vehicle": {"odometer": odometer, "parkingPosition": {"state": "PARKED"}}, "errors": []})

    def _token(self, request: Request) -> Response:
        if request.form["refresh_token"] != f"refresh-{self.refreshed}":
            return answer({"error": "invalid_grant", "error_description": "used"}, 400)
        self.refreshed += 1
        # It lives so shortly that each read needs a new one.
        new = {"access_token": "a", "refresh_token": f"refresh-{self.refreshed}", "expires_in": 30}
        return answer({**new, "token_type": "Bearer"})

    def _batch(self, _: Request) -> Response:
        headers = {"sc-unit-system": "metric", "sc-data-age": self.measured_at.isoformat()}
        odometer = {"path": "/odometer", "code": 200, "headers": headers, "body": {"distance": self.km}}
        location = {"path": "/location", "code": 403, "headers": {}, "body": {"type": "PERMISSION", "statusCode": 403}}
        return answer({"responses": [odometer, location]})


def answer(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")


def with_car(stack: Stack, provider: str, vin: str, credentials: dict[str, Any]) -> Driver:
    driver = stack.driver(car=False)
    driver.store.cars.save(Car(id="car", provider=provider, vin=vin), credentials)
    driver.account = replace(driver.account, default_car_id="car")
    AccountRepository(stack.db).save(driver.account)
    return driver


def test_a_drive_gets_the_odometer_that_the_maker_tells(
    start_stack: Callable[..., Stack], httpserver: HTTPServer
) -> None:
    makers = Makers(httpserver)
    stack = start_stack(**makers.settings())
    drivers = [
        with_car(stack, "skoda", SKODA, {"api_key": "key"}),
        with_car(stack, "smartcar", OTHER, {"refresh_token": "refresh-0"}),
    ]
    for driver in drivers:
        driver.phone("start", ago(20), UTRECHT)
        driver.wait_read(1000.0)
        driver.phone("end", ago(1), (51.9582, 5.1203))
    makers.km, makers.measured_at = 1022.0, datetime.now(UTC) - timedelta(seconds=20)
    for driver in drivers:
        (trip,) = driver.wait_trips(1)
        assert (trip["start_odometer_km"], trip["end_odometer_km"], trip["distance_km"]) == (1000.0, 1022.0, 22.0)
        assert trip["distance_source"] == "odometer"
    assert makers.refreshed >= 2
    log = (stack.data / "logs" / "functions.log").read_text()
    assert "car not read" not in log
