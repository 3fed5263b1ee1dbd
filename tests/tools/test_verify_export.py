"""An export proves itself without a server, and whatever is altered in it is seen."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pytest_httpserver import HTTPServer

from shared.domain.car.car import Car, car_view
from shared.domain.log.history import Author, Entry, Head, chained, entry_of_change, entry_view
from shared.domain.log.sealing import Seal, seal_hash, seal_view
from shared.domain.log.shown import log_sums_view, row_view
from shared.domain.log.sums import Sums, sums_of_row
from shared.formats.csv_file import csv_file
from shared.formats.document import document
from shared.timestamping.authority import asked
from tests.formats import sample
from tests.rows import at, gap, trip
from tests.timestamping.local import Authority
from tools.verify_export import main

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def export(prev: str = "") -> dict[str, Any]:
    """A closed year of two trips with a gap between them."""
    rows = [trip(0, 22_400, at(0)), gap(22_400, 30_000, at(1)), trip(30_000, 41_000, at(2), kind="business")]
    sums = Sums()
    for row in rows:
        sums = sums.plus(sums_of_row(row))
    author = Author("full", NOW, "A customer")
    made = [entry_of_change(author, "trip", rows[n].id, {"purpose": str(n)}, {"purpose": ""}, [2026]) for n in (0, 2)]
    views = [row_view(row) for row in rows]
    seal = Seal(
        car_id="car", year=2026, rows=3, hash=seal_hash("car", 2026, prev, views), prev=prev, closed_at=NOW, by="x"
    )
    return {
        "format": "mileage-log", "version": 1, "view": "full", "car": car_view(Car("car", ""), True), "year": 2026,
        "month": None, "rows": views, "sums": log_sums_view(sums), "seal": seal_view(seal), "corrections": [],
        "history": [entry_view(one) for one in chained([one for one in made if one], Head())],
    }  # fmt: skip


def written(folder: Path, export: Any) -> str:
    file = folder / "export.json"
    file.write_text(json.dumps(export))
    return str(file)


def test_what_is_as_it_was_sealed_is_consistent_and_undated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([written(tmp_path, export("ab" * 32))]) == 0
    told = capsys.readouterr().out
    assert "is over exactly these rows" in told
    assert "consistent, undated" in told


def test_a_time_stamp_dates_it_and_an_unknown_authority_is_named_as_such(
    tmp_path: Path, httpserver: HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    authority, sealed = Authority(tmp_path, httpserver), export()
    sealed["seal"]["timestamp_token"] = asked(authority.url, sealed["seal"]["hash"])
    file = written(tmp_path, sealed)
    assert main([file, "--tsa-root", str(tmp_path / "root.pem")]) == 0
    assert f"before {datetime.now(UTC):%Y-%m-%d}" in (told := capsys.readouterr().out)
    assert "its certificate is trusted" in told
    assert main([file]) == 0
    assert "NOT one that is trusted" in capsys.readouterr().out
    other = export("cd" * 32)
    other["seal"]["timestamp_token"] = sealed["seal"]["timestamp_token"]
    assert main([written(tmp_path, other)]) == 1


def altered_row(one: dict[str, Any]) -> None:
    one["rows"][0]["purpose"] = "Another"


def left_out(one: dict[str, Any]) -> None:
    del one["rows"][1]


def put_in(one: dict[str, Any]) -> None:
    one["rows"].append(one["rows"][-1])


def in_another_order(one: dict[str, Any]) -> None:
    one["rows"].reverse()


def longer(one: dict[str, Any]) -> None:
    one["rows"][0]["distance_km"] += 1


def odometer(one: dict[str, Any]) -> None:
    one["rows"][2]["start_odometer_km"] -= 0.1


def summed(one: dict[str, Any]) -> None:
    one["sums"]["business_km"] += 0.1


def entry(one: dict[str, Any]) -> None:
    one["history"][0]["why"] = "x"


def entries(one: dict[str, Any]) -> None:
    one["history"].reverse()


def sealed(one: dict[str, Any]) -> None:
    one["seal"]["prev"] = "00"


def another_month(one: dict[str, Any]) -> None:
    one["month"] = 2


def one_month_of_many(one: dict[str, Any]) -> None:
    """So that nobody asks for the seal."""
    one["month"] = 1
    one["rows"][2]["started_at"] = "2026-02-01T12:00:00+01:00"


def no_year(one: dict[str, Any]) -> None:
    one["year"] = "2026 is closed"


def proof_denied(one: dict[str, Any]) -> None:
    one["rows_prove_seal"] = False


def unsealed(one: dict[str, Any]) -> None:
    """Taken out, and the history tells of it still."""
    tell(one, entry_of_change(Author("x", NOW), "seal", "2026-car", {}, one["seal"], [2026]))
    one["seal"] = None


def other_reasons(one: dict[str, Any]) -> None:
    tell(one, entry_of_change(Author("x", NOW), "seal", "2026-car", {}, one["seal"], [2026]))
    one["seal"] = {**one["seal"], "reasons": {"5": "No kilometre is missing"}}


def correction_left_out(one: dict[str, Any]) -> None:
    told = {"id": "2026-car-ab", "car_id": "car", "year": 2026, "why": "x"}
    tell(one, entry_of_change(Author("x", NOW), "correction", "2026-car-ab", {}, told, [2026]))


def open_row(one: dict[str, Any]) -> None:
    """One that no seal is over, while the last change of it says otherwise."""
    one["seal"] = None
    one["rows"][0]["purpose"] = "Customer"


def open_kind(one: dict[str, Any]) -> None:
    one["seal"] = None
    one["rows"][2]["kind"] = "private"


def backwards(one: dict[str, Any]) -> None:
    one["seal"], row = None, one["rows"][2]
    one["rows"] = [{**row, "start_odometer_km": 41.0, "end_odometer_km": 30.0, "distance_km": -11.0}]


def change_left_out(one: dict[str, Any]) -> None:
    row, one["seal"] = one["rows"][0]["id"], None
    for was, became in (("x", "a"), ("a", "b"), ("b", "")):
        tell(one, entry_of_change(Author("x", NOW), "trip", row, {"purpose": was}, {"purpose": became}, [2026]))
    del one["history"][-2]


def summed_as_open(one: dict[str, Any]) -> None:
    one["sums"]["unclassified_km"] = 0.0


def summed_beyond(one: dict[str, Any]) -> None:
    one["sums"]["excess_km"] = 5.0


def tell(one: dict[str, Any], entry: Entry | None) -> None:
    """Puts an entry behind the others."""
    assert entry
    last = one["history"][-1]
    one["history"] += [entry_view(made) for made in chained([entry], Head(last["n"], last["hash"]))]


def another_year(one: dict[str, Any]) -> None:
    one["seal"]["year"] = 2025


ALTERED: list[Callable[[dict[str, Any]], None]] = [
    altered_row, left_out, put_in, in_another_order, longer, odometer, summed, entry, entries, sealed, another_year,
    another_month, one_month_of_many, no_year, proof_denied, unsealed, other_reasons, correction_left_out, open_row,
    open_kind, backwards, change_left_out, summed_as_open, summed_beyond,
]  # fmt: skip


@pytest.mark.parametrize("alter", ALTERED)
def test_whatever_is_altered_does_not_hold(
    alter: Callable[[dict[str, Any]], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = export()
    alter(one)
    assert main([written(tmp_path, one)]) == 1
    assert "DOES NOT HOLD" in capsys.readouterr().out


def test_it_says_what_nothing_proves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = export()
    one["car"]["plate"] = "XX-123-X\x1b[2K"
    assert main([written(tmp_path, one)]) == 0
    told = capsys.readouterr().out
    assert "of the car car (XX-123-X?[2K)" in told
    assert "No seal is over make, type and plate, the checks" in " ".join(told.split())
    assert "can seal them anew" in told
    assert main([written(tmp_path, {**one, "month": 1})]) == 0
    assert "Nothing proves these rows" in capsys.readouterr().out


def test_a_time_stamp_is_held_against_the_day_of_the_closing(
    tmp_path: Path, httpserver: HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    authority, one = Authority(tmp_path, httpserver), export()
    one["seal"]["timestamp_token"] = asked(authority.url, one["seal"]["hash"])
    root = ["--tsa-root", str(tmp_path / "root.pem")]
    assert main([written(tmp_path, one), *root]) == 0
    assert "days after the closing" in capsys.readouterr().out
    one["seal"]["closed_at"] = "2099-01-01T00:00:00Z"
    assert main([written(tmp_path, one), *root]) == 1
    assert "older than the closing" in capsys.readouterr().out


def test_a_name_that_is_there_twice_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = export()
    text = json.dumps(one).replace('"rows": [', '"rows": [], "rows": [', 1)
    (tmp_path / "twice.json").write_text(text)
    assert main([str(tmp_path / "twice.json")]) == 2


def test_a_pdf_is_verified_by_what_is_inside_and_nothing_else_may_be_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, file = sample.export(language="en"), tmp_path / "log.pdf"
    log = log._replace(seal=None, corrections=[], entries=[])
    made = document(log, "log")
    file.write_bytes(made)
    assert main([str(file)]) == 0
    told = capsys.readouterr().out
    assert "Nothing proves what is drawn on its pages" in told
    assert "1: 4 trips" in told
    for name, data in (("a.json", b"{}"), ("log.csv", csv_file(log).replace(b"Sportclub", b"Customer"))):
        with pikepdf.open(BytesIO(made)) as pdf:
            pdf.attachments[name] = pikepdf.AttachedFileSpec(pdf, data, filename=name)
            pdf.save(file)
        assert main([str(file)]) == (2 if name == "a.json" else 1)
        assert ("two files" in capsys.readouterr().err) == (name == "a.json")


def test_what_is_no_full_export_is_refused_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    without_sums = {name: value for name, value in export().items() if name != "sums"}
    for given in ({}, [], "x", {**export(), "view": "employer"}, {**export(), "version": 2}, without_sums):
        assert main([written(tmp_path, given)]) == 2
        told = capsys.readouterr()
        assert (told.out, len(told.err.strip().splitlines())) == ("", 1)
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    assert main([str(tmp_path / "broken.pdf")]) == 2
    assert main([str(tmp_path / "none")]) == 2


def test_a_year_that_is_not_closed_adds_up_and_has_no_seal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([written(tmp_path, {**export(), "seal": None})]) == 0
    assert "is not closed" in capsys.readouterr().out
