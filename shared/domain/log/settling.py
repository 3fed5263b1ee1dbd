"""Trips whose end odometer nobody read: a later reading settles them, and what it says of several is shared out by GPS.

A car's cloud may say nothing for a day of drives. Then each trip begins where GPS says that the one before ended, and
what GPS is wrong by adds up. The first reading afterwards says how far all of them went together.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate

from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.log.drive import Drive
from shared.domain.log.gap import link, linked
from shared.domain.log.measuring import (
    LEAST_BY_ODOMETER_KM,
    closing_reading,
    driven_readings,
    located_fixes,
    parked_readings,
    tolerance_km,
)
from shared.domain.log.rows import Rows
from shared.domain.log.trip import DistanceSource, Flag, Trip, classified, end_odometer_km, km
from shared.domain.place.trail import Fix, trail_distance_km

NOT_READ: Flag = "odometer_pending"
WAITING: tuple[Flag, ...] = (NOT_READ, "distance_unknown")
# One commit holds them all. Who drives more than this without a word of the car has the older ones left to GPS.
MOST_UNREAD = 30


def is_unread(trip: Trip | None) -> bool:
    """Whether the end odometer of a trip is still to be read."""
    return trip is not None and trip.has(NOT_READ)


def goes_on_from(trip: Trip, previous: Trip | None) -> bool:
    """Whether a trip begins where the one before ended by GPS alone. What the driver said is no estimate."""
    if previous is None or not is_unread(previous) or previous.distance_source == "manual":
        return False
    left_at_km = end_odometer_km(previous)
    return trip.has("start_odometer_estimated") and left_at_km is not None and trip.start_odometer_km == left_at_km


def unread_until(rows: Rows, last: Trip | None) -> list[Trip]:
    """A trip whose end odometer nobody read, and those before it from which it goes on; none where it was read."""
    found: list[Trip] = []
    while last and is_unread(last) and (not found or goes_on_from(found[0], last)):
        found.insert(0, last)
        if not last.has("start_odometer_estimated") or len(found) == MOST_UNREAD:
            break
        last = rows.before(last.car_id, last.started_at)
    return found


def put_settled(rows: Rows, unread: Sequence[Trip], trips: Sequence[Trip | None]) -> None:
    """Puts the trips that were settled in place of what they were."""
    for former, trip in zip(unread, trips, strict=True):
        if trip is None:
            rows.drop(former)
        elif trip != former:
            rows.put(trip)


def settle(rows: Rows, unread: Sequence[Trip], reading: Reading, now: datetime) -> Trip | None:
    """Settles trips, each of which goes on from the one before, by a reading at the end of the last one.

    Gives that one as it is then, None where it was no trip at all. The gap after it follows.
    """
    if not unread:
        return None
    trips, last = settled(unread, reading, now), unread[-1]
    if (first := trips[0]) and first.start_odometer_km != unread[0].start_odometer_km:
        trips[0] = linked(first, rows.before(first.car_id, first.started_at))
    put_settled(rows, unread, trips)
    if following := rows.after(last.car_id, last.started_at):
        link(rows, following)
    return trips[-1]


def settled(unread: Sequence[Trip], reading: Reading, now: datetime) -> list[Trip | None]:
    """Trips, one after another and each going on from the one before, after a reading at the end of the last one.

    None in the place of one that turns out to be no trip at all. What GPS does not explain is a gap before the last
    one, unless that is the only one: then the odometer was read at both its ends.
    """
    start_km = unread[0].start_odometer_km
    if len(unread) == 1 or start_km is None:
        return [*unread[:-1], _settled_alone(unread[-1], km(reading.km), now)]
    if reading.km - start_km < LEAST_BY_ODOMETER_KM:
        return [None] * len(unread)
    ends_km, missing_km = _shared_out(unread, start_km, reading.km, 0.0)
    made = _with_ends(unread, ends_km, now, last_was_read=True)
    if not missing_km:
        return [*made]
    last = replace(made[-1], start_odometer_km=km(reading.km - made[-1].distance_km), end_odometer_km=km(reading.km))
    return [*made[:-1], linked(last, made[-2])]


def settled_by_drive(unread: Sequence[Trip], drive: Drive, trail: Sequence[Fix], now: datetime) -> list[Trip] | None:
    """The same trips, after what the car said just before the next drive or first on it; `trail` is as for `measured`.

    None where it said nothing, or where nobody can tell how much of it was theirs. What GPS does not explain is left to
    the gap before the next trip.
    """
    by_driver = any(trip.distance_source == "manual" for trip in unread)
    start_km = unread[0].start_odometer_km if unread and not by_driver else None
    parked = parked_readings(drive, unread[-1]) if unread else []
    first = parked[-1] if parked else next(iter(driven_readings(drive)), None) or closing_reading(drive)
    if start_km is None or first is None or first.km - start_km < LEAST_BY_ODOMETER_KM:
        return None
    onward_km = 0.0 if parked else trail_distance_km(located_fixes(drive, trail), first.at)
    if not (parked or onward_km):
        return None
    ends_km, missing_km = _shared_out(unread, start_km, first.km, onward_km)
    return _with_ends(unread, ends_km, now, last_was_read=bool(parked) and not missing_km)


def _shared_out(
    unread: Sequence[Trip], start_km: float, until_km: float, onward_km: float
) -> tuple[list[float], float]:
    """The odometer at the end of each of the trips, where it showed `until_km` after `onward_km` more by GPS.

    Each gets its share by GPS. What the odometer shows beyond that is missing, in km, and nobody's.
    """
    by_gps_km = sum(trip.distance_km for trip in unread) + onward_km
    more_km = until_km - start_km - by_gps_km
    missing_km = more_km if more_km > tolerance_km(by_gps_km) else 0.0
    share = (by_gps_km + more_km - missing_km) / by_gps_km if by_gps_km else 0.0
    sums_km = accumulate(trip.distance_km for trip in unread)
    return [km(start_km + share * so_far_km) for so_far_km in sums_km], missing_km


def _with_ends(unread: Sequence[Trip], ends_km: Sequence[float], now: datetime, last_was_read: bool) -> list[Trip]:
    made: list[Trip] = []
    for trip, end_km in zip(unread, ends_km, strict=True):
        was_read = last_was_read and trip is unread[-1]
        start_km = made[-1].end_odometer_km if made else trip.start_odometer_km
        source: DistanceSource = "odometer" if was_read and not trip.has("start_odometer_estimated") else "gps"
        unsure: tuple[Flag, ...] = () if was_read else ("end_odometer_estimated",)
        changed = replace(
            trip,
            start_odometer_km=start_km,
            end_odometer_km=end_km,
            distance_km=km(end_km - (start_km or 0.0)),
            distance_source=source,
            flags=(*trip.flags_but(*WAITING), *unsure),
            revision=trip.revision + 1,
            updated_at=now,
        )
        changed = classified(changed)
        made.append(linked(changed, made[-1]) if made else changed)
    return made


def _settled_alone(trip: Trip, end_km: float, now: datetime) -> Trip | None:
    flags, start_km = trip.flags_but(*WAITING), trip.start_odometer_km
    too_late = start_km is not None and end_km - start_km < LEAST_BY_ODOMETER_KM
    if start_km is None or (too_late and trip.has("start_odometer_estimated")):
        flags = (*trip.flags_but(*WAITING, "start_odometer_estimated"), "start_odometer_estimated")
        changed = replace(trip, start_odometer_km=km(end_km - trip.distance_km), end_odometer_km=end_km, flags=flags)
    elif too_late:
        return None
    else:
        distance_km = km(end_km - start_km)
        read: DistanceSource = "odometer"
        changed = replace(trip, end_odometer_km=end_km, distance_km=distance_km, distance_source=read, flags=flags)
    return replace(classified(changed), revision=trip.revision + 1, updated_at=now)
