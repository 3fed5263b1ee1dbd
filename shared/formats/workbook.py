"""Makes the XLSX file of a log: an overview, a sheet a month, the checks, and what was changed.

Sums are formulas that have their values with them, so that a program that does not compute shows them too. Rows go
to the disk one by one; no text ever becomes a formula or a link.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any, NamedTuple

import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell

from shared.domain.driver import Language
from shared.domain.log.tiling import Row
from shared.domain.log.trip import km
from shared.formats.cells import guarded
from shared.formats.changes import changes_of, corrections_of
from shared.formats.export import Export, added, by_month, stand_of
from shared.formats.labels import BASES, COLUMN, RESULTS, month_name, text
from shared.formats.summary import (
    Total,
    divided_of,
    header_of,
    parts_of,
    private_of,
    seal_of,
    title_of,
)
from shared.formats.table import COLUMNS, NAMES, SUMMED, Line, line_of

SAFE = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
MOST_LETTERS = 32_767  # that a cell can have
FORMATS = {
    "km": {"num_format": "#,##0.0", "valign": "top"},
    "date": {"num_format": "dd-mm-yyyy", "align": "left", "valign": "top"},
    "time": {"num_format": "hh:mm", "align": "left", "valign": "top"},
    "text": {"text_wrap": True, "valign": "top"},
    "bold": {"bold": True},
    "head": {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"},
    "head_km": {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top", "align": "right"},
    "sum": {"bold": True, "top": 1, "num_format": "#,##0.0"},
    "whole": {"num_format": "0"},
    "whole_sum": {"bold": True, "top": 1, "num_format": "0"},
}
ON_PAPER = NAMES.index("purpose")  # the last column that is printed: with all of them nobody could read a page
DIVIDED = ("distance", "business", "private", "open")


class Month(NamedTuple):
    """A month, its rows, and the sheet that has them."""

    n: int
    rows: Sequence[Row]
    sheet: str


class Book:
    """A workbook in the making, its formats by name, and the language of its words."""

    def __init__(self, export: Export) -> None:
        self._written = BytesIO()
        self.language: Language = export.language
        self._book = xlsxwriter.Workbook(self._written, SAFE)
        self.formats = {name: self._book.add_format(told) for name, told in FORMATS.items()}
        created = export.made_at.replace(tzinfo=None)
        self._book.set_properties(
            {"title": title_of(export), "comments": text("fields", self.language), "created": created}
        )

    def sheet(self, name: str, widths: Sequence[int]) -> "Sheet":
        """One more sheet, on its side where it is printed, as wide as a page."""
        sheet = self._book.add_worksheet(name)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&L&A&R&P / &N")
        for n, width in enumerate(widths):
            sheet.set_column(n, n, width)
        return Sheet(self, sheet)

    def close(self) -> bytes:
        """The whole file."""
        self._book.close()
        return self._written.getvalue()


class Sheet:
    """A sheet that is filled row by row; `n` is the row that comes next."""

    def __init__(self, book: Book, sheet: Any) -> None:
        self._book, self._sheet, self.n = book, sheet, 0

    def head(self, names: Sequence[str], is_frozen: bool = False, numbers: Collection[int] = ()) -> None:
        """The names of columns, which stay where one scrolls, and stand on each page, if they are frozen. Those of
        `numbers`, counted from 0, stand above numbers."""
        if is_frozen:
            self._sheet.freeze_panes(self.n + 1, 0)
            self._sheet.repeat_rows(self.n)
        self.row(names, ["head_km" if n in numbers else "head" for n in range(len(names))])

    def print_columns(self, last: int) -> None:
        """What is printed: all rows so far, up to the last column, counted from 0."""
        self._sheet.print_area(0, 0, self.n - 1, last)

    def row(self, cells: Sequence[Any], formats: Sequence[str]) -> None:
        """A row: texts, numbers, days, times, and `Sum`s."""
        for column, (cell, name) in enumerate(zip(cells, formats, strict=True)):
            self._cell(column, cell, self._book.formats[name] if name else None)
        self.n += 1

    def _cell(self, column: int, cell: Any, format_: Any) -> None:
        if cell is None or cell == "":
            self._sheet.write_blank(self.n, column, None, format_)
        elif isinstance(cell, Sum):
            self._sheet.write_formula(self.n, column, cell.formula, format_, cell.value)
        elif isinstance(cell, str):
            self._sheet.write_string(self.n, column, guarded(cell)[:MOST_LETTERS], format_)
        elif isinstance(cell, float | int):
            self._sheet.write_number(self.n, column, cell, format_)
        else:
            self._sheet.write_datetime(self.n, column, cell, format_)


class Sum(NamedTuple):
    """A formula with its value."""

    formula: str
    value: float


def workbook(export: Export) -> bytes:
    """The file."""
    book = Book(export)
    months = [Month(n, rows, f"{export.log.year}-{n:02}") for n, rows in by_month(export)]
    _overview(export, book, months)
    for month in months:
        _month(export, book, month)
    _checks(export, book)
    _changes(export, book)
    return book.close()


def _overview(export: Export, book: Book, months: Sequence[Month]) -> None:
    language = book.language
    sheet = book.sheet(text("overview", language), [34, 26, *[16] * 6])
    sheet.row([title_of(export)], ["bold"])
    for pair in header_of(export):
        sheet.row(pair, ["", "text"])
    sheet.row([], [])
    names = [COLUMN[name][language] for name in ("begins", "ends", *DIVIDED)]
    sheet.head([text("month", language), text("trips", language), *names], numbers=range(1, 8))
    first = sheet.n
    for month in months:
        sheet.row([month_name(month.n, language), *_linked(month)], ["", "whole", *["km"] * 6])
    sheet.row([text("total", language), *_added(export, first, sheet.n)], ["sum", "whole_sum", *["sum"] * 6])
    total = sheet.n
    sheet.row([], [])
    stand = stand_of(export.rows)
    if stand.first_km is not None and stand.last_km is not None:
        driven = Sum(f"=D{total}-C{total}", km(stand.last_km - stand.first_km))
        sheet.row([text("driven", language), driven], ["", "km"])
    _totals(sheet, (*parts_of(export), *private_of(export)))
    sheet.row([], [])
    for sentence in (*seal_of(export), text("fields", language)):
        sheet.row([sentence], [""])


def _linked(month: Month) -> Iterator[Any]:
    """What a month adds up to, from its sheet."""
    divided, stand, n = divided_of(added(month.rows)), stand_of(month.rows), len(month.rows) + 2
    yield added(month.rows).trip_count
    for name, value in zip(("begins", "ends", *DIVIDED), (*stand, *divided), strict=True):
        yield None if value is None else Sum(f"='{month.sheet}'!{_cell(n, name)}", value)


def _added(export: Export, first: int, end: int) -> Iterator[Any]:
    """What the months add up to; they are in the rows from the first one on."""
    sums, stand = export.sums, stand_of(export.rows)
    values: Sequence[float | None] = (sums.trip_count, *stand, *divided_of(sums))
    for column, value in enumerate(values, start=1):
        cells = f"{xl_rowcol_to_cell(first, column)}:{xl_rowcol_to_cell(end - 1, column)}"
        if end == first or value is None or column in (2, 3):
            yield value
        else:
            yield Sum(f"=SUM({cells})", value)


def _totals(sheet: Sheet, totals: Sequence[Total]) -> None:
    for total in totals:
        sheet.row([total.name, total.value], ["", "km" if total.is_km else "whole"])


# --- the rows of a month


def _month(export: Export, book: Book, month: Month) -> None:
    sheet = book.sheet(month.sheet, [column.width for column in COLUMNS])
    kilometres = [n for n, column in enumerate(COLUMNS) if column.kind == "km"]
    sheet.head([COLUMN[column.name][book.language] for column in COLUMNS], is_frozen=True, numbers=kilometres)
    formats = [column.kind for column in COLUMNS]
    summed = dict.fromkeys(SUMMED, 0.0)
    for view in export.views(month.rows):
        line = line_of(view, book.language)
        sheet.row(line, formats)
        for name in SUMMED:
            summed[name] += _of(line, name) or 0.0
    sheet.row([*_sums(book, month, summed)], ["sum"] * len(COLUMNS))
    sheet.print_columns(ON_PAPER)


def _sums(book: Book, month: Month, summed: Mapping[str, float]) -> Iterator[Any]:
    count, placed = len(month.rows), [n for n, row in enumerate(month.rows, start=2) if row.from_m is not None]
    stand = stand_of(month.rows)
    for name in NAMES:
        if name == "date":
            yield text("of_month", book.language, month_name(month.n, book.language))
        elif name in SUMMED:
            value = km(summed[name])
            yield Sum(f"=SUM({_cell(2, name)}:{_cell(count + 1, name)})", value) if count else value
        elif name == "begins" and placed:
            yield Sum(f"={_cell(placed[0], name)}", stand.first_km or 0.0)
        elif name == "ends" and placed:
            yield Sum(f"={_cell(placed[-1], name)}", stand.last_km or 0.0)
        else:
            yield None


def _of(line: Line, name: str) -> float | None:
    value: float | None = line[NAMES.index(name)]  # type: ignore[assignment]
    return value


def _cell(n: int, name: str) -> str:
    """The cell of a column in the n-th row, the first of which is 1."""
    return str(xl_rowcol_to_cell(n - 1, NAMES.index(name)))


# --- checks and changes


def _checks(export: Export, book: Book) -> None:
    language = book.language
    sheet = book.sheet(text("checks", language), [6, 60, 14, 16, 40, 60])
    names = ("number", "check", "result", "basis", "concerned", "advice")
    sheet.head([text(name, language) for name in names], is_frozen=True)
    for one in export.findings():
        result, basis, rows = RESULTS[one.result][language], BASES[one.basis][language], ", ".join(one.rows)
        sheet.row([one.n, one.name, result, basis, rows, one.advice], ["whole", *["text"] * 5])


def _changes(export: Export, book: Book) -> None:
    language = book.language
    for title, found in (("changes", changes_of(export)), ("corrections", corrections_of(export))):
        sheet = book.sheet(text(title, language), [8, 18, 18, 34, 14, 22, 40, 40, 40])
        names = ("number", "when", "who", "row", "what", "field", "before", "after", "why")
        sheet.head([text(name, language) for name in names], is_frozen=True)
        for change in found:
            told = (change.n, change.at, change.by, change.row, change.what)
            for field in change.fields or (("", "", ""),):
                sheet.row([*told, *field, change.why], ["text"] * 9)
