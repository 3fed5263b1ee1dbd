"""Owns what a driver may send about a trip: a trip by hand, or corrections of one, checked field by field."""

from datetime import datetime
from typing import Any

from flask import Request
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from shared.domain import fitting
from shared.domain.car.odometer import HIGHEST_KM, SAME_KM
from shared.domain.driver import Account
from shared.domain.log.trip import DistanceSource, Endpoint, Flag, Trip, TripKind, classified, dated, km, trip_id
from shared.handlers.bodies import decoded
from shared.handlers.problems import bad

MOST_KM = 5000.0
MOST_TEXT = 2000
BY_DRIVER: DistanceSource = "manual"
BY_ODOMETER: DistanceSource = "odometer"
ODOMETER_FLAGS: tuple[Flag, ...] = (
    "odometer_pending",
    "distance_unknown",
    "start_odometer_estimated",
    "end_odometer_estimated",
)


class EndpointBody(Struct, forbid_unknown_fields=True):
    """Where a trip began or ended, as a driver says it."""

    lat: float | None = None
    lng: float | None = None
    place: str = ""
    address: str = ""

    def checked(self, field: str) -> Endpoint:
        """The endpoint, if its position is whole and on the earth."""
        if (self.lat is None) != (self.lng is None):
            raise bad(field, "a position needs both lat and lng")
        fitting.number(self.lat, field, -90, 90)
        fitting.number(self.lng, field, -180, 180)
        return Endpoint(self.lat, self.lng, _text(self.place, field) or "", _text(self.address, field) or "")


class TripBody(Struct, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Any of a trip's fields that a driver may set."""

    started_at: str | UnsetType = UNSET
    ended_at: str | UnsetType = UNSET
    from_: EndpointBody | UnsetType = UNSET
    to: EndpointBody | UnsetType = UNSET
    start_odometer_km: float | None | UnsetType = UNSET
    end_odometer_km: float | None | UnsetType = UNSET
    distance_km: float | UnsetType = UNSET
    kind: TripKind | UnsetType = UNSET
    business_km: float | UnsetType = UNSET
    car_id: str | None | UnsetType = UNSET
    purpose: str | UnsetType = UNSET
    notes: str | UnsetType = UNSET
    revision: int | None = None

    @property
    def moves(self) -> bool:
        """Whether it says anew where the trip began or ended."""
        return self.from_ is not UNSET or self.to is not UNSET

    def applied_to(self, trip: Trip, account: Account, now: datetime) -> Trip:
        """The trip with these fields. Raises 400 where they contradict each other."""
        changed = replace(trip, **self._plain_fields(account))
        for name in ("started_at", "ended_at"):
            if getattr(changed, name).year not in fitting.YEARS:
                raise bad(name, "must be in a year from 2000 to 2100")
        changed = dated(self._measured(changed))
        if changed.ended_at < changed.started_at:
            raise bad("ended_at", "must not be before started_at")
        return replace(self._divided(changed), revision=trip.revision + 1, updated_at=now)

    def _plain_fields(self, account: Account) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in ("started_at", "ended_at"):
            if (value := getattr(self, name)) is not UNSET:
                found[name] = fitting.moment(value, name, account.timezone)
        for name in ("from_", "to"):
            if (place := getattr(self, name)) is not UNSET:
                found[name] = place.checked(name.strip("_"))
        for name in ("purpose", "notes"):
            if (text := getattr(self, name)) is not UNSET:
                found[name] = _text(text, name)
        if self.car_id is not UNSET:
            found["car_id"] = fitting.car_id(self.car_id)
        return found

    def _measured(self, trip: Trip) -> Trip:
        """Odometer and distance: two odometers give the distance; a distance alone moves the end odometer."""
        start_km = _odometer(self.start_odometer_km, trip.start_odometer_km, "start_odometer_km")
        end_km = _odometer(self.end_odometer_km, trip.end_odometer_km, "end_odometer_km")
        by_odometer = self.start_odometer_km is not UNSET or self.end_odometer_km is not UNSET
        if start_km is not None and end_km is not None and by_odometer:
            return self._by_odometer(trip, start_km, end_km)
        trip = replace(trip, start_odometer_km=start_km, end_odometer_km=end_km)
        if self.distance_km is UNSET:
            return trip
        distance_km = km(fitting.number(self.distance_km, "distance_km", 0, MOST_KM) or 0.0)
        moved_end_km = km(start_km + distance_km) if start_km is not None and end_km is not None else end_km
        flags, source = trip.flags_but("distance_unknown"), BY_DRIVER
        return replace(trip, distance_km=distance_km, end_odometer_km=moved_end_km, distance_source=source, flags=flags)

    def _by_odometer(self, trip: Trip, start_km: float, end_km: float) -> Trip:
        if end_km < start_km:
            raise bad("end_odometer_km", "must not be below start_odometer_km")
        distance_km = km(end_km - start_km)
        if distance_km > MOST_KM:
            raise bad("end_odometer_km", f"a trip has {MOST_KM:g} km at most")
        if self.distance_km is not UNSET and abs(self.distance_km - distance_km) > SAME_KM:
            raise bad("distance_km", "is not the difference of the odometers")
        return replace(
            trip,
            start_odometer_km=start_km,
            end_odometer_km=end_km,
            distance_km=distance_km,
            distance_source=BY_ODOMETER,
            flags=trip.flags_but(*ODOMETER_FLAGS),
        )

    def _divided(self, trip: Trip) -> Trip:
        kind: TripKind = trip.kind if self.kind is UNSET else self.kind
        if self.business_km is UNSET:
            return classified(replace(trip, kind=kind))
        business_km = km(fitting.number(self.business_km, "business_km", 0, MOST_KM) or 0.0)
        if business_km > trip.distance_km:
            raise bad("business_km", "must not be over the distance")
        kind = "mixed" if self.kind is UNSET else kind
        divided = classified(replace(trip, kind=kind, business_km=business_km))
        if divided.business_km != business_km:
            raise bad("business_km", f"does not fit a trip that is {kind}")
        return divided


def corrected(request: Request) -> TripBody:
    """The corrections that a request holds. Raises 400 where they cannot be read."""
    return decoded(request, TripBody)


def manual_trip(request: Request, account: Account, now: datetime) -> Trip:
    """A trip entered by hand. Raises 400 where something needed is missing."""
    body = corrected(request)
    for name in ("started_at", "ended_at", "from_", "to"):
        if getattr(body, name) is UNSET:
            raise bad(name.strip("_"), "is needed")
    odometers = (body.start_odometer_km, body.end_odometer_km)
    if body.distance_km is UNSET and any(value in (UNSET, None) for value in odometers):
        raise bad("distance_km", "is needed, or both odometers")
    started_at = fitting.moment(body.started_at, "started_at", account.timezone)
    blank = Trip(
        id=trip_id(account.email, started_at, "manual"),
        user=account.email,
        car_id=account.default_car_id,
        started_at=started_at,
        ended_at=started_at,
        timezone=account.timezone,
        date="",
        year=0,
        month=0,
        source="manual",
        revision=0,
        created_at=now,
        updated_at=now,
    )
    return body.applied_to(blank, account, now)


def _odometer(value: Any, stored: float | None, field: str) -> float | None:
    if value is UNSET:
        return stored
    found = fitting.number(value, field, 0, HIGHEST_KM)
    return None if found is None else km(found)


def _text(value: Any, field: str) -> Any:
    if len(value) > MOST_TEXT:
        raise bad(field, f"can have {MOST_TEXT} letters at most")
    return value
