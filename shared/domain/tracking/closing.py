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


def with_closed(state: DriverState, car_id: str, year: int, timezone: str) -> DriverState:
    """The state in which a year of a car is sealed, that ended by the clock of a time zone (IANA name). Raises Conflict
    where more are than can be remembered."""
    years = {**state.closed_years, car_id: tuple(sorted({*state.closed_years.get(car_id, ()), year}))}
    if sum(map(len, years.values())) > MOST_CLOSED_YEARS:
        raise Conflict(f"No more than {MOST_CLOSED_YEARS} years of cars can be closed.")
    closed_in = {**state.closed_in, car_id: timezone} if year == years[car_id][-1] else state.closed_in
    return replace(state, closed_years=years, closed_in=closed_in)


def settled_through(
    state: DriverState, car_id: str, until: datetime, rows: Rows, owner: Whose, now: datetime
) -> DriverState:
    """The state with no row of a car open that begins before a moment, longer ago than news can be; what is settled by
    that is put into the rows. Raises Conflict where that cannot be yet."""
    if state.drive and state.drive.started_at < until:
        raise Conflict("A drive of that time still goes on.", "year")
    if any(heard.at < until for heard in state.late):
        raise Conflict("What the phone said of that time is not in the log yet: try again in some minutes.", "year")
    books = books_of(state)
    lines = lines_of(state, books, owner, now)
    before = _before(lines.get(car_id, ()), until)
    cut = cut_at(state, books, car_id, _stand_at(until, state.of_car(car_id).start, before), now)
    beside = {line.says.drive.summary.id for line in before if isinstance(line.says, TripOutline) and _is_beside(line)}
    cut = replace(cut, told=tuple(one for one in cut.told if one.id not in beside)) if beside else cut
    state = laid_apart(state, books, lines, cut, rows, owner, now)
    if _before(lines_of(state, books_of(state), owner, now).get(car_id, ()), until):
        raise Conflict("Some drives of that time wait for what the car says: try again tomorrow.", "year")
    return state


def _before(lines: Sequence[Line], until: datetime) -> list[Line]:
    return [line for line in lines if _began_at(line) < until]


def _stand_at(until: datetime, start: Start | None, lines: Sequence[Line]) -> Start | None:
    """What the odometer showed at a moment, or at the end of the row that is over it, where these rows begin before;
    None where no odometer is known.

    The book goes on from the moment itself: what turns out later to have been driven since the last row would begin
    before it else.
    """
    placed = [line.says for line in lines if line.says.to_m is not None]
    if not placed:
        return start._replace(at=until, since=None) if start and not start.is_said and start.at < until else None
    last = placed[-1]
    if isinstance(last, TripOutline):
        end = Start(last.drive.ended_at, last.to_m or 0, known=last.to_known or ESTIMATED, position=last.end)
    else:
        assert isinstance(last, GapRow)
        end = Start(last.until, last.to_m, known=ESTIMATED)
    return end._replace(at=max(end.at, until))


def _is_beside(line: Line) -> bool:
    """Whether a row lies beside every odometer: no other one depends on it."""
    return line.says.to_m is None


def _began_at(line: Line) -> datetime:
    if isinstance(line.says, TripOutline):
        return line.says.drive.began_at
    return line.says.since if isinstance(line.says, GapRow) else line.says.started_at
