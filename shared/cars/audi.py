"""Audi by the cloud of the myAudi app. Experimental: the maker closed it to new logins.

Tokens from before still open it. `{"username", "password"}`, and: `refresh_token`, one that was got elsewhere;
`allow_login`, whether the password may be tried at all.
"""

from datetime import UTC, datetime
from typing import Any

import requests
from carconnectivity.connectors import Connectors
from carconnectivity.errors import AuthenticationError, CarConnectivityError, RetrievalError
from carconnectivity.garage import Garage
from carconnectivity.interfaces import ICarConnectivity
from carconnectivity.objects import GenericObject
from carconnectivity.vehicle import GenericVehicle
from carconnectivity_connectors.audi import connector as library
from carconnectivity_connectors.audi.auth.session_manager import SessionManager, SessionUser
from carconnectivity_connectors.audi.auth.we_connect_session_audi import WeConnectSession
from oauthlib.oauth2 import OAuth2Error

from shared.cars.answers import odometer_km
from shared.cars.carconnectivity import WAIT, Wire, known_vin
from shared.cars.provider import (
    CarUnavailable,
    CarUnknown,
    ConsentMissing,
    LoginClosed,
    LoginRefused,
    NotUnderstood,
    TooManyRequests,
)
from shared.domain.car.car import CarValues, Measured
from shared.domain.place.geo import Position

HOSTS = ("emea.bff.cariad.digital", "identity.vwgroup.io")
# Of what a car offers, what is asked: each more makes the answer larger, and one that changed spoils all of it.
ASKED = ("measurements", "readiness", "parkingPosition")
# No levels below critical: the library puts its answers into the lines above it. No thread, no cache.
CONFIG = {
    "username": "",
    "password": "",
    "log_level": "CRITICAL",
    "api_log_level": "CRITICAL",
    "max_age": 0,
    "online_timeout": 0,
}
CHANGED = (CarConnectivityError, OAuth2Error, requests.RequestException, LookupError, TypeError, ValueError)


class Provider:
    """Reads an Audi: odometer, where it is parked, and that it is."""

    def read(self, vin: str, credentials: dict[str, Any], tokens: dict[str, Any], timeout_s: float) -> CarValues:
        """The car's values, each with the time of its measuring. Raises CarUnavailable or one of its kinds."""
        vin = known_vin(vin)
        session = _Session(credentials, tokens, timeout_s)
        try:
            return _values(_fetched(session, vin))
        except (CarUnavailable, *CHANGED) as error:
            # Not chained: the library's texts hold addresses of pages and of people.
            raise _meaning(error) from None
        finally:
            session.hand_back(tokens)
            session.websession.close()
            session.close()


class _Session(WeConnectSession):
    """The library's session. It renews its tokens when they are over, and takes the password only where it may.

    The library's own takes the password whenever renewing fails, also where the cloud is only down for a moment.
    """

    def __init__(self, credentials: dict[str, Any], tokens: dict[str, Any], timeout_s: float) -> None:
        user = SessionUser(credentials.get("username", ""), credentials.get("password", ""))
        given = {name: credentials[name] for name in ("refresh_token",) if credentials.get(name)}
        super().__init__(user, token=dict(tokens.get("token") or given))
        self._may_log_in = str(credentials.get("allow_login", "")).lower() in ("true", "yes", "1")
        self._renewed = self._logged_in = False
        self._failure: CarUnavailable | None = None
        self.hooks["response"].append(_want_consent)
        wire = Wire(HOSTS, timeout_s)
        for session in (self, self.websession):
            session.mount("https://", wire)
            session.mount("http://", wire)

    @property
    def retries(self) -> bool:
        """Whether a request is tried again: never. The library sets 3, and with that a wire of its own."""
        return False

    @retries.setter
    def retries(self, _: Any) -> None: ...

    def refresh(self) -> None:
        """Renews the tokens if they are over; the library calls it each time that it starts."""
        if not self.authorized or self.expired:
            self.login()

    def login(self) -> None:
        """Gets tokens: by renewing, else by the password. What failed once is not tried again in the same read."""
        if self._failure:
            raise self._failure
        try:
            self._open()
        except (CarUnavailable, *CHANGED) as error:
            self._failure = _meaning(error)
            raise self._failure from None

    def _open(self) -> None:
        if self.refresh_token and not self._renewed:
            self._renewed = True
            try:
                self._renew()
                return
            except LoginRefused:
                pass
        if not self._may_log_in:
            raise LoginClosed("there are no tokens that are taken, and the password may not be tried")
        if self._logged_in:
            raise LoginRefused("the tokens of a new login are not taken")
        self._logged_in = True
        self._log_in()

    def _renew(self) -> None:
        try:
            self._refresh_with_refresh_token()
        except requests.HTTPError:
            raise LoginClosed("the refresh token is refused") from None

    def _log_in(self) -> None:
        try:
            super().login()
        except AuthenticationError as error:
            raise _refusal(error) from None

    def hand_back(self, tokens: dict[str, Any]) -> None:
        """Puts what opens the cloud next time into `tokens`; an unfinished login leaves nothing that would."""
        if self.token and self.refresh_token:
            tokens["token"] = dict(self.token)


class _Sessions(SessionManager):
    """Gives the library the session that was made for this read."""

    def get_session(self, service: Any, session_user: Any) -> WeConnectSession:
        return self.tokenstore["session"]


library.SessionManager = _Sessions


class _Surroundings(GenericObject, ICarConnectivity):
    """What a connector needs around it.

    The library's own asks a time server at start, looks positions up in a map, and alters the formatters of the log.
    """

    def __init__(self, session: _Session, vin: str) -> None:
        super().__init__(object_id="")
        self.vin = vin
        self.config: dict[str, Any] = {}
        self.connectors = Connectors(car_connectivity=self)
        self.garage = Garage(self)
        self._session = session

    def get_tokenstore(self) -> dict[str, Any]:
        return {"session": self._session}

    def get_cache(self) -> dict[str, Any]:
        return {}

    def get_service_for(self, _: Any) -> None:
        return None

    def get_services_for(self, _: Any) -> list[Any]:
        return []


class _Connector(library.Connector):
    """The library's connector for one car, without its pictures and threads."""

    def fetch_vehicle_images(self, vehicle: Any) -> None:
        """Nothing: it would run curl."""

    def _update_online_tracking(self, vehicle: Any, last_measurement: Any) -> None:
        """Nothing: it would leave a thread behind where the car's clock is ahead."""

    def _fetch_data(self, url: str, *args: Any, **options: Any) -> Any:
        data = super()._fetch_data(url, *args, **options)
        if url.endswith("/vehicles"):
            return _one_car(data, self.car_connectivity.vin)
        return _with_own_times(data) if data else data

    def forget_logs(self) -> None:
        """Takes away what each connector adds to the log for good."""
        for log, handler in ((library.LOG, self.log_storage), (library.LOG_API, self.api_log_storage)):
            log.removeHandler(handler)


def _fetched(session: _Session, vin: str) -> Any:
    surroundings = _Surroundings(session, vin)
    connector = _Connector("audi", surroundings, dict(CONFIG))
    try:
        connector.fetch_all()
    finally:
        connector.forget_logs()
    return surroundings.garage.get_vehicle(vin)


def _one_car(data: Any, vin: str) -> dict[str, Any]:
    cars = [car for car in data["data"] if car["vin"].upper() == vin]
    if not cars:
        raise CarUnknown("the account has no such car")
    offered = [offer for offer in cars[0].get("capabilities") or [] if offer["id"] in ASKED]
    return {"data": [{"vin": vin, "capabilities": offered}]}


def _with_own_times(data: dict[str, Any]) -> dict[str, Any] | None:
    """The answer without a value that has no time of its own: the library would give it the time of now."""
    if "data" in data:
        return data if data["data"].get("carCapturedTimestamp") else None
    if "measurements" not in data:
        raise ValueError("no measurements")
    odometer = (data["measurements"].get("odometerStatus") or {}).get("value") or {}
    if not odometer.get("carCapturedTimestamp"):
        data["measurements"].pop("odometerStatus", None)
    # Without this part the library passes over all others.
    return data | {"fuelStatus": {}}


def _values(vehicle: Any) -> CarValues:
    odometer, position, state = vehicle.odometer, vehicle.position, vehicle.state
    measured_at = None if odometer.value is None else _utc(odometer)
    where = (position.latitude.value, position.longitude.value)
    # That it drives is never said, and what is said of a car that is not parked has the time of asking.
    parked = state.value == GenericVehicle.State.PARKED
    return CarValues(
        odometer_km=odometer_km(odometer.value, measured_at, str(odometer.unit)),
        position=None if None in where else Measured(Position(*where), _utc(position.latitude)),
        state=Measured("parked", _utc(state)) if parked else None,
    )


def _utc(attribute: Any) -> datetime:
    at: datetime = attribute.last_updated
    if at.tzinfo is None:
        raise ValueError("a time without an offset")
    return at.astimezone(UTC)


def _want_consent(response: requests.Response, **_: Any) -> None:
    if response.status_code == 403:
        raise ConsentMissing("the maker's service does not give this car's values")


def _refusal(error: AuthenticationError) -> CarUnavailable:
    """What a failed login says. The library tells its reasons apart by words alone."""
    said = str(error).lower()
    if isinstance(error.__cause__, requests.HTTPError):
        return LoginClosed("the password is right, but new logins need an attestation of the maker's own app")
    if "terms and conditions" in said or "consent" in said:
        return ConsentMissing("terms or a consent wait to be agreed to")
    if "throttled" in said:
        return TooManyRequests("too many logins", WAIT)
    return LoginRefused("the login is refused")


def _meaning(error: Exception) -> CarUnavailable:
    """What an error of the library says, without its words."""
    if isinstance(error, CarUnavailable):
        return error
    if isinstance(error, RetrievalError) and not isinstance(error.__cause__, requests.JSONDecodeError):
        return CarUnavailable("the maker's service did not answer as asked")
    return NotUnderstood(f"an answer that cannot be understood: {type(error).__name__}")
