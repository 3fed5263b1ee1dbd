"""Computes a log anew from its facts: what phone, cars and driver said. Pure, and by the same fold as it was kept by.

No state is needed. A log that was folded word by word, as they came, is held against this.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from msgspec.structs import replace

from shared.domain.car.car import Car
from shared.domain.car.odometer import Disbelief, Reading
from shared.domain.log.book import Start, TripOutline
from shared.domain.log.chapter import Chapter
from shared.domain.log.gap_row import Explained, GapRow
from shared.domain.log.laying import Whose, laid
from shared.domain.log.summary import Drive, Summary
from shared.domain.log.trip import Trip
from shared.domain.tracking.books import Books, books_of, with_ids
from shared.domain.tracking.chapters import in_zone, opened
from shared.domain.tracking.keeping import cut_off
from shared.domain.tracking.lines import Line, ends_with, lines_of, open_lines
from shared.domain.tracking.settling import forced
from shared.domain.tracking.state import DriverState, OpenLog, with_cars, with_log, with_told

AT_ONCE = 20  # drives that are folded at a time, as long as fewer are open
FEW = 30


class Facts(NamedTuple):
    """All that a log follows from, in any order: drives with what their driver said of them, what was read of each car
    and counts or not, what was said of stretches of its odometer, and which cars the driver has.

    Of the `chapters` of which the log has some, the drives in them are `settled`."""

    drives: Sequence[Summary]
    readings: Mapping[str, Sequence[Reading]]
    explained: Mapping[str, Sequence[Explained]]
    cars: Sequence[Car]
    default_car_id: str | None
    chapters: Sequence[Chapter] = ()
    settled: Sequence[Summary] = ()


class Counted(NamedTuple):
    """A row as the facts make it: a gap, or the outline of a trip, with the kilometres of nobody before it."""

    says: TripOutline | GapRow
    gap_before_km: float
    set_on_m: int

    @property
    def drive(self) -> Drive:
        """That of a trip."""
        assert isinstance(self.says, TripOutline)
        return self.says.drive

    def laid_on(self, trip: Trip, owner: Whose) -> Trip:
        """A trip that is stored, as this makes it."""
        assert isinstance(self.says, TripOutline)
        return laid(trip, self.says, self.gap_before_km, self.set_on_m, owner)


class Thought(NamedTuple):
    """Why a reading of a car is not believed; None where it is."""

    car_id: str
    reading: Reading
    why_not: Disbelief | None


def recounted(facts: Facts, owner: Whose, now: datetime) -> Iterator[Counted | Thought]:
    """The rows of the log, and what is thought of each reading; those of a time before those of later ones."""
    state = DriverState(default_car_id=facts.default_car_id)
    state = replace(state, car_ids=tuple(sorted(car.id for car in facts.cars)))
    ends = dict[str, datetime]()
    for car_id in sorted({*facts.explained, *(chapter.car_id for chapter in facts.chapters)}):
        log = yield from _settled(car_id, facts, owner, now)
        ends |= {car_id: log.start.at} if log.start else {}
        state = with_log(state, car_id, replace(log, explained=tuple(facts.explained.get(car_id, ()))))
    state = with_told(state, [one for one in facts.settled if one.settled and one.settled.car_id is None])
    yield from map(_counted, lines_of(state, books_of(state), owner, now).get(None, []))
    readings = {
        car_id: [one for one in of if car_id not in ends or one.at > ends[car_id]]
        for car_id, of in facts.readings.items()
    }
    feed = _Feed(facts.drives, readings)
    yield from _fed(in_zone(with_told(state, ()), owner.timezone), feed, facts.cars, owner, now)


def _fed(
    state: DriverState, feed: "_Feed", cars: Sequence[Car], owner: Whose, now: datetime
) -> Iterator[Counted | Thought]:
    """The rows of what is open in a state and of all that it is fed with, settled as far as it is."""
    while feed:
        state = with_cars(feed.into(state), cars)
        until = feed.until or now
        # What is left is held against these rows, and knows the ids of its trips.
        state = with_ids(state, owner.user, books_of(state))
        books = books_of(state)
        lines = lines_of(state, books, owner, now)
        cut, open_books, _ = cut_off(state, books, lines, owner, until)
        cut = forced(cut, open_books, until)
        if cut != state:
            left = {line.id for of in open_lines(lines, cut).values() for line in of}
            yield from (_counted(line) for of in lines.values() for line in of if line.id not in left)
            yield from (one for one in _thoughts(books) if one.reading not in cut.of_car(one.car_id).readings)
            state = cut
    books = books_of(state)
    yield from map(_counted, chain.from_iterable(lines_of(state, books, owner, now).values()))
    yield from _thoughts(books)


def _settled(car_id: str, facts: Facts, owner: Whose, now: datetime) -> Generator[Counted | Thought, None, OpenLog]:
    """The rows of the chapters of a car, each folded by itself; what is known of the log behind the last of them."""
    log = OpenLog()
    chapters = sorted((one for one in facts.chapters if one.car_id == car_id), key=lambda one: one.end.at)
    of_car = [one for one in facts.settled if one.settled and one.settled.car_id == car_id]
    for chapter in _without_holes(chapters, facts.explained.get(car_id, ())):
        before = opened(chapter, facts.readings.get(car_id, ()), log)
        drives = [one for one in of_car if one.settled and chapter.has(one.settled.ended_at)]
        state = with_told(DriverState(open={car_id: before}, car_ids=(car_id,)), drives)
        books = books_of(state)
        lines = lines_of(state, books, owner, now).get(car_id, [])
        yield from map(_counted, lines)
        yield from (one for one in _thoughts(books) if not one.reading.is_confirmed or one.reading.is_word)
        end = ends_with(lines, before, chapter.end)
        log = OpenLog(start=chapter.end, gap_before_km=end.gap_km, set_on_m=end.set_on_m, after_trip=end.last_trip)
        log = replace(log, series=chapter.series_behind)
    return log


def _without_holes(chapters: Sequence[Chapter], words: Sequence[Explained]) -> Iterator[Chapter]:
    """The chapters of a car, and what lies between them and was not settled here: it is taken as one as well."""
    end: Start | None = None
    for chapter in chapters:
        if chapter.begin and (end is None or end.at < chapter.begin.at):
            since_m, until_m = end.m if end else 0, chapter.begin.m
            said = tuple(word for word in words if since_m <= word.from_m and word.to_m <= until_m)
            yield replace(chapter, begin=end, end=chapter.begin, explained=said, without_trip=())
        yield chapter
        end = chapter.end


def _thoughts(books: Books) -> Iterator[Thought]:
    return (Thought(car_id, *one) for car_id, book in books.of.items() for one in book.standings)


def _counted(line: Line) -> Counted:
    assert not isinstance(line.says, Trip)
    return Counted(line.says, line.gap_km, line.set_on_m)


class _Feed:
    """Gives facts to a state, by their time."""

    def __init__(self, drives: Sequence[Summary], readings: Mapping[str, Sequence[Reading]]) -> None:
        self._drives = sorted(drives, key=lambda one: (one.since, one.until, one.id))
        self._readings = {car_id: sorted(of, key=lambda one: one.at) for car_id, of in readings.items()}
        self._has_more = True

    def __bool__(self) -> bool:
        return self._has_more

    @property
    def until(self) -> datetime | None:
        """Before when all was given; None where all was."""
        return self._drives[0].since if self._drives else None

    def into(self, state: DriverState) -> DriverState:
        """A state with the drives that come next, and what was read before the one after them."""
        count = AT_ONCE if len(state.told) < FEW else 1
        some, self._drives = self._drives[:count], self._drives[count:]
        state = with_told(state, [*state.told, *some])
        for car_id, readings in self._readings.items():
            given = [one for one in readings if self.until is None or one.at < self.until]
            self._readings[car_id] = readings[len(given) :]
            log = state.of_car(car_id)
            if given:
                state = with_log(state, car_id, replace(log, readings=(*log.readings, *given)))
        self._has_more = self.until is not None
        return state
