"""Owns what is put into a file: a car's log of a year or a month, as its driver or their employer sees it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import reduce
from typing import Any, Literal, NamedTuple

from shared.domain.car.car import Car
from shared.domain.car.odometer import KeptReading
from shared.domain.checks.finding import Checked, Finding
from shared.domain.driver import Account, Language
from shared.domain.log.employer import Hidden, employer_readings, employer_view
from shared.domain.log.history import Entry
from shared.domain.log.logbook import is_of
from shared.domain.log.sealing import Correction, Seal
from shared.domain.log.shown import row_view
from shared.domain.log.sums import Sums, sums_of_row
from shared.domain.log.tiling import Row
from shared.domain.log.trip import shown_km
from shared.domain.log.year import YearLog, span_of

Format = Literal["csv", "xlsx", "pdf", "json"]
View = Literal["full", "employer"]


class Export(NamedTuple):
    """A car's log of a year, or of the `month` of it, and all that is told beside its rows.

    Checks, seal and corrections are those of the whole year. `entries` are the changes of these rows, `readings` those
    of the time. `made_at` is aware UTC.
    """

    account: Account
    log: YearLog
    month: int | None
    checked: Checked
    entries: Sequence[Entry]
    seal: Seal | None
    corrections: Sequence[Correction]
    language: Language
    view: View
    made_at: datetime

    @property
    def car(self) -> Car:
        """Whose odometer it is."""
        return self.log.car

    @property
    def rows(self) -> Sequence[Row]:
        """The rows, along the odometer."""
        return self.log.rows

    @property
    def sums(self) -> Sums:
        """What they add up to."""
        return added(self.rows)

    @property
    def is_full(self) -> bool:
        """Whether it is all that there is, and not what an employer may see."""
        return self.view == "full"

    @property
    def proves_seal(self) -> bool:
        """Whether a seal of the year can be computed again from its rows."""
        return self.is_full and self.month is None

    def hidden(self) -> Hidden:
        """The names of the rows that an employer sees only the kilometres of, counted through in their order."""
        found = Hidden(self.rows)
        for row in self.rows:
            found.name(row.id)
        return found

    def views(self, rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
        """Rows as whoever gets the file sees them, by the names that the API has, one by one."""
        if self.is_full:
            return map(row_view, rows)
        hidden = self.hidden()
        return (employer_view(row, hidden) for row in rows)

    def findings(self) -> list[Finding]:
        """What the checks found. Advice is for the driver alone, and so is what was found of a hidden row: that it was
        too fast, or longer than usual, tells more than its kilometres."""
        if self.is_full:
            return [*self.checked.findings]
        hidden = self.hidden()
        return [
            Finding(one.n, one.name, one.result, one.basis, tuple(row for row in one.rows if not hidden.is_hidden(row)))
            for one in self.checked.findings
        ]

    def readings(self) -> Iterable[KeptReading]:
        """What was read of the odometer, as far as whoever gets the file sees it."""
        if self.is_full:
            return self.log.readings
        behind = [self.log.behind] if self.log.behind else []
        return employer_readings(self.log.readings, [*self.rows, *behind])


class Stand(NamedTuple):
    """The odometer, in km, where the rows begin and where they end; None where no row has a stretch of it."""

    first_km: float | None
    last_km: float | None


def export_of(
    account: Account,
    log: YearLog,
    month: int | None,
    checked: Checked,
    entries: Sequence[Entry],
    seal: Seal | None,
    corrections: Sequence[Correction],
    language: Language,
    view: View,
    made_at: datetime,
) -> Export:
    """An export of a log of a year, cut to the month if one is given."""
    since, until = span_of(log.year, month, log.timezone)
    rows = [row for row in log.rows if is_of(row, log.year, month)]
    behind = log.behind if log.behind and is_of(log.behind, log.year, month) else None
    readings = [kept for kept in log.readings if since <= kept.reading.at < until]
    told = entries_about(entries, log, month)
    cut = log._replace(rows=rows, behind=behind, readings=readings)
    return Export(account, cut, month, checked, told, seal, corrections, language, view, made_at)


def added(rows: Iterable[Row]) -> Sums:
    """The sums of rows."""
    return reduce(Sums.plus, map(sums_of_row, rows), Sums())


def stand_of(rows: Sequence[Row]) -> Stand:
    """Between which odometers some rows lie, as they are shown."""
    placed = [row for row in rows if row.from_m is not None and row.to_m is not None]
    if not placed:
        return Stand(None, None)
    return Stand(shown_km(placed[0].from_m or 0), shown_km(placed[-1].to_m or 0))


def by_month(export: Export) -> list[tuple[int, list[Row]]]:
    """The rows of each month of the time, also of one that has none, up to the one in which it was made."""
    months = [export.month] if export.month else range(1, 13)
    last = max([row.month for row in export.rows], default=0)
    today = (export.made_at.year, export.made_at.month)
    shown = [n for n in months if n <= last or n == export.month or (export.log.year, n) <= today]
    return [(n, [row for row in export.rows if row.month == n]) for n in shown]


def period_of(export: Export) -> tuple[date, date]:
    """The first and the last day of the time."""
    year, month = export.log.year, export.month
    next_month = (year + 1, 1) if month in (None, 12) else (year, (month or 0) + 1)
    return date(year, month or 1, 1), date(*next_month, 1) - timedelta(days=1)


def entries_about(entries: Sequence[Entry], log: YearLog, month: int | None) -> list[Entry]:
    """Those of the changes of a year that are of rows and readings of this car, and of a month if given.

    A row that there is not any more is known by what its entries say of it, else by its id.
    """
    known = {row.id: row.month for row in log.rows}
    said = {entry.row for entry in entries if log.car.id in _cars(entry)}
    of_car = [entry for entry in entries if entry.row in known or entry.row in said or _names(entry, log.car.id)]
    if month is None:
        return of_car
    wanted = f"{log.year}{month:02}"
    gone = {entry.row for entry in of_car if entry.row not in known and wanted in _months(entry)}
    return [entry for entry in of_car if known.get(entry.row) == month or entry.row in gone]


def _cars(entry: Entry) -> tuple[Any, Any]:
    return entry.before.get("car_id"), entry.after.get("car_id")


def _names(entry: Entry, car_id: str) -> bool:
    """Whether the id of a gap or a reading has that of the car in it."""
    if entry.kind == "reading":
        return car_id in entry.row.split(".")[2:3]
    return re.fullmatch(rf"gap-{re.escape(car_id)}-\d+-\d+", entry.row) is not None


def _months(entry: Entry) -> set[str]:
    """In which months a row was, as yyyymm."""
    dates = [view.get(name) for view in (entry.before, entry.after) for name in ("date", "since", "at")]
    return {str(told)[:7].replace("-", "") for told in dates if told} | {entry.row[:6]}
