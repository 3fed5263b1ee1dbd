"""Owns what a driver may say of a trip: one by hand, or corrections of one, checked field by field."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from shared.domain.car.odometer import HIGHEST_KM, SAME_KM
from shared.domain.fitting import YEARS, car_id, moment, number, unfit
from shared.domain.log.kinds import Habits, proposed_kind, telling_place
from shared.domain.log.summary import Summary
from shared.domain.log.trip import DistanceSource, Endpoint, Flag, Known, Trip, TripKind, classified, dated, km
from shared.domain.log.words import ODOMETERS, api_name, by_hand, heard, is_given_back, summary_of, worded
from shared.domain.place.places import Place, place_at

MOST_KM = 5000.0
MOST_TEXT = 2000
BY_DRIVER: DistanceSource = "manual"
BY_ODOMETER: DistanceSource = "odometer"
BY_GPS: DistanceSource = "gps"
TYPED: Known = "typed"
ESTIMATED: Known = "estimated"
DISTANCE_UNKNOWN: Flag = "distance_unknown"
ODOMETER_FLAGS: tuple[Flag, ...] = (
    "odometer_pending",
    "distance_unknown",
    "start_odometer_estimated",
    "end_odometer_estimated",
)
NEEDED = ("started_at", "ended_at", "from_", "to")
TEXTS = ("purpose", "notes", "deviation")
# What these are where their driver gives them back follows from places, and the kind also from habits.
OF_PLACES = ("kind", "from_", "to")

Said = Mapping[str, Any]


def entered(user: str, default_car_id: str | None, timezone: str, said: Said, now: datetime) -> Trip:
    """A trip by hand, by the names of its fields and without an id. Null is not said, but for a car that is none.

    Raises Unfit, also where something is missing.
    """
    said = {name: value for name, value in said.items() if not is_given_back(name, value)}
    for name in NEEDED:
        if name not in said:
            raise unfit(api_name(name), "is needed")
    if "distance_km" not in said and not {*ODOMETERS} <= {*said}:
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
        summary=Summary(id="", began_at=started_at, ended_at=started_at, default_car_id=default_car_id),
        revision=0,
        created_at=now,
        updated_at=now,
    )
    return corrected(blank, said, timezone, now)


def corrected(
    trip: Trip,
    said: Said,
    timezone: str,
    now: datetime,
    places: Sequence[Place] = (),
    habits: Habits | None = None,
) -> Trip:
    """The trip with what is said of it, or the trip itself where that changes nothing. Raises Unfit.

    Times without an offset are in the time zone. Null gives a field back to the automation, and so does an empty text
    the car, where null is none. Of OF_PLACES, what they are then follows from the driver's places and habits.
    """
    said = heard(trip, said)
    changed = replace(trip, **_plain(trip, said, timezone, places), set_by_hand=by_hand(trip, said))
    for name in ("started_at", "ended_at"):
        if getattr(changed, name).year not in YEARS:
            raise unfit(name, "must be in a year from 2000 to 2100")
    changed = dated(_measured(changed, said))
    if changed.ended_at < changed.started_at:
        raise unfit("ended_at", "must not be before started_at")
    changed = worded(trip, _divided(changed, said, places, habits or Habits()), said)
    if replace(changed, summary=trip.summary) == trip:
        return trip
    return replace(changed, revision=trip.revision + 1, updated_at=now)


# --- times, ends, texts, the car -----------------------------------------------------------------------------------


def _plain(trip: Trip, said: Said, timezone: str, places: Sequence[Place]) -> dict[str, Any]:
    found: dict[str, Any] = {name: _text(said[name] or "", name) for name in TEXTS if name in said}
    for name in NEEDED:
        if name in said:
            found[name] = _time_or_end(trip, name, said[name], timezone, places)
    if "car_id" in said:
        found |= {"car_id": _car_id(trip, said["car_id"]), "flags": trip.flags_but("car_unknown", "car_unsure")}
    return found


def _time_or_end(trip: Trip, name: str, value: Any, timezone: str, places: Sequence[Place]) -> datetime | Endpoint:
    if isinstance(value, Endpoint):
        return _endpoint(value, api_name(name))
    if value is not None:
        return moment(value, name, timezone)
    if trip.source == "manual":
        raise unfit(api_name(name), "is needed of a trip by hand")
    return _automatic(summary_of(trip), name, places)


def _automatic(summary: Summary, name: str, places: Sequence[Place]) -> datetime | Endpoint:
    """What a time or an end is without a word of the driver."""
    if name in ("started_at", "ended_at"):
        return summary.began_at if name == "started_at" else summary.ended_at
    marks = summary.marks[:1] if name == "from_" else summary.marks[-1:]
    position = marks[0].position if marks else None
    if position is None:
        return Endpoint()
    place = place_at(places, position)
    return Endpoint(*position, place.name, place.address) if place else Endpoint(*position)


def _car_id(trip: Trip, value: str | None) -> str | None:
    if not is_given_back("car_id", value):
        return car_id(value)
    summary = summary_of(trip)
    return summary.default_car_id if summary.is_by_hand else summary.car_id or summary.default_car_id


def _endpoint(end: Endpoint, field: str) -> Endpoint:
    if (end.lat is None) != (end.lng is None):
        raise unfit(field, "a position needs both lat and lng")
    number(end.lat, field, -90, 90)
    number(end.lng, field, -180, 180)
    _text(end.place, field)
    _text(end.address, field)
    return end


def _text(value: str, field: str) -> str:
    if len(value) > MOST_TEXT:
        raise unfit(field, f"can have {MOST_TEXT} letters at most")
    return value


# --- kilometres ----------------------------------------------------------------------------------------------------


def _measured(trip: Trip, said: Said) -> Trip:
    """Odometers and distance until the fold holds them against the car's: two odometers give the distance.

    Unless that is the driver's as well. A distance alone moves the end odometer.
    """
    for name in ODOMETERS:
        if name in said:
            trip = _with_odometer(trip, name, said[name])
    start_km, end_km = (_typed_km(trip, name, said) for name in ODOMETERS)
    is_typed = any(said.get(name) is not None for name in ODOMETERS)
    if is_typed and start_km is not None and end_km is not None and end_km < start_km:
        raise unfit("end_odometer_km", "must not be below start_odometer_km")
    distance_km = number(said.get("distance_km"), "distance_km", 0, MOST_KM)
    if distance_km is None and "distance_km" in trip.set_by_hand:
        return trip
    if is_typed and start_km is not None and end_km is not None:
        return _by_odometer(trip, distance_km, km(end_km - start_km))
    if distance_km is not None:
        return _by_distance(trip, km(distance_km))
    is_back = any(name in said and said[name] is None for name in ("distance_km", *ODOMETERS))
    return _without_word(trip) if is_back else trip


def _typed_km(trip: Trip, name: str, said: Said) -> float | None:
    """An odometer as it was typed, be it now or before: the row may show another one, where the car said otherwise."""
    word = summary_of(trip).said
    metres = word.from_m if name == "start_odometer_km" else word.to_m
    if name not in said and name in trip.set_by_hand and metres is not None:
        return metres / 1000
    shown: float | None = getattr(trip, name)
    return shown


def _with_odometer(trip: Trip, name: str, value: Any) -> Trip:
    found = number(value, name, 0, HIGHEST_KM)
    known = {name.replace("_km", "_known"): None if found is None else TYPED}
    return replace(trip, **{name: None if found is None else km(found)}, **known)


def _by_odometer(trip: Trip, said_km: float | None, distance_km: float) -> Trip:
    if distance_km > MOST_KM:
        raise unfit("end_odometer_km", f"a trip has {MOST_KM:g} km at most")
    if said_km is not None and abs(said_km - distance_km) > SAME_KM:
        raise unfit("distance_km", "is not the difference of the odometers")
    flags = trip.flags_but(*ODOMETER_FLAGS)
    return replace(trip, distance_km=distance_km, distance_source=BY_ODOMETER, flags=flags)


def _by_distance(trip: Trip, distance_km: float) -> Trip:
    flags = trip.flags_but(DISTANCE_UNKNOWN)
    trip = replace(trip, distance_km=distance_km, distance_source=BY_DRIVER, flags=flags)
    if trip.start_odometer_km is None or trip.end_odometer_km is None or "end_odometer_km" in trip.set_by_hand:
        return trip
    end_km = km(trip.start_odometer_km + distance_km)
    return replace(trip, end_odometer_km=end_km, end_odometer_known=ESTIMATED)


def _without_word(trip: Trip) -> Trip:
    """The trip where odometers or distance were given back: as far as is known without them."""
    if trip.source == "manual" and not {*ODOMETERS} <= {*trip.set_by_hand}:
        raise unfit("distance_km", "is needed of a trip by hand, or both odometers")
    if trip.start_odometer_km is not None and trip.end_odometer_km is not None:
        distance_km = km(trip.end_odometer_km - trip.start_odometer_km)
        return replace(trip, distance_km=distance_km, distance_source=BY_ODOMETER)
    flags = trip.flags if trip.gps_km is not None else (*trip.flags_but(DISTANCE_UNKNOWN), DISTANCE_UNKNOWN)
    return replace(trip, distance_km=trip.gps_km or 0.0, distance_source=BY_GPS, flags=flags)


def _divided(trip: Trip, said: Said, places: Sequence[Place], habits: Habits) -> Trip:
    kind: TripKind | None = said.get("kind", "mixed" if said.get("business_km") is not None else trip.kind)
    if kind is None:
        begin, end = (telling_place(places, end.position) for end in (trip.from_, trip.to))
        kind = proposed_kind(begin, end, trip.started_at, trip.timezone, habits)
    said_km = number(said.get("business_km"), "business_km", 0, MOST_KM)
    if said_km is None:
        business_km = 0.0 if "business_km" in said else trip.business_km
        return classified(replace(trip, kind=kind, business_km=business_km))
    if km(said_km) > trip.distance_km:
        raise unfit("business_km", "must not be over the distance")
    divided = classified(replace(trip, kind=kind, business_km=km(said_km)))
    if divided.business_km != km(said_km):
        raise unfit("business_km", f"does not fit a trip that is {kind}")
    return divided
