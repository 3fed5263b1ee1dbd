"""Makes rows of outlines: what the fold says of kilometres and times, and what places, habits and drivers add to it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec
import polyline
from msgspec.structs import replace

from shared.domain.log.addresses import flagged
from shared.domain.log.book import TripOutline
from shared.domain.log.drive import Heard
from shared.domain.log.kinds import Habits, proposed_kind, telling_place
from shared.domain.log.trip import DistanceSource, Endpoint, Flag, Trip, classified, dated, km, shown_km
from shared.domain.place.geo import Position
from shared.domain.place.places import Place, place_at
from shared.domain.place.trail import Fix, located, trail_distance_km

LONGEST_ROUTE = 300_000  # letters: a trip must fit into a document
BY_ADDRESSES: Flag = "address_pending"


class Whose(Protocol):
    """Whose log it is, as the fold asks for it: an `Owner`, or what reads one from a store at the first use."""

    @property
    def user(self) -> str: ...

    @property
    def timezone(self) -> str: ...

    @property
    def habits(self) -> Habits: ...

    @property
    def addresses(self) -> bool: ...

    @property
    def places(self) -> Sequence[Place]: ...


class Owner(msgspec.Struct, frozen=True):
    """Whose log it is: e-mail, time zone (IANA name), habits, whether addresses are looked up, and their places."""

    user: str
    timezone: str
    habits: Habits = Habits()
    addresses: bool = False
    places: tuple[Place, ...] = ()


def new_trip(id_: str, outline: TripOutline, words: Sequence[Heard], owner: Whose, now: datetime) -> Trip:
    """The row of a trip that has none yet, with the route that the phone saw. It is to be `laid`."""
    drive = outline.drive
    blank = Trip(
        id=id_,
        user=owner.user,
        car_id=outline.car_id,
        started_at=drive.began_at,
        ended_at=drive.ended_at,
        timezone=owner.timezone,
        date="",
        year=0,
        month=0,
        driver=drive.summary.driver,
        source="manual" if drive.summary.is_by_hand else "automatic",
        created_at=now,
        updated_at=now,
    )
    return with_route(blank, outline, words)


def with_route(trip: Trip, outline: TripOutline, words: Sequence[Heard]) -> Trip:
    """The trip with the way that the phone saw between its begin and its end."""
    fixes = [
        fix
        for fix in located(Fix(heard.at, heard.lat, heard.lng, heard.accuracy_m) for heard in words)
        if outline.drive.began_at <= fix.at <= outline.drive.ended_at
    ]
    positions = [fix.position for fix in fixes if fix.position]
    route = polyline.encode(positions, 5) if positions else ""
    return replace(trip, route=route[:LONGEST_ROUTE], gps_km=km(trail_distance_km(fixes)))


def laid(trip: Trip, outline: TripOutline, gap_before_km: float, set_on_m: int, owner: Whose) -> Trip:
    """The row with all that the fold says by now. What its driver set stays as it is."""
    drive = outline.drive
    changed = replace(
        trip,
        car_id=outline.car_id,
        started_at=drive.began_at,
        ended_at=drive.ended_at,
        summary=replace(drive.summary, settled=None),
        gap_before_km=gap_before_km,
        set_on_m=set_on_m,
        **_by_odometer(trip, outline),
    )
    changed = _with_ends(changed, outline, owner)
    kept_flags = tuple(flag for flag in trip.flags if flag == BY_ADDRESSES)
    changed = replace(changed, flags=(*_flags(outline), *kept_flags))
    if "kind" not in trip.set_by_hand and not drive.summary.is_by_hand:
        changed = _proposed(changed, owner)
    moved = (changed.from_, changed.to) != (trip.from_, trip.to) or not trip.date
    changed = flagged(changed, owner.addresses) if moved else changed
    return classified(dated(changed))


def _flags(outline: TripOutline) -> tuple[Flag, ...]:
    """The flags of a trip. One that was moved and is beside every odometer waits for none: nobody reads it any more."""
    is_beside = outline.drive.summary.moved is not None and outline.from_m is None
    return tuple(flag for flag in outline.flags if not (is_beside and flag == "odometer_pending"))


def _source(trip: Trip, outline: TripOutline) -> DistanceSource:
    """Who says the distance. Of a trip that was moved that is who said it there, until its driver says another one."""
    is_moved = outline.drive.summary.moved is not None and outline.source == "manual"
    return trip.distance_source if is_moved and "distance_km" not in trip.set_by_hand else outline.source


def _by_odometer(trip: Trip, outline: TripOutline) -> dict[str, object]:
    """Kilometres as they are shown: a distance is the difference of its two boundaries, and what is in excess."""
    start_km, end_km = (None if m is None else shown_km(m) for m in (outline.from_m, outline.to_m))
    says_km = km(outline.shown_m / 1000)
    excess_km = 0.0
    if start_km is not None and end_km is not None:
        stretch_km = km(end_km - start_km)
        by_word = outline.source == "manual" or outline.has("contradicted")
        excess_km = max(0.0, km(says_km - stretch_km)) if by_word else 0.0
        says_km = km(stretch_km + excess_km)
    return {
        "from_m": outline.from_m,
        "to_m": outline.to_m,
        "start_odometer_km": start_km,
        "end_odometer_km": end_km,
        "start_odometer_known": outline.from_known,
        "end_odometer_known": outline.to_known,
        "distance_km": says_km,
        "excess_km": excess_km,
        "distance_source": _source(trip, outline),
    }


def _with_ends(trip: Trip, outline: TripOutline, owner: Whose) -> Trip:
    if outline.drive.summary.moved:
        return trip
    begin = trip.from_ if "from" in trip.set_by_hand else _endpoint(trip.from_, outline.begin, owner)
    end = trip.to if "to" in trip.set_by_hand else _endpoint(trip.to, outline.end, owner)
    return replace(trip, from_=begin, to=end)


def _endpoint(former: Endpoint, position: Position | None, owner: Whose) -> Endpoint:
    """Where an end of a trip is. As long as it stays there it keeps the name and the address that it has."""
    if former.position == position:
        return former
    if position is None:
        return Endpoint()
    place = place_at(owner.places, position)
    return Endpoint(*position, place.name, place.address) if place else Endpoint(*position)


def _proposed(trip: Trip, owner: Whose) -> Trip:
    """The trip with the kind that its ends, its time and the driver's habits propose."""
    begin, end = (telling_place(owner.places, end.position) for end in (trip.from_, trip.to))
    return replace(trip, kind=proposed_kind(begin, end, trip.started_at, owner.timezone, owner.habits))
