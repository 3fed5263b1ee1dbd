"""Settles all of a car's log up to the end of a year, so that nothing folds into that year any more. Pure."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from shared.domain.fitting import Conflict
from shared.domain.log.book import Start, TripOutline
from shared.domain.log.gap_row import GapRow
from shared.domain.log.laying import Whose
from shared.domain.log.rows import Rows
from shared.domain.log.trip import Known
from shared.domain.log.year import span_of
from shared.domain.thresholds import MOST_CLOSED_YEARS, NEWS_REACHES
from shared.domain.tracking.books import books_of
from shared.domain.tracking.keeping import laid_apart
from shared.domain.tracking.lines import Line, lines_of
from shared.domain.tracking.settling import cut_at
from shared.domain.tracking.state import DriverState

ESTIMATED: Known = "estimated"


def closable_from(year: int, timezone: str) -> datetime:
    """From when on (aware UTC) a year can be closed: until then the phone may still tell of it."""
    return span_of(year, None, timezone)[1] + NEWS_REACHES


def with_closed(state: DriverState, car_id: str, year: int) -> DriverState:
    """The state in which a year of a car is sealed. Raises Conflict where more are than can be remembered."""
    years = {**state.closed_years, car_id: tuple(sorted({*state.closed_years.get(car_id, ()), year}))}
    if sum(map(len, years.values())) > MOST_CLOSED_YEARS:
        raise Conflict(f"No more than {MOST_CLOSED_YEARS} years of cars can be closed.")
    return replace(state, closed_years=years)


def settled_through(
    state: DriverState, car_id: str, until: datetime, rows: Rows, owner: Whose, now: datetime
) -> DriverState:
    """The state with no row of a car open that begins before a moment, longer ago than news can be; what is settled by
    that is put into the rows. Raises Conflict where that cannot be yet."""
    if state.drive and state.drive.started_at < until:
        raise Conflict("A drive of that time still goes on.", "year")
    books = books_of(state)
    lines = lines_of(state, books, owner, now)
    before = _before(lines.get(car_id, ()), until)
    if not before:
        return state
    cut = cut_at(state, books, car_id, _end_of(before), now)
    beside = {line.says.drive.summary.id for line in before if isinstance(line.says, TripOutline) and _is_beside(line)}
    cut = replace(cut, told=tuple(one for one in cut.told if one.id not in beside))
    state = laid_apart(state, books, lines, cut, rows, owner, now)
    if _before(lines_of(state, books_of(state), owner, now).get(car_id, ()), until):
        raise Conflict("Some drives of that time wait for what the car says: try again tomorrow.", "year")
    return state


def _before(lines: Sequence[Line], until: datetime) -> list[Line]:
    return [line for line in lines if _began_at(line) < until]


def _end_of(lines: Sequence[Line]) -> Start | None:
    """Where the last of these rows ends that has a stretch of the odometer; None where none has."""
    placed = [line.says for line in lines if line.says.to_m is not None]
    if not placed:
        return None
    last = placed[-1]
    if isinstance(last, TripOutline):
        return Start(last.drive.ended_at, last.to_m or 0, known=last.to_known or ESTIMATED, position=last.end)
    assert isinstance(last, GapRow)
    return Start(last.until, last.to_m, known=ESTIMATED)


def _is_beside(line: Line) -> bool:
    """Whether a row lies beside every odometer: no other one depends on it."""
    return line.says.to_m is None


def _began_at(line: Line) -> datetime:
    if isinstance(line.says, TripOutline):
        return line.says.drive.began_at
    return line.says.since if isinstance(line.says, GapRow) else line.says.started_at
