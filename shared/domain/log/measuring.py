"""The reconciliation: makes a trip of a drive by holding odometer, GPS trail and the trip before against each other."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

import msgspec
import polyline
from msgspec.structs import replace

from shared.domain.car.odometer import SAME_KM, Reading
from shared.domain.log.addresses import flagged
from shared.domain.log.drive import Drive, EarlierStart
from shared.domain.log.gap import linked
from shared.domain.log.kinds import Habits, proposed_kind, telling_place
from shared.domain.log.trip import Endpoint, Flag, Trip, classified, dated, end_odometer_km, km, trip_id
from shared.domain.place.geo import Position
from shared.domain.place.places import Place, place_at
from shared.domain.place.trail import Fix, located, seen_distance_km, trail_distance_km
from shared.domain.thresholds import Rules

LEAST_BY_ODOMETER_KM = 0.1
LEAST_BY_GPS_KM = 0.2
# GPS is an estimate: an odometer may show this much more before the rest counts as a gap.
GPS_TOLERANCE = 0.3
GPS_TOLERANCE_KM = 1.0
# A trail explains a distance only without longer holes; after its last fix a car may go on as fast as it can.
LONGEST_HOLE = timedelta(minutes=2)
FASTEST_KM_PER_HOUR = 130.0


# Letters of a route to which another one is still added: a trip must fit into a document.
LONGEST_ROUTE = 300_000

TooShort = Literal["under 0.1 km by odometer", "under 0.2 km by GPS"]


class NotATrip(msgspec.Struct, frozen=True):
    """A drive that is not worth a line in the log, and why."""

    drive: Drive
    why: TooShort


class Owner(msgspec.Struct, frozen=True):
    """Whose trip it is: e-mail, time zone (IANA name), habits, and whether addresses of trips are looked up."""

    user: str
    timezone: str
    habits: Habits = Habits()
    addresses: bool = False


class _Opening(msgspec.Struct, frozen=True):
    km: float | None
    estimated: bool = False


def resumes(previous: Trip | None, drive: Drive, rules: Rules) -> bool:
    """Whether a drive is the rest of the trip before, which was saved when the start that resumes it was still to come.

    So it is where a phone was out of reach at a short stop: by the times of its events the trip never ended. An end
    that the car has confirmed stays one.
    """
    if previous is None or previous.source != "automatic" or previous.distance_source != "gps":
        return False
    if len(previous.route) > LONGEST_ROUTE:
        return False
    unsettled = previous.car_id is None or previous.has("odometer_pending")
    stood_for = drive.started_at - previous.ended_at
    return unsettled and timedelta(0) <= stood_for <= rules.resume_within


def resumed(previous: Trip, rest: Trip, owner: Owner, places: Sequence[Place], now: datetime) -> Trip:
    """The trip before with its rest, by GPS; where the odometer at its end is known, it is still to be settled by it.

    Its kind is proposed anew, unless the driver has chosen one.
    """
    stop = ((previous.ended_at, previous.to), (rest.started_at, rest.from_))
    between_km = trail_distance_km(Fix(at, *end.position) for at, end in stop if end.position)
    begun = [flag for flag in previous.flags if flag == "start_odometer_estimated"]
    waiting: list[Flag] = [] if rest.end_odometer_km is None else ["odometer_pending"]
    rest_flags = rest.flags_but("start_odometer_estimated", "distance_unknown")
    trip = replace(
        previous,
        ended_at=rest.ended_at,
        to=rest.to,
        distance_km=km(previous.distance_km + between_km + rest.distance_km),
        gps_km=km((previous.gps_km or 0.0) + between_km + (rest.gps_km or 0.0)),
        route=_encoded([*polyline.decode(previous.route), *polyline.decode(rest.route)]),
        flags=(*begun, *waiting, *rest_flags),
        revision=previous.revision + 1,
        updated_at=now,
    )
    return _moved(previous, trip, owner, places)


def begun_earlier(trip: Trip, earlier: EarlierStart, owner: Owner, places: Sequence[Place], now: datetime) -> Trip:
    """A saved trip with a beginning that came too late for it. Of the gap before it, it takes what it drove there.

    What the driver has altered stays: a trip by hand, or one that begins at another moment by now, is left as it is.
    """
    if trip.distance_source == "manual" or trip.started_at != earlier.begun_at:
        return trip
    fixes = located([earlier.fix])
    begin = (*fixes, Fix(trip.started_at, *trip.from_.position)) if trip.from_.position else ()
    leg_km = trail_distance_km(begin)
    unseen_km = min(max(trip.gap_before_km, 0.0), leg_km)
    start_km = None if trip.start_odometer_km is None else km(trip.start_odometer_km - unseen_km)
    read = start_km is not None and trip.end_odometer_km is not None
    changed = replace(
        trip,
        started_at=earlier.fix.at,
        from_=_endpoint(fixes, (), earlier.fix.at, places) if fixes else trip.from_,
        start_odometer_km=start_km,
        distance_km=km(trip.distance_km + (unseen_km if read else leg_km)),
        gps_km=km((trip.gps_km or 0.0) + leg_km),
        gap_before_km=km(trip.gap_before_km - unseen_km),
        route=_encoded([*_positions(fixes), *polyline.decode(trip.route)]),
        revision=trip.revision + 1,
        updated_at=now,
    )
    changed = changed if changed.gap_before_km else replace(changed, gap=None)
    return _moved(trip, dated(changed), owner, places)


def _moved(former: Trip, trip: Trip, owner: Owner, places: Sequence[Place]) -> Trip:
    """A trip with another end or beginning than it had: its kind is proposed anew, unless the driver has chosen one."""
    untouched = former.kind == proposed(former, owner, places).kind
    trip = proposed(trip, owner, places) if untouched else trip
    return classified(flagged(trip, owner.addresses))


def measured(
    drive: Drive,
    trail: Sequence[Fix],
    previous: Trip | None,
    owner: Owner,
    places: Sequence[Place],
    now: datetime,
    is_rest: bool = False,
) -> Trip | NotATrip:
    """The trip that came of a drive.

    `trail` holds the older fixes from the store, `previous` is the trip before on the same car. Distance is by
    odometer where both its values are known, else by GPS. The kind is a proposal, which the driver may change.
    The rest of the trip before counts however short it is.
    """
    fixes = located_fixes(drive, trail)
    opening, closing = _opening(drive, fixes, previous), closing_reading(drive)
    if opening.km is None and closing is not None:
        # Only the end is known: the start lies where GPS says, if it says anything.
        opening = _Opening(km(closing.km - trail_distance_km(fixes)) if len(fixes) > 1 else None, estimated=True)
    surely = not opening.estimated or bool(driven_readings(drive))
    by_odometer = opening.km is not None and closing is not None and surely
    if opening.km is not None and closing is not None:
        distance_km = km(closing.km - opening.km)
    else:
        distance_km = km(_best_known_km(drive, fixes, opening))
    if not is_rest and (why := _why_not_a_trip(drive, fixes, distance_km, by_odometer)):
        return NotATrip(drive, why)
    trip = Trip(
        id=trip_id(owner.user, drive.started_at, car_id=drive.car_id),
        user=owner.user,
        car_id=drive.car_id,
        started_at=drive.started_at,
        ended_at=drive.ended_at,
        timezone=owner.timezone,
        date="",
        year=0,
        month=0,
        start_odometer_km=opening.km,
        end_odometer_km=km(closing.km) if closing else None,
        distance_km=distance_km,
        distance_source="odometer" if by_odometer else "gps",
        gps_km=km(trail_distance_km(fixes)),
        from_=_endpoint(fixes[:1], drive.readings, drive.started_at, places),
        to=_endpoint(fixes[-1:], drive.readings, drive.ended_at, places),
        route=_encoded(_positions(fixes)),
        flags=_flags(drive, fixes, opening, closing),
        created_at=now,
        updated_at=now,
    )
    trip = flagged(proposed(trip, owner, places), owner.addresses)
    return linked(classified(dated(trip)), previous)


def proposed(trip: Trip, owner: Owner, places: Sequence[Place]) -> Trip:
    """The trip with the kind that its ends, its time and the driver's habits propose."""
    begin, end = (telling_place(places, end.position) for end in (trip.from_, trip.to))
    return replace(trip, kind=proposed_kind(begin, end, trip.started_at, owner.timezone, owner.habits))


def _opening(drive: Drive, fixes: Sequence[Fix], previous: Trip | None) -> _Opening:
    """The odometer at the start: the last parked one, unless the first reading of the drive shows a gap before it."""
    first, parked = next(iter(driven_readings(drive)), None), _parked(drive, previous)
    if parked.km is None:
        if first is None:
            return parked
        driven_km = seen_distance_km(fixes, first.at)
        return _Opening(km(first.km - driven_km), estimated=driven_km >= LEAST_BY_ODOMETER_KM)
    first = first or closing_reading(drive)
    if first and first.km < parked.km:
        # The trip before was logged with more than it was: this one went as far as GPS says, and the two overlap.
        return _Opening(km(first.km - seen_distance_km(fixes, first.at)), estimated=True)
    explained_km = _explained_km(drive, fixes, first.at) if first else None
    if first is None or explained_km is None:
        return parked
    seen_at = max([drive.started_at, *(fix.at for fix in fixes if fix.at <= first.at)])
    unseen = max(timedelta(0), min(first.at, drive.ended_at) - seen_at)
    on_km = FASTEST_KM_PER_HOUR * (unseen / timedelta(hours=1))
    if first.km - parked.km - explained_km <= max(tolerance_km(explained_km), on_km):
        return parked
    return _Opening(km(first.km - explained_km))


def _parked(drive: Drive, previous: Trip | None) -> _Opening:
    """Where the car was left: by its last reading there, else by the trip before, whose own end may be an estimate."""
    if parked := parked_readings(drive, previous):
        return _Opening(km(parked[-1].km))
    left_at_km = end_odometer_km(previous) if previous else None
    unsure = previous is not None and previous.has("odometer_pending", "end_odometer_estimated")
    return _Opening(None if left_at_km is None else km(left_at_km), estimated=unsure)


def located_fixes(drive: Drive, trail: Sequence[Fix]) -> list[Fix]:
    """The fixes of a drive that can be measured with, the older ones from the store among them, by time.

    A start and an end of the same moment and place are one, and so is what came twice: two would show a drive that was
    seen nowhere else as one that did not move.
    """
    seen = (Fix(heard.at, heard.lat, heard.lng, heard.accuracy_m) for heard in (*trail, *drive.events))
    return [fix for fix in located(seen) if fix.at <= drive.ended_at]


def parked_readings(drive: Drive, previous: Trip | None) -> list[Reading]:
    """The readings of the parked car between the trip before and a drive, by time."""
    since = previous.ended_at if previous else None
    return [
        reading
        for reading in drive.readings
        if reading.at <= drive.started_at and not reading.driving and (since is None or reading.at >= since)
    ]


def driven_readings(drive: Drive) -> list[Reading]:
    """The readings measured on the way: after the start (or before it, of a car that drove already), before the end."""
    return [reading for reading in drive.readings if drive.started_at < reading.at < drive.ended_at]


def closing_reading(drive: Drive) -> Reading | None:
    """The first reading at or after the end, once a car that does not drive has confirmed it."""
    after = [
        reading
        for reading in drive.readings
        if reading.at >= drive.ended_at and (drive.before is None or reading.at <= drive.before)
    ]
    return after[0] if any(not reading.driving for reading in after) else None


def _explained_km(drive: Drive, fixes: Sequence[Fix], moment: datetime) -> float | None:
    """What GPS explains up to a moment, or None where the trail has holes and explains nothing."""
    seen = [drive.started_at, *(fix.at for fix in fixes if fix.at <= moment)]
    if not fixes or any(later - earlier > LONGEST_HOLE for earlier, later in pairwise(seen)):
        return None
    return seen_distance_km(fixes, moment)


def tolerance_km(gps_km: float) -> float:
    """How much more than by GPS a car may have gone before the rest counts as a gap."""
    return max(GPS_TOLERANCE_KM, GPS_TOLERANCE * gps_km)


def _best_known_km(drive: Drive, fixes: Sequence[Fix], opening: _Opening) -> float:
    """GPS, but never less than what the odometer showed on the way."""
    gps_km = trail_distance_km(fixes)
    driven = driven_readings(drive)
    if opening.km is None or not driven:
        return gps_km
    rest_km = gps_km - trail_distance_km(fixes, driven[-1].at)
    return max(0.0, driven[-1].km - opening.km) + rest_km


def _why_not_a_trip(drive: Drive, fixes: Sequence[Fix], distance_km: float, by_odometer: bool) -> TooShort | None:
    if by_odometer:
        return "under 0.1 km by odometer" if distance_km < LEAST_BY_ODOMETER_KM - SAME_KM / 10 else None
    # A car that was never read, and a phone that never said where it was: nothing says that it is no trip.
    unknown = drive.car_id is not None and len(fixes) < 2 and closing_reading(drive) is None
    return "under 0.2 km by GPS" if distance_km < LEAST_BY_GPS_KM and not unknown else None


def _flags(drive: Drive, fixes: Sequence[Fix], opening: _Opening, closing: Reading | None) -> tuple[Flag, ...]:
    flags: dict[Flag, bool] = {
        "odometer_pending": drive.car_id is not None and closing is None,
        "start_odometer_estimated": opening.estimated and opening.km is not None,
        "distance_unknown": len(fixes) < 2 and (opening.km is None or closing is None),
        "end_unknown": drive.why == "nothing was heard any more",
        "car_unknown": drive.is_stray,
    }
    return tuple(name for name, holds in flags.items() if holds)


def _positions(fixes: Sequence[Fix]) -> list[Position]:
    return [fix.position for fix in fixes if fix.position]


def _encoded(positions: Sequence[tuple[float, float]]) -> str:
    """The encoded polyline (precision 5); the library cannot encode an empty one."""
    return polyline.encode(positions, 5) if positions else ""


def _endpoint(fixes: Sequence[Fix], readings: Sequence[Reading], moment: datetime, places: Sequence[Place]) -> Endpoint:
    """Where the phone was, else where the car was seen within a quarter of an hour."""
    near = [r for r in readings if r.lat is not None and abs(r.at - moment) <= timedelta(minutes=15)]
    seen = fixes or [Fix(reading.at, reading.lat, reading.lng) for reading in near]
    if not seen or not seen[0].position:
        return Endpoint()
    place = place_at(places, seen[0].position)
    return Endpoint(*seen[0].position, place.name, place.address) if place else Endpoint(*seen[0].position)


def so_far_km(readings: Sequence[Reading], started_at: datetime, gps_km: float) -> float:
    """How far a trip has gone by now: by odometer since the last parked reading, or by GPS where that says more."""
    since = [r for r in readings if r.at <= started_at][-1:] or list(readings[:1])
    return km(max([gps_km, *(readings[-1].km - reading.km for reading in since)]))
