"""Renault and Dacia cars, by the maker's cloud as its app uses it: odometer and position, no state."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any

import aiohttp
from jwt import PyJWTError
from marshmallow import ValidationError
from renault_api import gigya
from renault_api.const import AVAILABLE_LOCALES
from renault_api.credential import Credential, JWTCredential
from renault_api.credential_store import CredentialStore
from renault_api.exceptions import NotAuthenticatedException, RenaultException
from renault_api.gigya.exceptions import (
    GigyaResponseException,
    PendingTwoFactorAuthenticationException,
)
from renault_api.kamereon import exceptions as kamereon
from renault_api.renault_client import RenaultClient
from renault_api.renault_session import RenaultSession

from shared.cars.answers import instant, odometer_km, position, refusal, retry_after, understood
from shared.cars.cost import sends
from shared.cars.provider import (
    CarUnavailable,
    ConsentMissing,
    LoginRefused,
    NotUnderstood,
    ProviderBroken,
    TooManyRequests,
)
from shared.domain.car.car import CarValues, Measured
from shared.wire import AT_ONCE_BYTES, MOST_BYTES

# The library logs whole answers.
logging.getLogger("renault_api").setLevel(logging.CRITICAL + 1)

KEPT = {"login_token": gigya.GIGYA_LOGIN_TOKEN, "person_id": gigya.GIGYA_PERSON_ID, "jwt": gigya.GIGYA_JWT}
# Codes of Gigya, which holds the accounts: the login token has ended; too many calls; locked; never confirmed.
ENDED, TOO_MANY, LOCKED, UNCONFIRMED = {403005, 403013, 403042}, {403048}, {403041, 403120}, {206001, 206002}
COUNTED = "/commerce/"  # the cars' own cloud; who logs in asks another one
NOT_ALLOWED = (kamereon.AccessDeniedException, kamereon.ForbiddenException, kamereon.ResourceNotFoundException)


class Provider:
    """Reads a car with the account of the maker's app: `{"email": …, "password": …}`, `"locale"` if not nl_NL.

    The password is used where no login token is left, or where the last one has ended: tokens are kept in `tokens`,
    so that a poll is no login. The car is found by its VIN.
    """

    def read(self, vin: str, credentials: dict[str, Any], tokens: dict[str, Any], timeout_s: float) -> CarValues:
        """Odometer and position. Raises CarUnavailable or one of its kinds.

        Newer cars say when they measured the odometer. Others do not, and their cloud may show yesterday's value long
        after a drive, so the time of the read would end trips with the odometer of their start. There a value counts
        from the read that first showed it, for the car has told it since the read before, and keeps that time for as
        long as it stays the same. The very first one has no read before it: it counts from the time of the position,
        which cars send together with it when they are switched off, and without that it is left out.
        """
        try:
            with understood():
                return asyncio.run(asyncio.wait_for(_read(vin, credentials, tokens, timeout_s), timeout_s))
        except (RenaultException, aiohttp.ClientError, TimeoutError, PyJWTError, ValidationError) as error:
            raise _meant(error) from None


async def _read(vin: str, credentials: dict[str, Any], tokens: dict[str, Any], timeout_s: float) -> CarValues:
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    async with aiohttp.ClientSession(timeout=timeout, middlewares=(_refusing,)) as web:
        store = _restored(tokens)
        session = _session(web, credentials, store)
        try:
            return await _values(session, vin, credentials, tokens)
        except (NotAuthenticatedException, GigyaResponseException, kamereon.UnauthorizedException) as error:
            if "login_token" not in tokens:
                raise  # it comes from a login just made
            _forget_ended(store, error)
            return await _values(session, vin, credentials, tokens)
        finally:
            _keep(store, tokens)


async def _refusing(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Raises what the library would lose: how long the maker wants to be left alone, and that it is out of order.

    Nor is a redirect followed, for the keys in our headers are for these hosts alone, or an answer read without end.
    """
    sends(1 if request.url.path.startswith(COUNTED) else 0)
    response = await handler(request)
    if 300 <= response.status < 400:
        response.close()
        raise NotUnderstood("the maker's service points elsewhere")
    if response.status == 429 or (response.status >= 500 and "json" not in response.content_type):
        response.close()
        raise refusal(response.status, response.headers)
    body = bytearray()
    async for part in response.content.iter_chunked(AT_ONCE_BYTES):
        body += part
        if len(body) > MOST_BYTES:
            response.close()
            raise NotUnderstood("an answer that is far too long")
    response._body = bytes(body)  # what aiohttp itself does when it reads
    return response


def _session(web: aiohttp.ClientSession, credentials: dict[str, Any], store: CredentialStore) -> RenaultSession:
    locale = str(credentials.get("locale") or "nl_NL")
    if locale not in AVAILABLE_LOCALES:
        raise LoginRefused("the locale is none that the maker has")
    details = AVAILABLE_LOCALES[locale]
    return RenaultSession(web, locale, country=locale[-2:], locale_details=details, credential_store=store)


def _restored(tokens: dict[str, Any]) -> CredentialStore:
    store = CredentialStore()
    for name, key in KEPT.items():
        if name in tokens:
            store[key] = JWTCredential(tokens[name]) if name == "jwt" else Credential(tokens[name])
    return store


def _keep(store: CredentialStore, tokens: dict[str, Any]) -> None:
    for name, key in KEPT.items():
        value = store.get_value(key)
        if value is None:
            tokens.pop(name, None)
        else:
            tokens[name] = value


def _forget_ended(store: CredentialStore, error: Exception) -> None:
    """Leaves out what has ended. Only a login token that the maker calls ended makes way for a login by password."""
    if isinstance(error, kamereon.UnauthorizedException):
        store.clear_keys([gigya.GIGYA_JWT])
        return
    cause = error.__cause__ if isinstance(error, NotAuthenticatedException) else error
    if not isinstance(cause, GigyaResponseException) or cause.error_code not in ENDED:
        raise cause or error
    store.clear_keys(gigya.GIGYA_KEYS)


async def _values(session: RenaultSession, vin: str, credentials: dict[str, Any], tokens: dict[str, Any]) -> CarValues:
    if not session.login_token:
        await session.login(str(credentials.get("email", "")), str(credentials.get("password", "")))
    account_id = await _account_id(session, vin, tokens)
    cockpit = await _cockpit(session, account_id, vin)
    place = await _place(session, account_id, vin)
    with understood():
        return CarValues(odometer_km=_dated(cockpit, place, tokens, datetime.now(UTC)), position=place)


async def _account_id(session: RenaultSession, vin: str, tokens: dict[str, Any]) -> str:
    """The account that holds the car, looked up once: Renault's and Dacia's are different ones of the same person."""
    if tokens.get("vin") != vin or "account_id" not in tokens:
        for account in await RenaultClient(session).get_api_accounts():
            try:
                cars = await account.get_vehicles()
            except NOT_ALLOWED:
                continue
            if vin.upper() in {str(link.vin).upper() for link in cars.vehicleLinks or ()}:
                tokens |= {"vin": vin, "account_id": account.account_id}
                break
        else:
            raise ConsentMissing("the account has no such car")
    return str(tokens["account_id"])


async def _cockpit(session: RenaultSession, account_id: str, vin: str) -> dict[str, Any]:
    try:
        return await _attributes(session, account_id, vin, "cockpit")
    except kamereon.NotSupportedException:
        return {}


async def _place(session: RenaultSession, account_id: str, vin: str) -> Measured[Any] | None:
    # Many cars are without it or drivers keep it to themselves, and the odometer is what counts.
    try:
        told = await _attributes(session, account_id, vin, "location")
        at = told.get("lastUpdateTime")
        return position(told.get("gpsLatitude"), told.get("gpsLongitude"), instant(at) if at else None)
    except (CarUnavailable, RenaultException, aiohttp.ClientError, ValidationError, ValueError, TypeError):
        return None


async def _attributes(session: RenaultSession, account_id: str, vin: str, endpoint: str) -> dict[str, Any]:
    answer = await session.get_vehicle_data(account_id, vin, endpoint)
    if answer.data is None or answer.data.attributes is None:
        raise NotUnderstood("an answer without data")
    return answer.data.attributes


def _dated(
    cockpit: dict[str, Any], place: Measured[Any] | None, tokens: dict[str, Any], now: datetime
) -> Measured[float] | None:
    told, at = cockpit.get("totalMileage"), cockpit.get("timestamp")
    if told is None or (km := float(told)) == 0:
        return None
    if at:
        return odometer_km(km, instant(at))
    former = tokens.get("odometer") or {}
    seen_at = _first_seen_at(km, former, place, now)
    tokens["odometer"] = {"km": km, "at": seen_at.isoformat() if seen_at else None}
    return odometer_km(km, seen_at)


def _first_seen_at(km: float, former: dict[str, Any], place: Measured[Any] | None, now: datetime) -> datetime | None:
    if former and km > former["km"]:
        return now
    if former and km < former["km"]:
        return None  # one of the two is wrong, and nobody knows which
    return instant(former["at"]) if former.get("at") else place.at if place else None


def _meant(error: Exception) -> CarUnavailable:
    """What the library's error means. Its text may hold what was answered, and is not passed on."""
    kind = type(error).__name__
    match error:
        case PendingTwoFactorAuthenticationException():
            return ConsentMissing("the maker asks the driver for a code")
        case GigyaResponseException(error_code=code):
            return _refused_login(code)
        case NotAuthenticatedException() | kamereon.UnauthorizedException():
            return LoginRefused(f"the login does not hold: {kind}")
        case kamereon.QuotaLimitException():
            return TooManyRequests("too many requests", retry_after({}, datetime.now(UTC)))
        case kamereon.PrivacyModeOnException():
            return ConsentMissing("the car's privacy mode is on")
        case aiohttp.ClientResponseError(status=403):
            # So answers the maker to a key of the app that it has replaced, whoever the driver is.
            return ProviderBroken("the maker refuses the library's key")
        case aiohttp.ClientResponseError(status=status):
            return refusal(status, {})
        case kamereon.KamereonResponseException(error_code=str(fault)) if fault.startswith("err.tech."):
            return CarUnavailable("the maker's service is out of order")
    if isinstance(error, NOT_ALLOWED):
        return ConsentMissing(f"the maker does not show this car: {kind}")
    if isinstance(error, (aiohttp.ClientError, TimeoutError)):
        return CarUnavailable(f"no answer: {kind}")
    return NotUnderstood(f"an answer of another shape: {kind}")


def _refused_login(code: int) -> CarUnavailable:
    if code in TOO_MANY:
        return TooManyRequests("too many logins", retry_after({}, datetime.now(UTC)))
    if code in ENDED | LOCKED:
        return LoginRefused(f"the login is refused: {code}")
    if code in UNCONFIRMED:
        return ConsentMissing("the driver has not confirmed the account")
    return CarUnavailable(f"the login fails: {code}") if code >= 500000 else NotUnderstood(f"the login fails: {code}")
