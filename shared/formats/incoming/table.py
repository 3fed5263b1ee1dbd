"""Reads separated values: which line names the columns, and the lines after it, each with where it stands."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from shared.domain.fitting import Unfit, unfit
from shared.formats.cells import unguarded
from shared.formats.incoming.columns import Column, columns_of, is_head
from shared.formats.incoming.found import refuse_too_many

DELIMITERS = ";,\t|"
MOST_BY_CHANCE = 3  # columns: a line of a letter may have a word or two that names one
LOOKED_AT = 200  # lines before the names of the columns: of whom, of which car, of when, what it adds up to


class Line(NamedTuple):
    """A line of a table: in which line of the file it begins, and its cells by their columns."""

    n: int
    cells: Mapping[Column, str]

    @property
    def where(self) -> str:
        """Where it stands, for whoever looks it up."""
        return f"line {self.n}"

    def cell(self, column: Column) -> str:
        """What it has in a column; nothing where there is no such column."""
        return self.cells.get(column, "")


def lines_of(text: str) -> list[Line]:
    """The lines of a table below the names of its columns, without empty ones. Raises Unfit where there is none."""
    text = _well_decoded(text).removeprefix("\ufeff")
    delimiter = max(DELIMITERS, key=lambda one: _likeness(text, one))
    rows = _rows(text, delimiter)
    first = [cells for _, cells in _first(rows)]
    head = next((cells for cells in first if is_head(columns_of(cells))), [])
    columns = columns_of(head)
    if not columns:
        raise unfit("data", _why_no_table(first))
    rows = _rows(text, delimiter)
    next(n for n, cells in rows if cells == head)
    found = list[Line]()
    for n, cells in rows:
        # Files that were put together name their columns again.
        if any(map(str.strip, cells)) and cells != head:
            found.append(Line(n, {column: _text(cells, at) for column, at in columns.items()}))
            refuse_too_many(len(found))
    return found


def _why_no_table(first: Sequence[Sequence[str]]) -> str:
    """What is missing, beside that of the columns which is known."""
    needed = "a date, and both odometers or a distance, are needed"
    known = max((columns_of(cells) for cells in first), key=len, default={})
    if len(known) < MOST_BY_CHANCE:
        return f"has no line with the names of the columns: {needed}"
    named = next(cells for cells in first if columns_of(cells) == known)
    told = ", ".join(named[at].strip()[:40] for at in sorted(known.values()))
    return f"has not all columns that are needed, as far as their names are known: {needed}. Known are: {told}"


def _well_decoded(text: str) -> str:
    """A text whose UTF-8 somebody took for Windows-1252, so that é is Ã©, as it was. No other text is one by chance: an
    accent that stands for itself is no UTF-8."""
    try:
        return text.encode("cp1252").decode() if "Ã" in text or text.startswith("ï»¿") else text
    except UnicodeError:
        return text


def _likeness(text: str, delimiter: str) -> int:
    """How many columns are known where a table is read with a delimiter."""
    try:
        heads = [columns_of(cells) for _, cells in _first(_rows(text, delimiter))]
    except Unfit:
        return 0
    return max((len(columns) for columns in heads if is_head(columns)), default=0)


def _first(rows: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    for _ in range(LOOKED_AT):
        if (row := next(rows, None)) is None:
            return
        yield row


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows, each with the line in which it begins. Raises Unfit where a quote is not closed: what follows it could
    be part of anything."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    n = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise unfit("data", f"cannot be read from line {n} on: {error}") from error
        if cells is None:
            return
        yield n, cells
        n = reader.line_num + 1


def _text(cells: Sequence[str], at: int) -> str:
    return unguarded(cells[at]).strip() if at < len(cells) else ""
