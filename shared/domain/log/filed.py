"""Owns what a file says of a trip, and the trip of another system that it stands for.

Whoever imports a file says all of it now: what its odometers were is typed, and a trip of long ago is entered late.
"""

import re
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from shared.domain.car.odometer import HIGHEST_KM
from shared.domain.fitting import MOST_LABEL, number, text, unfit
from shared.domain.log.correcting import entered
from shared.domain.log.laying import LONGEST_ROUTE
from shared.domain.log.moved import moved
from shared.domain.log.trip import TRIP_ID, DistanceSource, Endpoint, Trip, TripKind, km, trip_id
from shared.domain.thresholds import CLOCK_AHEAD

ROUTE = re.compile(r"[?-~]*")  # the letters of an encoded polyline
BY_ODOMETER_KM = 0.15  # two odometers and a distance, each to 0.1 km
NOBODY_SAID: DistanceSource = "manual"


class Filed(msgspec.Struct, frozen=True, kw_only=True):
    """A trip as a file tells it: moments are aware UTC, kilometres as they stand there; None: it says nothing.

    An odometer that `is_…_estimated` was read by nobody. `business_km` is that of a mixed trip. `id` is the one that it
    has in a file of ours.
    """

    started_at: datetime
    ended_at: datetime
    from_: Endpoint = Endpoint()
    to: Endpoint = Endpoint()
    start_odometer_km: float | None = None
    end_odometer_km: float | None = None
    is_start_estimated: bool = False
    is_end_estimated: bool = False
    distance_km: float | None = None
    distance_source: DistanceSource = NOBODY_SAID
    kind: TripKind = "unclassified"
    business_km: float | None = None
    purpose: str = ""
    notes: str = ""
    deviation: str = ""
    driver: str = ""
    route: str = ""
    id: str = ""


class Into(NamedTuple):
    """Into whose log a file comes: e-mail, time zone (IANA name), the car, and now (aware UTC)."""

    user: str
    timezone: str
    car_id: str | None
    now: datetime


def trip_of(filed: Filed, into: Into) -> Trip:
    """The trip of a line of a file, moved, under an id that follows from it. Raises Unfit."""
    if filed.ended_at > into.now + CLOCK_AHEAD:
        raise unfit("ended_at", "lies in the future")
    start_km, end_km = _odometers(filed)
    trip = entered(into.user, into.car_id, into.timezone, _said(filed), into.now)
    trip = replace(
        trip,
        id=filed.id if TRIP_ID.fullmatch(filed.id) else derived_id(trip),
        start_odometer_km=None if filed.is_start_estimated else start_km,
        end_odometer_km=None if filed.is_end_estimated else end_km,
        start_odometer_known=None,
        end_odometer_known=None,
        distance_source=_source(trip.distance_km, start_km, end_km, filed),
        driver=text(filed.driver, "driver", MOST_LABEL),
        route=filed.route if ROUTE.fullmatch(filed.route) and len(filed.route) <= LONGEST_ROUTE else "",
        # What a file says is a fact of its own kind, and no word about a row of this log.
        set_by_hand=(),
    )
    return replace(trip, summary=moved(trip))


def derived_id(trip: Trip) -> str:
    """The id that follows from the trip alone: the same line twice is one trip."""
    return trip_id(trip.user, trip.started_at, "manual", trip.car_id)


def _odometers(filed: Filed) -> tuple[float | None, float | None]:
    start_km = number(filed.start_odometer_km, "start_odometer_km", 0, HIGHEST_KM)
    end_km = number(filed.end_odometer_km, "end_odometer_km", 0, HIGHEST_KM)
    if start_km is not None and end_km is not None and end_km < start_km:
        raise unfit("end_odometer_km", "must not be below start_odometer_km")
    return start_km, end_km


def _said(filed: Filed) -> dict[str, Any]:
    """The line by the names of a trip's fields. Its odometers stay out: beside them its distance may be another one."""
    distance_km = filed.distance_km
    if distance_km is None and filed.start_odometer_km is not None and filed.end_odometer_km is not None:
        distance_km = km(filed.end_odometer_km - filed.start_odometer_km)
    said = {name: getattr(filed, name) for name in ("from_", "to", "kind", "purpose", "notes", "deviation")}
    said |= {name: getattr(filed, name).isoformat() for name in ("started_at", "ended_at")}
    return said | {"distance_km": distance_km, "business_km": filed.business_km}


def _source(distance_km: float, start_km: float | None, end_km: float | None, filed: Filed) -> DistanceSource:
    if filed.is_start_estimated or filed.is_end_estimated or start_km is None or end_km is None:
        return "gps" if filed.distance_source == "gps" else NOBODY_SAID
    return "odometer" if abs(end_km - start_km - distance_km) <= BY_ODOMETER_KM + 1e-6 else NOBODY_SAID
