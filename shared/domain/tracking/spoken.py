"""What a driver says of their log by hand, as a word among the facts that the state remembers."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from shared.domain.log.chapter import settled_trip
from shared.domain.log.dividing import part_of
from shared.domain.log.drive import Heard
from shared.domain.log.explaining import moved_along
from shared.domain.log.laying import Whose
from shared.domain.log.outlines import GapOutline
from shared.domain.log.record import events_of, recorded
from shared.domain.log.rows import Rows
from shared.domain.log.summary import Summary
from shared.domain.log.trip import Trip
from shared.domain.log.words import deleted, summary_of
from shared.domain.tracking.books import Books, books_of, trip_id_of
from shared.domain.tracking.keeping import refolded, without_settled
from shared.domain.tracking.lines import Stored
from shared.domain.tracking.settled import is_told
from shared.domain.tracking.state import DriverState, begun_before, with_log, with_told


class Spoken(NamedTuple):
    """The state to store with the rows, and the trip as it is now; None where it is deleted."""

    state: DriverState
    trip: Trip | None


def is_open(state: DriverState, trip: Trip | None) -> bool:
    """Whether a trip lies in what is open of the log; one that does not is folded with the rows around it."""
    if trip is None:
        return True
    return is_told(state, trip) or (trip.car_id is not None and _covers(state, trip.car_id, trip.ended_at))


def is_open_to(state: DriverState, trip: Trip) -> bool:
    """Whether a trip as it will be lies in what is open of the log: it is enough that it ends there."""
    return trip.car_id is None or _covers(state, trip.car_id, trip.ended_at)


def forgotten(
    state: DriverState, trip: Trip, rows: Rows, owner: Whose, now: datetime, stored: Stored | None = None
) -> DriverState:
    """The state without a trip that lies elsewhere from now on: in a settled stretch, or out of the one whose rows are
    `stored`."""
    parted = _parted(state, trip.id, rows, owner)
    left = replace(parted, told=tuple(one for one in parted.told if trip.id not in one.trip_ids))
    return refolded(state, left, rows, owner, now, stored)[0]


def _covers(state: DriverState, car_id: str, moment: datetime) -> bool:
    start = state.of_car(car_id).start
    return start is None or start.is_said or moment > start.at


def spoken(
    state: DriverState,
    former: Trip | None,
    trip: Trip | None,
    rows: Rows,
    owner: Whose,
    now: datetime,
    stored: Stored | None = None,
    *,
    settles: bool = True,
) -> Spoken:
    """Puts a trip that was added, changed or deleted (None) into the rows, with all that follows from it.

    `stored` are the rows that the state is about, where they lie in a settled stretch. Without `settles` all that is
    open stays open, for more is to be said.
    """
    about = trip or former
    if about is None:
        return Spoken(state, None)
    parted = _parted(state, about.id, rows, owner) if former else state
    summary = summary_of(trip) if trip else deleted(about)
    if stored is not None:
        # Of what is settled car and time are what the row says, and no fold finds others.
        summary = replace(summary, settled=settled_trip(about if trip is None else trip).settled)
    after = _with_summary(parted, about.id, summary)
    if trip and trip.car_id and trip.car_id in after.open:
        after = with_log(after, trip.car_id, begun_before(after.of_car(trip.car_id), trip.started_at))
    if trip:
        rows.put(trip)
    state, _ = refolded(state, after, rows, owner, now, stored)
    # Of a settled stretch nothing is remembered but its rows.
    state = without_settled(state, rows, owner, now) if settles and stored is None else state
    return Spoken(state, rows.find_trips([about.id]).get(about.id) if trip else None)


def _with_summary(state: DriverState, trip_id: str, summary: Summary) -> DriverState:
    known = next((one for one in state.told if trip_id in one.trip_ids), None)
    if known:
        summary = replace(known, said=summary.said, settled=summary.settled, **_retold(known, summary))
    others = [one for one in state.told if one is not known]
    summary = replace(summary, trip_ids=(trip_id,))
    if _is_nothing(summary):
        return replace(state, told=tuple(others))
    return with_told(state, [*others, summary])


def _is_nothing(summary: Summary) -> bool:
    """Whether nothing is left of a trip that was by hand and is deleted: nobody read an odometer for it."""
    said = summary.said
    return summary.is_by_hand and said.is_deleted and said.from_m is None and said.to_m is None


def _retold(known: Summary, summary: Summary) -> dict[str, object]:
    """Of a trip by hand its driver says all that there is."""
    if not known.is_by_hand:
        return {}
    return {
        "began_at": summary.began_at,
        "ended_at": summary.ended_at,
        "trail": summary.trail,
        "car_id": summary.car_id,
    }


def reshaped(
    state: DriverState,
    formers: Sequence[Trip],
    trips: Sequence[Trip],
    rows: Rows,
    owner: Whose,
    now: datetime,
    stored: Stored | None = None,
) -> DriverState:
    """Puts trips in place of others that have the same time: one that was divided, or several that are one.

    `stored` are the rows that the state is about, where they lie in a settled stretch.
    """
    after = state
    for former in formers:
        after = _parted(after, former.id, rows, owner)
    ids = {former.id for former in formers}
    gone = [one for one in after.told if ids & {*one.trip_ids}] or [summary_of(former) for former in formers]
    # Of what is settled car and time are what the row says, and no fold finds others.
    made = [summary_of(trip) if stored is None else settled_trip(trip) for trip in trips]
    _hand_over(gone, made, rows)
    after = with_told(after, [*(one for one in after.told if not ids & {*one.trip_ids}), *made])
    after = _with_words(state, after)
    for trip in trips:
        rows.put(trip)
    return refolded(state, after, rows, owner, now, stored)[0]


def _with_words(before: DriverState, state: DriverState) -> DriverState:
    """The state in which what was said of gaps that lie elsewhere on the odometer by now is said of them there."""
    former, books = books_of(before), books_of(state)
    for car_id, log in state.open.items():
        if not log.explained:
            continue
        gaps = {(gap.since, gap.until): gap for gap in _gaps(books, car_id, log.series)}
        moved = [
            (gap, gaps[gap.since, gap.until])
            for gap in _gaps(former, car_id, log.series)
            if (gap.since, gap.until) in gaps and gaps[gap.since, gap.until].from_m != gap.from_m
        ]
        state = with_log(state, car_id, replace(log, explained=moved_along(log.explained, moved)))
    return state


def _gaps(books: Books, car_id: str, series: int) -> list[GapOutline]:
    return [gap._replace(series=gap.series + series) for gap in books.of[car_id].gaps] if car_id in books.of else []


def words_of(trip: Trip, rows: Rows) -> list[Heard]:
    """What the phone said of the drive of a trip, as far as that is kept."""
    record = rows.record(summary_of(trip).id)
    return events_of(record) if record else []


def _hand_over(gone: Sequence[Summary], made: Sequence[Summary], rows: Rows) -> None:
    """What the phone said of drives is kept with those that take their place."""
    records = [record for one in gone if (record := rows.record(one.id))]
    words = [heard for record in records for heard in events_of(record)]
    for record in records:
        rows.forget(record.id)
    for one in made:
        is_last = one is made[-1]
        mine = [heard for heard in words if heard.at <= one.ended_at or is_last]
        words = [heard for heard in words if heard.at > one.ended_at and not is_last]
        if mine:
            rows.keep(recorded(one.id, mine))


def _parted(state: DriverState, trip_id: str, rows: Rows, owner: Whose) -> DriverState:
    """The state in which the trip has a summary of its own: a drive that was two is two from now on."""
    known = next((one for one in state.told if trip_id in one.trip_ids and len(one.trip_ids) > 1), None)
    if known is None:
        return state
    drives = [trip.drive for trip in books_of(state).trips if trip.drive.summary.id == known.id]
    if len(drives) < 2:
        return state
    made = [
        part_of(known, drive.began_at, drive.ended_at, trip_id_of(state, owner.user, drive))
        for drive in sorted(drives, key=lambda one: one.began_at)
    ]
    _hand_over([known], made, rows)
    others = [one for one in state.told if one is not known]
    return with_told(state, [*others, *made])
