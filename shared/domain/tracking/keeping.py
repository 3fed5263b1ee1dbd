"""Folds what came of an event into the log: the one place where facts become rows.

The log that follows from the facts before is held against the one that follows from them now. What differs is read,
changed and put; so news costs as much as it changes.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from msgspec.structs import replace

from shared.domain.car.odometer import Disbelief, Reading
from shared.domain.log.addresses import ADDRESS_PENDING
from shared.domain.log.book import Book, TripOutline
from shared.domain.log.drive import Heard
from shared.domain.log.gap_row import GapRow
from shared.domain.log.laying import Whose, laid, new_trip, with_route
from shared.domain.log.record import events_of
from shared.domain.log.rows import Rethought, Rows
from shared.domain.log.trip import Trip
from shared.domain.thresholds import Rules
from shared.domain.tracking.books import Books, books_of, with_ids
from shared.domain.tracking.chapters import apart, closed, closing, in_zone, is_whole
from shared.domain.tracking.events import Outcome
from shared.domain.tracking.lines import (
    Line,
    Lines,
    Stored,
    common,
    differing,
    ends_with,
    followed_by,
    ids_of,
    line_before,
    lines_of,
    open_lines,
    stored_lines,
)
from shared.domain.tracking.look_ups import wanted
from shared.domain.tracking.schedule import scheduled
from shared.domain.tracking.settling import bounded, cuts, forced
from shared.domain.tracking.state import DriverState
from shared.domain.tracking.weaving import woven

Standings = Iterable[tuple[Reading, Disbelief | None]]


def keep(
    before: DriverState,
    outcome: Outcome,
    rows: Rows,
    owner: Whose,
    now: datetime,
    rules: Rules,
) -> DriverState:
    """Puts all that came of an event into the rows; the state to store with them. `before` is the state before it."""
    state = bounded(woven(outcome.state, outcome.finished, outcome.weaves, rows, rules))
    state, books = refolded(before, state, rows, owner, now)
    state = scheduled(state, books, outcome, now, rules)
    # As long as somebody drives nothing more is settled: each try folds all of it once more.
    if state.drive is None or outcome.finished or outcome.weaves:
        state = without_settled(state, rows, owner, now)
    return state


def without_settled(state: DriverState, rows: Rows, owner: Whose, now: datetime) -> DriverState:
    """The state without what is settled by now. What is left says of its rows what was said with it.

    Only where more is open than can be remembered, its rows are laid as what is left has them.
    """
    books = books_of(state)
    cut, open_books, lines = cut_off(state, books, lines_of(state, books, owner, now), owner, now)
    _close(state, books, cut, rows)
    state, cut = cut, forced(cut, open_books, now)
    return laid_apart(state, open_books, lines, cut, rows, owner, now)


def laid_apart(
    state: DriverState, books: Books, lines: Lines, cut: DriverState, rows: Rows, owner: Whose, now: datetime
) -> DriverState:
    """The state that is left where one is cut: the rows, which are `lines` until then, are laid as each part has them
    by itself."""
    if cut == state:
        return cut
    parts = apart(state, books, lines, cut, owner, now)
    left = lines_of(parts.state, books_of(parts.state), owner, now)
    relaid(lines, followed_by(parts.settled, left), rows, owner, now, state)
    for chapter in parts.chapters:
        rows.close(chapter)
        stand(rows, chapter.car_id, books.of[chapter.car_id].standings, parts.books[chapter.car_id].standings)
    return parts.state


def stand(rows: Rows, car_id: str, former: Standings, now: Standings) -> None:
    """Puts what is thought of readings of a car, where something else was thought of them before."""
    known = dict(former)
    for reading, why in now:
        if known.get(reading, why) != why:
            rows.stand(Rethought(car_id, reading, why, known[reading]))


def _close(state: DriverState, books: Books, cut: DriverState, rows: Rows) -> None:
    for chapter in closing(state, books, cut):
        rows.close(chapter)


def cut_off(
    state: DriverState, books: Books, lines: Lines, owner: Whose, now: datetime
) -> tuple[DriverState, Books, Lines]:
    """A state without what is settled by now, with its books and rows: of these it says what it said with that."""
    for cut in cuts(state, books, now):
        left, open_books = open_lines(lines, cut), books_of(cut)
        if cut == state or left != lines_of(cut, open_books, owner, now):
            continue
        if all(is_whole(chapter, state, lines, cut, owner, now) for chapter in closing(state, books, cut)):
            return cut, open_books, left
    return state, books, lines


def refolded(
    before: DriverState,
    state: DriverState,
    rows: Rows,
    owner: Whose,
    now: datetime,
    stored: Stored | None = None,
) -> tuple[DriverState, Books]:
    """Puts what differs between two states into the rows; the state that knows the ids of its trips, and its books.

    Where the rows do not follow from the state before, for they are of a settled stretch, they are those `stored`.
    """
    former, books = books_of(before), books_of(state)
    state = with_ids(state, owner.user, books)
    is_said = any(rows.trips.values()) or stored is not None
    if is_said or rows.records or former != books or _words(before) != _words(state):
        # Only gaps follow from the zone, and who asks for it has the account read.
        state = in_zone(state, owner.timezone) if any(book.gaps for book in books.of.values()) else state
        old, new = lines_of(before, former, owner, now), lines_of(state, books, owner, now)
        laying = _Laying(rows, owner, now, state, common(old, new) if stored is not None else None)
        laying.lay(old if stored is None else stored_lines(stored), new)
        _put_standings(before, former, state, books, rows)
        for chapter in closed(state, books):
            rows.close(chapter)
        _tell_what_follows(state, stored_lines(stored or {}), new, rows)
    pending = [trip.id for trip in rows.trips.values() if trip and trip.has(ADDRESS_PENDING)]
    return wanted(state, pending, now), books


def relaid(old: Lines, new: Lines, rows: Rows, owner: Whose, now: datetime, state: DriverState) -> None:
    """Puts rows in place of others, as far as they differ; both by their cars and in their order."""
    _Laying(rows, owner, now, state).lay(old, new)


def _tell_what_follows(state: DriverState, old: Lines, new: Lines, rows: Rows) -> None:
    for car_id, log in state.open.items():
        if log.chapter:
            former, now = (ends_with(of.get(car_id, []), log, log.chapter.end) for of in (old, new))
            rows.follow(car_id, former, now)


def _words(state: DriverState) -> dict[str, object]:
    """What gaps follow from beside the books."""
    return {
        car_id: (log.explained, log.timezone, log.gap_before_km, log.set_on_m, log.after_trip)
        for car_id, log in state.open.items()
    }


# --- rows


class _Laying:
    """Lays rows in place of others. Of the `same` the news says nothing: they stay as they are, where they are. The
    state knows which years are closed."""

    def __init__(
        self, rows: Rows, owner: Whose, now: datetime, state: DriverState, same: Collection[str] | None = None
    ) -> None:
        self._rows, self._owner, self._now, self._state, self._same = rows, owner, now, state, same or ()
        # Each fold of a settled stretch lays it in place of what is stored, and one of what is open of what was laid.
        self._tile = rows.tile_on if same is None else rows.tile
        # What a driver said of them is not held against the odometer yet.
        self._said = {id_: trip for id_, trip in rows.trips.items() if trip}

    def lay(self, old: Lines, new: Lines) -> None:
        """Puts the new lines in place of the old ones."""
        stretches = {
            car: differing(old.get(car, []), new.get(car, [])) for car in (*new, *(c for c in old if c not in new))
        }
        kept = {line.id for lines in new.values() for line in lines}
        gone = [line for before, _, _ in stretches.values() for line in before if line.id not in kept]
        known = {line.id for lines in old.values() for line in lines}
        for line in gone:
            self._drop(line)
        for before, after, _ in stretches.values():
            former = {line.id: line for line in before}
            for line in after:
                if former.get(line.id) != line:
                    self._put(line, line.id in known)
        self._put_ways([line for lines in new.values() for line in lines])
        for car_id, (before, after, following) in stretches.items():
            if car_id and (before or after):
                beside = line_before(old.get(car_id, []), new.get(car_id, []), before, after)
                self._tile(car_id, [*beside, *ids_of(before, following)], [*beside, *ids_of(after, following)])

    def _put_ways(self, lines: Sequence[Line]) -> None:
        """Of a trip of which more was said by now the route is another one, though all else stays."""
        for line in lines:
            if not isinstance(line.says, TripOutline):
                continue
            is_put = line.id in self._rows.trips
            if self._is_as_said(line.id) or (not is_put and self._is_told_anew(line.says)):
                self._put_trip(line, line.says)

    def _is_as_said(self, trip_id: str) -> bool:
        """Whether a trip is still as its driver said it, for nothing that they said of it is new to the fold."""
        return trip_id in self._said and self._rows.trips[trip_id] is self._said[trip_id]

    def _is_told_anew(self, outline: TripOutline) -> bool:
        return self._rows.records.get(outline.drive.summary.id) is not None

    def _drop(self, line: Line) -> None:
        if isinstance(line.says, GapRow):
            for gap in self._rows.find_gaps([line.id]).values():
                self._rows.drop_gap(gap)
        else:
            for trip in self._rows.find_trips([line.id]).values():
                self._rows.drop(trip)

    def _put(self, line: Line, is_known: bool) -> None:
        if isinstance(line.says, GapRow):
            self._put_gap(line, line.says, is_known)
        elif isinstance(line.says, TripOutline):
            self._put_trip(line, line.says)

    def _put_gap(self, line: Line, gap: GapRow, is_known: bool) -> None:
        stored = self._rows.find_gaps([line.id]).get(line.id) if is_known else None
        made = replace(gap, set_on_m=line.set_on_m, created_at=self._now, updated_at=self._now)
        if stored:
            made = replace(made, created_at=stored.created_at, is_touched=stored.is_touched or made.is_touched)
            same = replace(made, updated_at=stored.updated_at, revision=stored.revision)
            if same == stored:
                return
            made = replace(made, revision=stored.revision + 1)
        self._rows.put_gap(made)

    def _put_trip(self, line: Line, outline: TripOutline) -> None:
        stored = self._rows.find_trips([line.id]).get(line.id)
        if stored is None:
            words = self._words(outline)
            blank = new_trip(line.id, outline, words, self._owner, self._now)
            zone = self._state.zone_of(outline.car_id, blank.timezone) if outline.car_id else blank.timezone
            blank = replace(blank, timezone=zone)
            trip = laid(blank, outline, line.gap_km, line.set_on_m, self._owner)
            self._rows.put(trip)
            return
        is_there = (stored.from_m, stored.to_m, stored.set_on_m) == (outline.from_m, outline.to_m, line.set_on_m)
        if is_there and line.id in self._same and not self._is_as_said(line.id):
            return
        is_seen_anew = _is_seen_anew(stored, outline) or self._is_told_anew(outline)
        words = self._words(outline) if is_seen_anew else []
        base = with_route(stored, outline, words) if words else stored
        trip = laid(base, outline, line.gap_km, line.set_on_m, self._owner)
        if trip != stored:
            revision = stored.revision + (stored.id not in self._rows.trips)
            self._rows.put(replace(trip, revision=revision, updated_at=self._now))

    def _words(self, outline: TripOutline) -> list[Heard]:
        record = None if outline.drive.summary.is_by_hand else self._rows.record(outline.drive.summary.id)
        return events_of(record) if record else []


def _is_seen_anew(stored: Trip, outline: TripOutline) -> bool:
    """Whether a trip is of another time by now, or more was said of its way."""
    is_moved = (stored.started_at, stored.ended_at) != (outline.drive.began_at, outline.drive.ended_at)
    return is_moved or stored.summary is None or stored.summary.marks != outline.drive.summary.marks


# --- readings


def _put_standings(before: DriverState, former: Books, state: DriverState, books: Books, rows: Rows) -> None:
    for car_id, book in books.of.items():
        known = former.of.get(car_id)
        old, new = _doubts(known), _doubts(book)
        was_known = {*before.of_car(car_id).readings}
        for reading in state.of_car(car_id).readings:
            if reading not in was_known:
                rows.judge(car_id, reading, new.get(reading))
            elif old.get(reading) != new.get(reading):
                rows.stand(Rethought(car_id, reading, new.get(reading), old.get(reading)))


def why_doubted(state: DriverState, car_id: str, reading: Reading) -> Disbelief | None:
    """Why a reading of a car that the state remembers is not believed; None where it is."""
    return _doubts(books_of(state).of.get(car_id)).get(reading)


def _doubts(book: Book | None) -> dict[Reading, Disbelief]:
    return {reading: why for reading, why in book.standings if why} if book else {}
