"""Simulated cars: one whose cloud is a server of ours, for local use and tests, and one that needs no server at all."""

import os
from datetime import timedelta
from typing import Any

import requests

from shared.cars.answers import instant, odometer_km, position, understood
from shared.cars.cost import sends
from shared.cars.provider import CarUnavailable, LoginRefused, NotUnderstood, TooManyRequests
from shared.domain.car.car import CarValues, Measured
from shared.wire import fetched


class Provider:
    """Reads a car from the server at CAR_CLOUD_URL, or from its own credentials where they hold what it says."""

    def read(self, vin: str, credentials: dict[str, Any], tokens: dict[str, Any], timeout_s: float) -> CarValues:
        """The car's odometer, position and state as it measured them. Raises CarUnavailable or LoginRefused.

        `{"token": …}` is shown to the server; `{"says": {…}}` is the answer itself, so that a deployed system can be
        tried without a car cloud that it could reach.
        """
        says = credentials.get("says")
        body = says or self._fetched(vin, credentials, timeout_s)
        with understood():
            return _values(body)

    def _fetched(self, vin: str, credentials: dict[str, Any], timeout_s: float) -> Any:
        url = f"{os.environ.get('CAR_CLOUD_URL', 'http://127.0.0.1:8090')}/v1/cars/{vin}"
        headers = {"Authorization": f"Bearer {credentials.get('token', '')}"}
        sends()
        try:
            response = fetched("GET", url, timeout_s, headers=headers)
        except requests.RequestException as error:
            raise CarUnavailable(f"no answer: {type(error).__name__}") from error
        _refuse(response)
        try:
            return response.json()
        except ValueError as error:
            raise NotUnderstood("an answer that cannot be understood") from error


def _refuse(response: requests.Response) -> None:
    if response.status_code in (401, 403):
        raise LoginRefused("the credentials are refused")
    if response.status_code == 429:
        after = response.headers.get("Retry-After", "")
        raise TooManyRequests("too many requests", timedelta(seconds=int(after) if after.isdigit() else 60))
    if response.status_code != 200:
        raise CarUnavailable(f"status {response.status_code}")


def _values(body: dict[str, Any]) -> CarValues:
    at, state = instant(body["measured_at"]), body.get("state")
    return CarValues(
        odometer_km=odometer_km(body.get("odometer_km"), at),
        position=position(body.get("lat"), body.get("lng"), at),
        state=Measured(state, at) if state in ("driving", "parked") else None,
    )
