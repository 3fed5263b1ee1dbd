"""Makes the PDF of a log: what an inspector reads and a driver keeps. The same as CSV and JSON is inside it."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from shared.domain.driver import Language
from shared.domain.log.gap_row import GapRow
from shared.domain.log.sums import Sums
from shared.domain.log.tiling import Row
from shared.domain.log.trip import shown_km
from shared.formats import writing
from shared.formats.changes import Changed, Field, began_text, changes_of, corrections_of, numbers_by_row
from shared.formats.csv_file import csv_file
from shared.formats.export import Export, added, by_month, stand_of
from shared.formats.json_file import json_file
from shared.formats.labels import BASES, COLUMN, KINDS, RESULTS, month_name, text
from shared.formats.paper import Column, Paper
from shared.formats.summary import (
    Total,
    car_name,
    divided_of,
    header_of,
    parts_of,
    private_of,
    seal_of,
    title_of,
    totals_of,
)
from shared.formats.table import Line, line_of

TYPED, ESTIMATED, CHANGED = "\u270e", "\u2248", "\u25b3"
SIGNS = {"typed": f"{TYPED} ", "estimated": f"{ESTIMATED} "}  # how a boundary is known


def document(export: Export, name: str) -> bytes:
    """The document; the files in it are called as it is, with their own endings."""
    language = export.language
    running = " · ".join(filter(None, (title_of(export), car_name(export), export.car.plate)))
    paper = Paper(title_of(export), text("fields", language), language, export.made_at, running)
    _front(export, paper, name)
    _months(export, paper)
    _checks(export, paper)
    paper.new_page()
    _log(export, paper)
    _changes(export, paper)
    for ending, mime_type, data in (
        ("csv", "text/csv", csv_file(export)), ("json", "application/json", json_file(export)),
    ):  # fmt: skip
        paper.attach(f"{name}.{ending}", data, mime_type, title_of(export), export.made_at)
    return paper.output()


def _front(export: Export, paper: Paper, name: str) -> None:
    language = export.language
    paper.title(title_of(export), " · ".join(filter(None, (car_name(export), export.car.plate))))
    top, reached = paper.y_mm, list[float]()
    sums = _told(totals_of(export), language)
    for pairs, left, widths, is_number in (
        ([*header_of(export)], 0.0, (30.0, 74.0), False),
        (sums, 108.0, (44.0, 24.0), True),
        (_told([*private_of(export), *parts_of(export)], language), 190.0, (59.0, 24.0), True),
    ):
        paper.back_to(top)
        paper.pairs(pairs, left, widths, "R" if is_number else "L")
        reached.append(paper.y_mm)
    paper.back_to(max(reached))
    paper.heading(text("seal", language))
    for sentence in seal_of(export):
        paper.paragraph(sentence)
    paper.space()
    paper.paragraph(text("fields", language))
    paper.paragraph(text("attached", language, f"{name}.csv, {name}.json"))


def _told(totals: Iterable[Total], language: Language) -> list[tuple[str, str]]:
    return [(one.name, writing.number(one.value, language, int(one.is_km))) for one in totals]


def _months(export: Export, paper: Paper) -> None:
    """What each month adds up to; for a month alone the front has it."""
    language = export.language
    if export.month:
        return
    paper.heading(text("months", language), needs_mm=40)
    names = ("begins", "ends", "distance", "business", "private", "open")
    kilometres = [Column(COLUMN[name][language], 30, "R") for name in names]
    paper.begin_table([Column(text("month", language), 40), Column(text("trips", language), 20, "R"), *kilometres])
    for n, rows in by_month(export):
        paper.row([month_name(n, language), *_month_cells(export, rows)])
    paper.row([text("total", language), *_month_cells(export, export.rows)], "B")
    paper.end_table()


def _month_cells(export: Export, rows: Sequence[Row]) -> list[str]:
    sums, stand = added(rows), stand_of(rows)
    values = (stand.first_km, stand.last_km, *divided_of(sums))
    return [str(sums.trip_count), *(writing.number(value, export.language) for value in values)]


def _checks(export: Export, paper: Paper) -> None:
    language, rows = export.language, {row.id: row for row in export.rows}
    paper.heading(text("checks", language), needs_mm=30)
    if not export.checked.findings:
        paper.paragraph(text("no_checks", language))
        return
    names = (("number", 10), ("check", 82), ("result", 22), ("basis", 26), ("concerned", 53), ("advice", 80))
    paper.begin_table([Column(text(name, language), width) for name, width in names])
    for one in export.findings():
        # A day and its time stay together.
        found_of = [began_text(export, rows[row]) if row in rows else row for row in one.rows[:6]]
        concerned = [told.replace(" ", "\u00a0") for told in found_of]
        more = f" +{len(one.rows) - 6}" if len(one.rows) > 6 else ""
        found, basis = RESULTS[one.result][language], BASES[one.basis][language]
        paper.row([str(one.n), one.name, found, basis, ", ".join(concerned) + more, one.advice])
    paper.end_table()


# --- the log


def _log(export: Export, paper: Paper) -> None:
    language, changes = export.language, numbers_by_row(export)
    paper.heading(text("title", language))
    paper.paragraph(text("signs", language))
    for has_rows, months in groupby(by_month(export), lambda month: bool(month[1])):
        if not has_rows:
            paper.heading(", ".join(month_name(n, language) for n, _ in months))
            paper.paragraph(text("empty", language))
            continue
        for n, rows in months:
            _month(export, paper, n, rows, changes)
    if behind := export.log.behind:
        shown = added([behind])
        km_behind = writing.number(shown.gap_m / 1000, language)
        until = writing.number(shown_km(behind.to_m or 0), language)
        paper.space()
        paper.paragraph(f"{text('behind', language)}: {km_behind} km ({text('last', language).lower()} {until}).")


def _month(export: Export, paper: Paper, n: int, rows: Sequence[Row], changes: Mapping[str, list[int]]) -> None:
    paper.heading(f"{month_name(n, export.language)} {export.log.year}", needs_mm=28)
    paper.begin_table(_columns(export))
    for row, view in zip(rows, export.views(rows), strict=True):
        # A hidden row has another id than its own, and so no numbers.
        paper.row(_cells(export, view, changes.get(view["id"], [])), is_shaded=isinstance(row, GapRow))
    _month_sum(export, paper, n, rows)
    paper.end_table()


def _columns(export: Export) -> list[Column]:
    language = export.language
    return [
        Column(COLUMN["date"][language], 19),
        Column(text("times", language), 21),
        # Wide enough for any odometer, and for the sum of a month: a number that goes on below looks like another one.
        Column(COLUMN["begins"][language], 20, "R"),
        Column(COLUMN["ends"][language], 20, "R"),
        Column("km", 16, "R"),
        Column(COLUMN["from"][language], 43),
        Column(COLUMN["to"][language], 43),
        Column(COLUMN["kind"][language], 20),
        Column(text("detour_km", language), 14, "R"),
        Column(text("route", language), 57),
    ]


def _cells(export: Export, view: Mapping[str, Any], numbers: Sequence[int]) -> list[str]:
    language, line = export.language, line_of(view, export.language)
    times = " – ".join(filter(None, (writing.clock(line.departed), writing.clock(line.arrived))))
    if line.arrived_on and line.arrived_on != line.day:
        times = f"{times}\n{writing.day(line.arrived_on)}"
    set_on_km = view.get("set_on_km")
    told = [
        line.purpose,
        text("unusual", language, line.deviation) if line.deviation else "",
        text("note", language, line.notes) if line.notes else "",
        text("drove", language, line.driver) if line.driver else "",
        _division(view, line, language),
        text("shows_more", language, writing.number(line.excess, language)) if line.excess else "",
        f"{text('set_on', language)}: {writing.number(set_on_km, language)} km" if set_on_km else "",
        f"{CHANGED} {', '.join(map(str, numbers))}" if numbers else "",
    ]
    begins = _odometer(line.begins, view.get("start_odometer_known"), language)
    ends = _odometer(line.ends, view.get("end_odometer_known"), language)
    return [
        writing.day(line.day), times, begins, ends, writing.number(line.distance, language), line.from_, line.to,
        line.kind, writing.number(line.detour, language), "\n".join(filter(None, told)),
    ]  # fmt: skip


def _division(view: Mapping[str, Any], line: Line, language: Language) -> str:
    """How a gap is divided that was partly business: of a trip the detour says it."""
    if view["row"] == "trip" or not line.business or not line.private:
        return ""
    parts = ((COLUMN["business"], line.business), (COLUMN["private"], line.private))
    return ", ".join(f"{name[language]} {writing.number(value, language)}" for name, value in parts)


def _odometer(km: float | None, known: str | None, language: Language) -> str:
    sign = SIGNS.get(known or "", "")
    return f"{sign}{writing.number(km, language)}" if km is not None else ""


def _month_sum(export: Export, paper: Paper, n: int, rows: Sequence[Row]) -> None:
    language, stand = export.language, stand_of(rows)
    sums: Sums = added(rows)
    divided = divided_of(sums)
    parts = (("business", divided.business), ("private", divided.private), ("unclassified", divided.open))
    told = [f"{KINDS[name][language]}: {writing.number(value, language)} km" for name, value in parts]
    cells = [
        month_name(n, language), f"{text('trips', language)}: {sums.trip_count}",
        writing.number(stand.first_km, language), writing.number(stand.last_km, language),
        writing.number(divided.distance, language), told[0], told[1], "", "", told[2],
    ]  # fmt: skip
    paper.row(cells, "B")


# --- what was changed


def _changes(export: Export, paper: Paper) -> None:
    language = export.language
    for name, found in (("corrections", [*corrections_of(export)]), ("changes", [*changes_of(export)])):
        if not found and name == "corrections":
            continue
        paper.heading(text(name, language))
        if not found:
            paper.paragraph(text("no_changes", language))
            continue
        names = (("number", 12), ("when", 28), ("who", 24), ("row", 46), ("field", 31), ("before", 48), ("after", 48),
                 ("why", 36))  # fmt: skip
        paper.begin_table([Column(text(one, language), width) for one, width in names])
        for change in found:
            _change(paper, change)
        paper.end_table()


def _change(paper: Paper, change: Changed) -> None:
    """A change, a line for each field. Each line has its number, for a page can end between them."""
    head = [change.at, change.by, f"{change.row}, {change.what}"]
    fields: Sequence[Field | None] = change.fields or [None]
    for n, field in enumerate(fields):
        told = [field.name, field.before, field.after] if field else ["", "", ""]
        is_last = n == len(fields) - 1
        paper.row([change.n, *(["", "", ""] if n else head), *told, "" if n else change.why], has_rule=is_last)
