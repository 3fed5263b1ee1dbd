"""An employer sees of private trips kilometres and nothing else, whichever file they get and wherever they look."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from shared.domain.car.odometer import KeptReading, Reading
from shared.domain.checks.finding import Checked, Finding, PrivateKm
from shared.domain.log.employer import is_private
from shared.domain.log.history import Author, Entry, Head, RowKind, chained, entry_of_change
from shared.domain.log.sealing import Correction
from shared.domain.log.shown import gap_view, trip_facts
from shared.domain.log.tiling import Row
from shared.domain.log.trip import Endpoint, Trip
from shared.formats.export import Export
from tests.formats.measured import MAKERS
from tests.formats.read import of_csv, parts_of, texts_of
from tests.formats.sample import HOME, WORK, export, rows_of_a_year
from tests.rows import CAR, gap, trip

ROWS = rows_of_a_year()
# Of a private trip, of one that nobody classified, of the detour of a mixed one, of gaps, and of what there was before.
PRIVATE = (
    "Sportclub", "Wedstrijd", "geheim", "Overleg over", "Langs de school", "Kind opgehaald", "Naar de bakker",
    "Geheim bezoek", "Geheim adres", "Verkeerd ingedeeld", "ziekenhuis", "Deel deze ritten in",
    ROWS[4].id, ROWS[6].id, "20260127T08", "20260206T08", "2026-01-27T", "2026-02-06T", "andere stand",
)  # fmt: skip


@pytest.mark.parametrize("format_", MAKERS)
@pytest.mark.parametrize("month", [None, 1, 2])
def test_nothing_private_is_in_a_file_for_an_employer(format_: str, month: int | None) -> None:
    told = texts_of(MAKERS[format_](export(view="employer", month=month)), format_)
    assert [secret for secret in PRIVATE if secret in told] == []


@pytest.mark.parametrize("format_", ["csv", "xlsx", "pdf", "json"])
def test_all_of_that_is_in_the_file_for_the_driver(format_: str) -> None:
    told = texts_of(MAKERS[format_](export()), format_)
    assert [said for said in ("Sportclub", "Wedstrijd", "Naar de bakker", "Kind opgehaald") if said not in told] == []


def test_private_lines_keep_day_kind_odometer_and_kilometres() -> None:
    _, lines = of_csv(MAKERS["csv"](export(view="employer")))
    (private,) = [line for line in lines if line["Soort"] == "Privé"]
    kept = {name: value for name, value in private.items() if value and name != "Regel"}
    assert kept == {
        "Datum": "27-01-2026", "Soort": "Privé", "Beginstand": "12540,0", "Eindstand": "12561,0", "Afstand": "21,0",
        "Zakelijk km": "0,0", "Privé km": "21,0", "Niet ingedeeld km": "0,0", "Meer dan teller km": "0,0",
        "Beginstand is": "afgelezen", "Eindstand is": "afgelezen",
    }  # fmt: skip
    (mixed,) = [line for line in lines if line["Soort"] == "Gemengd"]
    assert (mixed["Vertrektijd"], mixed["Omschrijving"], mixed["Privé-omrijkm"]) == ("19:00", "Naar huis", "7,3")
    assert mixed["Vertrekadres"] and mixed["Aankomstadres"]


def test_the_json_says_that_its_rows_prove_no_seal_and_gives_no_moment_or_position_of_a_reading() -> None:
    told = json.loads(MAKERS["json"](export(view="employer")))
    assert told["rows_prove_seal"] is False
    assert {name for one in told["readings"] for name in one} == {
        "car_id", "odometer_km", "source", "resolution_km", "standing", "date",
    }  # fmt: skip
    assert {name for one in told["history"] for name in one} == {"n", "on", "by", "kind", "row", "before", "after"}
    by_row = {one["row"]: one for one in told["history"]}
    hidden = [one for row, one in by_row.items() if row.startswith("hidden-")]
    assert hidden
    assert all(one["before"] == one["after"] == {} for one in hidden)
    changed: dict[str, Any] = by_row[ROWS[1].id]
    assert changed["before"] == {"kind": "private", "start_odometer_km": 1.0}


def test_times_of_no_gap_are_told_for_they_are_those_of_the_trips_beside_it() -> None:
    told = json.loads(MAKERS["json"](export(view="employer")))
    gaps = [*[row for row in told["rows"] if row["row"] == "gap"], told["behind"]]
    assert len(gaps) == 4
    assert [gap for gap in gaps if "since" in gap or "until" in gap] == []
    assert [gap.get("reason") for gap in gaps] == [None, None, "Afronding", None]


# --- a log in which whatever is private has its own mark

MARK = "q7zx"  # in each private text
BUSINESS: dict[str, Any] = {"kind": "business", "from_": HOME, "to": WORK, "purpose": "Klant"}
# To the second, so that no other moment looks like one of a private trip.
AT_NIGHT = datetime(2026, 3, 3, 23, 17, 43, tzinfo=UTC)
TOLD_TIMES = ("23:17:43", "231743", "00:17", "23:47:43", "234743", "00:47", "2026-03-03T23", "2026-03-04T00", "01:09")
PLACE = Endpoint(51.87654, 4.98765, f"Place {MARK}", f"Street {MARK}")


def marked(name: str) -> str:
    return f"{name} {MARK}"


def hidden_rows() -> list[Row]:
    """Between business trips: a private trip in the night, with a gap beside it that is business, one that nobody
    classified, gaps that were explained as this and that, and a mixed trip."""
    own: dict[str, Any] = {
        "from_": PLACE, "to": PLACE, "purpose": marked("Purpose"), "notes": marked("Notes"), "route": marked("Route"),
        "deviation": marked("Deviation"), "driver": marked("Driver"), "start_odometer_known": "typed",
    }  # fmt: skip
    evening = AT_NIGHT + timedelta(minutes=52)
    return [
        trip(5_000_000, 5_020_000, AT_NIGHT - timedelta(hours=9), **BUSINESS),
        trip(5_020_000, 5_048_000, AT_NIGHT, kind="private", **own),
        # It began when the private trip ended.
        gap(5_048_000, 5_052_000, AT_NIGHT + timedelta(minutes=30), explained_as="business", reason="Parking",
            business_m=4000),
        trip(5_052_000, 5_060_000, evening, **own),
        gap(5_060_000, 5_061_000, evening + timedelta(minutes=30), explained_as="other", reason=marked("Reason")),
        gap(5_061_000, 5_062_500, evening + timedelta(minutes=31), explained_as="private", reason=marked("Reason")),
        trip(5_062_500, 5_090_000, AT_NIGHT + timedelta(hours=10), kind="mixed", business_km=20.0, from_=HOME, to=WORK,
             purpose="Visit", deviation=marked("Detour"), notes=marked("Notes"), route=marked("Route")),
    ]  # fmt: skip


def hidden_export(**how: Any) -> Export:
    """An export of that, whose readings, history, corrections, checks and reasons are about what is private too."""
    rows = hidden_rows()
    private = [row for row in rows if is_private(row)]
    told = list[Entry]()
    for row in rows:
        after = trip_facts(row) if isinstance(row, Trip) else gap_view(row)
        text = "purpose" if isinstance(row, Trip) else "reason"
        by = marked("Key") if row in private else "laptop"
        author = Author(by, AT_NIGHT + timedelta(days=1), marked("Why"))
        kind: RowKind = "trip" if isinstance(row, Trip) else "gap"
        told += filter(None, [entry_of_change(author, kind, row.id, {**after, text: marked("Was")}, after, [2026])])
    on_the_way = [Reading(AT_NIGHT + timedelta(minutes=5 * n), 5020 + 4.7 * n, lat=51.87, lng=4.98) for n in (1, 2, 3)]
    kept = [KeptReading(f"20260303T231743.000000Z.car.car.{n}", one, "believed", "", one.at)
            for n, one in enumerate([Reading(AT_NIGHT, 5020.0), *on_the_way, Reading(AT_NIGHT, 5048.0)])]  # fmt: skip
    corrections = [Correction(id=marked("c"), car_id=CAR, year=2026, at=AT_NIGHT + timedelta(days=300),
                              by=marked("Key"), why=marked("Why"), row=row.id, before={"purpose": marked("Was")})
                   for row in private]  # fmt: skip
    log = export(rows, view="employer", **how)
    finding = Finding(4, "Whereabouts", "warns", "law", tuple(row.id for row in rows), marked("Advice"))
    assert log.seal
    return log._replace(
        log=log.log._replace(readings=kept), entries=chained(told, Head()), corrections=corrections,
        checked=Checked((finding,), PrivateKm(1.0, 2.0, 3.0), 4.0),
        seal=replace(log.seal, reasons={"4": marked("Reason")}, hash="ab" * 32),
    )  # fmt: skip


@pytest.mark.parametrize("format_", MAKERS)
@pytest.mark.parametrize("language", ["nl", "en"])
def test_no_byte_of_a_file_for_an_employer_tells_what_is_private(format_: str, language: Any) -> None:
    parts = parts_of(MAKERS[format_](hidden_export(language=language)), format_)
    secrets = [MARK, "51.8", "4.98", "5024", "5.024", *TOLD_TIMES]
    secrets += [row.id for row in hidden_rows() if is_private(row)]
    written = [(secret, secret.encode(coding)) for secret in secrets for coding in ("utf-8", "utf-16-be", "utf-16-le")]
    # What draws a page is a list of numbers, and a font is one of points: they say nothing by their digits.
    told = [part for part in parts if b" Tf" not in part and b"glyf" not in part and b"begincmap" not in part]
    assert [secret for secret, said in written for part in told if said in part] == []
    assert any(b"Klant" in part or b"5020" in part for part in told)


def test_nothing_is_told_of_the_way_of_a_private_trip_though_the_car_was_asked_on_it() -> None:
    told = json.loads(MAKERS["json"](hidden_export()))
    assert [(one["odometer_km"], one["date"]) for one in told["readings"]] == [
        (5020.0, "2026-03-04"), (5048.0, "2026-03-04"),
    ]  # fmt: skip
    shown = {row["id"] for row in told["rows"] if not row["id"].startswith("hidden-")}
    assert {row for one in told["checks"] for row in one["rows"]} == shown
