"""Reads our own JSON export: the trips of a log, and what was read of odometers."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw, Struct

from shared.domain.car.odometer import FINEST_KM, HIGHEST_KM, Reading
from shared.domain.fitting import Unfit, moment, number, unfit
from shared.domain.log.filed import Filed, Into, trip_of
from shared.domain.log.trip import Endpoint, TripKind
from shared.domain.thresholds import CLOCK_AHEAD
from shared.formats.incoming.found import Found, FoundRow, refuse_too_many
from shared.formats.incoming.tables import NO_TRIP
from shared.formats.json_file import FORMAT, VERSION

NO_FILE = "is no JSON export of a log"
# What a driver can say of an odometer. What their car said is told by them here: a device read it.
WORDS = {
    "eye": "eye",
    "garage": "garage",
    "inspection": "inspection",
    "charging": "charging",
    "device": "device",
    "car": "device",
}
COARSEST_KM = 10.0


class _Car(Struct, frozen=True):
    id: str = ""


class _File(Struct):
    format: str
    version: int
    rows: list[Raw]
    view: str = "full"
    car: _Car = _Car()
    readings: list[Raw] = []


class _Kind(Struct):
    row: str = "trip"


class _Trip(Struct, rename={"from_": "from"}):
    started_at: str
    ended_at: str
    distance_km: float
    id: str = ""
    from_: Endpoint | None = None
    to: Endpoint | None = None
    start_odometer_km: float | None = None
    end_odometer_km: float | None = None
    start_odometer_known: str | None = None
    end_odometer_known: str | None = None
    distance_source: str = ""
    kind: TripKind = "unclassified"
    business_km: float | None = None
    purpose: str = ""
    notes: str = ""
    deviation: str = ""
    driver: str = ""
    route: str = ""


class _Reading(Struct):
    at: str
    odometer_km: float
    source: str
    since: str | None = None
    resolution_km: float = FINEST_KM
    confirm: bool = False
    new_series: bool = False
    standing: str | None = None


class Exported(NamedTuple):
    """An export that was opened: the id of its car, as the file has it, its rows and readings."""

    car_id: str
    rows: Sequence[Raw]
    readings: Sequence[Raw]


def opened(text: str) -> Exported:
    """The export that a text is. Raises Unfit where it is none, or not all of one."""
    try:
        file = msgspec.json.decode(text.removeprefix("\ufeff"), type=_File)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise unfit("data", NO_FILE) from error
    if (file.format, file.version) != (FORMAT, VERSION):
        raise unfit("data", f"{NO_FILE}, of version {VERSION}")
    if file.view != "full":
        raise unfit("data", "is the view of an employer, who does not see all of a log")
    refuse_too_many(len(file.rows))
    refuse_too_many(len(file.readings))
    return Exported(file.car.id, file.rows, file.readings)


def found_in(file: Exported, into: Into) -> Found:
    """The trips and readings of an export."""
    rows = [_row(f"row {n}", raw, into) for n, raw in enumerate(file.rows, 1)]
    readings = [_read(f"reading {n}", raw, into) for n, raw in enumerate(file.readings, 1)]
    rows += [one for one in readings if isinstance(one, FoundRow)]
    kept = [one for one in readings if isinstance(one, Reading)]
    return Found(rows, {into.car_id: kept} if into.car_id and kept else {})


def _row(where: str, raw: Raw, into: Into) -> FoundRow:
    try:
        if _decoded(raw, _Kind).row != "trip":
            return FoundRow(where, None, NO_TRIP)
        return FoundRow(where, trip_of(_filed(_decoded(raw, _Trip), into.timezone), into))
    except Unfit as error:
        return FoundRow(where, None, error.detail)


def _filed(trip: _Trip, timezone: str) -> Filed:
    return Filed(
        id=trip.id,
        started_at=moment(trip.started_at, "started_at", timezone),
        ended_at=moment(trip.ended_at, "ended_at", timezone),
        from_=trip.from_ or Endpoint(),
        to=trip.to or Endpoint(),
        start_odometer_km=trip.start_odometer_km,
        end_odometer_km=trip.end_odometer_km,
        is_start_estimated=trip.start_odometer_known == "estimated",
        is_end_estimated=trip.end_odometer_known == "estimated",
        distance_km=trip.distance_km,
        distance_source="gps" if trip.distance_source == "gps" else "manual",
        kind=trip.kind,
        business_km=trip.business_km if trip.kind == "mixed" else None,
        purpose=trip.purpose,
        notes=trip.notes,
        deviation=trip.deviation,
        driver=trip.driver,
        route=trip.route,
    )


def _read(where: str, raw: Raw, into: Into) -> Reading | FoundRow | None:
    """A reading; None of one that is no fact of its own: that of a trip, or one that was taken back."""
    try:
        found = _decoded(raw, _Reading)
        if found.source not in WORDS or found.standing == "withdrawn":
            return None
        return _reading(found, into)
    except Unfit as error:
        return FoundRow(where, None, error.detail)


def _reading(found: _Reading, into: Into) -> Reading:
    at = moment(found.at, "at", into.timezone)
    if at > into.now + CLOCK_AHEAD:
        raise unfit("at", "lies in the future")
    since = moment(found.since, "since", into.timezone) if found.since else None
    if since and since > at:
        raise unfit("since", "lies after at")
    km = number(found.odometer_km, "odometer_km", 0, HIGHEST_KM)
    resolution_km = number(found.resolution_km, "resolution_km", FINEST_KM, COARSEST_KM)
    assert km is not None and resolution_km is not None
    said: dict[str, Any] = {"source": WORDS[found.source]}
    if found.source != "car":
        said |= {"is_confirmed": found.confirm, "begins_series": found.new_series}
    return Reading(at, km, since=since, resolution_km=resolution_km, **said)


def _decoded(raw: Raw, kind: Any) -> Any:
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise Unfit(f"cannot be read: {str(error)[:200]}") from error
