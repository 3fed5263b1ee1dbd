"""Audi, Volkswagen, Seat and Cupra by the portal that the maker opened under the EU Data Act: an odometer, no more.

`{"username", "password", "brand"}`. The driver must have asked the portal for data each 15 minutes.
"""

import io
import re
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from time import time
from typing import Any

import requests
from carconnectivity_connectors.vw_eu_data_act.client import ApiError, AuthError, EudaApiClient
from carconnectivity_connectors.vw_eu_data_act.dataset import DataPoint, Dataset, parse_timestamp

from shared.cars.answers import in_km
from shared.cars.carconnectivity import Wire, known_vin
from shared.cars.provider import (
    CarUnavailable,
    ConsentMissing,
    LoginRefused,
    NotUnderstood,
)
from shared.domain.car.car import CarValues, Measured

PORTAL = "eu-data-act.drivesomethinggreater.com"
HOSTS = (PORTAL, "identity.vwgroup.io")
BRANDS = ("audi", "cupra", "seat", "volkswagen", "volkswagen_commercial_vehicles")
NO_CONTENT = "no_content_found"
# The odometer of newer cars, whose unit is a value of its own, and the one of older cars, in km.
NEWER, OLDER, UNIT = "mileage.value", "mileage", "mileage.unit"
UNITS = {"0": "km", "1": "mi"}  # as the portal's dictionary has them; others are told by their names
# What was refused so soon after a login would be refused again after another one.
YOUNG_S = 900.0
GONE = (404, 410)
MOST_UNPACKED = 20_000_000  # no more than this is unpacked, for a reader stops at the size that the archive states


class Provider:
    """Reads the newest data set of a car that has any content."""

    def read(self, vin: str, credentials: dict[str, Any], tokens: dict[str, Any], timeout_s: float) -> CarValues:
        """The odometer with the time of its measuring. Raises CarUnavailable or one of its kinds."""
        vin = known_vin(vin)
        client = _Client(credentials, tokens, timeout_s)
        try:
            dataset = _newest(client, vin, tokens)
            return _values(dataset) if dataset else CarValues()
        except (CarUnavailable, ApiError, AttributeError, LookupError, TypeError, ValueError) as error:
            # Not chained: the library's texts hold addresses of pages, with the VIN.
            raise _meaning(error) from None
        finally:
            client.hand_back(tokens)
            client.close()


class _Gone(Exception):
    """The portal has nothing there."""


class _Client(EudaApiClient):
    """The library's client. It keeps its session from one read to the next, and logs in once at most."""

    def __init__(self, credentials: dict[str, Any], tokens: dict[str, Any], timeout_s: float) -> None:
        user, password = credentials.get("username", ""), credentials.get("password", "")
        brand = str(credentials.get("brand", "")).strip().lower().replace(" ", "_")
        if brand not in BRANDS:  # the library would take it for a Volkswagen
            raise LoginRefused(f"the brand must be one of {', '.join(BRANDS)}")
        super().__init__(user, password, country="nl", language="nl", brand=brand)
        wire = Wire(HOSTS, timeout_s)
        self._session.mount("https://", wire)
        self._session.mount("http://", wire)
        self._logged_in_at = tokens.get("logged_in_at", 0.0)
        self._consent_missed_at = tokens.get("consent_missed_at", 0.0)
        self._logged_in_now = False
        for cookie in tokens.get("cookies", []):
            self._session.cookies.set(**cookie)
        self._session.cookies.clear_expired_cookies()

    def ensure_login(self) -> None:
        """Logs in unless the session of an earlier read is there."""
        if "access_token" not in self._session.cookies.get_dict(domain=PORTAL):
            self.login()

    def login(self) -> None:
        """Logs in with the password. Raises LoginRefused, ConsentMissing or NotUnderstood."""
        if time() - self._consent_missed_at < YOUNG_S:
            raise ConsentMissing("a login minutes ago asked for a consent")
        try:
            super().login()
        except AuthError as error:
            refusal = _refusal(error)
            if isinstance(refusal, ConsentMissing):
                self._consent_missed_at = time()
            raise refusal from None
        self._logged_in_now, self._logged_in_at = True, time()

    def hand_back(self, tokens: dict[str, Any]) -> None:
        """Puts the session into `tokens`: the portal's cookies alone, for a login asks for the password anyway."""
        kept = [cookie for cookie in self._session.cookies if cookie.domain.lstrip(".") == PORTAL]
        fields = ("name", "value", "domain", "path", "secure", "expires")
        tokens["cookies"] = [{field: getattr(cookie, field) for field in fields} for cookie in kept]
        tokens |= {"logged_in_at": self._logged_in_at, "consent_missed_at": self._consent_missed_at}

    @staticmethod
    def _unzip_json(raw: bytes, name: str) -> dict[str, Any]:
        with suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(raw)) as packed:
            if sum(member.file_size for member in packed.infolist()) > MOST_UNPACKED:
                raise NotUnderstood("a data set that is far too long")
        unpacked: dict[str, Any] = EudaApiClient._unzip_json(raw, name)
        return unpacked

    def _session_get(self, url: str, *, headers: dict[str, str] | None = None) -> requests.Response:
        response: requests.Response = super()._session_get(url, headers=headers)
        if response.status_code in GONE:
            raise _Gone
        if response.status_code == 403 and time() - self._logged_in_at < YOUNG_S:
            raise ConsentMissing("the portal takes the login, but does not give this car")
        if response.status_code == 401 and self._logged_in_now:
            raise CarUnavailable("the portal does not take the session of its own login")
        return response


def _newest(client: _Client, vin: str, tokens: dict[str, Any]) -> Dataset | None:
    identifier, listing = _listing(client, vin, tokens)
    with_content = [entry for entry in listing if entry.get("name") and NO_CONTENT not in entry["name"]]
    if not with_content:
        return None
    name = max(with_content, key=_made_at)["name"]
    try:
        dataset = Dataset.from_json(client.download_dataset(vin, identifier, name))
    except _Gone:
        raise CarUnavailable("the data set is gone meanwhile") from None
    if dataset.vin.upper() not in (vin, ""):
        raise NotUnderstood("the data set is of another car")
    return dataset


def _listing(client: _Client, vin: str, tokens: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """What identifies the driver's request for data, and the data sets made for it.

    A request made anew gets another identifier, and the former one then lists nothing.
    """
    known = tokens.setdefault("identifiers", {})
    kept = known.get(vin, "")
    listing = _list_of(client, vin, kept, known) if kept else []
    identifier = kept if listing else _identifier(client, vin)
    if identifier != kept:
        known[vin] = identifier
        listing = _list_of(client, vin, identifier, known)
    return identifier, listing


def _identifier(client: _Client, vin: str) -> str:
    try:
        metadata = client.get_metadata(vin)
    except _Gone:
        metadata = {}
    identifier = metadata.get("Identifier") or metadata.get("identifier")
    if not identifier:
        raise ConsentMissing("the portal was not asked for this car's data each 15 minutes")
    return str(identifier)


def _list_of(client: _Client, vin: str, identifier: str, known: dict[str, str]) -> list[dict[str, Any]]:
    try:
        listing: list[dict[str, Any]] = client.list_datasets(vin, identifier)
    except _Gone:
        return []
    except ApiError:
        known.pop(vin, None)  # it may be that: the next read asks for it anew
        raise
    return listing


def _made_at(entry: dict[str, Any]) -> tuple[datetime, str]:
    """When a data set was made, by its own field or by its name; the name decides between equals."""
    made_at = parse_timestamp(entry.get("createdOn"))
    if made_at is None and (digits := re.search(r"(?<!\d)\d{14}(?!\d)", entry["name"])):
        made_at = datetime.strptime(digits[0], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return _utc(made_at or datetime.min.replace(tzinfo=UTC)), entry["name"]


def _values(dataset: Dataset) -> CarValues:
    for field in (NEWER, OLDER):
        dated = [(point, moments) for point in _told(dataset, field) if (moments := _measured(point, dataset))]
        if dated:
            unit_km = _unit_km(dataset) if field == NEWER else 1.0
            odometers = [_odometer_km(point, unit_km, moments) for point, moments in dated]
            # Of one moment there may be several, of which the lower ones lag behind.
            newest = max(odometers, key=lambda odometer: (odometer.at, odometer.value))
            return CarValues(odometer_km=newest, resolution_km=unit_km)
    return CarValues()


def _told(dataset: Dataset, field: str) -> list[DataPoint]:
    return [point for point in dataset.points.values() if point.field_name == field and point.value is not None]


def _odometer_km(point: DataPoint, unit_km: float, moments: Sequence[datetime]) -> Measured[float]:
    since = moments[0] if len(moments) > 1 else None
    return Measured(in_km(point.value, "km") * unit_km, moments[-1], since)


def _unit_km(dataset: Dataset) -> float:
    """The unit of a newer car's odometers: km where none is told. Raises ValueError where several are told."""
    told = {str(point.value) for point in _told(dataset, UNIT)}
    # Where they differ, nobody knows which value is in which of them.
    (unit_km,) = {in_km(1, UNITS.get(word, word)) for word in told} or {1.0}
    return unit_km


def _measured(point: DataPoint, dataset: Dataset) -> Sequence[datetime]:
    """The moments at one of which the car measured a value, by time; none where that cannot be known.

    Newer cars give times for their reports and do not say which value is of which report. So the odometer is from
    somewhere between the earliest and the latest of them, which may be hours apart. The time when the data set was
    made says nothing: a car that sleeps sends the same values for days.
    """
    if point.timestamp is not None:
        return [_utc(point.timestamp)]
    reported = [parse_timestamp(other.raw_value) for other in _told(dataset, "car_captured_time")]
    return sorted({_utc(moment) for moment in reported if moment is not None})


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _refusal(error: AuthError) -> CarUnavailable:
    """What a failed login says. The library tells its reasons apart by words alone."""
    said = str(error).lower()
    if "terms and conditions" in said or "consent" in said:
        return ConsentMissing("terms or a consent wait to be agreed to")
    if any(words in said for words in ("could not parse", "unexpected location", "exceeded", "did not complete")):
        return NotUnderstood("the login goes another way than was known")
    return LoginRefused("the login is refused")


def _meaning(error: Exception) -> CarUnavailable:
    """What an error of the library says, without its words."""
    if isinstance(error, CarUnavailable):
        return error
    return NotUnderstood(f"an answer that cannot be understood: {type(error).__name__}")
