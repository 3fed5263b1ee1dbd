"""Opens a settled stretch of a log anew, for a driver who says something of it: the chapters of it, or where there are
none, for its rows were moved from elsewhere, what lies between two read odometers."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.fitting import Conflict
from shared.domain.log.chapter import Chapter, settled_trip
from shared.domain.log.explaining import word_of
from shared.domain.log.gap_row import Explained, GapRow
from shared.domain.log.laying import Whose
from shared.domain.log.outlines import Start
from shared.domain.log.rows import End, Rows
from shared.domain.log.summary import Summary
from shared.domain.log.tiling import Row, along
from shared.domain.log.trip import Trip, km
from shared.domain.tracking.books import books_of
from shared.domain.tracking.chapters import edges_of, joined, opened
from shared.domain.tracking.keeping import refolded
from shared.domain.tracking.lines import lines_of
from shared.domain.tracking.settled import is_settled, is_told
from shared.domain.tracking.state import DriverState, OpenLog, with_log, with_told
from shared.repositories.documents import Stored
from shared.repositories.user_store import UserStore
from shared.services.rows import StoredLog

MOST_TRIPS = 60  # on each side until one whose odometer was read: what is farther stays as it is
LONG_AGO, FAR_OFF = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


class Reopened(NamedTuple):
    """What is known of a settled stretch, as if it were open still, and its rows by car, as they are stored.

    `edges` stand among the readings for what lies around it: nobody said them so. `joined` are the ids of chapters that
    are a part of a longer one from now on. By car, `following` are the gaps behind the stretch and the trip after them.
    """

    state: DriverState
    rows: Mapping[str | None, Sequence[Row]]
    edges: frozenset[Reading]
    joined: frozenset[str] = frozenset()
    following: Mapping[str, Sequence[Row]] = {}

    def with_trips_in_no_car(self, trips: Sequence[Trip]) -> "Reopened":
        """The same with trips that are in no car, and so in no stretch."""
        if not trips:
            return self
        state = with_told(self.state, [*self.state.told, *map(settled_trip, trips)])
        return self._replace(state=state, rows={**self.rows, None: [*trips]})

    def forget_edges(self, rows: Rows) -> None:
        """Nothing is kept of what is thought of an edge, nor of chapters that are a part of another one."""
        rows.standings = [one for one in rows.standings if one.reading not in self.edges]
        for chapter_id in self.joined:
            rows.chapters.setdefault(chapter_id, None)

    def close(self, state: DriverState, rows: Rows, owner: Whose, now: datetime) -> DriverState:
        """The driver's state, once all is said of the stretch: the rows that follow it know of its end."""
        self.forget_edges(rows)
        for car_id, (former, end) in rows.followed.items():
            if former != end:
                state = self._followed(state, car_id, former, end, rows, owner, now)
        rows.followed.clear()
        return state

    def _followed(
        self, state: DriverState, car_id: str, former: End, end: End, rows: Rows, owner: Whose, now: datetime
    ) -> DriverState:
        known, log = self.following.get(car_id, ()), state.open.get(car_id)
        # What is put by now was laid with what is open, or comes from there.
        following = [row for row in known if row.id not in rows.trips and row.id not in rows.gaps]
        is_open = len(following) < len(known) or _is_open(state, following)
        gap_km = km(end.gap_km - former.gap_km)
        for row in () if is_open else following:
            is_first = row is next((one for one in following if one.from_m is not None), None)
            _put_beside(rows, row, end if is_first else end._replace(set_on_m=row.set_on_m), gap_km, now)
            if is_first and row.set_on_m != end.set_on_m:
                before, after = ([*([last] if last else []), row.id] for last in (former.last_row, end.last_row))
                rows.tile(car_id, before, after)
        if log is None or log.start is None or not is_open:
            return state
        log = replace(
            log, gap_before_km=km(log.gap_before_km + gap_km), after_trip=end.last_trip, set_on_m=end.set_on_m
        )
        return refolded(state, with_log(state, car_id, log), rows, owner, now)[0]


def _is_open(state: DriverState, following: Sequence[Row]) -> bool:
    """Whether what follows a stretch is open: the fold lays it."""
    last = following[-1] if following else None
    if isinstance(last, GapRow):
        return not is_settled(state, last.car_id, last.until)
    return last is None or is_told(state, last)


def _put_beside(rows: Rows, row: Row, end: End, gap_km: float, now: datetime) -> None:
    """A row behind a stretch, with what it tells of that."""
    if isinstance(row, GapRow):
        gap = replace(row, after_trip=end.last_trip, set_on_m=end.set_on_m)
        if gap != row:
            rows.put_gap(replace(gap, revision=row.revision + 1, updated_at=now))
        return
    trip = replace(row, gap_before_km=km(row.gap_before_km + gap_km), set_on_m=end.set_on_m)
    if trip != row:
        rows.put(replace(trip, revision=row.revision + 1, updated_at=now))


def reopened(
    store: UserStore, log: StoredLog, state: DriverState, cars: Iterable[str], since: datetime, until: datetime
) -> Reopened:
    """What is known of these cars around a time, up to where their log is open in the driver's state."""
    told, logs, rows = list[Summary](), dict[str, OpenLog](), dict[str | None, list[Row]]()
    edges, inner, following = set[Reading](), set[str](), dict[str, Sequence[Row]]()
    for car_id in sorted(set(cars)):
        stretch = _stretch(store, log, car_id, since, until, state.of_car(car_id).start)
        inside, chapter = _inside(store, log, car_id, stretch), stretch.chapter
        rows[car_id] = sorted(inside.rows, key=along)
        told += map(settled_trip, inside.trips)
        if chapter is None:
            readings, words = tuple(inside.readings), tuple(inside.explained)
            logs[car_id] = replace(stretch.before, readings=readings, explained=words)
            continue
        explained = sorted([*chapter.explained, *inside.explained], key=lambda one: one.from_m)
        logs[car_id] = opened(replace(chapter, explained=tuple(explained)), inside.readings, stretch.before)
        told += chapter.without_trip
        edges |= {*edges_of(chapter.end)}
        following[car_id] = stretch.following
        inner |= {one.id for one in stretch.chapters if one.id != chapter.id}
    known = with_told(DriverState(open=logs, car_ids=tuple(logs)), told)
    return Reopened(known, rows, frozenset(edges), frozenset(inner), following)


def reopened_at(store: UserStore, log: StoredLog, state: DriverState, car_id: str, moment: datetime) -> Reopened:
    """What is known around a moment."""
    return reopened(store, log, state, [car_id], moment, moment)


def widened(
    store: UserStore, log: StoredLog, state: DriverState, rows: Rows, owner: Whose, car_id: str, since: datetime
) -> tuple[DriverState, Mapping[str | None, Sequence[Row]]]:
    """The state in which the log of a car is open from before a moment on, that is settled, with all rows that are open
    then as they are stored: a word that reaches from there into what is open is about both.

    Raises Conflict where what is settled from there on is not known so well.
    """
    opened = state.of_car(car_id)
    until = opened.start.at if opened.start else since
    stretch = _stretch(store, log, car_id, since, until, opened.start)
    chapter, before = stretch.chapter, stretch.before
    if chapter is None or chapter.end.at != until:
        raise Conflict("Some of these trips are settled and others are not yet.", "ids")
    inside = _inside(store, log, car_id, stretch)
    wide = replace(
        opened,
        start=before.start,
        gap_before_km=before.gap_before_km,
        set_on_m=before.set_on_m,
        after_trip=before.after_trip,
        readings=(*(one for one in inside.readings if chapter.has(one.at)), *opened.readings),
        explained=(*chapter.explained, *inside.explained, *opened.explained),
        series=chapter.series,
    )
    lines = lines_of(state, books_of(state), owner, datetime.now(UTC))
    stored: dict[str | None, list[Row]] = {of: _rows_of(log, [line.id for line in lines[of]]) for of in lines}
    both = {row.id: row for row in (*inside.rows, *stored.get(car_id, ()))}
    stored[car_id] = sorted(both.values(), key=along)
    for one in stretch.chapters:
        rows.chapters[one.id] = None
    # Of a drive that was two, one trip may be settled and the other not: the state remembers both.
    known = {id_ for one in state.told for id_ in one.trip_ids}
    settled = [settled_trip(trip) for trip in inside.trips if trip.id not in known]
    return with_told(with_log(state, car_id, wide), [*state.told, *settled, *chapter.without_trip]), stored


def _rows_of(log: StoredLog, ids: Sequence[str]) -> list[Row]:
    rows: list[Row] = [*log.trips(ids), *log.gaps(ids)]
    found = {row.id: row for row in rows}
    return [found[id_] for id_ in ids if id_ in found]


# --- which stretch


class _Stretch(NamedTuple):
    """A stretch of the log of a car as one chapter, None where nothing that is settled follows it, what lies `before`
    it and is `following`, and the `chapters` that it was until now."""

    chapter: Chapter | None
    before: OpenLog
    following: Sequence[Row]
    chapters: Sequence[Chapter]

    @property
    def span(self) -> tuple[datetime, datetime]:
        """From when until when it is."""
        begin, end = self.before.start, self.chapter.end if self.chapter else None
        return begin.at if begin else LONG_AGO, end.at if end else FAR_OFF

    def has(self, moment: datetime) -> bool:
        """Whether a trip that ends then lies in it."""
        return self.chapter is None or self.chapter.has(moment)

    def has_gap(self, gap: GapRow) -> bool:
        """Whether a gap lies in it."""
        begin, end = self.span
        return begin <= gap.since < end

    def is_without_chapter(self, moment: datetime) -> bool:
        """Whether what is said of a gap of that time stands in its row alone."""
        return self.chapter is None or not any((one.since or LONG_AGO) <= moment < one.end.at for one in self.chapters)


class _Inside(NamedTuple):
    """What is kept of a stretch: its trips and all of its rows, what was read in it, and what its gaps alone know that
    was said of them."""

    trips: Sequence[Trip]
    rows: Sequence[Row]
    readings: Sequence[Reading]
    explained: Sequence[Explained]


def _inside(store: UserStore, log: StoredLog, car_id: str, stretch: _Stretch) -> _Inside:
    trips = [one for one in store.trips.between(car_id, *stretch.span) if stretch.has(one.value.ended_at)]
    gaps = [one for one in store.gaps.between(car_id, *stretch.span) if stretch.has_gap(one.value)]
    log.knows(trips, gaps)
    alone = [one.value for one in gaps if stretch.is_without_chapter(one.value.since)]
    return _Inside(
        [one.value for one in trips],
        [*(one.value for one in trips), *(one.value for one in gaps)],
        [one.reading for one in store.readings.around(car_id, *stretch.span) if one.is_folded],
        [word for gap in alone if (word := word_of(gap))],
    )


def _stretch(
    store: UserStore, log: StoredLog, car_id: str, since: datetime, until: datetime, open_from: Start | None
) -> _Stretch:
    chapters = [one for one in store.chapters.between(car_id, since, until) if (one.since or LONG_AGO) < until]
    log.knows_chapters(chapters)
    if _covers(chapters, since, until):
        chapter: Chapter | None = joined(chapters)
        begin = chapter.begin if chapter else None
    else:
        begin, end = _around(store, log, car_id, since, until, open_from)
        chapters = _touched(store, car_id, begin, end)
        log.knows_chapters(chapters)
        begin = chapters[0].begin if chapters and _is_before(chapters[0].begin, begin) else begin
        end = chapters[-1].end if chapters and end and chapters[-1].end.at > end.at else end
        chapter = replace(joined(chapters), begin=begin, end=end) if chapters and end else None
        chapter = chapter or (Chapter(car_id=car_id, begin=begin, end=end) if end else None)
    following = _following(store, log, car_id, chapter.end) if chapter else []
    right = next((row.id for row in following if isinstance(row, Trip)), None)
    before = replace(_before(store, log, car_id, begin), before_trip=right)
    return _Stretch(chapter, before, following, chapters)


def _covers(chapters: Sequence[Chapter], since: datetime, until: datetime) -> bool:
    """Whether chapters follow each other from one moment to another."""
    if not chapters or not chapters[0].has(since) or until > chapters[-1].end.at:
        return False
    return all(b.begin is not None and a.end.at == b.begin.at for a, b in pairwise(chapters))


def _is_before(a: Start | None, b: Start | None) -> bool:
    return b is not None and (a is None or a.at < b.at)


def _touched(store: UserStore, car_id: str, begin: Start | None, end: Start | None) -> list[Chapter]:
    """The chapters of which a part lies in a stretch."""
    since, until = begin.at + MOMENT if begin else LONG_AGO, end.at if end else FAR_OFF
    return [one for one in store.chapters.between(car_id, since, until) if (one.since or LONG_AGO) < until]


def _before(store: UserStore, log: StoredLog, car_id: str, begin: Start | None) -> OpenLog:
    """What a stretch is to know of what lies before it."""
    if begin is None:
        return OpenLog()
    left = store.trips.ended_by(car_id, begin.at)
    log.knows([left] if left else [], [])
    gaps = store.gaps.between(car_id, left.value.ended_at if left else LONG_AGO, begin.at)
    values = [one.value for one in gaps if one.value.until <= begin.at]
    to_m = values[-1].to_m if values else left.value.to_m if left else None
    return OpenLog(
        start=begin,
        gap_before_km=km(sum(one.missing_km for one in values)),
        set_on_m=0 if to_m is None else begin.m - to_m,
        after_trip=left.value.id if left else None,
    )


def _following(store: UserStore, log: StoredLog, car_id: str, end: Start) -> list[Row]:
    """The gaps behind a stretch, and the trip after them."""
    right = store.trips.ended_after(car_id, end.at)
    gaps = store.gaps.between(car_id, end.at, right.value.started_at if right else FAR_OFF)
    log.knows([right] if right else [], gaps)
    return [*(one.value for one in gaps), *([right.value] if right else [])]


# --- where there are no chapters


def _around(
    store: UserStore, log: StoredLog, car_id: str, since: datetime, until: datetime, open_from: Start | None
) -> tuple[Start | None, Start | None]:
    """From which read odometer to which a stretch reaches, with the trips before and behind what it is about."""
    left = store.trips.before(car_id, since)
    if left and since == until:
        left = store.trips.before(car_id, left.value.started_at)
    count = 0
    while left and not _is_over(left, since) and count < MOST_TRIPS:
        left, count = store.trips.before(car_id, left.value.started_at), count + 1
    right, is_over, count = store.trips.after(car_id, until), False, 0
    # The first trip that begins at a read odometer tells of the gap before it: it is laid as well.
    while right and not (is_over and right.value.start_odometer_known == "read") and count < MOST_TRIPS:
        is_over, count = is_over or right.value.start_odometer_known == "read", count + 1
        right = store.trips.after(car_id, right.value.started_at) if _is_settled(right, open_from) else None
    log.knows([one for one in (left, right) if one], [])
    end = open_from
    if right and _is_settled(right, open_from) and right.value.from_m is not None:
        known = right.value.start_odometer_known or "estimated"
        end = Start(right.value.started_at - MOMENT, right.value.from_m, known=known)
    return _begin_of(left.value if left else None), end


def _is_over(trip: Stored[Trip], moment: datetime) -> bool:
    """Whether what is known of the end of a trip does not depend on anything after a moment."""
    return trip.value.end_odometer_known == "read" and trip.value.ended_at <= moment


def _is_settled(trip: Stored[Trip], open_from: Start | None) -> bool:
    return open_from is None or trip.value.started_at < open_from.at


def _begin_of(left: Trip | None) -> Start | None:
    """The trip before the stretch as the begin of a book."""
    if left is None or left.to_m is None:
        return None
    return Start(left.ended_at, left.to_m, known=left.end_odometer_known or "estimated", position=left.to.position)
