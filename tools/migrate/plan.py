"""Owns what is to be moved for each user, and what is to be told of rows that stay, change hands or lose something."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import msgspec

from shared.domain.log.trip import Trip
from shared.domain.place.places import Place
from shared.domain.tracking.state import DriverState
from tools.migrate.checking import Tally, raw_tally
from tools.migrate.old_rows import OldReading
from tools.migrate.old_trips import Converted
from tools.migrate.source import OldCars, Row, Source

T = TypeVar("T")
Watched = Callable[[str, Iterable[T]], Iterator[T]]


class Share(msgspec.Struct):
    """What of the old data is one user's: rows that can be read."""

    cars: list[Row[OldCars]] = []
    places: list[Place] = []
    readings: list[OldReading] = []
    active: Row[DriverState] | None = None
    trips: dict[str, Trip] = {}
    before: Tally = Tally()


class Note(msgspec.Struct, frozen=True):
    """Something to be told of an old document."""

    why: str
    path: str


class Plan(msgspec.Struct):
    """The old data by user; rows left with why, rows that the default user gets, what does not come along."""

    shares: dict[str, Share] = {}
    left: list[Note] = []
    adopted: list[Note] = []
    remarks: list[Note] = []
    idle: bool = False

    def share(self, email: str) -> Share:
        """The user's share."""
        return self.shares.setdefault(email, Share())

    def take(self, row: Row[Any]) -> Share | None:
        """The share that a row goes to, or None if it cannot be read; whatever is to be told is noted."""
        if row.made is None:
            self.left.append(Note(row.why, row.path))
            return None
        if row.adopted:
            self.adopted.append(Note(row.adopted, row.path))
        self.remarks += [Note(remark, row.path) for remark in row.remarks]
        return self.share(row.owner)


def planned(source: Source, watched: Watched[Any]) -> Plan:
    """Reads the whole old store. `watched` shows how far it is."""
    plan = Plan()
    for car_row in watched("reading old cars", source.cars()):
        if share := plan.take(car_row):
            share.cars.append(car_row)
    for place_row in watched("reading locations", source.places()):
        if share := plan.take(place_row):
            share.places.append(place_row.made)
    for reading_row in watched("reading odometer_readings", source.readings()):
        if share := plan.take(reading_row):
            share.readings.append(reading_row.made)
    _take_active(plan, source.active())
    for trip_row in watched("reading trips", source.trips()):
        _take_trip(plan, trip_row)
    plan.left += [Note("nothing that this tool knows", path) for path in source.strangers()]
    return plan


def _take_active(plan: Plan, row: Row[DriverState] | None) -> None:
    if row is None:
        return
    if row.made and not row.made.drive:
        plan.idle = True
    elif share := plan.take(row):
        share.active = row


def _take_trip(plan: Plan, row: Row[Converted]) -> None:
    share = plan.take(row)
    if share is None or row.made is None:
        return
    trip = row.made.trip
    if trip.id in share.trips:
        # Six digits of a hash: once in millions of rows that start in the same second.
        plan.left.append(Note("its new id is that of another row", row.path))
        return
    share.trips[trip.id] = trip
    share.before = share.before.plus(raw_tally(row.fields))
