"""The history of a log over HTTP: whatever changes a row that has one leaves an entry, and the chain can be checked."""

import hashlib
import json
from typing import Any

import rfc8785

from tests.system.fixtures import UTRECHT, Driver, ago

AMERSFOORT = (52.16, 5.39)


def drive(driver: Driver, since: int = 50, until: int = 20, end_km: float = 12370.0) -> dict[str, Any]:
    """A drive whose end the car has confirmed; its trip."""
    driver.phone("start", ago(since), UTRECHT)
    driver.wait_read(12345.0)
    driver.arrive(ago(until), AMERSFOORT, end_km, lat=AMERSFOORT[0], lng=AMERSFOORT[1])
    return driver.wait_trips(1)[0]


def history(driver: Driver, trip_id: str) -> list[dict[str, Any]]:
    answer = driver.call("GET", f"/trips/{trip_id}/history")
    assert answer.status_code == 200, answer.text
    entries: list[dict[str, Any]] = answer.json()["entries"]
    return entries


def test_before_anybody_says_something_of_an_open_trip_there_is_nothing_to_tell(driver: Driver) -> None:
    assert history(driver, drive(driver)["id"]) == []


def test_why_can_come_with_every_change_and_the_entries_of_a_deleted_trip_stay(driver: Driver) -> None:
    trip = drive(driver)
    path = f"/trips/{trip['id']}"
    driver.call("PATCH", path, json={"kind": "private", "why": "Holidays"})
    driver.call("DELETE", f"{path}?why=Somebody%20else")
    assert driver.call("GET", path).status_code == 404
    changed, deleted = history(driver, trip["id"])
    assert (changed["why"], changed["after"]["kind"], deleted["why"], deleted["after"]) == (
        "Holidays",
        "private",
        "Somebody else",
        {},
    )
    assert deleted["before"]["distance_km"] == trip["distance_km"]
    too_long = driver.call("DELETE", f"{path}?why={'x' * 2001}")
    assert (too_long.status_code, too_long.json()["field"]) == (400, "why")


def test_what_the_car_says_later_of_a_trip_that_was_touched_is_told_as_the_cars(driver: Driver) -> None:
    driver.phone("start", ago(50), UTRECHT)
    driver.wait_read(12345.0)
    driver.set_car(fault="error")
    driver.phone("end", ago(20), AMERSFOORT)
    (trip,) = driver.wait_trips(1)
    driver.call("PATCH", f"/trips/{trip['id']}", json={"purpose": "A customer"})
    driver.set_car(fault=None, odometer_km=12370.0, measured_at=ago(2), lat=AMERSFOORT[0], lng=AMERSFOORT[1])
    driver.put_log("car", retry_at=None, ask_at=ago(1))
    driver.wait(lambda: len(history(driver, trip["id"])) > 1, "the car's word")
    said, read = history(driver, trip["id"])
    assert (said["by"], said["after"]["set_by_hand"], said["after"]["purpose"]) == ("", ["purpose"], "A customer")
    assert (read["by"], read["before"]["flags"], read["after"]["flags"]) == ("car", trip["flags"], [])
    assert (read["before"]["distance_km"], read["after"]["distance_km"]) == (trip["distance_km"], 25.0)
    assert "purpose" not in read["after"]


def test_the_entries_of_a_year_come_in_pages_and_hold_together(driver: Driver) -> None:
    trip = drive(driver)
    for n in range(3):
        driver.call("PATCH", f"/trips/{trip['id']}", json={"notes": f"n{n}", "why": "ünïcode “quotes”"})
    driver.call("POST", "/cars/car/odometer", json={"odometer_km": 12370.0, "at": ago(5).isoformat()})
    year, found, cursor = trip["date"][:4], list[dict[str, Any]](), ""
    while True:
        page = driver.call("GET", f"/logbook/{year}/history?limit=2{cursor}").json()
        found += page["entries"]
        if page["next_cursor"] is None:
            break
        assert len(page["entries"]) == 2
        cursor = f"&cursor={page['next_cursor']}"
    assert [entry["n"] for entry in found] == [*range(1, len(found) + 1)]
    assert {entry["kind"] for entry in found} == {"trip", "reading"}
    prev = ""
    for entry in found:
        told = {name: value for name, value in json.loads(json.dumps(entry)).items() if name != "hash"}
        assert (entry["prev"], entry["hash"]) == (prev, hashlib.sha256(rfc8785.dumps(told)).hexdigest())
        prev = entry["hash"]
    state = driver.store.state().value
    assert (state.entries, state.last_hash) == (len(found), prev)


def test_a_drive_that_is_dropped_is_told_with_why(driver: Driver) -> None:
    driver.phone("start", ago(30), UTRECHT)
    assert driver.call("DELETE", "/trips/active?why=Somebody%20else%20drove").status_code == 204
    (entry,) = driver.call("GET", f"/logbook/{ago(30).year}/history").json()["entries"]
    assert (entry["why"], entry["is_word"], entry["before"]["car_id"]) == ("Somebody else drove", True, "car")
    assert driver.differences() == []


def test_a_gap_that_was_explained_and_is_not_any_more_is_told_of_until_it_goes(driver: Driver) -> None:
    def read(odometer_km: float, hours: float) -> None:
        body = {"odometer_km": odometer_km, "at": ago(60 * hours).isoformat()}
        assert driver.call("POST", "/cars/car/odometer", json=body).status_code == 201

    def by_hand(hours: float, distance_km: float) -> None:
        times = {"started_at": ago(60 * hours).isoformat(), "ended_at": ago(60 * hours - 20).isoformat()}
        ends = {"from": {"place": "Home"}, "to": {"place": "Work"}}
        body = {**times, **ends, "distance_km": distance_km}
        assert driver.call("POST", "/trips", json=body).status_code == 201

    read(1000.0, 200)
    read(1050.0, 176)
    by_hand(170, 10.0)
    read(1060.0, 150)
    (gap,) = [row for row in driver.call("GET", "/logbook").json()["rows"] if row["row"] == "gap"]
    for said in ("private", None):
        assert driver.call("PATCH", f"/logbook/gaps/{gap['id']}", json={"explained_as": said}).status_code == 200
    by_hand(190, 50.0)
    assert driver.kept("gaps") == {}
    assert [entry["after"] == {} for entry in driver.kept("history").values() if entry["row"] == gap["id"]][-1]
    assert driver.differences() == []


def test_another_odometer_in_the_car_is_what_the_facts_make(driver: Driver) -> None:
    for odometer_km, hours, is_new in (
        (1000.0, 200, False),
        (1010.0, 150, False),
        (100.0, 120, True),
        (150.0, 90, False),
    ):
        body = {"odometer_km": odometer_km, "at": ago(60 * hours).isoformat(), "new_series": is_new}
        assert driver.call("POST", "/cars/car/odometer", json=body).status_code == 201
    ends = {"from": {"place": "Home"}, "to": {"place": "Work"}}
    times = {"started_at": ago(60 * 80).isoformat(), "ended_at": ago(60 * 79).isoformat()}
    assert driver.call("POST", "/trips", json={**times, **ends, "distance_km": 10.0}).status_code == 201
    assert driver.call("POST", "/cars/car/odometer", json={"odometer_km": 160.0, "at": ago(60 * 70).isoformat()}).ok
    assert driver.differences() == []


def test_nobody_sees_the_history_of_another(driver: Driver) -> None:
    trip = drive(driver)
    driver.call("PATCH", f"/trips/{trip['id']}", json={"notes": "mine"})
    other = driver.stack.driver()
    assert other.call("GET", f"/trips/{trip['id']}/history").status_code == 404
    assert other.call("GET", f"/logbook/{trip['date'][:4]}/history").json()["entries"] == []
    assert driver.call("GET", "/trips/20260101T000000Z-000000/history").status_code == 404
    assert driver.call("GET", "/logbook/1999/history").status_code == 404
