"""Opens the chapters of a log anew, and closes them: the settled parts of the books of a driver's cars."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from shared.domain.car.odometer import Reading, ReadingSource
from shared.domain.log.book import Book, Start, TripOutline
from shared.domain.log.chapter import Chapter, settled_drive, settled_outline, times_of
from shared.domain.log.gap_row import Explained, GapRow, share_m
from shared.domain.log.laying import Whose
from shared.domain.tracking.books import Books, books_of
from shared.domain.tracking.lines import Line, Lines, ends_with, lines_of, settled_lines
from shared.domain.tracking.state import DriverState, OpenLog, with_log, with_told

EXACTLY_KM = 0.001
# What is a day older than the newest reading is no open stretch any more but rows.
SETTLED_FOR = timedelta(days=2)


def edges_of(end: Start | None) -> list[Reading]:
    """What the odometer showed where a stretch ends, as readings that nothing contradicts: nobody said them so."""
    if end is None:
        return []
    source: ReadingSource = "car" if end.known == "read" else "typed"
    edge = Reading(end.at, end.m / 1000, resolution_km=EXACTLY_KM, source=source, is_confirmed=True)
    return [edge, replace(edge, at=end.at + SETTLED_FOR)]


def opened(chapter: Chapter, readings: Iterable[Reading], before: OpenLog) -> OpenLog:
    """A chapter as if it were open still; `before` knows what lies before and after it, and `readings` are its own."""
    inside = [one for one in readings if chapter.has(one.at)]
    return replace(
        before,
        start=chapter.begin,
        chapter=chapter,
        readings=tuple(sorted([*inside, *edges_of(chapter.end)], key=lambda one: one.at)),
        explained=chapter.explained,
        series=chapter.series,
        timezone=chapter.timezone,
    )


def closed(state: DriverState, books: Books) -> Iterator[Chapter]:
    """The chapters that are open in a state, as they are by now."""
    shown = {trip.drive.summary.id for trip in books.trips}
    for car_id, log in state.open.items():
        if log.chapter:
            left = (one for one in state.told if one.id not in shown and one.settled and one.settled.car_id == car_id)
            left = (replace(one, trip_ids=()) for one in left)
            yield replace(
                log.chapter,
                begin=log.start,
                without_trip=tuple(left),
                explained=log.explained,
                times=_times(state, books.of[car_id].trips if car_id in books.of else ()),
            )


def closing(state: DriverState, books: Books, cut: DriverState) -> Iterator[Chapter]:
    """The chapters that are settled where a state is cut."""
    kept = {one.id for one in cut.told}
    for car_id, log in cut.open.items():
        former = state.of_car(car_id)
        if log.start is None or log.start == former.start or log.start.is_said:
            continue
        left = [drive for drive in books.without_trip if drive.car_id == car_id and drive.summary.id not in kept]
        words = (_until(word, log.start.m) for word in former.explained)
        yield Chapter(
            car_id=car_id,
            begin=former.start,
            end=log.start,
            timezone=former.timezone,
            series=former.series,
            series_behind=log.series,
            without_trip=tuple(settled_drive(drive) for drive in left),
            explained=tuple(word for word in words if word),
            times=_times(state, (trip for trip in books.of[car_id].trips if trip.drive.summary.id not in kept)),
        )


def _times(state: DriverState, trips: Iterable[TripOutline]) -> str:
    ids = {one.id: one.trip_ids for one in state.told}
    drives = [trip.drive for trip in trips]
    return times_of((ids[one.summary.id][one.part], one.began_at, one.ended_at) for one in drives)


def is_whole(chapter: Chapter, state: DriverState, lines: Lines, cut: DriverState, owner: Whose, now: datetime) -> bool:
    """Whether a chapter by itself has the rows that the whole state, whose rows are `lines`, has in it."""
    rows = settled_lines(lines, cut).get(chapter.car_id, [])
    alone = _alone(chapter, state, rows)
    made = lines_of(alone, books_of(alone), owner, now).get(chapter.car_id, [])
    return [_seen(line) for line in rows] == [_seen(line) for line in made]


class Apart(NamedTuple):
    """A log in two: the state of what is open, and of what is settled its rows, its chapters, and the books of these by
    their cars."""

    state: DriverState
    settled: Lines
    chapters: Sequence[Chapter]
    books: Mapping[str, Book]


def apart(state: DriverState, books: Books, lines: Lines, cut: DriverState, owner: Whose, now: datetime) -> Apart:
    """A log cut where a chapter need not have the rows that the whole, whose rows are `lines`, has in it: each part is
    folded by itself from now on."""
    settled, found = settled_lines(lines, cut), dict[str, Book]()
    chapters = [*closing(state, books, cut)]
    for chapter in chapters:
        alone = _alone(chapter, state, settled.get(chapter.car_id, ()))
        found[chapter.car_id] = books_of(alone).of[chapter.car_id]
        made = lines_of(alone, books_of(alone), owner, now).get(chapter.car_id, [])
        settled = {**settled, chapter.car_id: made}
        end, log = ends_with(made, alone.of_car(chapter.car_id), chapter.end), cut.of_car(chapter.car_id)
        log = replace(log, gap_before_km=end.gap_km, set_on_m=end.set_on_m, after_trip=end.last_trip)
        cut = with_log(cut, chapter.car_id, log)
    return Apart(cut, settled, chapters, found)


def _alone(chapter: Chapter, state: DriverState, rows: Sequence[Line]) -> DriverState:
    """A chapter that is cut out of a state by itself; `rows` are those that it has there."""
    log = opened(chapter, state.of_car(chapter.car_id).readings, state.of_car(chapter.car_id))
    drives = [settled_outline(line.says, line.id) for line in rows if isinstance(line.says, TripOutline)]
    alone = DriverState(open={chapter.car_id: log}, car_ids=(chapter.car_id,))
    return with_told(alone, [*drives, *chapter.without_trip])


def _seen(line: Line) -> tuple[object, ...]:
    """What a row shows, whatever lies beside it."""
    says = line.says
    if isinstance(says, TripOutline):
        return line.id, line.gap_km, line.set_on_m, says.drive.began_at, says.drive.ended_at, says[1:]
    assert isinstance(says, GapRow)
    return line.id, line.set_on_m, replace(says, before_trip=None, after_trip=None)


def in_zone(state: DriverState, timezone: str) -> DriverState:
    """The state whose gaps are cut by the driver's time zone (IANA name), but those of a chapter by its own, and none
    in a closed year."""
    for car_id, log in state.open.items():
        zone = state.zone_of(car_id, timezone)
        if log.chapter is None and log.timezone != zone:
            state = with_log(state, car_id, replace(log, timezone=zone))
    return state


def _until(word: Explained, m: int) -> Explained | None:
    to_m = min(word.to_m, m)
    return replace(word, to_m=to_m, business_m=share_m(word, word.from_m, to_m)) if word.from_m < to_m else None


def joined(chapters: Sequence[Chapter]) -> Chapter:
    """Chapters of a car that follow each other, as one."""
    first, last = chapters[0], chapters[-1]
    return replace(
        last,
        begin=first.begin,
        timezone=first.timezone,
        series=first.series,
        without_trip=tuple(one for chapter in chapters for one in chapter.without_trip),
        explained=tuple(word for chapter in chapters for word in chapter.explained),
    )
