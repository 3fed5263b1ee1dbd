"""Opens a settled stretch of a log anew, for a driver who says something of it: the rows between two read odometers."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import NamedTuple

from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.log.book import Start
from shared.domain.log.dividing import part_of
from shared.domain.log.explaining import word_of
from shared.domain.log.gap_row import GapRow
from shared.domain.log.laying import Whose
from shared.domain.log.rows import Rows
from shared.domain.log.summary import Summary
from shared.domain.log.tiling import Row
from shared.domain.log.trip import Trip
from shared.domain.log.words import summary_of
from shared.domain.tracking.books import books_of
from shared.domain.tracking.facts import is_folded
from shared.domain.tracking.lines import lines_of
from shared.domain.tracking.state import DriverState, OpenLog, with_cars, with_log, with_told
from shared.repositories.documents import Stored
from shared.repositories.user_store import UserStore
from shared.services.rows import StoredLog

MOST_TRIPS = 60  # on each side until one whose odometer was read: what is farther stays as it is
EXACTLY_KM = 0.001
# What is a day older than the newest reading is no open stretch any more but rows.
SETTLED_FOR = timedelta(days=2)
LONG_AGO, FAR_OFF = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class Reopened(NamedTuple):
    """What is known of a settled stretch, as if it were open still, and its rows by car, as they are stored.

    `edges` stand among the readings for what lies around it: nobody said them so.
    """

    state: DriverState
    rows: Mapping[str, Sequence[Row]]
    edges: frozenset[Reading]

    def forget_edges(self, rows: Rows) -> None:
        """Nothing is kept of what is thought of an edge."""
        rows.standings = [one for one in rows.standings if one.reading not in self.edges]


class _Stretch(NamedTuple):
    """The trips of a car between two that stay as they are; each None where there is none."""

    left: Stored[Trip] | None
    inside: list[Stored[Trip]]
    right: Stored[Trip] | None
    open_from: Start | None

    @property
    def begin(self) -> datetime | None:
        return self.left.value.ended_at if self.left else None

    @property
    def end(self) -> datetime | None:
        """Where what is open of the log begins, nothing settled goes on."""
        if self.right:
            return self.right.value.started_at
        return self.open_from.at if self.open_from else None


def reopened(
    store: UserStore, log: StoredLog, state: DriverState, cars: Iterable[str], since: datetime, until: datetime
) -> Reopened:
    """What is known of these cars around a time, up to where their log is open in the driver's state."""
    told, opened, rows, edges = dict[str, Summary](), dict[str, OpenLog](), dict[str, list[Row]](), set[Reading]()
    for car_id in sorted(set(cars)):
        stretch = _around(store, car_id, since, until, state.of_car(car_id).start)
        gaps = store.gaps.between(car_id, stretch.begin or LONG_AGO, stretch.end or FAR_OFF)
        gaps = [gap for gap in gaps if stretch.end is None or gap.value.since < stretch.end]
        log.knows([one for one in (stretch.left, *stretch.inside, stretch.right) if one is not None], gaps)
        summaries = [_settled(one.value) for one in stretch.inside]
        told |= {summary.id: summary for summary in summaries}
        rows[car_id] = sorted([*(one.value for one in stretch.inside), *(one.value for one in gaps)], key=_order)
        around = _edges(stretch)
        edges |= {*around}
        opened[car_id] = _open_log(store, car_id, stretch, [gap.value for gap in gaps], around)
    known = with_cars(DriverState(open=opened), [car for car in store.cars.list_cars().values() if car.id in opened])
    state = with_told(replace(known, car_ids=tuple(opened)), told.values())
    return Reopened(state, rows, frozenset(edges))


def reopened_at(store: UserStore, log: StoredLog, state: DriverState, car_id: str, moment: datetime) -> Reopened:
    """What is known around a moment: the trips before and after it as well, for both may have their odometers by it."""
    before, after = store.trip_before(car_id, moment), store.trip_after(car_id, moment)
    since = before.value.started_at if before else moment
    return reopened(store, log, state, [car_id], since, after.value.started_at if after else moment)


def widened(
    store: UserStore, log: StoredLog, state: DriverState, owner: Whose, car_id: str, since: datetime
) -> tuple[DriverState, Mapping[str, Sequence[Row]]]:
    """The state in which the log of a car is open from before a moment on, with all rows of it as they are stored.

    What was settled after that moment may still change by a word that reaches from there into what is open.
    """
    opened = state.of_car(car_id)
    assert opened.start is not None
    stretch = _around(store, car_id, since, opened.start.at, opened.start)
    gaps = store.gaps.between(car_id, stretch.begin or LONG_AGO, opened.start.at)
    gaps = [gap for gap in gaps if gap.value.since < opened.start.at]
    log.knows([one for one in (stretch.left, *stretch.inside) if one is not None], gaps)
    settled: list[Row] = [*(one.value for one in stretch.inside), *(one.value for one in gaps)]
    known = _open_log(store, car_id, stretch, [gap.value for gap in gaps], ())
    read = store.readings.around(car_id, opened.start.at, opened.start.at)
    readings = {*known.readings, *(one.reading for one in read if is_folded(one)), *opened.readings}
    wide = replace(
        opened,
        start=known.start,
        gap_before_km=0.0,
        after_trip=known.after_trip,
        readings=tuple(sorted(readings, key=lambda one: one.at)),
        explained=(*known.explained, *opened.explained),
        series=opened.series - sum(row.set_on_m != 0 for row in settled),
    )
    told = {id_ for one in state.told for id_ in one.trip_ids}
    more = [_settled(one.value) for one in stretch.inside if one.value.id not in told]
    lines = lines_of(state, books_of(state), owner, datetime.now(UTC)).get(car_id, [])
    ids = [line.id for line in lines]
    rows = {row.id: row for row in (*settled, *log.trips(ids), *log.gaps(ids))}
    widest = with_told(with_log(state, car_id, wide), [*state.told, *more])
    return with_cars(widest, store.cars.list_cars().values()), {car_id: sorted(rows.values(), key=_order)}


def _around(store: UserStore, car_id: str, since: datetime, until: datetime, open_from: Start | None) -> _Stretch:
    inside = store.trips_between(car_id, since, until)
    before, after = list[Stored[Trip]](), list[Stored[Trip]]()
    left = store.trip_before(car_id, since)
    while left and not _is_over(left, since) and len(before) < MOST_TRIPS:
        before.insert(0, left)
        left = store.trip_before(car_id, left.value.started_at)
    right, is_over = store.trip_after(car_id, until), False
    # The first trip that begins at a read odometer tells of the gap before it: it is laid as well.
    while right and not (is_over and right.value.start_odometer_known == "read") and len(after) < MOST_TRIPS:
        is_over = is_over or right.value.start_odometer_known == "read"
        after.append(right)
        right = store.trip_after(car_id, right.value.started_at) if _is_settled(right, open_from) else None
    settled = [one for one in (*before, *inside, *after) if _is_settled(one, open_from)]
    return _Stretch(left, settled, right if right and _is_settled(right, open_from) else None, open_from)


def _is_over(trip: Stored[Trip], moment: datetime) -> bool:
    """Whether what is known of the end of a trip does not depend on anything after a moment."""
    return trip.value.end_odometer_known == "read" and trip.value.ended_at <= moment


def _is_settled(trip: Stored[Trip], open_from: Start | None) -> bool:
    return open_from is None or trip.value.started_at < open_from.at


def _settled(trip: Trip) -> Summary:
    """What is known of the drive of a row. One that was a part of a drive is a drive of its own by now."""
    summary = summary_of(trip)
    is_part = trip.started_at > summary.began_at or trip.ended_at < summary.ended_at
    if is_part and not (summary.is_by_hand or summary.said.is_touched):
        return part_of(summary, trip.started_at, trip.ended_at, trip.id)
    return replace(summary, trip_ids=(trip.id,))


def _order(row: Row) -> tuple[datetime, int, int]:
    return row.since if isinstance(row, GapRow) else row.started_at, row.from_m or 0, row.to_m or 0


# --- what is around it


def _edges(stretch: _Stretch) -> list[Reading]:
    """What the odometer showed where the stretch ends, as readings that nothing contradicts."""
    right, end = stretch.right, stretch.end
    end_m = right.value.from_m if right else stretch.open_from.m if stretch.open_from else None
    if end_m is None or end is None:
        return []
    edge = Reading(end, end_m / 1000, resolution_km=EXACTLY_KM, is_confirmed=True)
    return [edge, replace(edge, at=end + SETTLED_FOR)]


def _begin_of(left: Trip | None) -> Start | None:
    """The trip before the stretch as the begin of a book."""
    if left is None or left.to_m is None:
        return None
    return Start(left.ended_at, left.to_m, known=left.end_odometer_known or "estimated", position=left.to.position)


def _open_log(
    store: UserStore, car_id: str, stretch: _Stretch, gaps: Sequence[GapRow], edges: Sequence[Reading]
) -> OpenLog:
    left, begin, end = stretch.left, stretch.begin, stretch.end
    found = store.readings.around(car_id, begin or LONG_AGO, end or FAR_OFF)
    readings = (one.reading for one in found if one.standing != "withdrawn")
    inside = [one for one in readings if (not begin or one.at > begin) and (not end or one.at < end)]
    words = (word_of(gap) for gap in gaps)
    return OpenLog(
        start=_begin_of(left.value if left else None),
        after_trip=left.value.id if left else None,
        before_trip=stretch.right.value.id if stretch.right else None,
        readings=tuple(sorted(chain(inside, edges), key=lambda one: one.at)),
        explained=tuple(word for word in words if word),
        series=min((gap.series for gap in gaps), default=0),
    )
