"""An employer sees of private trips kilometres and nothing else, whichever file they get and wherever they look."""

import json
from typing import Any

import pytest

from tests.formats.measured import MAKERS
from tests.formats.read import of_csv, texts_of
from tests.formats.sample import export, rows_of_a_year

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
