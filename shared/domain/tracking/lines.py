"""The rows of a log as the fold says them, before any row is read: of the cars and in their order."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import takewhile
from typing import NamedTuple

from msgspec.structs import replace

from shared.domain.log.book import Book, Start, TripOutline
from shared.domain.log.gap_row import GapRow
from shared.domain.log.gap_rows import gap_rows
from shared.domain.log.laying import Whose
from shared.domain.log.rows import End
from shared.domain.log.tiling import Row
from shared.domain.log.trip import km, shown_km
from shared.domain.tracking.books import Books, trip_id_of
from shared.domain.tracking.state import DriverState, OpenLog

Lines = dict[str | None, list["Line"]]
Stored = Mapping[str | None, Sequence[Row]]  # rows of some cars, in their order along the odometer, and of none


class Line(NamedTuple):
    """A row as the fold says it: of a trip its outline and the kilometres of nobody before it, of a gap the gap.

    Of a settled stretch it can be the row itself.
    """

    id: str
    says: TripOutline | Row
    gap_km: float = 0.0
    set_on_m: int = 0


def stored_lines(stored: Stored) -> Lines:
    """Rows that are stored, in the place of what the fold says."""
    return {car_id: [Line(row.id, row) for row in rows] for car_id, rows in stored.items()}


def lines_of(state: DriverState, books: Books, owner: Whose, now: datetime) -> Lines:
    """The rows of each car that has any, by time; under None those of trips in no car."""
    found: Lines = {car_id: _of_book(state, car_id, book, owner, now) for car_id, book in books.of.items()}
    found[None] = [Line(trip_id_of(state, owner.user, trip.drive), trip) for trip in books.nowhere]
    return _some(found)


def _of_book(state: DriverState, car_id: str, book: Book, owner: Whose, now: datetime) -> list[Line]:
    log = state.of_car(car_id)
    outlines = [gap._replace(series=gap.series + log.series) for gap in book.gaps]
    timezone = log.timezone or (owner.timezone if outlines else "")
    gaps = gap_rows(owner.user, timezone, car_id, outlines, log.explained, now)
    lines = [Line(gap.id, replace(gap, created_at=gap.since, updated_at=gap.since)) for gap in gaps]
    lines += [Line(trip_id_of(state, owner.user, trip.drive), trip) for trip in book.trips]
    made = list[Line]()
    for line in sorted(lines, key=_order):
        # A trip beside every odometer lies between rows that follow each other on it.
        before = next((one for one in reversed(made) if one.says.to_m is not None), None)
        set_on_m = _set_on_m(before, line, log)
        gap_km = _gap_before_km(made, line, log)
        made.append(line._replace(gap_km=gap_km, set_on_m=set_on_m))
    return _beside_trips(made, log)


def _order(line: Line) -> tuple[datetime, int, int]:
    """By time, then along the odometer."""
    says = line.says
    if isinstance(says, TripOutline):
        at = says.drive.began_at
    else:
        at = says.since if isinstance(says, GapRow) else says.started_at
    return at, says.from_m or 0, says.to_m or 0


def _beside_trips(lines: Sequence[Line], log: OpenLog) -> list[Line]:
    """The rows in their order, the gaps with the ids of the trips beside them."""
    trips = [(n, line.id) for n, line in enumerate(lines) if not isinstance(line.says, GapRow)]
    made = [*lines]
    for n, line in enumerate(lines):
        if isinstance(line.says, GapRow):
            before = next((id_ for k, id_ in reversed(trips) if k < n), log.after_trip)
            after = next((id_ for k, id_ in trips if k > n), log.before_trip)
            made[n] = line._replace(says=replace(line.says, after_trip=before, before_trip=after))
    return made


def _set_on_m(before: Line | None, line: Line, log: OpenLog) -> int:
    """How many metres the odometer was set on before a row; the first one follows the rows that are settled."""
    ends_m = before.says.to_m if before else _settled_m(log)
    if line.says.from_m is None:
        return 0
    return log.set_on_m if ends_m is None else line.says.from_m - ends_m


def _settled_m(log: OpenLog) -> int | None:
    """Where the rows end that are settled; None where there are none."""
    return None if log.start is None or log.start.is_said else log.start.m - log.set_on_m


def _gap_before_km(made: Sequence[Line], line: Line, log: OpenLog) -> float:
    """The kilometres of nobody just before a trip."""
    if isinstance(line.says, GapRow):
        return 0.0
    gaps = [*takewhile(lambda one: isinstance(one.says, GapRow), reversed(made))]
    settled_km = log.gap_before_km if len(gaps) == len(made) and line.says.from_m is not None else 0.0
    if not gaps or gaps[-1].says.from_m is None or gaps[0].says.to_m is None:
        return settled_km
    return km(shown_km(gaps[0].says.to_m) - shown_km(gaps[-1].says.from_m) + settled_km)


def ends_with(lines: Sequence[Line], log: OpenLog, end: Start) -> End:
    """How some rows of a car end that lie behind `log`; where the odometer stood then is their `end`."""
    gaps = [*takewhile(lambda one: isinstance(one.says, GapRow), reversed(lines))]
    gap_km = sum(one.says.missing_km for one in gaps if isinstance(one.says, GapRow))
    placed = [line for line in lines if line.says.to_m is not None]
    set_on_m = end.m - (placed[-1].says.to_m or 0) if placed else log.set_on_m
    last_row = placed[-1].id if placed else None
    if len(gaps) == len(lines):
        return End(km(gap_km + log.gap_before_km), set_on_m, log.after_trip, last_row)
    return End(km(gap_km), set_on_m, lines[-1 - len(gaps)].id, last_row)


def common(old: Lines, new: Lines) -> frozenset[str]:
    """The ids of the rows of which a fold says the same before and after."""
    former = {line.id: line for lines in old.values() for line in lines}
    return frozenset(line.id for lines in new.values() for line in lines if former.get(line.id) == line)


def differing(old: list[Line], new: list[Line]) -> tuple[list[Line], list[Line], Line | None]:
    """What differs of two lists of rows, and the first row after it that both have."""
    first = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    last = 0
    while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
        last += 1
    until = len(old) - last
    return old[first:until], new[first : len(new) - last], old[until] if until < len(old) else None


def line_before(old: list[Line], new: list[Line], before: list[Line], after: list[Line]) -> list[str]:
    """The id of the row before those that differ."""
    first = before[0] if before else after[0]
    lines = old if before else new
    n = lines.index(first)
    return [lines[n - 1].id] if n else []


def ids_of(lines: Sequence[Line], following: Line | None) -> list[str]:
    """The ids of rows and of the one that follows them."""
    return [line.id for line in (*lines, *([following] if following else ()))]


# --- which of them are open


def open_lines(lines: Lines, cut: DriverState) -> Lines:
    """The rows that are not settled in a state that is cut."""
    told = {id_ for one in cut.told for id_ in one.trip_ids}
    starts = {car_id: log.start for car_id, log in cut.open.items()}
    return _some(
        {car: [line for line in of if _is_open(line, told, starts.get(car or ""))] for car, of in lines.items()}
    )


def settled_lines(lines: Lines, cut: DriverState) -> Lines:
    """The rows that are settled in a state that is cut."""
    left = {line.id for of in open_lines(lines, cut).values() for line in of}
    return {car_id: [line for line in of if line.id not in left] for car_id, of in lines.items()}


def followed_by(first: Lines, then: Lines) -> Lines:
    """Rows, and behind them those that follow, of each car."""
    return {car_id: [*first.get(car_id, ()), *then.get(car_id, ())] for car_id in {**first, **then}}


def _is_open(line: Line, told: Collection[str], start: Start | None) -> bool:
    if isinstance(line.says, GapRow):
        return start is None or line.says.until > start.at
    return line.id in told


def _some(lines: Lines) -> Lines:
    return {car_id: of for car_id, of in lines.items() if of}
