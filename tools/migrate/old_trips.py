"""Makes a trip of a row of the old `trips`. Pure: knows no store."""

import hashlib
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import polyline
from msgspec.structs import replace

from shared.domain.fitting import CAR_ID
from shared.domain.log.correcting import MOST_KM
from shared.domain.log.moved import moved
from shared.domain.log.trip import DistanceSource, Endpoint, Trip, TripKind, classified, dated, km
from shared.domain.place.places import Place, place_at
from shared.domain.place.trail import Fix, located, trail_distance_km
from tools.migrate.values import Fields, Unreadable, moment, number, odometer_km, position, present, span, text

KINDS: dict[str, TripKind] = {"B": "business", "P": "private", "M": "mixed", "": "unclassified"}
PART_KM = 0.05  # business, private and the whole are kept to 0.1 km: more than half of it is a contradiction
BY_ODOMETER_KM = 0.15  # two odometers and a distance, each to 0.1 km
KNOWN = {
    "id", "user_id", "user", "date", "start_time", "end_time", "from_address", "from_lat", "from_lon", "to_address",
    "to_lat", "to_lon", "distance_km", "trip_type", "business_km", "private_km", "start_odo", "end_odo", "car_id",
    "gps_trail", "created_at", "purpose", "notes",
}  # fmt: skip


class Owner(msgspec.Struct, frozen=True):
    """Whose rows they are: e-mail, time zone (IANA name), the car of rows that name none, the user's places."""

    email: str
    timezone: str
    car_id: str | None = None
    places: tuple[Place, ...] = ()


class Converted(msgspec.Struct, frozen=True):
    """A trip, and what of its old row did not come along."""

    trip: Trip
    remarks: tuple[str, ...] = ()


def trip_of(old_id: str, fields: Fields, owner: Owner) -> Converted:
    """The trip that an old row stands for. Raises Unreadable."""
    remarks = unknown(fields, KNOWN)
    started_at, ended_at = span(fields, owner.timezone)
    start_km, end_km = odometers(fields, remarks)
    distance_km = _distance_km(fields, start_km, end_km)
    kind = _kind(fields)
    fixes, seen = _trail(fields, remarks), (start_km is not None or end_km is not None)
    created_at = moment(fields, "created_at") or ended_at
    trip = Trip(
        id=f"{started_at:%Y%m%dT%H%M%SZ}-{digest(old_id)[:6]}",
        user=owner.email,
        car_id=car_of(fields, owner),
        started_at=started_at,
        ended_at=ended_at,
        timezone=owner.timezone,
        date="",
        year=0,
        month=0,
        from_=_endpoint(fields, "from", owner.places),
        to=_endpoint(fields, "to", owner.places),
        start_odometer_km=start_km,
        end_odometer_km=end_km,
        distance_km=km(distance_km),
        distance_source=_distance_source(distance_km, start_km, end_km, fixes),
        gps_km=km(trail_distance_km(fixes)) if fixes else None,
        kind=kind,
        business_km=_business_km(fields, kind, distance_km),
        purpose=text(fields, "purpose"),
        notes=text(fields, "notes"),
        route=polyline.encode([fix.position for fix in fixes], 5) if fixes else "",
        source="automatic" if fixes or seen else "manual",
        created_at=created_at,
        updated_at=created_at,
    )
    trip = classified(dated(trip))
    return Converted(replace(trip, summary=moved(trip)), tuple(remarks))


def digest(old_id: str) -> str:
    """What ids take from the id of the old document, so that a rerun finds what it made."""
    return hashlib.sha256(old_id.encode()).hexdigest()


def unknown(fields: Fields, known: set[str]) -> list[str]:
    """A remark that names the fields which nobody knows, if there are any."""
    names = sorted(name for name in fields if name not in known and fields[name] not in (None, ""))
    return [f"fields without a place in the new system: {', '.join(names)}"] if names else []


def car_of(fields: Fields, owner: Owner) -> str | None:
    """The car that a row names, else the owner's. Raises Unreadable where it is no car's id."""
    named = present(fields, "car_id")
    if named is None:
        return owner.car_id
    if not isinstance(named, str) or not CAR_ID.fullmatch(named.strip().lower()):
        raise Unreadable("car_id is not letters, digits, - and _, 32 at most")
    return named.strip().lower()


def odometers(fields: Fields, remarks: list[str]) -> tuple[float | None, float | None]:
    """Both odometers in km, each None where it is not known. Raises Unreadable where they fall."""
    start_km, end_km = odometer_km(fields, "start_odo", remarks), odometer_km(fields, "end_odo", remarks)
    if start_km is not None and end_km is not None and end_km < start_km:
        raise Unreadable("end_odo is below start_odo")
    return start_km, end_km


def _distance_km(fields: Fields, start_km: float | None, end_km: float | None) -> float:
    found = number(fields, "distance_km")
    if found is None:
        if start_km is None or end_km is None:
            raise Unreadable("distance_km is missing, and so is an odometer")
        found = end_km - start_km
    if not 0 <= found <= MOST_KM:
        raise Unreadable(f"the distance is not from 0 to {MOST_KM:g} km")
    return found


def _kind(fields: Fields) -> TripKind:
    found = KINDS.get(text(fields, "trip_type").upper())
    if found is None:
        raise Unreadable("trip_type is not B, P or M")
    return found


def _business_km(fields: Fields, kind: TripKind, distance_km: float) -> float:
    """The business part; what type, parts and distance say must fit together, or Unreadable is raised."""
    business_km, private_km = number(fields, "business_km"), number(fields, "private_km")
    if kind == "mixed" and business_km is None:
        if private_km is None:
            raise Unreadable("trip_type is M, and both business_km and private_km are missing")
        business_km = km(distance_km) - km(private_km)
    whole = {"business": (distance_km, 0.0), "private": (0.0, distance_km), "unclassified": (0.0, 0.0)}
    right = whole.get(kind) or (business_km or 0.0, distance_km - (business_km or 0.0))
    if not -PART_KM <= right[0] <= distance_km + PART_KM:
        raise Unreadable("business_km or private_km is below 0 or above distance_km")
    for part, wanted in zip((business_km, private_km), right, strict=True):
        # A hair more, because decimal fractions are not exact.
        if part is not None and abs(part - wanted) > PART_KM + 1e-6:
            raise Unreadable("business_km and private_km contradict trip_type or distance_km")
    return km(max(0.0, right[0]))


def _distance_source(
    distance_km: float, start_km: float | None, end_km: float | None, fixes: Sequence[Fix]
) -> DistanceSource:
    if start_km is not None and end_km is not None and abs(end_km - start_km - distance_km) <= BY_ODOMETER_KM + 1e-6:
        return "odometer"
    return "gps" if fixes else "manual"


def _endpoint(fields: Fields, side: Literal["from", "to"], places: Sequence[Place]) -> Endpoint:
    at = position(present(fields, f"{side}_lat"), present(fields, f"{side}_lon", f"{side}_lng"))
    place, address = place_at(places, at), text(fields, f"{side}_address")
    lat, lng = at or (None, None)
    return Endpoint(lat, lng, place.name if place else "", address)


def _trail(fields: Fields, remarks: list[str]) -> list[Fix]:
    points = fields.get("gps_trail") or []
    found = fixes_of(points)
    if len(found) < (len(points) if isinstance(points, list) else 1):
        remarks.append("points of gps_trail that cannot be read: left out")
    return located(found)


def fixes_of(points: Any) -> list[Fix]:
    """The points of an old trail that can be read: those with a position and a moment."""
    found = []
    for point in points if isinstance(points, list) else []:
        if isinstance(point, dict):
            at, where = moment(point, "timestamp"), position(point.get("lat"), present(point, "lng", "lon"))
            if at and where:
                found.append(Fix(at, where.lat, where.lng))
    return found
