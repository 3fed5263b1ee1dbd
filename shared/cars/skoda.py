"""Škoda cars, by the maker's public API: odometer, position and whether the car drives. One request a read."""

import os
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import requests

from shared.cars.answers import instant, odometer_km, position, refusal, understood
from shared.cars.cost import sends
from shared.cars.provider import CarUnavailable, ConsentMissing, LoginRefused
from shared.domain.car.car import CarState, CarValues, Measured
from shared.wire import fetched

API_URL = "https://public.api.connect.skoda-auto.cz"
STATES: dict[str, CarState] = {"PARKED": "parked", "IN_MOTION": "driving"}


class Provider:
    """Reads a car with the key that its driver made in the MyŠkoda app: `{"api_key": …}`. It needs the VIN."""

    def read(self, vin: str, credentials: dict[str, Any], tokens: dict[str, Any], timeout_s: float) -> CarValues:
        """The odometer with the car's own time; position and state as of the answer, for they come without a time.

        SKODA_API_URL names another server. Raises CarUnavailable or one of its kinds: ConsentMissing where the key is
        not for this car, or where the driver has switched the odometer off.
        """
        response = _asked(vin, credentials, timeout_s)
        if response.status_code == 404:
            raise ConsentMissing("the key does not open this car")
        if response.status_code != 200:
            raise refusal(response.status_code, response.headers)
        with understood():
            return _values(response.json(), datetime.now(UTC))


def _asked(vin: str, credentials: dict[str, Any], timeout_s: float) -> requests.Response:
    key = str(credentials.get("api_key", "")).strip()
    # What no header can hold is no key, and an error about it would show it.
    if not (key.isascii() and key.isprintable()):
        raise LoginRefused("the key is none")
    url = f"{os.environ.get('SKODA_API_URL', API_URL)}/api/v1/vehicles/{quote(vin, safe='')}"
    headers = {"X-API-Key": key, "Accept": "application/json"}
    sends()
    try:
        return fetched("GET", url, timeout_s, headers=headers)
    except requests.RequestException as error:
        raise CarUnavailable(f"no answer: {type(error).__name__}") from None


def _values(body: Any, now: datetime) -> CarValues:
    # A value of which an error is told is none, whatever stands in its place.
    errors = [error["type"] for error in body.get("errors") or ()]
    if "ODOMETER_DISABLED" in errors:
        raise ConsentMissing("the driver has switched the odometer off")
    odometer = _part(body, "odometer", errors, "ODOMETER_")
    parking = _part(body, "parkingPosition", errors, "PARKING_POSITION_")
    measured_at = odometer.get("carCapturedTimestamp")
    place = parking.get("gpsCoordinates") or {}
    state = STATES.get(parking.get("state"))
    return CarValues(
        odometer_km=odometer_km(odometer.get("mileageInKm"), instant(measured_at) if measured_at else None),
        position=position(place.get("latitude"), place.get("longitude"), now),
        state=Measured(state, now) if state else None,
    )


def _part(body: Any, name: str, errors: list[str], failing: str) -> Any:
    return {} if any(error.startswith(failing) for error in errors) else body["vehicle"].get(name) or {}
