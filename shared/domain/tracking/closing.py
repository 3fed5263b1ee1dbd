"""Settles all of a car's log up to the end of a year, so that nothing folds into that year any more. Pure."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from shared.domain.fitting import Conflict
from shared.domain.log.book import Start, TripOutline
from shared.domain.log.gap_row import GapRow
from shared.domain.log.laying import Whose
from shared.domain.log.rows import Rows
from shared.domain.log.trip import Known, local_date
from shared.domain.log.year import span_of
from shared.domain.thresholds import MOST_CLOSED_YEARS, NEWS_REACHES
from shared.domain.tracking.books import books_of
from shared.domain.tracking.keeping import laid_apart
from shared.domain.tracking.lines import Line, Lines, lines_of
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


def settled_through(state: DriverState, car_id: str, year: int, rows: Rows, owner: Whose, now: datetime) -> DriverState:
    """The state with nothing open of a year of a car, nor of those before; what is settled by that is put into the
    rows. Raises Conflict where that cannot be yet."""
    if now < (from_ := closable_from(year, owner.timezone)):
        local = from_.astimezone(ZoneInfo(owner.timezone))
        raise Conflict(f"The log of {year} can be closed from {local:%Y-%m-%d %H:%M} on.", "year")
    if state.drive and _year_of(state.drive.started_at, owner) <= year:
        raise Conflict(f"A drive that began in {year} still goes on.", "year")
    books = books_of(state)
    lines = lines_of(state, books, owner, now)
    if not _of_year(lines, car_id, year, owner):
        return state
    cut = cut_at(state, books, car_id, _end_of(lines, car_id, year, owner), now)
    gone = {one.id for one in state.told if _year_of(one.since, owner) <= year and _is_beside(one.id, lines, car_id)}
    cut = replace(cut, told=tuple(one for one in cut.told if one.id not in gone))
    state = laid_apart(state, books, lines, cut, rows, owner, now)
    if _of_year(lines_of(state, books_of(state), owner, now), car_id, year, owner):
        raise Conflict(f"Some drives of {year} wait for what the car says: try again tomorrow.", "year")
    return state


def _of_year(lines: Lines, car_id: str, year: int, owner: Whose) -> list[Line]:
    """The rows of a car of a year, and of those before, in their order."""
    return [line for line in lines.get(car_id, ()) if _year_of(_began_at(line), owner) <= year]


def _end_of(lines: Lines, car_id: str, year: int, owner: Whose) -> Start | None:
    """Where the last of these rows ends that has a stretch of the odometer; None where none has."""
    placed = [line.says for line in _of_year(lines, car_id, year, owner) if line.says.to_m is not None]
    if not placed:
        return None
    last = placed[-1]
    if isinstance(last, TripOutline):
        return Start(last.drive.ended_at, last.to_m or 0, known=last.to_known or ESTIMATED, position=last.end)
    assert isinstance(last, GapRow)
    return Start(last.until, last.to_m, known=ESTIMATED)


def _is_beside(drive_id: str, lines: Lines, car_id: str) -> bool:
    """Whether a drive is in a row of a car that lies beside every odometer: no other row depends on it."""
    return any(
        isinstance(line.says, TripOutline) and line.says.drive.summary.id == drive_id and line.says.to_m is None
        for line in lines.get(car_id, ())
    )


def _began_at(line: Line) -> datetime:
    if isinstance(line.says, TripOutline):
        return line.says.drive.began_at
    return line.says.since if isinstance(line.says, GapRow) else line.says.started_at


def _year_of(moment: datetime, owner: Whose) -> int:
    return local_date(moment.astimezone(UTC), owner.timezone).year
