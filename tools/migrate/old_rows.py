"""Makes readings, places and the trip going on of old rows. Pure: knows no store."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from shared.domain.car.odometer import FINEST_KM, HIGHEST_KM, Reading
from shared.domain.log.drive import Heard
from shared.domain.log.trip import km
from shared.domain.place.places import Place
from shared.domain.place.trail import Fix, in_order
from shared.domain.thresholds import EVENT_STEP, POSITION_DECIMALS
from shared.domain.tracking.state import DriverState, GoingOn, OpenLog
from shared.repositories.readings import reading_id
from tools.migrate.old_trips import Owner, car_of, digest, fixes_of
from tools.migrate.values import Fields, Unreadable, moment, number, position, present, text

READING_FIELDS = {"id", "user_id", "user", "odometer_km", "created_at", "fetched_at", "car_id", "source"}
LOCATION_FIELDS = {"id", "user_id", "user", "name", "lat", "lng", "lon", "radius_m", "radius", "kind"}
WIDEST_M = 10_000.0


class OldReading(msgspec.Struct, frozen=True):
    """An odometer in km at a moment. Where its row names no car, `car_id` is that of its owner."""

    car_id: str
    at: datetime
    km: float
    names_car: bool = True

    def reading(self, resolution_km: float = FINEST_KM) -> Reading:
        """The reading that it becomes, of a cloud that tells steps of so many km."""
        return Reading(self.at, self.km, resolution_km=resolution_km)

    @property
    def id(self) -> str:
        """Under which id it is kept."""
        return reading_id(self.car_id, self.reading())

    @property
    def key(self) -> str:
        """What of the id stays when the owner's default car changes."""
        return self.id if self.names_car else without_car(self.id)


def without_car(id_: str) -> str:
    """The id of a reading, whichever car it is of."""
    at, micros, _, source, metres = id_.split(".")
    return f"{at}.{micros}.{source}.{metres}"


def reading_keys(ids: Iterable[str]) -> set[str]:
    """By which keys readings are known that are kept under these ids."""
    return {key for id_ in ids if id_.count(".") == 4 for key in (id_, without_car(id_))}


def reading_of(fields: Fields, owner: Owner) -> OldReading:
    """The reading that an old row stands for. Raises Unreadable."""
    at, found_km = moment(fields, "fetched_at", "created_at"), number(fields, "odometer_km")
    if at is None:
        raise Unreadable("neither fetched_at nor created_at is a moment")
    if found_km is None or not 0 < found_km <= HIGHEST_KM:
        raise Unreadable(f"odometer_km is not above 0 and up to {HIGHEST_KM:.0f}")
    car_id = car_of(fields, owner)
    if car_id is None:
        raise Unreadable("car_id is missing, and its user has no car")
    return OldReading(car_id, at, km(found_km), present(fields, "car_id") is not None)


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
