"""Cars of many makes through Smartcar, which the operator subscribes to: odometer, and position where it is sold."""

import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TypeVar

import requests
import smartcar
import smartcar.helpers

from shared.cars.answers import in_km, instant, odometer_km, position, refusal, retry_after, understood
from shared.cars.cost import sends
from shared.cars.provider import (
    CarUnavailable,
    ConsentMissing,
    LoginRefused,
    NotUnderstood,
    ProviderBroken,
    TooManyRequests,
)
from shared.domain.car.car import CarValues
from shared.wire import fetched

T = TypeVar("T")
METRIC = "metric"  # what is asked for; not every car is told so
EARLY_S = 60.0
# What the driver has to put right at the maker's or at Smartcar's, by the kinds of Smartcar's errors.
FOR_THE_DRIVER = {"PERMISSION", "CONNECTED_SERVICES_ACCOUNT", "VEHICLE_STATE:REMOTE_ACCESS_DISABLED"}
NOT_CAPABLE = {"VEHICLE_NOT_CAPABLE", "COMPATIBILITY"}
PARTS = ["/odometer", "/location"]


class _Read:
    """The read that a thread is at: when it must end (monotonic seconds), and what was answered last."""

    def __init__(self, timeout_s: float) -> None:
        self.ends_at = time.monotonic() + timeout_s
        self.answer: requests.Response | None = None


_reading: ContextVar[_Read] = ContextVar("_reading")


class _Transport:
    """What the SDK knows as `requests`: its calls end with the read, where the SDK would give each of them 310 s.

    It keeps the answer, too, for the SDK's errors do not always tell its status.
    """

    def request(self, method: str, url: str, **more: Any) -> requests.Response:
        read = _reading.get()
        read.answer = None
        left_s = read.ends_at - time.monotonic()
        if left_s <= 0:
            raise requests.Timeout
        more.pop("timeout")  # the SDK's own
        read.answer = fetched(method, url, left_s, **more)
        return read.answer


smartcar.helpers.requests = _Transport()


class Provider:
    """Reads a car with the driver's consent: `{"refresh_token": …}`, had for the code of Smartcar's consent page.

    The application's keys are the operator's: SMARTCAR_CLIENT_ID and SMARTCAR_CLIENT_SECRET. Each refresh gives a new
    refresh token and ends the former one, so the newest is kept in `tokens`, also where the read fails afterwards.
    """

    def read(self, vin: str, credentials: dict[str, Any], tokens: dict[str, Any], timeout_s: float) -> CarValues:
        """Odometer and position, each as old as Smartcar says that it is; one without an age is left out. No state.

        Raises CarUnavailable or one of its kinds: ProviderBroken where the application's keys are missing or wrong.
        """
        reset = _reading.set(_Read(timeout_s))
        try:
            return _read(vin, credentials, tokens)
        finally:
            _reading.reset(reset)


def _read(vin: str, credentials: dict[str, Any], tokens: dict[str, Any]) -> CarValues:
    # A plan counts what is asked of a car, each part of a batch by itself. Tokens and the list of cars cost nothing.
    sends(0)
    is_new = tokens.get("expires_at", 0) - EARLY_S < time.time()
    if is_new:
        _refresh(credentials, tokens)
    try:
        return _values(vin, tokens)
    except LoginRefused:
        if is_new:
            raise
    _refresh(credentials, tokens)
    return _values(vin, tokens)


def _refresh(credentials: dict[str, Any], tokens: dict[str, Any]) -> None:
    try:
        application = smartcar.AuthClient()
    except Exception:  # noqa: BLE001 - it is of no other kind
        raise ProviderBroken("SMARTCAR_CLIENT_ID and SMARTCAR_CLIENT_SECRET are not set") from None
    former = tokens.get("refresh_token") or credentials.get("refresh_token")
    with understood():
        try:
            access = application.exchange_refresh_token(former)
        except smartcar.SmartcarException as error:
            raise _not_refreshed(error) from None
        tokens["refresh_token"] = access.refresh_token or former
        tokens["expires_at"] = time.time() + float(access.expires_in)
        tokens["access_token"] = access.access_token


def _not_refreshed(error: Exception) -> CarUnavailable:
    answer = _reading.get().answer
    if answer is None or answer.status_code not in (400, 401):
        return _failed(error)
    # The SDK forgets the kind where no words come with it.
    kind = answer.json().get("error")
    if kind == "invalid_grant":
        return LoginRefused("the consent has ended")
    if kind == "invalid_client" or answer.status_code == 401:
        return ProviderBroken("Smartcar refuses the application's keys")
    return NotUnderstood(f"the refresh was refused: status {answer.status_code}")


def _values(vin: str, tokens: dict[str, Any]) -> CarValues:
    vehicle = _vehicle(_vehicle_id(vin, tokens), tokens)
    sends(len(PARTS))
    parts = _answered(lambda: vehicle.batch(PARTS))
    with understood():
        odometer, location = _odometer(parts), _location(parts)
        unit = getattr(odometer and odometer.meta, "unit_system", METRIC)
        return CarValues(
            odometer_km=odometer_km(odometer.distance, _measured_at(odometer), unit) if odometer else None,
            position=position(location.latitude, location.longitude, _measured_at(location)) if location else None,
            resolution_km=in_km(1, unit),
        )


def _vehicle(vehicle_id: str, tokens: dict[str, Any]) -> Any:
    return smartcar.Vehicle(vehicle_id, tokens["access_token"], {"unit_system": METRIC})


def _vehicle_id(vin: str, tokens: dict[str, Any]) -> str:
    """Smartcar's own id of the car, which is looked up once: the only car of the consent, or the one with the VIN."""
    if tokens.get("vin") != vin or "vehicle_id" not in tokens:
        found: list[str] = _answered(lambda: smartcar.get_vehicles(tokens["access_token"])).vehicles
        if vin:
            sends(len(found))
            found = [one for one in found if _answered(_vehicle(one, tokens).vin).vin.upper() == vin.upper()]
        if len(found) != 1:
            raise ConsentMissing(f"the consent is for {len(found)} cars of this VIN")
        tokens |= {"vin": vin, "vehicle_id": found[0]}
    return str(tokens["vehicle_id"])


def _odometer(parts: Any) -> Any:
    try:
        return parts.odometer()
    except smartcar.SmartcarException as error:
        if getattr(error, "type", None) in NOT_CAPABLE:
            return None
        raise _refused(error, _status(error), {"Retry-After": str(getattr(error, "retry_after", ""))}) from None


def _location(parts: Any) -> Any:
    # Many cars and consents are without it, and the odometer is what counts.
    try:
        return parts.location()
    except (smartcar.SmartcarException, AttributeError):
        return None


def _measured_at(part: Any) -> datetime | None:
    age = getattr(part and part.meta, "data_age", None)
    return instant(age) if age else None


def _answered(call: Callable[[], T]) -> T:
    with understood():
        try:
            return call()
        except smartcar.SmartcarException as error:
            raise _failed(error) from None


def _failed(error: Exception) -> CarUnavailable:
    answer = _reading.get().answer
    if answer is None:
        return CarUnavailable(f"no answer: {type(error.__cause__).__name__}")
    return _refused(error, answer.status_code, answer.headers)


def _refused(error: Exception, status: int, headers: Any) -> CarUnavailable:
    kind = getattr(error, "type", None)
    if FOR_THE_DRIVER & {kind, f"{kind}:{getattr(error, 'code', None)}"} or status in (403, 404):
        return ConsentMissing(f"Smartcar may not read this car: status {status}")
    if status in (429, 430):
        return TooManyRequests("too many requests", retry_after(headers, datetime.now(UTC)))
    if status == 409:
        return CarUnavailable("the car cannot be reached")
    return refusal(status, headers)


def _status(error: Exception) -> int:
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else 500
