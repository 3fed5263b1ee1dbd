"""Takes facts of another system into a driver's log: by the ordinary fold, part by part, and each fact once.

Each part is one commit, with the driver's state, and finds out by itself what of it is there already: so it does not
matter when this is stopped and done again, or what the live system writes meanwhile. A preview says what would come of
it and writes nothing.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, repeat
from typing import Literal, NamedTuple, TypeVar

from msgspec.structs import replace

from shared.domain.car.odometer import Reading, judged
from shared.domain.driver import Account
from shared.domain.log.chapter import settled_trip
from shared.domain.log.history import Author
from shared.domain.log.rows import Rows
from shared.domain.log.sums import Sums, flat, sums_of_row
from shared.domain.log.tiling import Row
from shared.domain.log.trip import NO_CAR, Trip, local_date
from shared.domain.log.words import summary_of
from shared.domain.tracking.imports import Most, TakenIn, taken_in
from shared.domain.tracking.keeping import refolded
from shared.domain.tracking.recount import Facts
from shared.domain.tracking.settled import is_settled
from shared.domain.tracking.state import DriverState, with_log, with_told
from shared.repositories.documents import client, until_current
from shared.repositories.readings import reading_id
from shared.repositories.user_store import UserStore
from shared.services.by_hand import locked
from shared.services.log import StoredOwner
from shared.services.rows import StoredLog
from shared.services.stretches import reopened

# Each fact may bring a gap along, and beside them lie the rows that are open still.
ONE_COMMIT, FEWEST = Most(rows=200, facts=100), Most(rows=200, facts=10)
SETTLED_FACTS = 50  # a commit into a settled stretch, of which more rows may change
LOOKED_UP = 300  # documents a request

T = TypeVar("T")
What = Literal["new", "there already", "refused"]


class Offered(NamedTuple):
    """A trip of another system with what the book has to know of it, and `where` it was found there; None, and why,
    where it cannot be read."""

    where: str
    trip: Trip | None
    why: str = ""


class Given(NamedTuple):
    """What another system has of one driver: trips, and what was read of their cars, by the cars' ids."""

    trips: Sequence[Offered] = ()
    readings: Mapping[str, Sequence[Reading]] = {}


class Foreseen(NamedTuple):
    """What becomes of a trip that is offered, and the trip as the log has it then; why none, if it is refused."""

    where: str
    what: What
    trip: Trip | None = None
    why: str = ""


class Done(NamedTuple):
    """How far an import is: so many facts are done, so many readings came and so many are to come; the ids of trips
    that are `left`, of those that the log had besides and that `changed`, and of those that stay out, for their year is
    `closed`."""

    facts: int
    new_readings: int
    left_readings: int
    left: Sequence[str]
    changed: Sequence[str]
    closed: Sequence[str]

    @property
    def is_all(self) -> bool:
        """Whether nothing is left."""
        return not self.left and not self.left_readings


class Preview(NamedTuple):
    """What an import does: to each trip that is offered, to so many readings, to trips that the log has besides; the
    sums by year and car, as they are and as they will be."""

    trips: Sequence[Foreseen]
    new_readings: int
    changed: Sequence[Trip]
    before: Mapping[tuple[int, str], Sums]
    after: Mapping[tuple[int, str], Sums]


def imported(account: Account, given: Given, author: Author) -> Iterator[Done]:
    """Takes in what is given, as far as it is not there and its year is not closed; what is done, at first and after
    each commit."""
    importing, facts = _Import(account, author), _facts(account, given)
    count, missing = len(facts), importing.missing(facts)
    rest = opened = importing.of_open_years(missing)
    closed = missing.without(*opened.ids).ids[0]
    while True:
        read = len(opened.readings) - len(rest.readings)
        yield Done(count - len(rest), read, len(rest.readings), rest.ids[0], importing.changed, closed)
        if not rest:
            return
        rest = importing.commit(rest)


def preview(account: Account, given: Given, author: Author) -> Preview:
    """What `imported` would do now. Nothing is written."""
    return _Import(account, author).preview(account, given)


# --- facts


class _Rest(NamedTuple):
    """Trips and readings that are still to come in, by their time."""

    trips: Sequence[Trip]
    readings: Sequence[tuple[str, Reading]]

    def __len__(self) -> int:
        return len(self.trips) + len(self.readings)

    def __bool__(self) -> bool:
        return len(self) > 0

    @property
    def ids(self) -> tuple[list[str], list[str]]:
        """Those of the trips and of the readings."""
        return [trip.id for trip in self.trips], [reading_id(*one) for one in self.readings]

    @property
    def span(self) -> tuple[datetime, datetime]:
        """From when until when its facts are."""
        read = [reading.at for _, reading in self.readings]
        begun, ended = (trip.started_at for trip in self.trips), (trip.ended_at for trip in self.trips)
        return min([*begun, *read]), max([*ended, *read])

    @property
    def by_car(self) -> dict[str, list[Reading]]:
        """The readings by their cars."""
        found: dict[str, list[Reading]] = {}
        for car_id, reading in self.readings:
            found.setdefault(car_id, []).append(reading)
        return found

    def that(self, holds: Callable[[str | None, datetime], bool]) -> "_Rest":
        """What of it is of a car and begins at a moment of which that holds."""
        trips = [trip for trip in self.trips if holds(trip.car_id, trip.started_at)]
        return _Rest(trips, [(car_id, one) for car_id, one in self.readings if holds(car_id, one.at)])

    def without(self, trips: Iterable[str], readings: Iterable[str]) -> "_Rest":
        """What of it has none of these ids."""
        gone, read = {*trips}, {*readings}
        return _Rest(
            [trip for trip in self.trips if trip.id not in gone],
            [one for one in self.readings if reading_id(*one) not in read],
        )

    def of_first_car(self) -> "_Rest":
        """What of it is of one of its cars."""
        cars = sorted({trip.car_id or "" for trip in self.trips} | {*self.by_car})[:1]
        return self.that(lambda car_id, _: car_id in cars)

    def first(self, count: int) -> "_Rest":
        """The first of its facts by their time."""
        times = [*(trip.started_at for trip in self.trips), *(reading.at for _, reading in self.readings)]
        until = sorted(times)[:count][-1:]
        return self.that(lambda _, at: at <= until[0])


def _parted(state: DriverState, rest: _Rest) -> tuple[_Rest, _Rest]:
    """Facts of what is settled of the log of their car, and those of what is open."""
    late = rest.that(lambda car_id, at: car_id is not None and is_settled(state, car_id, at))
    return late, rest.without(*late.ids)


def _of_open_years(state: DriverState, rest: _Rest, timezone: str) -> _Rest:
    return _Rest(
        [trip for trip in rest.trips if not state.is_closed(trip.car_id, trip.year)],
        [one for one in rest.readings if not state.is_closed(one[0], local_date(one[1].at, timezone).year)],
    )


def year_is_closed(trip: Trip) -> str:
    """Why a trip of a closed year stays out of the log."""
    return f"The year {trip.year} of this car is closed."


def _facts(account: Account, given: Given) -> _Rest:
    """The facts by their time. Raises ValueError where a trip is another user's, or is not moved: that is a bug."""
    trips = {one.trip.id: one.trip for one in reversed(given.trips) if one.trip}
    if any(trip.user != account.email or not summary_of(trip).moved for trip in trips.values()):
        raise ValueError("a trip that is imported has to be moved, and of the user whose log it comes to")
    readings = {reading_id(car_id, one): (car_id, one) for car_id, of in given.readings.items() for one in of}
    return _Rest(
        sorted(trips.values(), key=lambda trip: (trip.started_at, trip.ended_at, trip.id)),
        sorted(readings.values(), key=lambda one: (one[1].at, one[0], one[1].km)),
    )


# --- commits


class _Import:
    """Folds facts into the log of one driver."""

    def __init__(self, account: Account, author: Author) -> None:
        self._store, self._author = UserStore(client(), account.email), author
        self._owner = StoredOwner(self._store, account)
        self._cars = [*self._store.cars.list_cars().values()]
        self._new, self._changed = set[str](), set[str]()

    @property
    def changed(self) -> list[str]:
        """The ids of trips that the log had besides, and that its commits changed."""
        return sorted(self._changed)

    def missing(self, rest: _Rest) -> _Rest:
        """What of the facts the log does not have."""
        rest = rest.without(*self._there(StoredLog(self._store), rest))
        self._new |= {*rest.ids[0]}
        return rest

    def of_open_years(self, rest: _Rest) -> _Rest:
        """What of the facts is of years that are not closed: what is sealed stays as it is."""
        return _of_open_years(self._store.state().value, rest, self._owner.timezone)

    def commit(self, rest: _Rest) -> _Rest:
        """Commits the first facts; gives those that are left. Whoever was quicker makes it be done again, with fewer:
        a part that takes longer than a driver's next word would never be through."""
        most = chain([ONE_COMMIT], repeat(FEWEST))
        return until_current(lambda: self._commit(rest, next(most)))()

    def _commit(self, rest: _Rest, most: Most) -> _Rest:
        log, read = StoredLog(self._store), self._store.state()
        late, soon = _parted(read.value, rest)
        # A stretch that is settled is opened anew, for one car at a time.
        some = late.of_first_car().first(min(SETTLED_FACTS, most.facts)) if late else soon.first(ONE_COMMIT.facts)
        there = self._there(log, some)
        new, rest = some.without(*there), rest.without(*there)
        if not new:
            return rest
        change, rows = self._store.change(self._author), Rows(log)
        if late:
            found = self._into_settled(log, read.value, rows, new)
        else:
            found = self._into_open(read.value, rows, soon.without(*there), most)
        _as_old_as_there(rows, found.trips)
        log.stage(change, rows, self._author.now)
        for car_id, reading in found.readings:
            # It was known there since then, though not to us.
            change.add_reading(car_id, reading, reading.at, *judged(found.thoughts.get((car_id, reading))))
        locked(change, read, found.state)
        change.commit()
        self._changed |= {id_ for id_, trip in rows.trips.items() if trip and id_ not in self._new}
        return rest.without(found.trips, (reading_id(*one) for one in found.readings))

    def _there(self, log: StoredLog, some: _Rest) -> tuple[list[str], list[str]]:
        """The ids of the trips and of the readings that the log has."""
        trips = [trip.id for part in parts(some.trips) for trip in log.trips([one.id for one in part])]
        ids = [reading_id(*one) for one in some.readings]
        return trips, [id_ for part in parts(ids) for id_ in self._store.readings.judged(part)]

    # --- what is open, and what is settled

    def _into_open(self, state: DriverState, rows: Rows, rest: _Rest, most: Most | None) -> TakenIn:
        drives = [summary_of(trip) for trip in rest.trips]
        facts = Facts(drives, rest.by_car, {}, self._cars, state.default_car_id)
        return taken_in(state, rest.trips, facts, rows, self._owner, self._author.now, most)

    def _into_settled(self, log: StoredLog, state: DriverState, rows: Rows, some: _Rest) -> TakenIn:
        """Puts facts of one car into a settled stretch, which is opened anew. Of these the state remembers nothing."""
        [car_id] = {*(trip.car_id or "" for trip in some.trips), *some.by_car}
        opened = reopened(self._store, log, state, [car_id], *some.span)
        given = [reading for _, reading in some.readings]
        stretch = opened.state.of_car(car_id)
        known = tuple(one for one in stretch.readings if one not in given)
        before = with_log(opened.state, car_id, replace(stretch, readings=known))
        for trip in some.trips:
            rows.put(trip)
        after = with_told(before, [*before.told, *map(settled_trip, some.trips)])
        readings = tuple(sorted((*known, *given), key=lambda one: (one.at, one.km)))
        after = with_log(after, car_id, replace(stretch, readings=readings))
        _, books = refolded(before, after, rows, self._owner, self._author.now, opened.rows)
        state = opened.close(state, rows, self._owner, self._author.now)
        thoughts = {(car_id, reading): why for reading, why in books.of[car_id].standings}
        return TakenIn(state, some.ids[0], some.readings, thoughts)

    # --- the preview

    def preview(self, account: Account, given: Given) -> Preview:
        """What would become of all that is given. A settled stretch is opened for all facts of its car at once."""
        log, state, rest = StoredLog(self._store), self._store.state().value, _facts(account, given)
        known = {trip.id: trip for part in parts(rest.trips) for trip in log.trips([one.id for one in part])}
        missing = rest.without(*self._there(log, rest))
        rest = _of_open_years(state, missing, account.timezone)
        new, rows = {trip.id for trip in rest.trips}, Rows(log)
        closed = {*missing.ids[0]} - new
        late, soon = _parted(state, rest)
        while some := late.of_first_car():
            self._into_settled(log, state, rows, some)
            late = late.without(*some.ids)
        if soon:
            self._into_open(state, rows, soon, None)
        _as_old_as_there(rows, new)
        before, after = sums_by_year(self._store), sums_by_year(self._store)
        for row, sign in _changes(log, rows):
            key = (row.year, row.car_id or NO_CAR)
            after[key] = after.get(key, Sums()).plus(sums_of_row(row), sign)
        changed = [trip for id_, trip in rows.trips.items() if trip and id_ not in new and [trip] != log.trips([id_])]
        return Preview([*_foreseen(given, rows, known, closed)], len(rest.readings), changed, before, after)


def _as_old_as_there(rows: Rows, given: Iterable[str]) -> None:
    """What was moved is as old as it was in the other system, though it was laid today."""
    for id_ in given:
        if trip := rows.trips.get(id_):
            rows.put(replace(trip, updated_at=trip.created_at))


def _foreseen(given: Given, rows: Rows, known: Mapping[str, Trip], closed: Collection[str]) -> Iterator[Foreseen]:
    seen = set[str]()
    for where, trip, why in given.trips:
        if trip is None:
            yield Foreseen(where, "refused", None, why)
        elif trip.id in seen:
            yield Foreseen(where, "refused", None, "its id is that of another trip")
        elif trip.id in known:
            yield Foreseen(where, "there already", known[trip.id])
        elif trip.id in closed:
            yield Foreseen(where, "refused", None, year_is_closed(trip))
        else:
            yield Foreseen(where, "new", rows.trips.get(trip.id))
        seen |= {trip.id} if trip else set()


def _changes(log: StoredLog, rows: Rows) -> Iterator[tuple[Row, int]]:
    """The rows that go, each with -1, and those that come in their place, each with 1."""
    put: dict[str, Row | None] = {**rows.trips, **rows.gaps}
    yield from ((trip, -1) for trip in log.trips([*rows.trips]))
    yield from ((gap, -1) for gap in log.gaps([*rows.gaps]))
    yield from ((row, 1) for row in put.values() if row)


def sums_by_year(store: UserStore) -> dict[tuple[int, str], Sums]:
    """The sums of a log by year and car."""
    found: dict[tuple[int, str], Sums] = {}
    for (year, _, car_id), sums in flat(store.sums(None)).items():
        found[year, car_id] = found.get((year, car_id), Sums()).plus(sums)
    return found


def parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Of some items so many at a time as are looked up in one request."""
    return (items[n : n + LOOKED_UP] for n in range(0, len(items), LOOKED_UP))
