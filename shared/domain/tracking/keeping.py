"""Folds what came of an event into the log: the one place where facts become rows.

The log that follows from the facts before is held against the one that follows from them now. What differs is read,
changed and put; so news costs as much as it changes.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import takewhile
from typing import NamedTuple

from msgspec.structs import replace

from shared.domain.car.odometer import Disbelief, Reading
from shared.domain.log.addresses import ADDRESS_PENDING
from shared.domain.log.book import Book, Start, TripOutline
from shared.domain.log.drive import Heard
from shared.domain.log.gap_row import GapRow
from shared.domain.log.gap_rows import gap_rows
from shared.domain.log.laying import Whose, laid, new_trip, with_route
from shared.domain.log.record import events_of
from shared.domain.log.rows import Rows
from shared.domain.log.tiling import Row
from shared.domain.log.trip import Trip, km, shown_km
from shared.domain.thresholds import Rules
from shared.domain.tracking.books import Books, books_of, trip_id_of, with_ids
from shared.domain.tracking.events import Outcome
from shared.domain.tracking.look_ups import wanted
from shared.domain.tracking.schedule import scheduled
from shared.domain.tracking.settling import bounded, cuts, forced
from shared.domain.tracking.state import DriverState, OpenLog
from shared.domain.tracking.weaving import woven

Lines = dict[str | None, list["_Line"]]
Stored = Mapping[str, Sequence[Row]]  # rows of some cars, in their order along the odometer


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
    lines = _lines(state, books, owner, now)
    for cut in cuts(state, books, now):
        if cut != state and _open_lines(lines, cut) == _some(_lines(cut, books_of(cut), owner, now)):
            state, books, lines = cut, books_of(cut), _lines(cut, books_of(cut), owner, now)
            break
    cut = forced(state, books, now)
    if cut != state:
        new = _lines(cut, books_of(cut), owner, now)
        _Laying(rows, owner, now).lay(_open_lines(lines, cut), new)
    return cut


def _open_lines(lines: Lines, cut: DriverState) -> Lines:
    """The rows that are not settled in a state that is cut."""
    told = {id_ for one in cut.told for id_ in one.trip_ids}
    starts = {car_id: log.start for car_id, log in cut.open.items()}
    return _some(
        {car: [line for line in of if _is_open(line, told, starts.get(car or ""))] for car, of in lines.items()}
    )


def _is_open(line: "_Line", told: Collection[str], start: Start | None) -> bool:
    if isinstance(line.says, GapRow):
        return start is None or line.says.until > start.at
    return line.id in told


def _some(lines: Lines) -> Lines:
    return {car_id: of for car_id, of in lines.items() if of}


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
    if stored is not None or rows.records or former != books or _explained(before) != _explained(state):
        old, new = _lines(before, former, owner, now), _lines(state, books, owner, now)
        laying = _Laying(rows, owner, now, _common(old, new) if stored is not None else frozenset())
        laying.lay(old if stored is None else _stored_lines(stored), new)
        _put_standings(before, former, state, books, rows)
    pending = [trip.id for trip in rows.trips.values() if trip and trip.has(ADDRESS_PENDING)]
    return wanted(state, pending, now), books


def _explained(state: DriverState) -> dict[str, object]:
    return {car_id: log.explained for car_id, log in state.open.items() if log.explained}


# --- rows


class _Line(NamedTuple):
    """A row as the fold says it: of a trip its outline and the kilometres of nobody before it, of a gap the gap.

    Of a settled stretch it can be the row itself.
    """

    id: str
    says: TripOutline | Row
    gap_km: float = 0.0
    set_on_m: int = 0


def _stored_lines(stored: Stored) -> Lines:
    return {car_id: [_Line(row.id, row) for row in rows] for car_id, rows in stored.items()}


def _lines(state: DriverState, books: Books, owner: Whose, now: datetime) -> Lines:
    """The rows of each car by time; under None those of trips in no car."""
    found: Lines = {car_id: _of_book(state, car_id, book, owner, now) for car_id, book in books.of.items()}
    found[None] = [_Line(trip_id_of(state, owner.user, trip.drive), trip) for trip in books.nowhere]
    return found


def _of_book(state: DriverState, car_id: str, book: Book, owner: Whose, now: datetime) -> list[_Line]:
    log = state.of_car(car_id)
    outlines = [gap._replace(series=gap.series + log.series) for gap in book.gaps]
    gaps = gap_rows(owner, car_id, outlines, log.explained, now)
    lines = [_Line(gap.id, replace(gap, created_at=gap.since, updated_at=gap.since)) for gap in gaps]
    lines += [_Line(trip_id_of(state, owner.user, trip.drive), trip) for trip in book.trips]
    made = list[_Line]()
    for line in sorted(lines, key=_order):
        before = made[-1] if made else None
        set_on_m = _set_on_m(before, line)
        gap_km = _gap_before_km(made, line)
        made.append(line._replace(gap_km=gap_km, set_on_m=set_on_m))
    return _beside_trips(made, log)


def _order(line: _Line) -> tuple[datetime, int]:
    """By time, then along the odometer."""
    says = line.says
    if isinstance(says, TripOutline):
        return says.drive.began_at, says.from_m or 0
    return says.since if isinstance(says, GapRow) else says.started_at, says.from_m or 0


def _beside_trips(lines: Sequence[_Line], log: OpenLog) -> list[_Line]:
    """The rows in their order, the gaps with the ids of the trips beside them."""
    trips = [(n, line.id) for n, line in enumerate(lines) if not isinstance(line.says, GapRow)]
    made = [*lines]
    for n, line in enumerate(lines):
        if isinstance(line.says, GapRow):
            before = next((id_ for k, id_ in reversed(trips) if k < n), log.after_trip)
            after = next((id_ for k, id_ in trips if k > n), log.before_trip)
            made[n] = line._replace(says=replace(line.says, after_trip=before, before_trip=after))
    return made


def _set_on_m(before: _Line | None, line: _Line) -> int:
    if before is None or before.says.to_m is None or line.says.from_m is None:
        return 0
    return line.says.from_m - before.says.to_m


def _gap_before_km(made: Sequence[_Line], line: _Line) -> float:
    """The kilometres of nobody just before a trip."""
    if isinstance(line.says, GapRow):
        return 0.0
    gaps = [*takewhile(lambda one: isinstance(one.says, GapRow), reversed(made))]
    if not gaps or gaps[-1].says.from_m is None or gaps[0].says.to_m is None:
        return 0.0
    return km(shown_km(gaps[0].says.to_m) - shown_km(gaps[-1].says.from_m))


def _common(old: Lines, new: Lines) -> frozenset[str]:
    """The ids of the rows of which a fold says the same before and after."""
    former = {line.id: line for lines in old.values() for line in lines}
    return frozenset(line.id for lines in new.values() for line in lines if former.get(line.id) == line)


class _Laying:
    """Lays rows in place of others. Of the `same` the news says nothing: they stay as they are, where they are."""

    def __init__(self, rows: Rows, owner: Whose, now: datetime, same: Collection[str] = ()) -> None:
        self._rows, self._owner, self._now, self._same = rows, owner, now, same

    def lay(self, old: Lines, new: Lines) -> None:
        """Puts the new lines in place of the old ones."""
        stretches = {
            car: _differing(old.get(car, []), new.get(car, [])) for car in (*new, *(c for c in old if c not in new))
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
                beside = _beside(old.get(car_id, []), new.get(car_id, []), before, after)
                self._rows.tile(car_id, [*beside, *_ids(before, following)], [*beside, *_ids(after, following)])

    def _put_ways(self, lines: Sequence[_Line]) -> None:
        """Of a trip of which more was said by now the route is another one, though all else stays."""
        for line in lines:
            is_put = line.id in self._rows.trips
            if not is_put and isinstance(line.says, TripOutline) and self._is_told_anew(line.says):
                self._put_trip(line, line.says)

    def _is_told_anew(self, outline: TripOutline) -> bool:
        return self._rows.records.get(outline.drive.summary.id) is not None

    def _drop(self, line: _Line) -> None:
        if isinstance(line.says, GapRow):
            for gap in self._rows.find_gaps([line.id]).values():
                self._rows.drop_gap(gap)
        else:
            for trip in self._rows.find_trips([line.id]).values():
                self._rows.drop(trip)

    def _put(self, line: _Line, is_known: bool) -> None:
        if isinstance(line.says, GapRow):
            self._put_gap(line, line.says, is_known)
        elif isinstance(line.says, TripOutline):
            self._put_trip(line, line.says)

    def _put_gap(self, line: _Line, gap: GapRow, is_known: bool) -> None:
        stored = self._rows.find_gaps([line.id]).get(line.id) if is_known else None
        made = replace(gap, set_on_m=line.set_on_m, created_at=self._now, updated_at=self._now)
        if stored:
            same = replace(made, created_at=stored.created_at, updated_at=stored.updated_at, revision=stored.revision)
            if same == stored:
                return
            made = replace(made, created_at=stored.created_at, revision=stored.revision + 1)
        self._rows.put_gap(made)

    def _put_trip(self, line: _Line, outline: TripOutline) -> None:
        stored = self._rows.find_trips([line.id]).get(line.id)
        if stored is None:
            words = self._words(outline)
            blank = new_trip(line.id, outline, words, self._owner, self._now)
            trip = laid(blank, outline, line.gap_km, line.set_on_m, self._owner)
            self._rows.put(trip)
            return
        is_there = (stored.from_m, stored.to_m, stored.set_on_m) == (outline.from_m, outline.to_m, line.set_on_m)
        if is_there and line.id in self._same:
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


def _differing(old: list[_Line], new: list[_Line]) -> tuple[list[_Line], list[_Line], _Line | None]:
    """What differs of two lists of rows, and the first row after it that both have."""
    first = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    last = 0
    while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
        last += 1
    until = len(old) - last
    return old[first:until], new[first : len(new) - last], old[until] if until < len(old) else None


def _beside(old: list[_Line], new: list[_Line], before: list[_Line], after: list[_Line]) -> list[str]:
    """The id of the row before those that differ."""
    first = before[0] if before else after[0]
    lines = old if before else new
    n = lines.index(first)
    return [lines[n - 1].id] if n else []


def _ids(lines: Sequence[_Line], following: _Line | None) -> list[str]:
    return [line.id for line in (*lines, *([following] if following else ()))]


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
                rows.stand(car_id, reading, new.get(reading))


def why_doubted(state: DriverState, car_id: str, reading: Reading) -> Disbelief | None:
    """Why a reading of a car that the state remembers is not believed; None where it is."""
    return _doubts(books_of(state).of.get(car_id)).get(reading)


def _doubts(book: Book | None) -> dict[Reading, Disbelief]:
    return {reading: why for reading, why in book.standings if why} if book else {}
