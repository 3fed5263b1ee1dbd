"""Makes readings, places and the trip going on of old rows. Pure: knows no store."""

from datetime import datetime, timedelta

import msgspec

from shared.domain.car.odometer import HIGHEST_KM
from shared.domain.log.drive import Heard
from shared.domain.log.trip import km
from shared.domain.place.places import Place
from shared.domain.place.trail import Fix, in_order
from shared.domain.thresholds import EVENT_STEP, POSITION_DECIMALS
from shared.domain.tracking.state import DriverState, GoingOn, OpenLog
from tools.migrate.old_trips import Owner, car_of, digest, fixes_of
from tools.migrate.values import Fields, Unreadable, moment, number, position, present, text

READING_FIELDS = {"id", "user_id", "user", "odometer_km", "created_at", "fetched_at", "car_id", "source"}
LOCATION_FIELDS = {"id", "user_id", "user", "name", "lat", "lng", "lon", "radius_m", "radius", "kind"}
WIDEST_M = 10_000.0


class OldReading(msgspec.Struct, frozen=True):
    """An odometer in km at a moment, and the id that follows from its old document."""

    id: str
    car_id: str
    at: datetime
    km: float

    @property
    def key(self) -> str:
        """What of the id stays when the owner's default car changes: the moment and the old document."""
        return reading_key(self.id)


def reading_key(reading_id: str) -> str:
    """The moment and the old document that an id of a reading tells of."""
    return f"{reading_id[:23]}{reading_id[-6:]}"


def reading_of(old_id: str, fields: Fields, owner: Owner) -> OldReading:
    """The reading that an old row stands for. Raises Unreadable."""
    at, found_km, car_id = moment(fields, "fetched_at", "created_at"), number(fields, "odometer_km"), None
    if at is None:
        raise Unreadable("neither fetched_at nor created_at is a moment")
    if found_km is None or not 0 < found_km <= HIGHEST_KM:
        raise Unreadable(f"odometer_km is not above 0 and up to {HIGHEST_KM:.0f}")
    car_id = car_of(fields, owner)
    if car_id is None:
        raise Unreadable("car_id is missing, and its user has no car")
    return OldReading(f"{at:%Y%m%dT%H%M%S.%fZ}-{car_id}-{digest(old_id)[:6]}", car_id, at, km(found_km))


def place_of(old_id: str, fields: Fields) -> Place:
    """The place that an old location stands for; the id of its document is its name. Raises Unreadable."""
    at = position(present(fields, "lat"), present(fields, "lng", "lon"))
    if at is None:
        raise Unreadable("lat and lng are not a position")
    radius_m = number({"radius": present(fields, "radius_m", "radius")}, "radius") or 150.0
    if not 0 < radius_m <= WIDEST_M:
        raise Unreadable(f"the radius is not above 0 and up to {WIDEST_M:.0f} m")
    kind = text(fields, "kind").lower()
    known = {"business": "business", "pause": "pause"}
    return Place(
        digest(old_id)[:12],
        text(fields, "name") or old_id,
        *at,
        radius_m,
        known.get(kind, "private"),  # type: ignore[arg-type]
    )


def state_of(fields: Fields, owner: Owner, now: datetime) -> DriverState:
    """The state of a driver whose trip goes on in the old system. Raises Unreadable."""
    if fields.get("active") is not True:
        raise Unreadable("active is neither true nor false")
    started_at = moment(fields, "started_at", "start_time", "timestamp")
    if started_at is None:
        raise Unreadable("neither started_at nor start_time is a moment")
    at = position(present(fields, "lat", "start_lat"), present(fields, "lng", "lon", "start_lng", "start_lon"))
    car_id = car_of(fields, owner)
    lat, lng = at or (None, None)
    first = Fix(started_at, lat, lng, car_id=car_id)
    later = [fix for name in ("gps_trail", "gps_events") for fix in fixes_of(fields.get(name)) if fix.at >= started_at]
    events = tuple(_heard(fix) for fix in in_order([first, *later]))
    drive = GoingOn(started_at=events[0].at, car_id=car_id, heard_at=events[-1].at, is_asked=car_id is not None)
    return DriverState(drive=drive, events=events, open={car_id: OpenLog(ask_at=now)} if car_id else {})


def _heard(fix: Fix) -> Heard:
    """What the phone said, no finer than the new system takes it."""
    at = fix.at - timedelta(microseconds=fix.at.microsecond) % EVENT_STEP
    lat, lng = (degrees if degrees is None else round(degrees, POSITION_DECIMALS) for degrees in (fix.lat, fix.lng))
    return Heard(at, lat, lng, car_id=fix.car_id)
