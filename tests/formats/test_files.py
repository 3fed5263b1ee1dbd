"""Each file of a log is opened by another program, and all of them say the same: sums of rows, and the odometer."""

import itertools
import json
import re
import subprocess
import sys
from datetime import date, time
from io import BytesIO
from typing import Any, get_args

import openpyxl
import pytest
from msgspec.structs import replace

from shared.domain.log.history import RowKind
from shared.domain.log.sealing import seal_hash
from shared.domain.log.tiling import why_not_tiled
from shared.formats.export import Export, added
from shared.formats.labels import COLUMN, ROWS
from shared.formats.summary import divided_of
from shared.formats.table import COLUMNS, NAMES
from tests.formats.measured import MAKERS
from tests.formats.read import attached, dutch, numbers, of_csv, of_workbook, pages_of
from tests.formats.sample import AUDI, HOSTILE, export, rows_of, rows_of_a_year

KINDS = [(view, month) for view in ("full", "employer") for month in (None, 1, 3)]
DUTCH = [COLUMN[name]["nl"] for name in NAMES]


def made(format_: str, log: Export) -> bytes:
    return MAKERS[format_](log)


def test_the_sample_is_a_log_that_tiles_the_odometer() -> None:
    assert why_not_tiled([row for row in rows_of_a_year() if row.from_m is not None]) is None
    assert why_not_tiled(rows_of(50)) is None


@pytest.mark.parametrize(("view", "month"), KINDS)
def test_all_files_have_the_sums_of_the_rows_and_these_are_the_odometer(view: Any, month: int | None) -> None:
    log = export(view=view, month=month)
    divided, sums = divided_of(log.sums), log.sums
    head, lines = of_csv(made("csv", log))
    assert len(lines) == len(log.rows)
    for name, value in divided._asdict().items():
        assert numbers(lines, COLUMN[name]["nl"]) == value, "csv"
    assert dutch(head["Totaal km"]) == divided.distance == round(divided.business + divided.private + divided.open, 1)
    tiled = divided.distance - numbers(lines, "Meer dan teller km") - sums.unplaced_m / 1000
    assert round(tiled, 1) == dutch(head.get("Verschil", "")) == round(sums.tiled_m / 1000, 1)
    overview, text = of_workbook(made("xlsx", log))["Overzicht"], "\n".join(pages_of(made("pdf", log)))
    (total,) = [row for row in overview if row[0] == "Totaal"]
    assert [value or 0.0 for value in total[4:8]] == [*divided], "xlsx"
    for value in divided:
        assert f"{value:,.1f}".translate(str.maketrans(",.", ".,")) in text, "pdf"
    told = json.loads(made("json", log))
    assert told["sums"]["total_km"] + told["sums"]["gap_km"] == pytest.approx(divided.distance), "json"
    shown = sum(row.get("distance_km", row.get("missing_km")) for row in told["rows"])
    assert round(shown, 1) == divided.distance, "json"


def test_the_first_columns_are_those_that_people_know() -> None:
    assert DUTCH[:12] == [
        "Datum", "Vertrektijd", "Aankomsttijd", "Beginstand", "Eindstand", "Afstand", "Vertrekadres", "Aankomstadres",
        "Afwijkende route", "Soort", "Privé-omrijkm", "Omschrijving",
    ]  # fmt: skip
    head, lines = of_csv(made("csv", export()))
    assert (head["Auto"], head["Kenteken"], head["Periode"]) == ("Audi A3", "XX-123-X", "01-01-2026 - 31-12-2026")
    first = lines[0]
    assert [first[name] for name in DUTCH[:6]] == ["23-01-2026", "09:00", "09:30", "12345,0", "12410,3", "65,3"]
    assert [line["Privé-omrijkm"] for line in lines if line["Soort"] == "Gemengd"] == ["7,3"]
    assert [line["Soort"] for line in lines].count("Gat: niet verklaard") == 1
    assert {line["Eindstand is"] for line in lines} == {"afgelezen", "geschat", ""}


def test_each_row_lies_on_the_odometer_where_the_one_before_ends() -> None:
    _, lines = of_csv(made("csv", export()))
    placed = [(dutch(line["Beginstand"]), dutch(line["Eindstand"])) for line in lines if line["Beginstand"]]
    assert all(before[1] == row[0] for before, row in itertools.pairwise(placed))


def test_a_month_is_that_months_part_of_the_year() -> None:
    _, year = of_csv(made("csv", export()))
    months = [of_csv(made("csv", export(month=month)))[1] for month in range(1, 13)]
    assert [line for month in months for line in month] == year
    assert [json.loads(made("json", export(month=month)))["month"] for month in (1, 12)] == [1, 12]


def test_the_workbook_has_a_sheet_a_month_with_formulas_and_their_values() -> None:
    log = export()
    values, formulas = of_workbook(made("xlsx", log)), of_workbook(made("xlsx", log), values=False)
    assert [*values][:5] == ["Overzicht", "2026-01", "2026-02", "2026-03", "2026-04"]
    assert [*values][-3:] == ["Controles", "Wijzigingen", "Correcties na afsluiting"]
    distance = NAMES.index("distance")
    for month in (1, 2, 4):
        rows = [row for row in log.rows if row.month == month]
        sheet, computed = values[f"2026-{month:02}"], formulas[f"2026-{month:02}"]
        assert len(sheet) == len(rows) + 2
        assert computed[-1][distance] == f"=SUM(F2:F{len(rows) + 1})"
        assert (
            sheet[-1][distance] == divided_of(added(rows)).distance == round(sum(r[distance] for r in sheet[1:-1]), 1)
        )
    assert values["2026-03"][-1][distance] == 0
    first = values["2026-01"][1]
    assert (first[0].date(), first[1]) == (date(2026, 1, 23), time(9, 0))
    linked = next(row for row in formulas["Overzicht"] if row[0] == "januari")
    assert linked[4] == "='2026-01'!F8"


def test_a_month_is_printed_on_its_side_with_its_head_and_no_wider_than_can_be_read() -> None:
    book = openpyxl.load_workbook(BytesIO(made("xlsx", export())))
    sheet = book["2026-01"]
    assert (sheet.page_setup.orientation, sheet.page_setup.fitToHeight) == ("landscape", 0)
    assert (sheet.freeze_panes, sheet.print_title_rows) == ("A2", "$1:$1")
    assert sheet.print_area == "'2026-01'!$A$1:$L$8"
    assert [sheet.cell(1, n).value for n in (1, 12)] == ["Datum", "Omschrijving"]


def test_no_text_becomes_a_formula_or_a_link() -> None:
    formulas = of_workbook(made("xlsx", export()), values=False)
    found = [cell for sheet in formulas.values() for row in sheet for cell in row if isinstance(cell, str)]
    assert f"'{HOSTILE}" in found
    assert {cell for cell in found if cell.startswith("=") and not re.match(r"=(SUM\(|'2026|[A-Z]+\d+)", cell)} == set()
    _, lines = of_csv(made("csv", export()))
    assert f"'{HOSTILE}" in [line["Omschrijving"] for line in lines]
    assert not any(value.startswith(tuple("=+-@")) for line in lines for value in line.values())


def test_the_json_has_the_rows_that_prove_the_seal() -> None:
    told = json.loads(made("json", export()))
    assert (told["format"], told["version"], told["view"], told["rows_prove_seal"]) == ("mileage-log", 1, "full", True)
    seal = told["seal"]
    assert seal_hash(seal["car_id"], seal["year"], seal["prev"], told["rows"]) == seal["hash"]
    assert seal["rows"] == len(told["rows"])
    assert {"id", "fetched_at", "why", "odometer_km"} <= told["readings"][0].keys()
    assert told["behind"]["id"] == "open-car"
    assert not json.loads(made("json", export(month=1)))["rows_prove_seal"]


def test_changes_are_those_of_this_car_with_what_was_before() -> None:
    book = of_workbook(made("xlsx", export()))["Wijzigingen"]
    assert any(row[4:8] == ("gewijzigd", "omschrijving", "Geheim bezoek", f"'{HOSTILE}") for row in book)
    assert ("verwijderd", "omschrijving", "Geheim adres", None) in [row[4:8] for row in book]
    assert "Andere auto" not in repr(book)
    assert len(export(month=3).entries) == 0
    assert len(export(month=1).entries) + len(export(month=2).entries) == len(export().entries) == 3


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("format_", MAKERS)
def test_a_car_without_rows_readings_or_a_name_has_files_too(format_: str, language: Any) -> None:
    log = export(
        [], language=language, car=replace(AUDI, name="", make="", type="", brand="", plate=""), is_closed=False
    )
    assert made(format_, log)
    alone = [row for row in rows_of_a_year() if row.from_m is None]
    assert made(format_, export(alone, language=language))


def test_the_table_in_the_document_is_in_its_files_as_well() -> None:
    log = export()
    inside = attached(made("pdf", log))
    assert {name: inside[name] for name in ("log.csv", "log.json")} == {
        "log.csv": made("csv", log), "log.json": made("json", log),
    }  # fmt: skip


def test_texts_over_what_a_cell_can_have_are_cut_in_the_workbook_alone() -> None:
    rows = [replace(row, purpose="x" * 40_000) if row.id == rows_of_a_year()[0].id else row for row in rows_of_a_year()]
    sheet = of_workbook(made("xlsx", export(rows)))["2026-01"]
    assert len(sheet[1][NAMES.index("purpose")]) == 32_767
    assert of_csv(made("csv", export(rows)))[1][0]["Omschrijving"] == "x" * 40_000


@pytest.mark.parametrize("format_", MAKERS)
def test_memory_grows_by_a_few_kilobytes_a_row_at_most(format_: str) -> None:
    count = 600
    command = [sys.executable, "-m", "tests.formats.measured", format_, str(count)]
    grown = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0])
    assert grown < 25 + count * 20 / 1024, "the libraries, and 20 KiB a row: 200 MiB with 10,000 rows"


def test_columns_and_lines_belong_together() -> None:
    assert len(COLUMNS) == len({*DUTCH}) == 22


def test_whatever_kind_of_row_is_changed_has_a_name() -> None:
    assert {*ROWS} == {*get_args(RowKind)}
