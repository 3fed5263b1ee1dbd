"""Owns what a driver may say of a trip: one by hand, or corrections of one, checked field by field."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from shared.domain.car.odometer import HIGHEST_KM, SAME_KM
from shared.domain.fitting import YEARS, car_id, moment, number, unfit
from shared.domain.log.trip import DistanceSource, Endpoint, Flag, Trip, TripKind, classified, dated, km

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

Said = Mapping[str, Any]


def entered(user: str, default_car_id: str | None, timezone: str, said: Said, now: datetime) -> Trip:
    """A trip by hand, by the names of its fields and without an id. Raises Unfit, also where something is missing."""
    for name in ("started_at", "ended_at", "from_", "to"):
        if name not in said:
            raise unfit(name.strip("_"), "is needed")
    odometers = (said.get("start_odometer_km"), said.get("end_odometer_km"))
    if "distance_km" not in said and None in odometers:
        raise unfit("distance_km", "is needed, or both odometers")
    started_at = moment(said["started_at"], "started_at", timezone)
    blank = Trip(
        id="",
        user=user,
        car_id=default_car_id,
        started_at=started_at,
        ended_at=started_at,
        timezone=timezone,
        date="",
        year=0,
        month=0,
        source="manual",
        revision=0,
        created_at=now,
        updated_at=now,
    )
    return corrected(blank, said, timezone, now)


def corrected(trip: Trip, said: Said, timezone: str, now: datetime) -> Trip:
    """The trip with what is said of it; times without an offset are in the time zone. Raises Unfit."""
    changed = replace(trip, **_plain(trip, said, timezone))
    for name in ("started_at", "ended_at"):
        if getattr(changed, name).year not in YEARS:
            raise unfit(name, "must be in a year from 2000 to 2100")
    changed = dated(_measured(changed, said))
    if changed.ended_at < changed.started_at:
        raise unfit("ended_at", "must not be before started_at")
    return replace(_divided(changed, said), revision=trip.revision + 1, updated_at=now)


def _plain(trip: Trip, said: Said, timezone: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("started_at", "ended_at"):
        if name in said:
            found[name] = moment(said[name], name, timezone)
    for name in ("from_", "to"):
        if name in said:
            found[name] = _endpoint(said[name], name.strip("_"))
    for name in ("purpose", "notes"):
        if name in said:
            found[name] = _text(said[name], name)
    if "car_id" in said:
        found |= {"car_id": car_id(said["car_id"]), "flags": trip.flags_but("car_unknown")}
    return found


def _endpoint(end: Endpoint, field: str) -> Endpoint:
    if (end.lat is None) != (end.lng is None):
        raise unfit(field, "a position needs both lat and lng")
    number(end.lat, field, -90, 90)
    number(end.lng, field, -180, 180)
    _text(end.place, field)
    _text(end.address, field)
    return end


def _measured(trip: Trip, said: Said) -> Trip:
    """Odometer and distance: two odometers give the distance; a distance alone moves the end odometer."""
    start_km = _odometer(said, "start_odometer_km", trip.start_odometer_km)
    end_km = _odometer(said, "end_odometer_km", trip.end_odometer_km)
    by_odometer = "start_odometer_km" in said or "end_odometer_km" in said
    if start_km is not None and end_km is not None and by_odometer:
        return _by_odometer(trip, said, start_km, end_km)
    trip = replace(trip, start_odometer_km=start_km, end_odometer_km=end_km)
    if "distance_km" not in said:
        return trip
    distance_km = km(number(said["distance_km"], "distance_km", 0, MOST_KM) or 0.0)
    moved_end_km = km(start_km + distance_km) if start_km is not None and end_km is not None else end_km
    flags, source = trip.flags_but("distance_unknown"), BY_DRIVER
    return replace(trip, distance_km=distance_km, end_odometer_km=moved_end_km, distance_source=source, flags=flags)


def _by_odometer(trip: Trip, said: Said, start_km: float, end_km: float) -> Trip:
    if end_km < start_km:
        raise unfit("end_odometer_km", "must not be below start_odometer_km")
    distance_km = km(end_km - start_km)
    if distance_km > MOST_KM:
        raise unfit("end_odometer_km", f"a trip has {MOST_KM:g} km at most")
    if "distance_km" in said and abs(said["distance_km"] - distance_km) > SAME_KM:
        raise unfit("distance_km", "is not the difference of the odometers")
    return replace(
        trip,
        start_odometer_km=start_km,
        end_odometer_km=end_km,
        distance_km=distance_km,
        distance_source=BY_ODOMETER,
        flags=trip.flags_but(*ODOMETER_FLAGS),
    )


def _divided(trip: Trip, said: Said) -> Trip:
    kind: TripKind = said.get("kind", trip.kind)
    if "business_km" not in said:
        return classified(replace(trip, kind=kind))
    business_km = km(number(said["business_km"], "business_km", 0, MOST_KM) or 0.0)
    if business_km > trip.distance_km:
        raise unfit("business_km", "must not be over the distance")
    kind = said.get("kind", "mixed")
    divided = classified(replace(trip, kind=kind, business_km=business_km))
    if divided.business_km != business_km:
        raise unfit("business_km", f"does not fit a trip that is {kind}")
    return divided


def _odometer(said: Said, field: str, stored: float | None) -> float | None:
    if field not in said:
        return stored
    found = number(said[field], field, 0, HIGHEST_KM)
    return None if found is None else km(found)


def _text(value: str, field: str) -> str:
    if len(value) > MOST_TEXT:
        raise unfit(field, f"can have {MOST_TEXT} letters at most")
    return value
