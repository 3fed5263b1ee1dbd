"""Computes a log anew from its facts: what phone, cars and driver said. Pure, and by the same fold as it was kept by.

No state is needed. A log that was folded word by word, as they came, is held against this.
"""

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, takewhile
from operator import itemgetter
from typing import NamedTuple

from msgspec.structs import replace

from shared.domain.car.car import Car
from shared.domain.car.odometer import Disbelief, Reading
from shared.domain.log.book import Book, Start, TripOutline
from shared.domain.log.chapter import Chapter, within
from shared.domain.log.gap_row import Explained, GapRow
from shared.domain.log.laying import Whose, laid
from shared.domain.log.summary import Drive, Summary
from shared.domain.log.trip import Trip
from shared.domain.tracking.books import Books, books_of, with_ids
from shared.domain.tracking.chapters import Apart, apart, closing, edges_of, in_zone, opened
from shared.domain.tracking.keeping import cut_off
from shared.domain.tracking.lines import Line, Lines, ends_with, followed_by, lines_of, settled_lines
from shared.domain.tracking.settling import forced
from shared.domain.tracking.state import DriverState, OpenLog, with_cars, with_log, with_told

AT_ONCE = 20  # drives that are folded at a time, as long as fewer are open
READ_AT_ONCE = 100  # readings
FEW = 30


class Facts(NamedTuple):
    """All that a log follows from, in any order: drives with what their driver said of them, what was read of each car
    and counts or not, what was said of stretches of its odometer, and which cars the driver has.

    Of the `chapters` of which the log has some, the drives in them are `settled`. By car, `closed_years` are closed,
    and the last of them was `closed_in` a time zone."""

    drives: Sequence[Summary]
    readings: Mapping[str, Sequence[Reading]]
    explained: Mapping[str, Sequence[Explained]]
    cars: Sequence[Car]
    default_car_id: str | None
    chapters: Sequence[Chapter] = ()
    settled: Sequence[Summary] = ()
    closed_years: Mapping[str, tuple[int, ...]] = {}
    closed_in: Mapping[str, str] = {}


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


class Given(NamedTuple):
    """What a step gives to a log: drives by their ids, and readings with their cars."""

    drives: Sequence[str]
    readings: Sequence[tuple[str, Reading]]


class Step(NamedTuple):
    """What a log is once some facts more are in it: the state of what is open, and what is settled by then, for good:
    rows in their chapters, and what is thought of readings."""

    state: DriverState
    settled: Lines
    thoughts: Sequence[Thought]
    given: Given
    chapters: Sequence[Chapter] = ()


def recounted(facts: Facts, owner: Whose, now: datetime) -> Iterator[Counted | Thought]:
    """The rows of the log, and what is thought of each reading; those of a time before those of later ones."""
    state, ends = begun(facts), dict[str, datetime]()
    for car_id in sorted({*facts.explained, *(chapter.car_id for chapter in facts.chapters)}):
        log = yield from _settled(car_id, facts, owner, now)
        ends |= {car_id: log.start.at} if log.start else {}
        state = with_log(state, car_id, replace(log, explained=state.of_car(car_id).explained))
    yield from _beside(facts, owner, now)
    readings = {
        car_id: [one for one in of if car_id not in ends or one.at > ends[car_id]]
        for car_id, of in facts.readings.items()
    }
    for step in stepwise(state, facts._replace(readings=readings), owner, now):
        yield from (_counted(line) for of in step.settled.values() for line in of)
        yield from step.thoughts
        state = step.state
    books = books_of(state)
    yield from map(_counted, chain.from_iterable(lines_of(state, books, owner, now).values()))
    yield from thoughts_of(books)


def begun(facts: Facts) -> DriverState:
    """The state of a driver of whom only their cars are known, and what they said of stretches of the odometer."""
    state = DriverState(
        default_car_id=facts.default_car_id,
        car_ids=tuple(sorted(car.id for car in facts.cars)),
        closed_years={**facts.closed_years},
        closed_in={**facts.closed_in},
    )
    for car_id, words in facts.explained.items():
        state = with_log(state, car_id, replace(state.of_car(car_id), explained=tuple(words)))
    return state


def stepwise(state: DriverState, facts: Facts, owner: Whose, now: datetime) -> Iterator[Step]:
    """Puts drives and readings into what is open of a log, by their time and a few at once, and settles what can be.

    Which few depends on nothing but the state and what follows: who stops and goes on makes the same log.
    """
    feed, state = _Feed(facts), in_zone(state, owner.timezone)
    while feed:
        state, given = feed.into(state)
        state, until = in_zone(with_cars(state, facts.cars), owner.timezone), feed.until or now
        # What is left is held against these rows, and knows the ids of its trips.
        state = with_ids(state, owner.user, books_of(state))
        books = books_of(state)
        lines = lines_of(state, books, owner, now)
        cut, open_books, open_rows = cut_off(state, books, lines, owner, until)
        step = _settled_by(state, books, lines, cut, given)
        if (sure := forced(cut, open_books, until)) != cut:
            parts = apart(cut, open_books, open_rows, sure, owner, now)
            step = _with_parts(step, parts)
        yield step
        state = step.state


def _settled_by(state: DriverState, books: Books, lines: Lines, cut: DriverState, given: Given) -> Step:
    """What is settled where a state, whose rows are `lines`, is cut."""
    if cut == state:
        return Step(state, {}, (), given)
    thoughts = [one for one in thoughts_of(books) if one.reading not in cut.of_car(one.car_id).readings]
    return Step(cut, settled_lines(lines, cut), thoughts, given, [*closing(state, books, cut)])


def _with_parts(step: Step, parts: Apart) -> Step:
    """The step with what had to be settled after it, whatever that says of the rest."""
    thoughts = [*step.thoughts, *chain.from_iterable(_thoughts_in(one, parts.books) for one in parts.chapters)]
    settled = followed_by(step.settled, parts.settled)
    return Step(parts.state, settled, thoughts, step.given, [*step.chapters, *parts.chapters])


def _settled(car_id: str, facts: Facts, owner: Whose, now: datetime) -> Generator[Counted | Thought, None, OpenLog]:
    """The rows of the chapters of a car, each folded by itself; what is known of the log behind the last of them."""
    log = OpenLog()
    chapters = sorted((one for one in facts.chapters if one.car_id == car_id), key=lambda one: one.end.at)
    of_car = ((one.settled, one) for one in facts.settled)
    drives = sorted(((of.ended_at, one) for of, one in of_car if of and of.car_id == car_id), key=itemgetter(0))
    readings = sorted(((one.at, one) for one in facts.readings.get(car_id, ())), key=itemgetter(0))
    for chapter in _without_holes(chapters, facts.explained.get(car_id, ())):
        before = opened(chapter, within(chapter, readings), log)
        state = DriverState(open={car_id: before}, car_ids=(car_id,))
        state = with_told(state, within(chapter, drives))
        books = books_of(state)
        lines = lines_of(state, books, owner, now).get(car_id, [])
        yield from map(_counted, lines)
        yield from _thoughts_in(chapter, books.of)
        end = ends_with(lines, before, chapter.end)
        log = OpenLog(start=chapter.end, gap_before_km=end.gap_km, set_on_m=end.set_on_m, after_trip=end.last_trip)
        log = replace(log, series=chapter.series_behind)
    return log


def _beside(facts: Facts, owner: Whose, now: datetime) -> Iterator[Counted]:
    """The rows of what is settled in no car, or in one of which no chapter is there: beside every odometer."""
    cars = {one.car_id for one in facts.chapters}
    drives = [one for one in facts.settled if one.settled and one.settled.car_id not in cars]
    state = with_told(DriverState(), drives)
    yield from map(_counted, chain.from_iterable(lines_of(state, books_of(state), owner, now).values()))


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


def _thoughts_in(chapter: Chapter, books: Mapping[str, Book]) -> Iterator[Thought]:
    """What is thought of the readings of a chapter, but of its end: nobody said that so."""
    edges = edges_of(chapter.end)
    standings = books[chapter.car_id].standings
    return (Thought(chapter.car_id, reading, why) for reading, why in standings if reading not in edges)


def thoughts_of(books: Books) -> Iterator[Thought]:
    """What is thought of the readings that a state remembers."""
    return (Thought(car_id, *one) for car_id, book in books.of.items() for one in book.standings)


def _counted(line: Line) -> Counted:
    assert not isinstance(line.says, Trip)
    return Counted(line.says, line.gap_km, line.set_on_m)


class _Feed:
    """Gives facts to a state, by their time."""

    def __init__(self, facts: Facts) -> None:
        self._drives = sorted(facts.drives, key=lambda one: (one.since, one.until, one.id))
        readings = ((car_id, reading) for car_id, of in facts.readings.items() for reading in of)
        self._readings = sorted(readings, key=lambda one: (one[1].at, one[0]))
        self._has_more = True

    def __bool__(self) -> bool:
        return self._has_more

    @property
    def until(self) -> datetime | None:
        """Before when all was given; None where all was."""
        moments = [*(one.since for one in self._drives[:1]), *(reading.at for _, reading in self._readings[:1])]
        return min(moments, default=None)

    def into(self, state: DriverState) -> tuple[DriverState, Given]:
        """A state with the drives that come next, and what was read before the one after them; what was given.

        Of no car so many become open that some have to stay as they are: then one comes after the other.
        """
        open_ = Counter(one.said.car_id or one.car_id or one.default_car_id for one in state.told)
        count = AT_ONCE if max(open_.values(), default=0) < FEW else 1
        until = self._until(count)
        some = [*takewhile(lambda one: until is None or one.since < until, self._drives)]
        read = [*takewhile(lambda one: until is None or one[1].at < until, self._readings)]
        self._drives, self._readings = self._drives[len(some) :], self._readings[len(read) :]
        state = with_told(state, [*state.told, *some])
        for car_id in sorted({car_id for car_id, _ in read}):
            log, given = state.of_car(car_id), [reading for of, reading in read if of == car_id]
            state = with_log(state, car_id, replace(log, readings=(*log.readings, *given)))
        self._has_more = self.until is not None
        return state, Given([one.id for one in some], read)

    def _until(self, count: int) -> datetime | None:
        """Before when facts are given: so many drives, or as many readings as go at once, and all of one moment."""
        moments = [one.since for one in self._drives[count - 1 :]]
        until = next((at for at in moments if at > moments[0]), None)
        read = [reading.at for _, reading in self._readings[READ_AT_ONCE - 1 :]]
        many = next((at for at in read if at > read[0]), None)
        return min((at for at in (until, many) if at), default=None)
