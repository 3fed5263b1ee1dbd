"""Owns which part of a driver's log is settled: it leaves the state, and its rows stay as they are in the store.

News reaches back a day, so what is older and agreed on cannot change any more but by its driver's word.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice, pairwise

from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.log.book import Anchor, Book, Start
from shared.domain.log.summary import Summary
from shared.domain.log.trip import km, shown_km
from shared.domain.thresholds import (
    AGREED_FOR,
    AGREEING,
    KEPT_DRIVES,
    KEPT_READINGS,
    NEWS_REACHES,
    WORD_SLACK,
)
from shared.domain.tracking.books import Books
from shared.domain.tracking.moved import beside_odometers, free_of_news
from shared.domain.tracking.state import DriverState, OpenLog, with_log

TRIED = 3  # anchors of a car, from the newest on
MOVED_TRIED = 6  # ends of moved trips, in the same order: an old log contradicts itself more often


def cuts(state: DriverState, books: Books, now: datetime) -> Iterator[DriverState]:
    """The states without what may be settled by now, the shortest first. Of these the first is meant that says of the
    rest what the state says of it: news may still reach over an anchor, from a drive in another car for example."""
    free = {car_id: _free(state.of_car(car_id), book, now) for car_id, book in books.of.items()}
    yield _cut(state, books, {car_id: starts[-1] for car_id, starts in free.items() if starts}, now)
    for car_id, starts in free.items():
        for start in reversed(starts[-TRIED:]):
            yield _cut(state, books, {car_id: start}, now)
    yield from _moved_cuts(state, books, now)


def _moved_cuts(state: DriverState, books: Books, now: datetime) -> Iterator[DriverState]:
    """The states without what was moved long before the last that was moved."""
    beside = beside_odometers(state.told, books, now)
    state = replace(state, told=tuple(one for one in state.told if one.id not in beside)) if beside else state
    free = {
        car_id: [*islice(free_of_news(book, state.of_car(car_id).start, now), MOVED_TRIED)]
        for car_id, book in books.of.items()
    }
    newest = {car_id: starts[0] for car_id, starts in free.items() if starts}
    if beside or newest:
        yield _cut(state, books, newest, now)
    for car_id, starts in free.items():
        yield from (_cut(state, books, {car_id: start}, now) for start in starts)


def forced(state: DriverState, books: Books, now: datetime) -> DriverState:
    """After more drives than are remembered, the oldest stay as they are, whatever that says of the rest."""
    starts = {car_id: start for car_id, book in books.of.items() if (start := _forced(state.of_car(car_id), book))}
    cut = _cut(state, books, starts, now) if starts else state
    unread = [one for one in cut.told if _is_unread(one, cut, books)]
    gone = {one.id for one in unread[:-KEPT_DRIVES]}
    return replace(cut, told=tuple(one for one in cut.told if one.id not in gone)) if gone else cut


def cut_at(state: DriverState, books: Books, car_id: str, start: Start | None, now: datetime) -> DriverState:
    """The state without what is of a car and before a stand of it, whatever that says of the rest."""
    known = state.of_car(car_id).start
    if start is None or (known and not known.is_said and start.at <= known.at):
        return state
    return _cut(state, books, {car_id: start}, now)


def _cut(state: DriverState, books: Books, starts: Mapping[str, Start], now: datetime) -> DriverState:
    for car_id, start in starts.items():
        book, log = books.of[car_id], state.of_car(car_id)
        series = sum(after.at <= start.at for _, after in book.breaks)
        before = {
            "after_trip": _last_trip(state, book, start) or log.after_trip,
            "gap_before_km": _gap_before_km(log, book, start),
            "set_on_m": 0 if _has_rows_before(book, start) else log.set_on_m,
        }
        state = with_log(state, car_id, replace(_since(log, start, series), **before))
    kept = tuple(one for one in state.told if not _is_settled(one, state, books, now))
    return state if kept == state.told else replace(state, told=kept)


def bounded(state: DriverState) -> DriverState:
    """The state with as many readings of each car as are remembered. The rows must follow from what is left, so that
    the next fold finds them as it lays them: this comes before they are laid."""
    for car_id, log in state.open.items():
        if len(log.readings) > KEPT_READINGS:
            state = with_log(state, car_id, replace(log, readings=thinned(log.readings, state.told)))
    return state


def _free(log: OpenLog, book: Book, now: datetime) -> list[Start]:
    """Where the book of a car may begin from now on, by time."""
    free = [anchor.start for anchor in book.anchors if _is_free(anchor, book, now)]
    return [start for start in free if log.start is None or start.at > log.start.at]


def _is_free(anchor: Anchor, book: Book, now: datetime) -> bool:
    at = anchor.start.at
    waits = any(trip.has("odometer_pending") for trip in book.trips if trip.drive.ended_at <= at)
    agreeing = [reading.at for reading, why in book.standings if why is None and reading.at > at]
    is_sure = len(agreeing) >= AGREEING and agreeing[-1] - at >= AGREED_FOR
    return is_sure and now - at > NEWS_REACHES and not waits


def _forced(log: OpenLog, book: Book) -> Start | None:
    if len(book.trips) <= KEPT_DRIVES:
        return None
    last = book.trips[len(book.trips) - KEPT_DRIVES - 1]
    if last.to_m is None or last.to_known is None:
        return None
    start = Start(last.drive.ended_at, last.to_m, known=last.to_known, position=last.end)
    return None if log.start and start.at <= log.start.at else start


def _last_trip(state: DriverState, book: Book, start: Start) -> str | None:
    """The id of the last trip before the open part of a book."""
    over = [trip.drive for trip in book.trips if trip.drive.ended_at <= start.at]
    ids = {one.id: one.trip_ids for one in state.told}
    if not over:
        return None
    last = max(over, key=lambda drive: drive.began_at)
    found = ids.get(last.summary.id, ())
    return found[last.part] if last.part < len(found) else None


def _has_rows_before(book: Book, start: Start) -> bool:
    trips = any(trip.to_m is not None and trip.drive.ended_at <= start.at for trip in book.trips)
    return trips or any(gap.until <= start.at for gap in book.gaps)


def _gap_before_km(log: OpenLog, book: Book, start: Start) -> float:
    """The kilometres of nobody just before the open part of a book: its first trip shows them."""
    m = start.m
    for gap in sorted(book.gaps, key=lambda gap: gap.from_m, reverse=True):
        m = gap.from_m if gap.to_m == m and gap.until <= start.at else m
    is_first = log.start is not None and m == log.start.m
    return km(km(shown_km(start.m) - shown_km(m)) + (log.gap_before_km if is_first else 0.0))


def _since(log: OpenLog, start: Start, series: int) -> OpenLog:
    return replace(
        log,
        start=start,
        series=log.series + series,
        readings=tuple(reading for reading in log.readings if reading.at > start.at),
        explained=tuple(word for word in log.explained if word.to_m > start.m),
    )


def _is_settled(summary: Summary, state: DriverState, books: Books, now: datetime) -> bool:
    """Whether all that came of a drive lies before the open part of its car's book.

    Of which no trip came, it may have been in any car: it says of each of them why kilometres are nobody's.
    """
    starts = [state.of_car(car_id).start for car_id in _cars_of(summary, books)]
    if any(start is None or summary.until > start.at for start in starts):
        return False
    return bool(starts) or now - summary.until > NEWS_REACHES


def _is_unread(summary: Summary, state: DriverState, books: Books) -> bool:
    """Whether no odometer is known of what a drive was in: then no row depends on it but its own."""
    logs = [state.of_car(car_id) for car_id in _cars_of(summary, books)]
    return not any(log.start or log.readings for log in logs)


def _cars_of(summary: Summary, books: Books) -> set[str]:
    """The cars that a drive was in by its trips, else by what was said: what was no trip may still become one."""
    cars = {trip.car_id for trip in books.trips if trip.drive.summary.id == summary.id}
    if not cars:
        cars = {summary.named_car_id if summary.has_car else summary.default_car_id}
    return {car_id for car_id in cars if car_id}


def thinned(readings: Sequence[Reading], told: Sequence[Summary] = ()) -> tuple[Reading, ...]:
    """Fewer readings that say the same: of equal ones of a stand or a drive the first and the last, then fewer of those
    on the way.

    Where drives begin and end the kilometres are divided by what was read, so that goes last. What a car says the same
    during a drive tells that it was another one that drove.
    """
    edges = sorted(edge for one in told for edge in (one.began_at, one.ended_at))
    places = [(bisect_right(edges, one.at), one.km) for one in readings]
    last = len(readings) - 1
    kept = [
        one
        for n, one in enumerate(readings)
        if n in (0, last) or one.is_word or not places[n - 1] == places[n] == places[n + 1]
    ]
    on_way = [one for one in kept if not one.is_word and _is_on_the_way(one, told)]
    stood = {reading for a, b in pairwise(readings) if a.km == b.km for reading in (a, b)}
    # Where it stood on its way one trip may have been two: what tells that goes after what it told while it drove.
    kept = _halved(kept, [one for one in on_way if one not in stood])
    kept = _halved(kept, [one for one in on_way if one in stood])
    while len(kept) > KEPT_READINGS:
        kept = [one for n, one in enumerate(kept) if n % 3 != 1 or one.is_word or n == len(kept) - 1]
    return tuple(kept)


def _halved(kept: list[Reading], fewer: list[Reading]) -> list[Reading]:
    """The readings without every second of some of them, again and again, until they are few enough."""
    while len(kept) > KEPT_READINGS and fewer:
        gone, fewer = {*fewer[::2]}, fewer[1::2]
        kept = [one for one in kept if one not in gone]
    return kept


def _is_on_the_way(reading: Reading, told: Sequence[Summary]) -> bool:
    return any(one.began_at + WORD_SLACK < reading.at < one.ended_at - WORD_SLACK for one in told)
