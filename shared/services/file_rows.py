"""Owns what is thought of each row of a file before anything of it comes into a driver's log."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from shared.domain.car.odometer import Reading, ReadingSource
from shared.domain.driver import Account
from shared.domain.fitting import car_id, unfit
from shared.domain.log.beside import Beside
from shared.domain.log.filed import Into, derived_id
from shared.domain.log.trip import Trip
from shared.domain.log.words import identified
from shared.domain.tracking.state import DriverState
from shared.formats.incoming.files import opened
from shared.formats.incoming.found import Format, FoundRow
from shared.formats.incoming.untimed import NOTE
from shared.repositories.readings import reading_id
from shared.repositories.threads import later
from shared.repositories.user_store import UserStore
from shared.services.importing import Given, Offered, parts, year_is_closed

Result = Literal["new", "there_already", "refused", "left"]
A_PAGE = 1000  # trips a request
AROUND = timedelta(days=2)  # longer than a trip
BY_CAR: ReadingSource = "car"
GONE = "It was taken out of the log, or put into another trip."
OTHERS = "The log has other trips of this day, and this one has no times."


class Written(NamedTuple):
    """A file as it is sent: in which format, its text, the car if the caller names one."""

    format: Format
    data: str
    car_id: str | None = None


class Told(NamedTuple):
    """What becomes of a row of a file, `where` it stands there, and why; the trip as the log has it, if it does."""

    where: str
    result: Result
    trip: Trip | None = None
    why: str = ""


class Plan(NamedTuple):
    """What is thought of each row by itself, and what was read of odometers, by car."""

    rows: Sequence[Told]
    readings: Mapping[str, Sequence[Reading]]

    @property
    def new(self) -> list[tuple[Told, Trip]]:
        """The rows that come in, each with its trip; all of these have other ids."""
        return [(row, row.trip) for row in self.rows if row.result == "new" and row.trip]

    @property
    def given(self) -> Given:
        """What comes in."""
        return Given([Offered(row.where, trip) for row, trip in self.new], self.readings)

    def done(self, trips: Mapping[str, Trip], left: Collection[str] = ()) -> list[Told]:
        """All rows, once the new ones are as the log has them; some may be left for later."""
        ids = {*left}
        return [_done(row, row.trip, trips, ids) if row.result == "new" and row.trip else row for row in self.rows]


def _done(row: Told, trip: Trip, trips: Mapping[str, Trip], left: Collection[str]) -> Told:
    return row._replace(result="left", trip=None) if trip.id in left else row._replace(trip=trips.get(trip.id))


def planned(store: UserStore, account: Account, written: Written, now: datetime) -> Plan:
    """What becomes of a file, row by row. Raises Unfit where it cannot be taken in as a whole."""
    file = opened(written.format, written.data)
    into = Into(account.email, account.timezone, _car_id(store, account, written, file.car_id), now)
    found, state = file.found(into), store.state().value
    readings = {of_car: _unread(store, of_car, some) for of_car, some in found.readings.items()}
    return Plan([*_each(store, state, _identified(store, found.rows))], readings)


def stored_trips(store: UserStore, ids: Sequence[str]) -> dict[str, Trip]:
    """Those of the trips that there are, by their ids."""
    read = [later(partial(store.trips.find_all, part)) for part in parts(ids)]
    return {one.value.id: one.value for found in read for one in found()}


def _car_id(store: UserStore, account: Account, written: Written, named: str) -> str | None:
    """Whose trips these are: of the car that the caller names, else the file, else of the driver's default one."""
    cars, wanted = store.cars.list_cars(), car_id(written.car_id)
    if wanted and wanted not in cars:
        raise unfit("car_id", "is none of your cars")
    if not wanted and named and named not in cars:
        raise unfit("car_id", f"is needed: the file is of the car {named[:40]!r}, which is none of yours")
    return wanted or named or account.default_car_id


def _unread(store: UserStore, of_car: str, readings: Sequence[Reading]) -> list[Reading]:
    """The readings that the log does not have as its car's own."""
    as_cars = {reading_id(of_car, replace(one, source=BY_CAR)): one for one in readings}
    known = {id_ for part in parts([*as_cars]) for id_ in store.readings.judged(part)}
    return [one for id_, one in as_cars.items() if id_ not in known]


def _identified(store: UserStore, rows: Sequence[FoundRow]) -> list[FoundRow]:
    """The rows. Where the phone's words of a drive are kept under an id that a file names, and the log has no such trip
    any more, the trip gets an id of its own."""
    named = [row.trip.id for row in rows if row.trip and row.trip.id != derived_id(row.trip)]
    taken = {id_ for part in parts(named) for id_ in store.recorded(part)} - {*stored_trips(store, named)}
    return [
        row._replace(trip=identified(row.trip, derived_id(row.trip))) if row.trip and row.trip.id in taken else row
        for row in rows
    ]


# --- what each row is


def _each(store: UserStore, state: DriverState, rows: Sequence[FoundRow]) -> Iterator[Told]:
    trips = [row.trip for row in rows if row.trip]
    known = _known(store, trips)
    beside, gone = Beside(known.values()), _gone(store, state, [trip.id for trip in trips if trip.id not in known])
    untimed: dict[str, list[Trip]] = {}
    for row in rows:
        if row.trip and row.is_untimed:
            untimed.setdefault(row.trip.date, []).append(row.trip)
    seen: dict[str, FoundRow] = {}
    for row in rows:
        if row.trip is None:
            yield Told(row.where, "refused", None, row.why)
            continue
        trip, first = row.trip, seen.setdefault(row.trip.id, row)
        if there := beside.find(trip, is_untimed=row.is_untimed):
            yield Told(row.where, "there_already", there, _why_there(there, trip))
        elif first is not row:
            yield _again(row, first)
        elif trip.id in gone:
            yield Told(row.where, "refused", None, GONE)
        elif state.is_closed(trip.car_id, trip.year):
            yield Told(row.where, "refused", None, year_is_closed(trip))
        elif row.is_untimed and beside.has_others(untimed[trip.date]):
            yield Told(row.where, "refused", None, OTHERS)
        else:
            yield Told(row.where, "new", trip, NOTE if row.is_untimed else "")


def _why_there(there: Trip, trip: Trip) -> str:
    if there.id == trip.id or (there.started_at, there.ended_at) == (trip.started_at, trip.ended_at):
        return ""
    begin, end = (at.astimezone(ZoneInfo(there.timezone)) for at in (there.started_at, there.ended_at))
    return f"The log has a trip of this time, from {begin:%H:%M} to {end:%H:%M}."


def _again(row: FoundRow, first: FoundRow) -> Told:
    if row.trip == first.trip:
        return Told(row.where, "there_already", None, f"It is the same as {first.where}.")
    return Told(row.where, "refused", None, f"The trip of {first.where} begins at the same moment, and is another one.")


def _known(store: UserStore, trips: Sequence[Trip]) -> dict[str, Trip]:
    """The trips of the log around those of a file, and those that have their ids, wherever they are by now."""
    if not trips:
        return {}
    since, until = min(trip.started_at for trip in trips) - AROUND, max(trip.ended_at for trip in trips)
    found, after, more = dict[str, Trip](), (since, ""), True
    while more:
        page = store.trips.by_time({"car_id": trips[0].car_id}, A_PAGE, after)
        found |= {trip.id: trip for trip in page if trip.started_at <= until}
        more = len(page) == A_PAGE and page[-1].started_at <= until
        after = (page[-1].started_at, page[-1].id) if page else after
    return found | stored_trips(store, [trip.id for trip in trips if trip.id not in found])


def _gone(store: UserStore, state: DriverState, ids: Sequence[str]) -> set[str]:
    """Those of the trips that the log had, as its history tells."""
    return store.history.gone(ids) if ids and state.entries else set()
