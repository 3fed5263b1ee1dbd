"""A whole year as its driver and an inspector go through it: imported, mended, closed, handed over, corrected."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.formats.read import numbers, of_csv, of_workbook
from tests.system.fixtures import Driver, ago
from tools.verify_export import main

ZONE = ZoneInfo("Europe/Amsterdam")
YEAR, TRIPS = ago(0).year - 1, 1500
BEGIN_KM, HOME, WORK = 20_000.0, "Parklaan 1, 3511 AA Utrecht", "Stationsplein 9, 3818 LE Amersfoort"
HEAD = "Datum;Vertrektijd;Aankomsttijd;Beginstand;Eindstand;Vertrekadres;Aankomstadres;Soort;Privé-omrijkm;Omschrijving"


def lines() -> Iterator[str]:
    """Trips to and fro, five a day; each hundredth begins 7.3 km after the one before ended."""
    km, at = BEGIN_KM, datetime(YEAR, 1, 2, 7, tzinfo=ZONE)
    for n in range(TRIPS):
        km += 7.3 if n % 100 == 50 else 0.0
        begin, end = at, at + timedelta(minutes=30)
        ends = (HOME, WORK) if n % 2 == 0 else (WORK, HOME)
        kind, detour = ("Privé", "") if n % 90 == 5 else ("Gemengd", "1,5") if n % 200 == 7 else ("Zakelijk", "")
        stands = f"{km:.1f};{km + 22.4:.1f}".replace(".", ",")
        yield f"{begin:%d-%m-%Y};{begin:%H:%M};{end:%H:%M};{stands};{ends[0]};{ends[1]};{kind};{detour};Klant {n}"
        km, at = km + 22.4, at + timedelta(hours=2)
        if n % 5 == 4:
            at += timedelta(hours=14)


@pytest.fixture(scope="module")
def text() -> str:
    return "\r\n".join([HEAD, *lines()])


def imported(driver: Driver, text: str) -> int:
    """How many trips came in, however many calls that took."""
    count = 0
    while True:
        body = {"format": "dutch", "data": text, "dry_run": False}
        answer = driver.call("POST", "/trips/import", json=body)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert told["refused"] == 0, [row for row in told["rows"] if row["result"] == "refused"][:3]
        count += told["new"]
        if not told["left"]:
            return count


def rows(driver: Driver) -> list[dict[str, Any]]:
    found, cursor = list[dict[str, Any]](), ""
    while True:
        page = driver.call("GET", f"/logbook?year={YEAR}&limit=200{cursor}").json()
        found += page["rows"]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def said(driver: Driver, method: str, path: str, status: int = 200, **body: Any) -> Any:
    answer = driver.call(method, path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def mended(driver: Driver) -> None:
    """Explains the gaps, and corrects some trips."""
    trips, gaps = ([row for row in rows(driver) if row["row"] == kind] for kind in ("trip", "gap"))
    assert [gap["missing_km"] for gap in gaps] == [7.3] * (TRIPS // 100)
    ways = ({"explained_as": "private"}, {"explained_as": "business", "reason": "A lift for a colleague"},
            {"explained_as": "correction", "reason": "The odometer is read in whole kilometres"},
            {"explained_as": "other", "reason": "The garage drove it", "business_km": 7.3})  # fmt: skip
    for n, gap in enumerate(gaps):
        said(driver, "PATCH", f"/logbook/gaps/{gap['id']}", **ways[n % len(ways)])
    said(driver, "PATCH", f"/trips/{trips[3]['id']}", kind="private", why="A day off")
    said(driver, "PATCH", f"/trips/{trips[207]['id']}", deviation="The motorway was closed", why="A detour")
    at = datetime.fromisoformat(trips[500]["started_at"]) + timedelta(minutes=15)
    parts = said(driver, "POST", f"/trips/{trips[500]['id']}/split", at=at.isoformat())["trips"]
    said(driver, "POST", "/trips/merge", ids=[part["id"] for part in parts])
    said(driver, "PATCH", "/trips", ids=[trip["id"] for trip in trips[900:920]], set={"purpose": "A fair"})


def exported(driver: Driver, format_: str, **more: Any) -> bytes:
    query = "&".join(f"{name}={value}" for name, value in {"year": YEAR, "format": format_, **more}.items())
    answer = driver.call("GET", f"/export?{query}")
    logs = (driver.stack.data / "logs" / "functions.log").read_text() if answer.status_code == 500 else ""
    assert answer.status_code == 200, (answer.text, logs[-3000:])
    return answer.content


def test_a_year_goes_from_a_file_to_a_seal_that_anybody_can_verify(
    driver: Driver, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    car = {
        "provider": "simulated",
        "make": "Audi",
        "type": "A4",
        "plate": "XX-123-X",
        "available_from": f"{YEAR}-01-01",
    }
    said(driver, "PUT", "/cars/car", **car)
    assert (imported(driver, text), imported(driver, text)) == (TRIPS, 0)
    mended(driver)
    kept = rows(driver)
    seal = closed(driver)
    assert (seal["rows"], rows(driver)) == (len(kept), kept)

    export = json.loads(exported(driver, "json"))
    assert (export["seal"], export["rows"]) == (seal, kept)
    total_km = held_together(export, kept)
    assert total_km == round(kept[-1]["end_odometer_km"] - BEGIN_KM, 1)
    assert in_other_programs(driver) == [total_km] * 2
    for name, content in (("log.json", json.dumps(export).encode()), ("log.pdf", exported(driver, "pdf"))):
        (tmp_path / name).write_bytes(content)
        assert main([str(tmp_path / name)]) == 0
        assert "is over exactly these rows" in capsys.readouterr().out

    said(driver, "PATCH", f"/trips/{kept[0]['id']}", 202, kind="private", why="It was a holiday")
    later = json.loads(exported(driver, "json"))
    assert (later["seal"], later["rows"]) == (seal, kept)
    [correction] = later["corrections"]
    assert (correction["why"], correction["after"]["kind"]) == ("It was a holiday", "private")
    (tmp_path / "later.json").write_text(json.dumps(later))
    assert main([str(tmp_path / "later.json")]) == 0
    assert said(driver, "GET", f"/logbook/{YEAR}")["holds"] is True
    assert driver.differences() == []


def closed(driver: Driver) -> dict[str, Any]:
    checks = said(driver, "GET", f"/logbook/{YEAR}/checks")
    failing = [str(one["n"]) for one in checks["checks"] if one["result"] == "fails"]
    refused = driver.call("POST", f"/logbook/{YEAR}/close", json={})
    assert [str(one["n"]) for one in refused.json().get("checks", ())] == failing
    seal: dict[str, Any] = said(driver, "POST", f"/logbook/{YEAR}/close", reasons=dict.fromkeys(failing, "As agreed"))
    assert {*seal["reasons"]} == {*failing}
    return seal


def held_together(export: dict[str, Any], kept: list[dict[str, Any]]) -> float:
    """The kilometres of all rows, once the sums are those of the rows."""
    trips, gaps = ([row for row in kept if row["row"] == kind] for kind in ("trip", "gap"))
    sums = export["sums"]
    assert sums["trip_count"] == len(trips) == TRIPS
    for name in ("business_km", "private_km"):
        assert sums[name] == round(sum(trip[name] for trip in trips), 1)
    assert (sums["gap_km"], sums["explained_km"]) == (round(sum(gap["missing_km"] for gap in gaps), 1),) * 2
    assert sums["total_km"] == round(sum(trip["distance_km"] for trip in trips), 1)
    total_km: float = round(sums["total_km"] + sums["gap_km"], 1)
    return total_km


def in_other_programs(driver: Driver) -> list[float]:
    """The kilometres of all rows as a table and a spreadsheet tell them, of which the sums of the months agree."""
    _, lines = of_csv(exported(driver, "csv", lang="nl"))
    sheets = of_workbook(exported(driver, "xlsx", lang="nl"))
    months = [rows for rows in sheets.values() if rows and rows[0][:1] == ("Datum",)]
    column = months[0][0].index("Afstand")
    in_rows = [row[column] for rows in months for row in rows[1:-1]]
    assert round(sum(in_rows), 1) == round(sum(rows[-1][column] for rows in months), 1)
    return [numbers(lines, "Afstand"), round(sum(in_rows), 1)]
