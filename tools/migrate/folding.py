"""Folds old trips and readings into a user's log, as the live system does: a part at a time, by the same fold.

Each part is one commit, with the driver's state, and finds out by itself what of it is there already: so it does not
matter when this is stopped and run again, or what the live system writes meanwhile.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple

from msgspec.structs import replace

from shared.domain.car.car import Car
from shared.domain.car.odometer import Disbelief, Reading, judged
from shared.domain.log.book import Book, Start, TripOutline
from shared.domain.log.history import OPERATOR, Author
from shared.domain.log.laying import Whose
from shared.domain.log.rows import Rows
from shared.domain.log.summary import Summary
from shared.domain.log.trip import Trip
from shared.domain.log.words import summary_of
from shared.domain.thresholds import KEPT_DRIVES, KEPT_READINGS, NEWS_REACHES
from shared.domain.tracking.books import Books, books_of, trip_id_of
from shared.domain.tracking.keeping import refolded
from shared.domain.tracking.settling import cuts, thinned
from shared.domain.tracking.state import START_BEFORE, DriverState, with_log
from shared.repositories.documents import until_current
from shared.repositories.readings import reading_id
from shared.repositories.user_store import Change, UserStore
from shared.services.by_hand import locked
from shared.services.rows import StoredLog
from shared.services.stretches import reopened

# Each may bring a gap along, and beside them lie the rows that are open still: a commit changes 200 rows at most.
FACTS_AT_ONCE = 50
ROUTES_AT_ONCE = 4_000_000  # letters; a commit holds 10 MiB
LEFT_OPEN = 8  # trips: what comes next may still change these
CUTS_TRIED = 20  # before a part more stays open


class Part(NamedTuple):
    """Facts of one car, or of no car, by time: trips that are not in the log yet, readings that nobody judged yet."""

    car_id: str | None
    trips: tuple[Trip, ...]
    readings: tuple[Reading, ...] = ()

    @property
    def begins_at(self) -> datetime:
        """The moment of its first fact."""
        return min([*(trip.started_at for trip in self.trips), *(reading.at for reading in self.readings)])

    @property
    def ends_at(self) -> datetime:
        """The moment at which all of its facts are over."""
        return max([*(trip.ended_at for trip in self.trips), *(reading.at for reading in self.readings)])

    def until(self, moment: datetime) -> "Part":
        """What of it begins before a moment."""
        trips = tuple(trip for trip in self.trips if trip.started_at < moment)
        return self._replace(trips=trips, readings=tuple(one for one in self.readings if one.at < moment))

    def since(self, moment: datetime | None) -> "Part":
        """What of it begins at a moment or later; all of it where there is none."""
        if moment is None:
            return self
        trips = tuple(trip for trip in self.trips if trip.started_at >= moment)
        return self._replace(trips=trips, readings=tuple(one for one in self.readings if one.at >= moment))

    def __bool__(self) -> bool:
        return bool(self.trips or self.readings)


def parts_of(car_id: str | None, trips: Iterable[Trip], readings: Iterable[Reading]) -> list[Part]:
    """The facts of a car by time, by as many as one commit takes."""
    facts: list[tuple[datetime, str, Trip | Reading]] = [(trip.started_at, trip.id, trip) for trip in trips]
    facts += [(reading.at, f"{reading.km}", reading) for reading in readings]
    parts, letters = [list[Trip | Reading]()], 0
    for _, _, fact in sorted(facts, key=lambda one: one[:2]):
        if len(parts[-1]) == FACTS_AT_ONCE or letters > ROUTES_AT_ONCE:
            parts.append([])
            letters = 0
        parts[-1].append(fact)
        letters += len(fact.route) if isinstance(fact, Trip) else 0
    return [_part(car_id, part) for part in parts if part]


def _part(car_id: str | None, facts: Sequence[Trip | Reading]) -> Part:
    trips = tuple(fact for fact in facts if isinstance(fact, Trip))
    return Part(car_id, trips, tuple(fact for fact in facts if isinstance(fact, Reading)))


class Folding:
    """Folds parts into the log of one user. Those of a car have to come by time."""

    def __init__(self, store: UserStore, owner: Whose) -> None:
        self._store, self._owner, self._cars = store, owner, store.cars.list_cars()

    def put(self, part: Part) -> None:
        """Puts a part into the log, as far as it is not there."""
        while part:
            done = until_current(self._put)(part)
            part = part._replace(
                trips=tuple(trip for trip in part.trips if trip not in done.trips),
                readings=tuple(reading for reading in part.readings if reading not in done.readings),
            )

    def _put(self, part: Part) -> Part:
        """Commits the first facts of a part, settled or open; gives these."""
        log, read = StoredLog(self._store), self._store.state()
        start = _settled_until(read.value, part.car_id)
        before = part.until(start) if start else None
        done = before or part.since(start)
        new = self._missing(log, done)
        if not new:
            return done
        change, rows = self._store.change(Author(OPERATOR, _now())), Rows(log)
        state = read.value
        if part.car_id is None:
            with_trips(rows, new, self._owner, _now())
        elif before:
            self._into_settled(change, log, state, rows, new, part.car_id)
        else:
            car = self._cars.get(part.car_id)
            state, book = into_open(state, rows, new, part.car_id, car, self._owner, _now())
            _judge(change, part.car_id, book, new.readings)
        for id_, trip in rows.trips.items():
            if trip and any(id_ == one.id for one in new.trips):
                rows.trips[id_] = replace(trip, updated_at=trip.created_at)
        log.stage(change, rows, _now())
        locked(change, read, state)
        change.commit()
        return done

    def _missing(self, log: StoredLog, part: Part) -> Part:
        """What of a part is in the log neither as a trip nor as a reading that was judged."""
        there = {trip.id for trip in log.trips([trip.id for trip in part.trips])}
        judged = self._store.readings.judged([reading_id(part.car_id or "", one) for one in part.readings])
        return part._replace(
            trips=tuple(trip for trip in part.trips if trip.id not in there),
            readings=tuple(one for one in part.readings if reading_id(part.car_id or "", one) not in judged),
        )

    # --- what is settled, and what is in no car

    def _into_settled(
        self, change: Change, log: StoredLog, state: DriverState, rows: Rows, part: Part, car_id: str
    ) -> None:
        opened = reopened(self._store, log, state, [car_id], part.begins_at, part.ends_at)
        known = opened.state.of_car(car_id)
        kept = tuple(reading for reading in known.readings if reading not in part.readings)
        before, after = with_log(opened.state, car_id, replace(known, readings=kept)), _told(opened.state, part, rows)
        _, books = refolded(before, after, rows, self._owner, _now(), opened.rows)
        opened.forget_edges(rows)
        _judge(change, car_id, books.of[car_id], part.readings)


def with_trips(rows: Rows, part: Part, owner: Whose, now: datetime) -> None:
    """Puts trips that are in no car into the rows: nothing else follows from them. Pure."""
    nothing = DriverState()
    refolded(nothing, _told(nothing, part, rows), rows, owner, now)


def into_open(
    before: DriverState,
    rows: Rows,
    part: Part,
    car_id: str,
    car: Car | None,
    owner: Whose,
    now: datetime,
) -> tuple[DriverState, Book]:
    """Puts a part into the rows of what is open of a car's log. The state to store with them, and the book. Pure."""
    log = before.of_car(car_id)
    if log.start is None or (log.start.is_said and log.start.at > part.begins_at):
        log = replace(log, start=_said(car, part))
    readings = tuple(sorted({*log.readings, *part.readings}, key=lambda one: (one.at, one.km)))
    after = with_log(_told(before, part, rows), car_id, replace(log, readings=readings))
    state, books = refolded(before, after, rows, owner, now)
    cut = _bounded(_settled(state, books, car_id, owner.user, now), car_id, part.ends_at)
    return cut, books.of[car_id]


def _now() -> datetime:
    return datetime.now(UTC)


def _settled_until(state: DriverState, car_id: str | None) -> datetime | None:
    """Until when the log of a car is settled; None where all of it is open, or where it is no car's."""
    start = state.of_car(car_id).start if car_id else None
    return start.at if start and not start.is_said else None


def _said(car: Car | None, part: Part) -> Start | None:
    """What its driver said of the odometer with which the log of a car begins, if it can be before these facts."""
    km = [trip.start_odometer_km for trip in part.trips if trip.start_odometer_km is not None]
    if car is None or car.start_odometer_km is None or (km and km[0] < car.start_odometer_km):
        return None
    return Start(part.begins_at - START_BEFORE, round(1000 * car.start_odometer_km), known="typed", is_said=True)


def _told(state: DriverState, part: Part, rows: Rows) -> DriverState:
    """The state that remembers the trips of a part; their rows are put as they were."""
    for trip in part.trips:
        rows.put(trip)
    told = [*state.told, *(summary_of(trip) for trip in part.trips)]
    return replace(state, told=tuple(sorted(told, key=_by_begin)))


def _by_begin(summary: Summary) -> tuple[datetime, datetime, str]:
    return summary.began_at, summary.ended_at, summary.id


def _judge(change: Change, car_id: str, book: Book, readings: Iterable[Reading]) -> None:
    """Puts what is thought of readings into a commit."""
    found: dict[Reading, Disbelief | None] = dict(book.standings)
    for reading in readings:
        change.set_standing(reading_id(car_id, reading), reading.at, None, judged(found.get(reading)))


# --- what needs not be remembered


def _settled(state: DriverState, books: Books, car_id: str, user: str, now: datetime) -> DriverState:
    """The state without what is settled by now: no news comes of what was moved but with what is moved next."""
    book = books.of[car_id]
    for start in islice(_starts(book, now), CUTS_TRIED):
        cut = _since(state, books, car_id, start, user)
        if _lasts(book, books_of(cut).of[car_id], start):
            return cut
    # Without any odometer there is nothing that the next trips could be held against.
    beside = [trip for trip in book.trips if trip.from_m is None and trip.drive.summary.moved]
    return _without(state, books, beside)


def _bounded(state: DriverState, car_id: str, until: datetime) -> DriverState:
    """The state with no more readings than are remembered, where a car said much after the last of its trips.

    As the live system does it; what may still come to be moved is later than `until`.
    """
    log = state.of_car(car_id)
    if len(log.readings) <= KEPT_READINGS:
        return state
    books = books_of(state)
    if len(books.of[car_id].trips) > KEPT_DRIVES:
        return with_log(state, car_id, replace(log, readings=thinned(log.readings)))
    cut = next(cuts(state, books, until + NEWS_REACHES))
    log = cut.of_car(car_id)
    return with_log(cut, car_id, replace(log, readings=thinned(log.readings, cut.told)))


def _starts(book: Book, now: datetime) -> Iterator[Start]:
    """Where the open part of a book could begin: the ends of trips of which the odometer was read, but for the newest.

    The last first; then also the others, where more trips are open than a state has room for.
    """
    trips = sorted(book.trips, key=lambda trip: (trip.drive.ended_at, trip.drive.began_at))
    since = book.breaks[-1][1].at if book.breaks else None
    free = list[tuple[TripOutline, Start]]()
    for n, trip in enumerate(trips[: max(len(trips) - LEFT_OPEN, 0)]):
        at, m, known = trip.drive.ended_at, trip.to_m, trip.to_known
        begun_at = max(before.drive.began_at for before in trips[: n + 1])
        is_apart = all(begun_at < later.drive.began_at >= at for later in trips[n + 1 :])
        is_over = at <= now - NEWS_REACHES and (since is None or since <= at)
        if is_apart and is_over and m is not None and known is not None:
            free.append((trip, Start(at, m, known=known, position=trip.end)))
    free.reverse()
    yield from (start for _, start in free if start.known != "estimated")
    if len(trips) > KEPT_DRIVES:
        yield from (start for _, start in free if start.known == "estimated")


def _since(state: DriverState, books: Books, car_id: str, start: Start, user: str) -> DriverState:
    """The state in which a book begins at a moment."""
    log = state.of_car(car_id)
    log = replace(
        log,
        start=start,
        series=log.series + books.of[car_id].series,
        readings=tuple(reading for reading in log.readings if reading.at > start.at),
        explained=tuple(word for word in log.explained if word.to_m > start.m),
    )
    over = [trip for trip in books.of[car_id].trips if trip.drive.ended_at <= start.at]
    if over:
        last = max(over, key=lambda trip: trip.drive.began_at).drive
        log = replace(log, after_trip=trip_id_of(state, user, last))
    return _without(with_log(state, car_id, log), books, over)


def _without(state: DriverState, books: Books, over: Sequence[TripOutline]) -> DriverState:
    """The state without drives of which nothing but these trips came."""
    gone = {trip.drive.summary.id for trip in over}
    gone -= {trip.drive.summary.id for trip in books.trips if trip not in over}
    return replace(state, told=tuple(one for one in state.told if one.id not in gone))


def _lasts(book: Book, cut: Book, start: Start) -> bool:
    """Whether the rows behind the begin of a book are those that they were, so that nothing of it has to be written."""
    trips = [trip for trip in book.trips if trip.drive.ended_at > start.at]
    gaps = [gap[:4] for gap in book.gaps if gap.until > start.at and gap.from_m >= start.m]
    return trips == [*cut.trips] and gaps == [gap[:4] for gap in cut.gaps] and book.open == cut.open
