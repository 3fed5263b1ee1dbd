"""Opens a settled stretch of a log anew, for a driver who says something of it: the rows between two read odometers."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.log.book import Start
from shared.domain.log.gap_row import Explained, GapRow
from shared.domain.log.summary import Summary
from shared.domain.log.trip import Trip
from shared.domain.log.words import summary_of
from shared.domain.tracking.state import DriverState, OpenLog
from shared.repositories.documents import Stored
from shared.repositories.user_store import UserStore
from shared.services.rows import StoredLog

MOST_TRIPS = 60  # on each side until one whose odometer was read: what is farther stays as it is
EXACTLY_KM = 0.001
# What is a day older than the newest reading is no open stretch any more but rows.
SETTLED_FOR = timedelta(days=2)


def reopened(store: UserStore, log: StoredLog, cars: Iterable[str], since: datetime, until: datetime) -> DriverState:
    """A state that remembers what is known of these cars around a time, as if it were open still."""
    state, told = DriverState(car_ids=tuple(sorted(cars))), dict[str, Summary]()
    for car_id in state.car_ids:
        left, inside, right = _around(store, car_id, since, until)
        log.knows([one for one in (left, *inside, right) if one])
        for one in inside:
            summary = summary_of(one.value)
            ids = told[summary.id].trip_ids if summary.id in told else ()
            told[summary.id] = replace(summary, trip_ids=tuple(dict.fromkeys((*ids, one.value.id))))
        opened = _open_log(store, car_id, left, [one.value for one in inside], right)
        state = replace(state, open={**state.open, car_id: opened})
    return replace(state, told=tuple(sorted(told.values(), key=lambda one: (one.began_at, one.ended_at, one.id))))


def _around(
    store: UserStore, car_id: str, since: datetime, until: datetime
) -> tuple[Stored[Trip] | None, list[Stored[Trip]], Stored[Trip] | None]:
    inside = store.trips_between(car_id, since, until)
    before, after = list[Stored[Trip]](), list[Stored[Trip]]()
    left = store.trip_before(car_id, since)
    while left and left.value.end_odometer_known != "read" and len(before) < MOST_TRIPS:
        before.insert(0, left)
        left = store.trip_before(car_id, left.value.started_at)
    right = store.trip_after(car_id, until)
    while right and right.value.start_odometer_known != "read" and len(after) < MOST_TRIPS:
        after.append(right)
        right = store.trip_after(car_id, right.value.started_at)
    return left, [*before, *inside, *after], right


def _open_log(
    store: UserStore, car_id: str, left: Stored[Trip] | None, inside: Sequence[Trip], right: Stored[Trip] | None
) -> OpenLog:
    begin = left.value.ended_at if left else None
    end = right.value.started_at if right else None
    found = store.readings.around(car_id, begin or _LONG_AGO, end or _FAR_OFF)
    readings = [one.reading for one in found if one.standing != "withdrawn"]
    edges = list[Reading]()
    start = None
    if left and left.value.to_m is not None and begin:
        start = Start(begin, left.value.to_m)
        edges.append(_edge(begin, left.value.to_m))
    if right and right.value.from_m is not None and end:
        edges += [_edge(end, right.value.from_m), _edge(end + SETTLED_FOR, right.value.from_m)]
    gaps = store.gaps.between(car_id, begin or _LONG_AGO, end or _FAR_OFF)
    words = [_word(gap.value) for gap in gaps if gap.value.explained_as]
    kept = [one for one in readings if (not begin or one.at > begin) and (not end or one.at < end)]
    return OpenLog(
        start=start,
        readings=tuple(sorted([*kept, *edges], key=lambda one: one.at)),
        explained=tuple(word for word in words if word),
    )


def _edge(at: datetime, m: int) -> Reading:
    return Reading(at, m / 1000, resolution_km=EXACTLY_KM, is_confirmed=True)


def _word(gap: GapRow) -> Explained | None:
    if gap.explained_as is None:
        return None
    return Explained(gap.from_m, gap.to_m, gap.explained_as, gap.reason, gap.business_m, gap.series)


_LONG_AGO = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
_FAR_OFF = datetime.fromisoformat("2100-01-01T00:00:00+00:00")
