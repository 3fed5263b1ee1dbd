"""Folds what came of an event into the log: the one place where facts become rows.

The log that follows from the facts before is held against the one that follows from them now. What differs is read,
changed and put; so news costs as much as it changes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from shared.domain.car.odometer import Disbelief, Reading
from shared.domain.log.addresses import ADDRESS_PENDING
from shared.domain.log.book import Book, TripOutline
from shared.domain.log.gap_row import GapRow
from shared.domain.log.gap_rows import gap_rows
from shared.domain.log.laying import Owner, laid, new_trip, with_route
from shared.domain.log.record import events_of
from shared.domain.log.rows import Rows
from shared.domain.log.trip import Trip, km
from shared.domain.place.places import Place
from shared.domain.thresholds import Rules
from shared.domain.tracking.books import Books, books_of, trip_id_of, with_ids
from shared.domain.tracking.events import Outcome
from shared.domain.tracking.look_ups import wanted
from shared.domain.tracking.schedule import scheduled
from shared.domain.tracking.state import DriverState
from shared.domain.tracking.weaving import woven


class Kept(NamedTuple):
    """The state to store with the rows, and the trips that are new."""

    state: DriverState
    made: list[Trip]


def keep(
    before: DriverState,
    outcome: Outcome,
    rows: Rows,
    owner: Owner,
    places: Sequence[Place],
    now: datetime,
    rules: Rules,
) -> Kept:
    """Puts all that came of an event into the rows. `before` is the state before it."""
    state = woven(outcome.state, outcome.finished, outcome.weaves, rows, rules)
    state, made, books = refolded(before, state, rows, owner, places, now)
    return Kept(scheduled(state, books, outcome, now, rules), made)


def refolded(
    before: DriverState, state: DriverState, rows: Rows, owner: Owner, places: Sequence[Place], now: datetime
) -> tuple[DriverState, list[Trip], Books]:
    """Puts what differs between two states into the rows; the state that knows the ids of its trips, and new trips."""
    former, books = books_of(before), books_of(state)
    state = with_ids(state, owner.user, books)
    made = _put_trips(former, books, rows, owner, places, now)
    _put_gaps(before, former, state, books, rows, owner, now)
    _put_standings(before, former, state, books, rows)
    pending = [trip.id for trip in rows.trips.values() if trip and trip.has(ADDRESS_PENDING)]
    return wanted(state, pending, now), made, books


# --- trips


def _put_trips(
    former: Books, books: Books, rows: Rows, owner: Owner, places: Sequence[Place], now: datetime
) -> list[Trip]:
    old, new = _by_id(former, owner), _by_id(books, owner)
    gaps, former_gaps = _gaps_before(books, owner), _gaps_before(former, owner)
    changed = [
        id_ for id_, outline in new.items() if old.get(id_) != outline or gaps.get(id_) != former_gaps.get(id_)
    ]
    gone = [id_ for id_ in old if id_ not in new]
    stored = rows.find_trips([*(id_ for id_ in changed if id_ in old), *gone])
    for id_ in gone:
        if id_ in stored:
            rows.drop(stored[id_])
    return [
        trip
        for id_ in changed
        if (trip := _put_trip(id_, new[id_], gaps.get(id_, 0.0), stored.get(id_), rows, owner, places, now))
    ]


def _put_trip(
    id_: str,
    outline: TripOutline,
    gap_km: float,
    stored: Trip | None,
    rows: Rows,
    owner: Owner,
    places: Sequence[Place],
    now: datetime,
) -> Trip | None:
    """Puts a trip; gives it back if it is new."""
    if stored is None:
        words = _words_of(outline, rows)
        trip = laid(new_trip(id_, outline, words, owner, places, now), outline, gap_km, owner, places)
        rows.put(trip)
        return trip
    is_moved = (stored.started_at, stored.ended_at) != (outline.drive.began_at, outline.drive.ended_at)
    base = with_route(stored, outline, _words_of(outline, rows)) if is_moved else stored
    trip = laid(base, outline, gap_km, owner, places)
    if trip != stored:
        rows.put(replace(trip, revision=stored.revision + 1, updated_at=now))
    return None


def _words_of(outline: TripOutline, rows: Rows) -> list:  # type: ignore[type-arg]
    record = None if outline.drive.summary.is_by_hand else rows.record(outline.drive.summary.id)
    return events_of(record) if record else []


def _by_id(books: Books, owner: Owner) -> dict[str, TripOutline]:
    return {trip_id_of(owner.user, trip.drive): trip for trip in books.trips}


def _gaps_before(books: Books, owner: Owner) -> dict[str, float]:
    """The kilometres of nobody just before each trip, by its id."""
    found: dict[str, float] = {}
    for book in books.of.values():
        ends = {gap.to_m: gap.from_m for gap in book.gaps}
        for trip in book.trips:
            if trip.from_m in ends:
                found[trip_id_of(owner.user, trip.drive)] = km(km(trip.from_m / 1000) - km(_begin(ends, trip.from_m) / 1000))
    return found


def _begin(ends: Mapping[int, int], m: int) -> int:
    while m in ends and ends[m] < m:
        m = ends[m]
    return m


# --- gaps


def _put_gaps(
    before: DriverState, former: Books, state: DriverState, books: Books, rows: Rows, owner: Owner, now: datetime
) -> None:
    old, new = _gap_rows(before, former, owner, now), _gap_rows(state, books, owner, now)
    changed = [id_ for id_, gap in new.items() if _plain(old.get(id_)) != _plain(gap)]
    gone = [id_ for id_ in old if id_ not in new]
    stored = rows.find_gaps([*(id_ for id_ in changed if id_ in old), *gone])
    for id_ in gone:
        if id_ in stored:
            rows.drop_gap(stored[id_])
    for id_ in changed:
        known = stored.get(id_)
        revision, created_at = (known.revision + 1, known.created_at) if known else (1, now)
        rows.put_gap(replace(new[id_], revision=revision, created_at=created_at))


def _gap_rows(state: DriverState, books: Books, owner: Owner, now: datetime) -> dict[str, GapRow]:
    found = [
        row
        for car_id, book in books.of.items()
        for row in gap_rows(owner.user, car_id, book.gaps, state.of_car(car_id).explained, owner.timezone, now)
    ]
    return {row.id: row for row in found}


def _plain(gap: GapRow | None) -> GapRow | None:
    return replace(gap, created_at=gap.since, updated_at=gap.since) if gap else None


# --- readings


def _put_standings(before: DriverState, former: Books, state: DriverState, books: Books, rows: Rows) -> None:
    for car_id, book in books.of.items():
        known = former.of.get(car_id)
        old, new = _doubts(known), _doubts(book)
        readings = {*before.of_car(car_id).readings} | {*state.of_car(car_id).readings}
        for reading in sorted(readings, key=lambda one: (one.at, one.km)):
            is_new = reading not in before.of_car(car_id).readings
            if old.get(reading) != new.get(reading) and not is_new:
                rows.stand(car_id, reading, new.get(reading))


def doubts_of(books: Books, car_id: str) -> dict[Reading, Disbelief]:
    """The readings of a car that are not believed, and why."""
    return _doubts(books.of.get(car_id))


def _doubts(book: Book | None) -> dict[Reading, Disbelief]:
    if book is None:
        return {}
    doubted: dict[Reading, Disbelief] = {reading: "jumps" for reading in book.doubted}
    return doubted | {reading: "old news" for reading in book.old}
