"""Makes the CSV file of a log, as a Dutch Excel opens it by a double click: UTF-8 with its mark, semicolons, decimal
commas, lines that end with CR and LF. Before the table stands whose it is."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from typing import Any

from shared.domain.driver import Language
from shared.formats import writing
from shared.formats.cells import guarded
from shared.formats.export import Export
from shared.formats.labels import COLUMN
from shared.formats.summary import header_of, parts_of, totals_of
from shared.formats.table import COLUMNS, Cell, Column, line_of

BOM = "\ufeff"


def csv_file(export: Export) -> bytes:
    """The file."""
    written = StringIO(newline="")
    csv.writer(written, delimiter=";", lineterminator="\r\n").writerows(_lines(export))
    return (BOM + written.getvalue()).encode()


def _lines(export: Export) -> Iterator[Sequence[str]]:
    for name, value in header_of(export):
        yield (name, guarded(value))
    for total in (*totals_of(export), *parts_of(export)):
        yield (total.name, writing.plain_number(total.value) if total.is_km else f"{total.value:.0f}")
    yield ()
    yield from table_of(export.views(export.rows), export.language)


def table_of(views: Iterable[Mapping[str, Any]], language: Language) -> Iterator[list[str]]:
    """The names of the columns, and what stands in them of rows as their reader sees them."""
    yield [COLUMN[column.name][language] for column in COLUMNS]
    for view in views:
        yield [_text(column, cell) for column, cell in zip(COLUMNS, line_of(view, language), strict=True)]


def _text(column: Column, cell: Cell) -> str:
    if cell is None:
        return ""
    if column.kind == "km":
        return writing.plain_number(cell)  # type: ignore[arg-type]
    if column.kind == "date":
        return writing.day(cell)  # type: ignore[arg-type]
    if column.kind == "time":
        return writing.clock(cell)  # type: ignore[arg-type]
    return guarded(str(cell))
