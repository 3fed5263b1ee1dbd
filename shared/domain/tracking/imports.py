"""Folds facts of another system into what is open of a log: by the steps in which the log is counted anew, so that it
comes out the same. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from shared.domain.car.odometer import Disbelief, Reading
from shared.domain.log.chapter import Chapter
from shared.domain.log.laying import Whose
from shared.domain.log.rows import Rows
from shared.domain.log.trip import Trip
from shared.domain.tracking.books import books_of
from shared.domain.tracking.keeping import relaid, stand
from shared.domain.tracking.lines import Line, Lines, followed_by, lines_of
from shared.domain.tracking.recount import AT_ONCE, Facts, Given, Step, Thought, stepwise, thoughts_of
from shared.domain.tracking.settling import bounded
from shared.domain.tracking.state import DriverState

MOST_LETTERS = 4_000_000  # of routes: a commit holds 10 MiB


class Most(NamedTuple):
    """How much one commit takes: rows that it changes, facts that come to it."""

    rows: int
    facts: int


class TakenIn(NamedTuple):
    """The state to store with the rows, the ids of the trips that came to it, the readings that did, with their cars,
    and what is thought of all that it knows or knew."""

    state: DriverState
    trips: Sequence[str]
    readings: Sequence[tuple[str, Reading]]
    thoughts: Mapping[tuple[str, Reading], Disbelief | None]


def taken_in(
    before: DriverState,
    trips: Sequence[Trip],
    facts: Facts,
    rows: Rows,
    owner: Whose,
    now: datetime,
    most: Most | None = None,
    stored: Lines | None = None,
) -> TakenIn:
    """Puts trips of another system and what was read beside them into the rows: all, or the first by their time as far
    as one commit takes them. `facts` are their drives, the readings and the driver's cars; all that comes is later than
    what is settled of its car. Where the rows do not follow from the state before, they are those `stored`."""
    old = lines_of(before, books_of(before), owner, now) if stored is None else stored
    found = _steps_within(before, facts, {trip.id: trip for trip in trips}, old, owner, now, most)
    drives = {*found.given.drives}
    for trip in trips:
        if trip.id in drives:
            rows.put(trip)
    relaid(old, found.lines, rows, owner, now, before)
    for chapter in found.chapters:
        rows.close(chapter)
    thoughts = {(one.car_id, one.reading): one.why_not for one in found.thoughts}
    for car_id, book in books_of(before).of.items():
        stand(rows, car_id, book.standings, ((reading, why) for (of, reading), why in thoughts.items() if of == car_id))
    return TakenIn(_small(found.state, owner, now), *found.given, thoughts)


class _Found(NamedTuple):
    state: DriverState
    lines: Lines
    thoughts: Sequence[Thought]
    given: Given
    chapters: Sequence[Chapter]


def _steps_within(
    before: DriverState,
    facts: Facts,
    trips: Mapping[str, Trip],
    old: Lines,
    owner: Whose,
    now: datetime,
    most: Most | None,
) -> _Found:
    """The log after as many steps as one commit takes, and one at least."""
    found: _Found | None = None
    for after in _after_each(stepwise(before, facts, owner, now), owner, now):
        if found and most and not _fits(after, old, trips, most):
            break
        found = after
        if most and len(found.given.drives) + len(found.given.readings) + AT_ONCE > most.facts:
            break
    assert found is not None
    return found


def _after_each(steps: Iterator[Step], owner: Whose, now: datetime) -> Iterator[_Found]:
    settled: Lines = {}
    thoughts, given, chapters = list[Thought](), Given((), ()), list[Chapter]()
    for step in steps:
        settled = followed_by(settled, step.settled)
        thoughts, chapters = [*thoughts, *step.thoughts], [*chapters, *step.chapters]
        given = Given([*given.drives, *step.given.drives], [*given.readings, *step.given.readings])
        books = books_of(step.state)
        lines = followed_by(settled, lines_of(step.state, books, owner, now))
        yield _Found(step.state, lines, [*thoughts, *thoughts_of(books)], given, chapters)


def _fits(found: _Found, old: Lines, trips: Mapping[str, Trip], most: Most) -> bool:
    letters = sum(len(trips[id_].route) for id_ in found.given.drives if id_ in trips)
    return _changed(old, found.lines) <= most.rows and letters <= MOST_LETTERS


def _changed(old: Lines, new: Lines) -> int:
    """How many rows are others, or none any more."""
    former, later = _by_id(old), _by_id(new)
    return sum(former.get(id_) != later.get(id_) for id_ in {**former, **later})


def _by_id(lines: Lines) -> dict[str, Line]:
    return {line.id: line for of in lines.values() for line in of}


def _small(state: DriverState, owner: Whose, now: datetime) -> DriverState:
    """The state with no more readings than are remembered, where the rows that are open follow from these alone; else
    the next event has the rows laid as they follow from fewer."""
    small = bounded(state)
    same = lines_of(small, books_of(small), owner, now) == lines_of(state, books_of(state), owner, now)
    return small if same else state
