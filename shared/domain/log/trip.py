"""Owns the finished trip: its fields and its kind. Distances in km to 0.1."""

import hashlib
import re
from datetime import UTC, date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from shared.domain.log.summary import Summary
from shared.domain.place.geo import Position

TripKind = Literal["business", "private", "mixed", "unclassified"]
DistanceSource = Literal["odometer", "gps", "manual"]
TripSource = Literal["automatic", "manual"]
Known = Literal["read", "typed", "estimated"]
Flag = Literal[
    "odometer_pending",
    "start_odometer_estimated",
    "end_odometer_estimated",
    "distance_unknown",
    "end_unknown",
    "address_pending",
    "car_unknown",
    "car_unsure",
    "contradicted",
]

TRIP_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}")
BEGINS_WITH_MOMENT = re.compile(r"[0-9]{8}T[0-9]{6}(Z-|\.[0-9]+Z\.)")
NO_CAR = "-"  # stands for the car of a trip without one, where a key is needed


class Endpoint(msgspec.Struct, frozen=True):
    """Where a trip began or ended: WGS84 degrees if known, the name of the user's place, the address."""

    lat: float | None = None
    lng: float | None = None
    place: str = ""
    address: str = ""

    @property
    def position(self) -> Position | None:
        """WGS84 degrees, or None where they are not known."""
        return None if self.lat is None or self.lng is None else Position(self.lat, self.lng)


class Trip(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the log. Times are aware UTC; `timezone`, the user's, decides `date`, `year` and `month`.

    `from_m` and `to_m` are its stretch of the odometer in metres, and `excess_km` is what it shows beyond that. Where
    the car got another odometer before it, that was set on by `set_on_m` metres, below zero if back.
    `set_by_hand` names the fields that its driver set, by the names that the API has for them.
    """

    id: str
    user: str
    car_id: str | None
    started_at: datetime
    ended_at: datetime
    timezone: str
    date: str
    year: int
    month: int
    from_: Endpoint = msgspec.field(name="from", default=Endpoint())
    to: Endpoint = Endpoint()
    start_odometer_km: float | None = None
    end_odometer_km: float | None = None
    distance_km: float = 0.0
    distance_source: DistanceSource = "manual"
    gps_km: float | None = None
    gap_before_km: float = 0.0
    kind: TripKind = "unclassified"
    business_km: float = 0.0
    private_km: float = 0.0
    purpose: str = ""
    notes: str = ""
    route: str = ""
    deviation: str = ""
    driver: str = ""
    source: TripSource = "automatic"
    flags: tuple[Flag, ...] = ()
    from_m: int | None = None
    to_m: int | None = None
    start_odometer_known: Known | None = None
    end_odometer_known: Known | None = None
    excess_km: float = 0.0
    set_on_m: int = 0
    set_by_hand: tuple[str, ...] = ()
    late: bool = False
    summary: Summary | None = None
    revision: int = 1
    created_at: datetime
    updated_at: datetime

    def has(self, *flags: Flag) -> bool:
        """Whether it has one of these flags. Unlike `in`, this lets mypy find one that there is not."""
        return any(flag in flags for flag in self.flags)

    def flags_but(self, *flags: Flag) -> tuple[Flag, ...]:
        """Its flags without these."""
        return tuple(flag for flag in self.flags if flag not in flags)


def trip_id(
    user: str, started_at: datetime, source: TripSource = "automatic", car_id: str | None = None, n: int = 0
) -> str:
    """The id that follows from user, start and car; with another `n` another one, where that is taken."""
    utc = started_at.astimezone(UTC)
    digest = hashlib.sha256(f"{user}|{utc.isoformat()}|{source}|{car_id or ''}|{n}".encode()).hexdigest()
    return f"{utc:%Y%m%dT%H%M%SZ}-{digest[:6]}"


def moment_by_id(id_: str) -> datetime | None:
    """The moment, to the second (aware UTC), that stands at the begin of the id of a trip, which began then as far as
    was known when it was given, and of a reading; None of other ids."""
    if not BEGINS_WITH_MOMENT.match(id_):
        return None
    try:
        return datetime.strptime(id_[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def local_date(moment: datetime, timezone: str) -> date:
    """The date of a moment in a time zone (IANA name)."""
    return moment.astimezone(ZoneInfo(timezone)).date()


def km(value: float) -> float:
    """Kilometres as they are kept: to 0.1."""
    return round(value, 1) + 0.0


def shown_km(odometer_m: int) -> float:
    """An odometer in metres as it is shown: in km to 0.1, cut off, for so an odometer itself shows it."""
    # By whole numbers, so that the same stretch shows the same distance wherever on the odometer it lies.
    return km(odometer_m // 100 / 10)


def dated(trip: Trip) -> Trip:
    """The trip with date, year and month of its start in its time zone."""
    day = local_date(trip.started_at, trip.timezone)
    return replace(trip, date=day.isoformat(), year=day.year, month=day.month)


def classified(trip: Trip) -> Trip:
    """The trip with its kilometres divided by its kind; a mixed trip keeps its business part."""
    business_km = {"business": trip.distance_km, "mixed": min(trip.business_km, trip.distance_km)}.get(trip.kind, 0.0)
    private_km = 0.0 if trip.kind == "unclassified" else km(trip.distance_km - business_km)
    return replace(trip, business_km=km(business_km), private_km=private_km)
