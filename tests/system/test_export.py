"""GET /export gives the log of a car as a file, and of nobody else's."""

import re
from typing import Any

import pytest

from shared.domain.fitting import Unfit
from shared.services.exporting import MOST_BYTES, bounded, file_name
from tests.formats.read import numbers, of_csv, of_workbook, pages_of
from tests.formats.sample import AUDI, export, rows_of_a_year
from tests.rows import at, put, trip
from tests.system.fixtures import Driver, Stack

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "json": "application/json",
}
YEAR = "/export?year=2026"
MANUAL = {
    "started_at": "2026-05-01T08:00:00+02:00",
    "ended_at": "2026-05-01T08:30:00+02:00",
    "from": {"address": "Dorpsstraat 1, Utrecht"},
    "to": {"address": "Havenweg 2, Breda"},
    "distance_km": 9.5,
}


def filled(driver: Driver) -> Driver:
    """Their car has a small log of 2026, and they have a trip in no car."""
    placed = [row for row in rows_of_a_year() if row.from_m is not None]
    put(driver.store, *placed)
    assert driver.call("POST", "/trips", json={**MANUAL, "car_id": None}).status_code == 201
    return driver


def test_each_file_is_an_attachment_that_is_named_by_car_and_period(driver: Driver) -> None:
    filled(driver)
    for format_, content_type in TYPES.items():
        response = driver.call("GET", f"{YEAR}&month=1&format={format_}&lang=en&view=employer")
        assert response.status_code == 200, response.text
        assert response.headers["Content-Type"] == content_type
        name = f"mileage-log-car-2026-01-employer.{format_}"
        assert response.headers["Content-Disposition"] == f'attachment; filename="{name}"'
        assert response.headers["Cache-Control"] == "no-store"


def test_the_files_say_what_the_logbook_says(driver: Driver) -> None:
    filled(driver)
    logbook = driver.call("GET", "/logbook?year=2026&limit=200").json()
    told = driver.call("GET", f"{YEAR}&format=json").json()
    assert told["rows"] == [row for row in logbook["rows"] if not row["id"].startswith("open-")]
    assert told["car"] == logbook["car"]
    km = round(logbook["sums"]["total_km"] + logbook["sums"]["gap_km"], 1)
    assert numbers(of_csv(driver.call("GET", f"{YEAR}&format=csv").content)[1], "Afstand") == km
    overview = of_workbook(driver.call("GET", f"{YEAR}&format=xlsx").content)["Overzicht"]
    assert next(row for row in overview if row[0] == "Totaal")[4] == km
    assert f"{km:.1f}".replace(".", ",") in pages_of(driver.call("GET", f"{YEAR}&format=pdf").content)[0]


def test_what_a_driver_changed_is_in_it_with_what_was_before(driver: Driver) -> None:
    kind = {"kind": "private", "purpose": "Naar kantoor"}
    trip_id = driver.call("POST", "/trips", json=MANUAL | kind).json()["id"]
    for kind in ("business", "private"):
        said = {"kind": kind, "purpose": f"Naar de {kind}", "why": "Vergeten"}
        assert driver.call("PATCH", f"/trips/{trip_id}", json=said).status_code == 200
    path = f"{YEAR}&format=json&month=5"
    last = driver.call("GET", path).json()["history"][-1]
    assert (last["row"], last["before"]["purpose"], last["why"]) == (trip_id, "Naar de business", "Vergeten")
    assert driver.call("GET", f"{YEAR}&format=json&month=4").json()["history"] == []
    seen = driver.call("GET", f"{path}&view=employer").json()
    assert [row["id"] for row in seen["rows"] if row["row"] == "trip"] == [seen["history"][-1]["row"]] == ["hidden-1"]
    assert seen["history"][-1]["after"] == {}


def test_a_car_of_which_nothing_is_known_has_an_empty_log(driver: Driver) -> None:
    for format_ in TYPES:
        assert driver.call("GET", f"/export?year=2031&format={format_}").status_code == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("format=csv", "year"),
        ("month=1&format=csv", "year"),
        ("year=1999&format=csv", "year"),
        ("year=2026&month=13&format=csv", "month"),
        ("year=2026", "format"),
        ("year=2026&format=xls", "format"),
        ("year=2026&format=csv&lang=de", "lang"),
        ("year=2026&format=csv&view=", "view"),
        ("year=2026&format=csv&car_id=a%20b", "car_id"),
        ("year=2026&format=csv&page=1", "page"),
    ],
)
def test_a_query_that_cannot_be_is_refused_and_its_field_named(driver: Driver, query: str, field: str) -> None:
    response = driver.call("GET", f"/export?{query}")
    assert (response.status_code, response.json().get("field")) == (400, field)


def test_there_is_no_file_of_a_car_that_is_not_theirs(stack: Stack, driver: Driver) -> None:
    assert driver.call("GET", f"{YEAR}&format=csv&car_id=other").status_code == 404
    assert stack.driver(car=False).call("GET", f"{YEAR}&format=csv").status_code == 404


def test_a_car_that_was_taken_away_keeps_its_file(driver: Driver) -> None:
    put(driver.store, trip(0, 5000, at(0), car_id="old"))
    response = driver.call("GET", f"{YEAR}&format=csv&car_id=old")
    assert response.status_code == 200
    assert len(of_csv(response.content)[1]) == 1


def test_what_no_answer_can_carry_is_refused_with_what_to_ask_for_instead() -> None:
    assert bounded(b"x", None) == b"x"
    for month, instead in ((None, "month=1"), (3, "format=csv")):
        with pytest.raises(Unfit, match=instead):
            bounded(bytes(MOST_BYTES + 1), month)


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("Audi A3", "rittenregistratie-audi-a3-2026"),
        ('"../Škoda\r\n"; x', "rittenregistratie-skoda-x-2026"),
        ("東京", "rittenregistratie-car-2026"),
        ("", "rittenregistratie-car-2026"),
    ],
)
def test_a_name_has_letters_that_no_system_minds(name: str, called: str) -> None:
    car: Any = AUDI.__class__(AUDI.id, AUDI.provider, name)
    assert file_name(export(car=car)) == called
    assert re.fullmatch("[a-z0-9-]+", file_name(export(car=car, view="employer", month=2, language="en")))
