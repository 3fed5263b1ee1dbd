"""Owns what a driver may send about a car: the car itself, its credentials, an odometer that he read."""

import os
import re
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from flask import Request
from msgspec import Struct
from msgspec.structs import replace

from shared.cars.provider import PROVIDERS, Offer
from shared.domain.odometer import HIGHEST_KM, Reading
from shared.domain.trip import km
from shared.handlers import fields
from shared.handlers.bodies import decoded, name
from shared.handlers.problems import Problem, bad
from shared.repositories.cars import Car

# A VIN (ISO 3779) has no I, O and Q. Its check digit is none in Europe. Simulated cars are free in the matter.
VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
SIMULATED_VIN = re.compile(r"[A-Z0-9]{1,17}")
PLATE = re.compile(r"(?=.{2,10}$)[A-Z0-9ÄÖÜ]+(-+[A-Z0-9ÄÖÜ]+)*")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MOST_CREDENTIAL = 4000
MOST_FIELD = 100
OLDEST_READING = datetime(2000, 1, 1, tzinfo=UTC)


class CarBody(Struct, forbid_unknown_fields=True):
    """A car as a driver says it; what he leaves out is empty."""

    provider: str
    name: str = ""
    vin: str = ""
    brand: str = ""
    plate: str = ""
    make: str = ""
    type: str = ""
    colour: str = ""
    available_from: str | None = None
    available_until: str | None = None
    start_odometer_km: float | None = None
    default: bool = False

    def applied_to(self, car: Car) -> Car:
        """The car with these fields. Raises 400."""
        if self.provider not in offers():
            raise bad("provider", f"must be one of {', '.join(offers())}")
        since, until = (_date(getattr(self, field), field) for field in ("available_from", "available_until"))
        if since and until and until < since:
            raise bad("available_until", "must not be before available_from")
        start_km = fields.number(self.start_odometer_km, "start_odometer_km", 0, HIGHEST_KM)
        texts = {field: name(getattr(self, field), field) for field in ("brand", "make", "type", "colour")}
        return replace(
            car,
            **texts,
            provider=self.provider,
            name=name(self.name, "name") or car.id,
            vin=_vin(self.vin, self.provider),
            plate=_plate(self.plate),
            available_from=since,
            available_until=until,
            start_odometer_km=None if start_km is None else km(start_km),
        )


class OdometerBody(Struct, forbid_unknown_fields=True):
    """An odometer that the driver read himself, and when."""

    odometer_km: float
    at: str | None = None

    def reading(self, timezone: str, now: datetime) -> Reading:
        """The reading. Raises 400. A clock that is a little ahead means now."""
        found = fields.number(self.odometer_km, "odometer_km", 0.1, HIGHEST_KM) or 0.0
        at = fields.moment(self.at, "at", timezone) if self.at is not None else now
        if not OLDEST_READING <= at <= now + fields.AHEAD:
            raise bad("at", "must not be in the future or before the year 2000")
        return Reading(min(at, now), km(found))


def offers() -> dict[str, Offer]:
    """The providers that a driver can choose. With a simulated car he could invent odometers: it is for trying."""
    simulated = bool(os.environ.get("CAR_CLOUD_URL"))
    return {provider: offer for provider, offer in PROVIDERS.items() if simulated or provider != "simulated"}


def credentials(request: Request, provider: str) -> dict[str, str]:
    """The credentials of a body, which are those that the provider takes. Raises 400; no value is in its words."""
    offer = PROVIDERS.get(provider)
    if offer is None:
        raise Problem(409, "The car's provider is not offered any more: choose another one.", "provider")
    body: dict[str, Any] = decoded(request, dict[str, msgspec.Raw])
    taken = (*offer.credentials, *offer.optional)
    for field in body:
        if field not in taken:
            raise bad(field[:MOST_FIELD], f"is not asked for; {offer.label} takes {', '.join(taken)}")
    for field in offer.credentials:
        if field not in body:
            raise bad(field, f"is needed by {offer.label}")
    return {field: _credential(value, field) for field, value in body.items()}


def _credential(raw: msgspec.Raw, field: str) -> str:
    try:
        value = msgspec.json.decode(raw, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise bad(field, "must be a string") from error
    if not 0 < len(value) <= MOST_CREDENTIAL:
        raise bad(field, f"must have 1 to {MOST_CREDENTIAL} letters")
    return value


def _vin(value: str, provider: str) -> str:
    vin = re.sub(r"\s", "", value).upper()
    form = SIMULATED_VIN if provider == "simulated" else VIN
    if vin and not form.fullmatch(vin):
        raise bad("vin", "must be 17 letters and digits without I, O and Q, as it stands in the car's papers")
    return vin


def _plate(value: str) -> str:
    plate = value.strip().upper()
    if plate and not PLATE.fullmatch(plate):
        raise bad("plate", "must be 2 to 10 letters, digits and dashes")
    return plate


def _date(value: str | None, field: str) -> str | None:
    if value is None or value == "":
        return None
    try:
        if not DATE.fullmatch(value) or date.fromisoformat(value).year not in fields.YEARS:
            raise ValueError("not a date of ours")
    except ValueError as error:
        raise bad(field, "must be a date from 2000 to 2100 as in 2026-01-23") from error
    return value
