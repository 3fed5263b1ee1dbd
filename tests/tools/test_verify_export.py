"""An export proves itself without a server, and whatever is altered in it is seen."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from shared.domain.car.car import Car, car_view
from shared.domain.log.history import Author, Head, chained, entry_of_change, entry_view
from shared.domain.log.sealing import Seal, seal_hash, seal_view
from shared.domain.log.shown import log_sums_view, row_view
from shared.domain.log.sums import Sums, sums_of_row
from shared.timestamping.authority import asked
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
    made = [entry_of_change(author, "trip", rows[n].id, {"purpose": ""}, {"purpose": str(n)}, [2026]) for n in (0, 2)]
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


def another_year(one: dict[str, Any]) -> None:
    one["seal"]["year"] = 2025


ALTERED: list[Callable[[dict[str, Any]], None]] = [
    altered_row, left_out, put_in, in_another_order, longer, odometer, summed, entry, entries, sealed, another_year,
]  # fmt: skip


@pytest.mark.parametrize("alter", ALTERED)
def test_whatever_is_altered_does_not_hold(
    alter: Callable[[dict[str, Any]], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = export()
    alter(one)
    assert main([written(tmp_path, one)]) == 1
    assert "DOES NOT HOLD" in capsys.readouterr().out


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
