"""Closing a car's year over HTTP: its seal holds, nothing folds into it, and what would change stands beside it."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
from pytest_httpserver import HTTPServer

from shared.domain.log.sealing import seal_hash
from tests.system.fixtures import Driver, Stack, ago
from tests.timestamping.local import Authority
from tools.local.processes import wait_until

ZONE = ZoneInfo("Europe/Amsterdam")
ENDS = {"from": {"place": "Home"}, "to": {"place": "Work"}}
YEAR = ago(0).year - 1


def moment(day: int, hour: int, month: int = 3) -> datetime:
    return datetime(YEAR, month, day, hour, tzinfo=ZONE)


def read(driver: Driver, odometer_km: float, at: datetime) -> Any:
    return driver.call("POST", "/cars/car/odometer", json={"odometer_km": odometer_km, "at": at.isoformat()})


def drive(driver: Driver, began: datetime, from_km: float, to_km: float, **more: Any) -> dict[str, Any]:
    """A trip by hand between two odometers."""
    body = {
        "started_at": began.isoformat(),
        "ended_at": (began + timedelta(minutes=40)).isoformat(),
        "start_odometer_km": from_km,
        "end_odometer_km": to_km,
        "kind": "business",
        **ENDS,
        **more,
    }
    answer = driver.call("POST", "/trips", json=body)
    assert answer.status_code == 201, answer.text
    trip: dict[str, Any] = answer.json()
    return trip


@pytest.fixture
def year(driver: Driver) -> Driver:
    """A driver with a small log of last year, and a trip of this one."""
    return with_year(driver)


def with_year(driver: Driver) -> Driver:
    """The driver with that."""
    assert read(driver, 1000.0, moment(1, 8)).status_code == 201
    drive(driver, moment(1, 9), 1000.0, 1030.0)
    drive(driver, moment(2, 9), 1030.0, 1055.0)
    drive(driver, moment(3, 9), 1060.0, 1080.0)
    assert read(driver, 1080.0, moment(4, 8)).status_code == 201
    drive(driver, moment(20, 9, month=12), 1080.0, 1100.0)
    drive(driver, datetime(YEAR + 1, 1, 3, 9, tzinfo=ZONE), 1100.0, 1125.0)
    assert driver.differences() == []
    return driver


def close(driver: Driver, **body: Any) -> Any:
    """Closes the year, with a reason for whatever fails unless others are given."""
    reasons = {str(n): "It is a test" for n in range(1, 22)}
    return driver.call("POST", f"/logbook/{YEAR}/close", json={"reasons": reasons, **body})


def checks(driver: Driver) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = driver.call("GET", f"/logbook/{YEAR}/checks").json()["checks"]
    return found


def shown(driver: Driver) -> dict[str, Any]:
    answer = driver.call("GET", f"/logbook/{YEAR}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def rows(driver: Driver) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = driver.call("GET", f"/logbook?year={YEAR}&limit=200").json()["rows"]
    return found


def test_a_closed_year_has_a_seal_that_holds_and_closing_it_again_changes_nothing(year: Driver) -> None:
    assert (shown(year)["closed"], shown(year)["seal"], shown(year)["holds"]) == (False, None, None)
    before = rows(year)
    answer = close(year)
    assert answer.status_code == 200, answer.text
    seal = answer.json()
    assert (seal["rows"], seal["prev"], seal["year"]) == (len(before), "", YEAR)
    failing = [str(one["n"]) for one in checks(year) if one["result"] == "fails"]
    assert {*seal["reasons"]} == {*failing}
    assert close(year).json() == seal
    assert (shown(year)["closed"], shown(year)["seal"], shown(year)["holds"]) == (True, seal, True)
    assert rows(year) == before
    assert year.differences() == []
    last = year.call("GET", f"/logbook/{YEAR}/history?limit=1000").json()["entries"][-1]
    assert (last["kind"], last["row"], last["after"]["hash"]) == ("seal", f"{YEAR}-car", seal["hash"])


def test_a_check_that_fails_needs_a_reason_before_the_year_is_closed(year: Driver) -> None:
    failing = [one for one in checks(year) if one["result"] == "fails"]
    assert failing, "its trips have no addresses, and its car no plate"
    kept = {name: year.kept(name) for name in ("trips", "gaps", "chapters", "cache", "history", "stats")}
    for reasons in ({}, {str(one["n"]): "A reason" for one in failing[1:]}, {str(failing[0]["n"]): "  "}):
        answer = close(year, reasons=reasons)
        assert (answer.status_code, answer.json()["field"]) == (409, "reasons")
        assert failing[0] in answer.json()["checks"]
    assert shown(year)["closed"] is False
    assert {name: year.kept(name) for name in kept} == kept
    assert close(year, reasons={str(one["n"]): "A reason" for one in failing}).status_code == 200


def corrected(driver: Driver, trip: dict[str, Any], why: str) -> Any:
    return driver.call("PATCH", f"/trips/{trip['id']}", json={"kind": "private", "why": why})


def deleted(driver: Driver, trip: dict[str, Any], why: str) -> Any:
    return driver.call("DELETE", f"/trips/{trip['id']}?why={why}")


def split(driver: Driver, trip: dict[str, Any], why: str) -> Any:
    at = datetime.fromisoformat(trip["started_at"]) + timedelta(minutes=10)
    return driver.call("POST", f"/trips/{trip['id']}/split", json={"at": at.isoformat(), "why": why})


def merged(driver: Driver, trip: dict[str, Any], why: str) -> Any:
    ids = [row["id"] for row in rows(driver) if row["row"] == "trip"][:2]
    return driver.call("POST", "/trips/merge", json={"ids": ids, "why": why})


def several(driver: Driver, trip: dict[str, Any], why: str) -> Any:
    return driver.call("PATCH", "/trips", json={"ids": [trip["id"]], "set": {"kind": "private"}, "why": why})


def explained(driver: Driver, trip: dict[str, Any], why: str) -> Any:
    gap = next(row for row in rows(driver) if row["row"] == "gap")
    return driver.call("PATCH", f"/logbook/gaps/{gap['id']}", json={"explained_as": "private", "why": why})


def moved_into_the_year_after(driver: Driver, trip: dict[str, Any], why: str) -> Any:
    times = {"started_at": f"{YEAR + 1}-02-01T09:00:00+01:00", "ended_at": f"{YEAR + 1}-02-01T09:40:00+01:00"}
    return driver.call("PATCH", f"/trips/{trip['id']}", json={**times, "why": why})


def read_in_it(driver: Driver, trip: dict[str, Any], why: str) -> Any:
    body = {"odometer_km": 1034.0, "at": moment(1, 20).isoformat(), "confirm": True, "why": why}
    return driver.call("POST", "/cars/car/odometer", json=body)


WORDS: list[Callable[[Driver, dict[str, Any], str], Any]] = [
    corrected, deleted, split, merged, several, explained, moved_into_the_year_after, read_in_it,
]  # fmt: skip


def test_whatever_would_change_a_closed_year_is_refused_without_a_reason_and_with_one_stands_beside_it(
    year: Driver,
) -> None:
    first = next(row for row in rows(year) if row["row"] == "trip")
    seal, sealed = close(year).json(), rows(year)
    kept = {name: year.kept(name) for name in ("trips", "gaps", "odometer_readings", "stats", "chapters", "drives")}
    for n, word in enumerate(WORDS):
        refused = word(year, first, "")
        assert (refused.status_code, refused.json().get("field")) == (409, "why"), (word, refused.text)
        taken = word(year, first, "It%20was%20so")
        assert taken.status_code == 202, (word, taken.text)
        told = taken.json()
        assert told["status"] == "correction_proposed"
        assert {one["year"] for one in told["corrections"]} == {YEAR}
        assert len(year.kept("corrections")) > n
    assert corrected(year, first, "It%20was%20so").json()["corrections"][0]["id"] in year.kept("corrections")
    assert rows(year) == sealed
    assert {name: year.kept(name) for name in kept} == kept
    found = shown(year)
    assert (found["seal"], found["holds"]) == (seal, True)
    assert len(found["corrections"]) == len(year.kept("corrections"))
    change = next(one for one in found["corrections"] if one["row"] == first["id"] and "kind" in one["after"])
    assert (change["before"]["kind"], change["after"]["kind"]) == ("business", "private")
    assert year.differences() == []


def test_a_trip_cannot_be_entered_into_a_closed_year_but_beside_it(year: Driver) -> None:
    close(year)
    began = moment(3, 8)
    body = {"started_at": began.isoformat(), "ended_at": (began + timedelta(minutes=9)).isoformat(), **ENDS}
    answer = year.call("POST", "/trips", json={**body, "distance_km": 3.0})
    assert (answer.status_code, answer.json()["field"]) == (409, "why")
    taken = year.call("POST", "/trips", json={**body, "distance_km": 3.0, "why": "Forgotten"})
    assert taken.status_code == 202
    assert any(one["before"] == {} and one["after"]["distance_km"] == 3.0 for one in taken.json()["corrections"])
    assert shown(year)["holds"]


def test_the_year_after_goes_on_and_its_seal_follows_the_one_before(year: Driver) -> None:
    seal = close(year).json()
    trip = next(one for one in year.trips() if one["date"].startswith(str(YEAR + 1)))
    assert corrected(year, trip, "").status_code == 200
    drive(year, datetime(YEAR + 1, 1, 4, 9, tzinfo=ZONE), 1125.0, 1140.0)
    assert deleted(year, trip, "").status_code == 204
    assert (shown(year)["seal"], shown(year)["holds"]) == (seal, True)
    assert year.differences() == []


def test_a_seal_does_not_hold_once_somebody_alters_a_row(year: Driver) -> None:
    close(year)
    trip = next(row for row in rows(year) if row["row"] == "trip")
    document = year.stack.db.document(f"users/{year.email}/trips/{trip['id']}")
    for field, value in {"purpose": "Another", "notes": "x", "deviation": "y"}.items():
        former = document.get().get(field)
        document.update({field: value})
        assert not shown(year)["holds"], field
        assert any(f"seals/{YEAR}-car" in one for one in year.differences())
        document.update({field: former})
    assert shown(year)["holds"]


def test_what_cannot_be_closed_says_why(year: Driver) -> None:
    other = year.stack.driver()
    assert year.call("POST", f"/logbook/{YEAR + 1}/close", json={}).json()["field"] == "year"
    assert other.call("POST", f"/logbook/{YEAR}/close", json={}).status_code == 404
    assert year.call("POST", f"/logbook/{YEAR}/close", json={"car_id": "none"}).status_code == 404
    assert year.call("POST", "/logbook/1999/close", json={}).status_code == 404
    assert year.call("GET", "/logbook/1999").status_code == 404
    assert close(year, reasons={"22": "x"}).json()["field"] == "reasons"
    assert shown(year)["closed"] is False
    assert other.call("GET", f"/logbook/{YEAR}").json()["seal"] is None


def test_what_is_said_of_places_and_of_the_car_leaves_a_closed_year_as_it_is(year: Driver) -> None:
    trip = next(row for row in rows(year) if row["row"] == "trip")
    assert year.call("PATCH", f"/trips/{trip['id']}", json={"from": {"lat": 52.1, "lng": 5.1}}).status_code == 200
    close(year)
    kept = rows(year)
    assert year.call("POST", "/locations", json={"name": "Home", "lat": 52.1, "lng": 5.1}).status_code == 201
    said = {"provider": "simulated", "start_odometer_km": 900.0, "available_from": f"{YEAR}-01-01"}
    assert year.call("PUT", "/cars/car", json=said).status_code == 200
    assert year.call("PATCH", "/settings", json={"timezone": "America/New_York"}).status_code == 200
    found = shown(year)
    assert (rows(year), found["holds"]) == (kept, True)
    assert {one["by"] for one in found["corrections"]} == {"settings"}
    assert {} in [one["before"] for one in found["corrections"]], "the gap before the first trip"
    year.call("PATCH", "/settings", json={"timezone": "Europe/Amsterdam"})


def test_what_a_file_has_of_a_closed_year_stays_out_and_the_rest_comes_in(year: Driver) -> None:
    close(year)
    times = {"started_at": f"{YEAR + 1}-01-05T09:00:00+01:00", "ended_at": f"{YEAR + 1}-01-05T09:40:00+01:00"}
    trip = {"row": "trip", **times, "distance_km": 15.0, "start_odometer_km": 1125.0, "end_odometer_km": 1140.0}
    reading = {"at": moment(20, 12, month=11).isoformat(), "odometer_km": 1080.0, "source": "eye", "confirm": True}
    file = {"format": "mileage-log", "version": 1, "car": {"id": "car"}, "rows": [trip], "readings": [reading]}
    body = {"format": "json", "data": json.dumps(file), "dry_run": False}
    answer = year.call("POST", "/trips/import", json=body)
    assert (answer.status_code, answer.json().get("new"), answer.json().get("new_readings")) == (200, 1, 0), answer.text
    assert shown(year)["holds"]
    assert year.differences() == []


def test_a_seal_is_what_anybody_can_compute_of_the_rows(year: Driver) -> None:
    seal = close(year).json()
    assert seal_hash("car", YEAR, "", rows(year)) == seal["hash"]


def test_a_seal_is_stamped_with_the_time_and_closing_does_not_wait_for_that(
    start_stack: Callable[..., Stack], tmp_path: Path, httpserver: HTTPServer
) -> None:
    authority = Authority(tmp_path, httpserver)
    driver = with_year(start_stack(TSA_URL=authority.url).driver())
    authority.is_down = True
    assert close(driver).json()["timestamp_token"] is None
    assert shown(driver)["stamped_at"] is None
    authority.is_down = False
    # The clock's daily call looks after what was not there yet.
    requests.post(f"{driver.stack.url}/reminders/remind-all", timeout=30).raise_for_status()
    wait_until(lambda: shown(driver)["stamped_at"], "the time stamp")
    assert close(driver).json() == shown(driver)["seal"]
    assert shown(driver)["stamped_at"][:10] == ago(0).isoformat()[:10]
    assert driver.differences() == []
