"""Trips by hand: adding, correcting, deleting; lists, sums, gaps."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core.exceptions import AlreadyExists, FailedPrecondition
from msgspec.structs import replace

from shared.domain.log.rows import Rows
from shared.services.rows import StoredLog
from tests.system.fixtures import UTRECHT, Driver, Stack, ago
from tests.system.test_tenancy import MANUAL


def add(driver: Driver, day: int, start_km: float, end_km: float, **more: Any) -> dict[str, Any]:
    begin = datetime(2026, 1, day, 8, tzinfo=UTC)
    body = {
        "started_at": begin.isoformat(),
        "ended_at": (begin + timedelta(minutes=30)).isoformat(),
        "from": {"lat": 52.1, "lng": 5.1},
        "to": {"address": "Havenweg 2, Breda"},
        "start_odometer_km": start_km,
        "end_odometer_km": end_km,
        **more,
    }
    response = driver.call("POST", "/trips", json=body)
    assert response.status_code == 201, response.text
    trip: dict[str, Any] = response.json()
    return trip


def test_a_trip_by_hand_is_answered_as_stored(driver: Driver) -> None:
    trip = driver.call("POST", "/trips", json={**MANUAL, "kind": "business", "purpose": "customer"}).json()
    assert (trip["distance_km"], trip["business_km"], trip["private_km"]) == (22.4, 22.4, 0.0)
    assert (trip["source"], trip["distance_source"], trip["revision"]) == ("manual", "manual", 1)
    assert (trip["date"], trip["started_at"], trip["car_id"]) == ("2026-01-23", "2026-01-23T08:12:00+01:00", "car")
    assert trip["from"] == {"lat": None, "lng": None, "place": "", "address": "Dorpsstraat 1, Utrecht"}
    assert driver.call("GET", f"/trips/{trip['id']}").json() == trip
    assert driver.call("POST", "/trips", json=MANUAL).status_code == 409


def test_a_trip_keeps_its_id_where_it_is_moved_and_another_one_takes_its_place(driver: Driver) -> None:
    driver.add_car("second", f"V2{driver.vin}")
    moved = driver.call("POST", "/trips", json=MANUAL).json()
    assert driver.call("PATCH", f"/trips/{moved['id']}", json={"car_id": "second"}).status_code == 200
    other = driver.call("POST", "/trips", json=MANUAL)
    assert other.status_code == 201, other.text
    assert driver.call("POST", "/trips", json=MANUAL).status_code == 409, "the same again"
    assert sorted((trip["car_id"], trip["id"]) for trip in driver.trips()) == [
        ("car", other.json()["id"]),
        ("second", moved["id"]),
    ]
    assert driver.call("GET", "/stats").json()["trip_count"] == 2
    same = {**MANUAL, "car_id": "second"}
    assert driver.call("POST", "/trips", json=same).status_code == 201, "two trips on one car may start together"
    for path in ("/trips", "/compare?car_id=second", "/compare", "/trips/active"):
        assert driver.call("GET", path).status_code < 500


def test_corrections_follow_the_revision_and_the_sums_follow_the_corrections(driver: Driver) -> None:
    trip = add(driver, 5, 100, 120)
    path = f"/trips/{trip['id']}"
    changed = driver.call("PATCH", path, json={"kind": "mixed", "business_km": 15, "revision": 1}).json()
    assert (changed["revision"], changed["business_km"], changed["private_km"]) == (2, 15.0, 5.0)
    assert driver.call("PATCH", path, json={"notes": "x", "revision": 1}).status_code == 409
    moved = driver.call("PATCH", path, json={"started_at": "2025-12-31T23:30:00", "end_odometer_km": 130}).json()
    assert (moved["date"], moved["distance_km"]) == ("2025-12-31", 30.0)
    assert driver.call("GET", "/stats?year=2026").json()["trip_count"] == 0
    stats = driver.call("GET", "/stats?year=2025").json()
    assert (stats["total_km"], stats["business_km"], stats["private_km"]) == (30.0, 15.0, 15.0)
    assert stats["months"] == [
        {
            "month": 12,
            "trip_count": 1,
            "total_km": 30.0,
            "business_km": 15.0,
            "private_km": 15.0,
            "unclassified_km": 0.0,
        }
    ]
    assert driver.call("DELETE", path).status_code == 204
    assert driver.call("GET", path).status_code == 404
    assert driver.call("GET", "/stats").json()["total_km"] == 0


def test_gaps_follow_every_change_of_the_log(driver: Driver) -> None:
    driver.add_car("other", f"V2{driver.vin}")
    first, third = add(driver, 5, 100, 120), add(driver, 7, 150, 160)
    assert third["gap_before_km"] == 30.0

    def gap() -> float:
        found: float = driver.call("GET", f"/trips/{third['id']}").json()["gap_before_km"]
        return found

    second = add(driver, 6, 120, 145)
    assert gap() == 5.0
    driver.call("PATCH", f"/trips/{second['id']}", json={"end_odometer_km": 150})
    assert gap() == 0.0
    driver.call("PATCH", f"/trips/{second['id']}", json={"end_odometer_km": 155})
    assert gap() == 0.0
    driver.call("DELETE", f"/trips/{second['id']}")
    assert gap() == 30.0
    driver.call("PATCH", f"/trips/{first['id']}", json={"car_id": "other"})
    assert gap() == 30.0, "what was typed for the trip that is gone was read all the same"


def test_what_follows_from_a_row_is_not_put_over_what_another_made_of_it_meanwhile(driver: Driver) -> None:
    trip = add(driver, 5, 100, 120)
    log, change = StoredLog(driver.store), driver.store.change()
    (read,) = log.trips([trip["id"]])
    assert driver.call("PATCH", f"/trips/{trip['id']}", json={"notes": "theirs"}).status_code == 200
    rows = Rows(log)
    rows.put(replace(read, purpose="ours"))
    log.stage(change, rows, datetime.now(UTC))
    with pytest.raises(FailedPrecondition):
        change.commit()


def test_a_row_that_was_not_there_is_not_put_over_one_that_came_meanwhile(driver: Driver) -> None:
    log, change = StoredLog(driver.store), driver.store.change()
    trip = add(driver, 5, 100, 120)
    assert driver.call("DELETE", f"/trips/{trip['id']}").status_code == 204
    assert log.trips([trip["id"]]) == []
    assert add(driver, 5, 100, 120)["id"] == trip["id"]
    (theirs,) = StoredLog(driver.store).trips([trip["id"]])
    rows = Rows(log)
    rows.put(replace(theirs, purpose="ours"))
    rows.tile("car", [], [trip["id"]])
    log.stage(change, rows, datetime.now(UTC))
    with pytest.raises(AlreadyExists):
        change.commit()


def test_a_list_goes_page_by_page_newest_first(driver: Driver) -> None:
    added = [add(driver, day, day * 10, day * 10 + 10)["id"] for day in range(1, 6)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = driver.call("GET", f"/trips?limit=2{cursor}").json()
        seen += [trip["id"] for trip in page["trips"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == added[::-1]
    assert len(driver.call("GET", "/trips?year=2026&month=1&car_id=car&kind=unclassified").json()["trips"]) == 5
    assert driver.call("GET", "/trips?year=2026&month=2").json()["trips"] == []
    assert driver.call("GET", "/trips?kind=business").json()["trips"] == []


def test_the_comparison_adds_up(driver: Driver) -> None:
    driver.phone("start", ago(30), UTRECHT)
    driver.wait_read(12345.0)
    driver.phone("end", ago(5), (52.2, 5.12))
    driver.set_car(odometer_km=12365.0, measured_at=ago(4))
    driver.wait_trips(1)
    compared = driver.call("GET", "/audi/compare").json()
    assert compared == driver.call("GET", "/compare?car_id=car").json()
    assert compared["start_odometer_km"] == 12345.0
    held = compared["comparison"]
    assert (held["actual_odometer_km"], held["calculated_km"], held["difference_km"]) == (12365.0, 12365.0, 0.0)
    assert (held["status"], held["difference_percent"], compared["closed"]) == ("ok", 0.0, True)
    assert [(line["distance_km"], line["cumulative_km"]) for line in compared["timeline"]] == [(20.0, 12365.0)]


def test_a_car_without_readings_has_nothing_to_compare(driver: Driver) -> None:
    compared = driver.call("GET", "/compare").json()
    assert compared["comparison"]["status"] == "no_reading"
    assert compared["comparison"]["actual_odometer_km"] is None


def test_a_driver_without_a_car_has_nothing_to_compare_either(stack: Stack) -> None:
    compared = stack.driver(car=False).call("GET", "/compare").json()
    assert (compared["car_id"], compared["comparison"]["status"], compared["gaps"]) == (None, "no_reading", [])


def test_a_trip_going_on_can_be_dropped_and_does_not_come_back(driver: Driver) -> None:
    begin = ago(20)
    driver.phone("start", begin, UTRECHT)
    assert driver.active()["phase"] == "driving"
    assert driver.call("DELETE", "/trips/active").status_code == 204
    assert driver.phone("start", begin, UTRECHT)["status"] == "ping_recorded"
    driver.wait(lambda: driver.next_poll_at is None, "the end of all that waits")
    assert driver.call("GET", "/trips/active").status_code == 404
    assert driver.call("DELETE", "/trips/active").status_code == 404
    assert driver.trips() == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"ended_at": "2026-01-23T08:00:00+01:00"}, "ended_at"),
        ({"distance_km": 5000.1}, "distance_km"),
        ({"distance_km": -1}, "distance_km"),
        ({"distance_km": "22"}, "distance_km"),
        ({"started_at": "1999-01-01T00:00:00Z"}, "started_at"),
        ({"started_at": "yesterday"}, "started_at"),
        ({"ended_at": "9999-12-31T23:59:59Z"}, "ended_at"),
        ({"from": {"lat": 91, "lng": 0}}, "from"),
        ({"from": {"lat": 5}}, "from"),
        ({"kind": "holiday"}, "kind"),
        ({"kind": "business", "business_km": 3}, "business_km"),
        ({"business_km": 23}, "business_km"),
        ({"start_odometer_km": 20, "end_odometer_km": 10}, "end_odometer_km"),
        ({"car_id": "a b"}, "car_id"),
        ({"surprise": 1}, "surprise"),
        ({"notes": "x" * 2001}, "notes"),
        ({"deviation": "x" * 2001}, "deviation"),
        ({"why": "x" * 2001}, "why"),
        ({"why": 5}, "why"),
        ({"car_id": "another"}, "car_id"),
    ],
)
def test_a_bad_trip_is_refused_by_field_and_changes_nothing(driver: Driver, body: Any, field: str) -> None:
    response = driver.call("POST", "/trips", json={**MANUAL, **body})
    assert (response.status_code, response.json().get("field")) == (400, field), response.text
    assert (driver.trips(), driver.kept("history")) == ([], {})
    trip = driver.call("POST", "/trips", json=MANUAL).json()
    assert driver.call("PATCH", f"/trips/{trip['id']}", json=body).status_code == 400
    assert driver.trips() == [trip]
    assert len(driver.kept("history")) == 1


def test_a_distance_that_contradicts_both_odometers_is_refused(driver: Driver) -> None:
    body = {**MANUAL, "start_odometer_km": 20, "end_odometer_km": 30}
    response = driver.call("POST", "/trips", json=body)
    assert (response.status_code, response.json()["field"]) == (400, "distance_km")


@pytest.mark.parametrize("name", ["started_at", "ended_at", "from", "to", "distance_km"])
def test_what_a_trip_by_hand_needs_is_asked_for(driver: Driver, name: str) -> None:
    body = {field: value for field, value in MANUAL.items() if field != name}
    for incomplete in (body, {**body, name: None}):
        response = driver.call("POST", "/trips", json=incomplete)
        assert (response.status_code, response.json()["field"]) == (400, name)


# --- whose a field is, and the history -----------------------------------------------------------------------------


def history(driver: Driver) -> list[dict[str, Any]]:
    """The entries of the history, in order; each is kept under its number."""
    entries = sorted(driver.kept("history").items())
    assert [id_ for id_, _ in entries] == [f"{entry['n']:08d}" for _, entry in entries]
    return [entry for _, entry in entries]


def in_history(view: dict[str, Any]) -> dict[str, Any]:
    """What a trip and its history both tell: not its route, nor from which words of its driver it follows."""
    return {name: value for name, value in view.items() if name not in ("route", "drive", "said")}


def test_a_trip_says_which_fields_its_driver_set_and_null_gives_them_back(driver: Driver) -> None:
    trip = driver.call("POST", "/trips", json={**MANUAL, "kind": None, "car_id": "car", "purpose": "customer"}).json()
    assert trip["set_by_hand"] == ["car_id", "distance_km", "ended_at", "from", "purpose", "started_at", "to"]
    path = f"/trips/{trip['id']}"
    changed = driver.call("PATCH", path, json={"kind": "business", "deviation": "road works", "purpose": None}).json()
    assert {*changed["set_by_hand"]} - {*trip["set_by_hand"]} == {"kind", "deviation"}
    assert {*trip["set_by_hand"]} - {*changed["set_by_hand"]} == {"purpose"}
    assert (changed["kind"], changed["purpose"], changed["deviation"]) == ("business", "", "road works")
    back = driver.call("PATCH", path, json={"kind": None, "deviation": None}).json()
    assert (back["kind"], back["business_km"], back["deviation"]) == ("unclassified", 0.0, "")
    assert driver.call("GET", path).json() == back


def test_a_kind_that_is_given_back_is_what_places_and_habits_propose(driver: Driver) -> None:
    driver.add_place(*UTRECHT, "business")
    driver.add_place(52.2, 5.12, "private")
    ends = {"from": {"lat": UTRECHT[0], "lng": UTRECHT[1]}, "to": {"lat": 52.2, "lng": 5.12}}
    trip = driver.call("POST", "/trips", json={**MANUAL, **ends, "kind": "private"}).json()
    back = driver.call("PATCH", f"/trips/{trip['id']}", json={"kind": None}).json()
    assert (back["kind"], back["business_km"]) == ("business", 22.4)


def test_ends_and_times_that_are_given_back_are_what_the_phone_said(driver: Driver) -> None:
    driver.phone("start", ago(30), UTRECHT)
    driver.wait_read(12345.0)
    driver.phone("end", ago(5), (52.2, 5.12))
    driver.set_car(odometer_km=12365.0, measured_at=ago(4))
    (trip,) = driver.wait_trips(1)
    assert trip["set_by_hand"] == []
    said = {"from": {"place": "Elsewhere"}, "started_at": ago(50).isoformat(), "distance_km": 3}
    path = f"/trips/{trip['id']}"
    assert driver.call("PATCH", path, json=said).json()["distance_km"] == 3.0
    back = driver.call("PATCH", path, json=dict.fromkeys(said)).json()
    assert back["set_by_hand"] == []
    assert {name: back[name] for name in ("from", "started_at")} == {
        name: trip[name] for name in ("from", "started_at")
    }


def test_each_word_of_a_driver_is_an_entry_with_who_and_why(driver: Driver) -> None:
    key = driver.call("POST", "/settings/keys", json={"scope": "full", "label": "laptop"}).json()["key"]
    begun = datetime.now(UTC)
    trip = driver.call("POST", "/trips", json={**MANUAL, "why": "the phone was empty"}, key=key).json()
    path = f"/trips/{trip['id']}"
    said = {"kind": "business", "why": "a customer"}
    changed = driver.call("PATCH", path, json=said, key=key).json()
    driver.call("DELETE", f"{path}?why=not%20mine")
    added, corrected, deleted = history(driver)
    assert (added["by"], added["why"], added["before"]) == ("laptop", "the phone was empty", {})
    assert in_history(added["after"]) == in_history(trip)
    assert begun <= added["at"] <= corrected["at"] <= deleted["at"]
    assert (corrected["by"], corrected["why"], corrected["years"]) == ("laptop", "a customer", [2026])
    assert corrected["before"] == {
        "kind": "unclassified", "business_km": 0.0, "set_by_hand": trip["set_by_hand"]
    }  # fmt: skip
    assert corrected["after"] == {"kind": "business", "business_km": 22.4, "set_by_hand": changed["set_by_hand"]}
    assert (deleted["by"], deleted["why"], in_history(deleted["before"])) == ("", "not mine", in_history(changed))
    assert deleted["after"] == {}
    assert {(entry["kind"], entry["row"]) for entry in (added, corrected, deleted)} == {("trip", trip["id"])}


def test_what_is_said_twice_makes_no_entry_and_no_revision(driver: Driver) -> None:
    trip = add(driver, 5, 100, 120)
    path, said = f"/trips/{trip['id']}", {"kind": "mixed", "business_km": 15, "from": {"lat": 52.1, "lng": 5.1}}
    first = driver.call("PATCH", path, json=said).json()
    assert (first["revision"], len(history(driver))) == (2, 2)
    for body in (said, {}, {"why": "nothing"}, {"purpose": None}, {"kind": "mixed", "revision": 2}):
        assert driver.call("PATCH", path, json=body).json() == first
    assert driver.call("PATCH", path, json={**said, "revision": 1}).status_code == 409
    assert len(history(driver)) == 2


def test_a_trip_of_a_car_that_is_gone_can_still_be_corrected_and_one_of_no_car_is_none(driver: Driver) -> None:
    driver.add_car("second", f"V2{driver.vin}")
    trip = driver.call("POST", "/trips", json={**MANUAL, "car_id": "second"}).json()
    assert driver.call("DELETE", "/cars/second").status_code == 204
    path = f"/trips/{trip['id']}"
    assert driver.call("PATCH", path, json={"car_id": "SECOND", "notes": "x"}).json()["notes"] == "x"
    assert driver.call("PATCH", path, json={"car_id": None}).json()["car_id"] is None
    response = driver.call("PATCH", path, json={"car_id": "second"})
    assert (response.status_code, response.json()["field"]) == (400, "car_id")
    back = driver.call("PATCH", path, json={"car_id": ""}).json()
    assert (back["car_id"], "car_id" in back["set_by_hand"]) == ("car", False)


def test_who_corrects_at_once_leaves_an_entry_for_each_revision(driver: Driver) -> None:
    path = f"/trips/{add(driver, 5, 100, 120)['id']}"
    with ThreadPoolExecutor(6) as pool:
        bodies = [{"notes": f"note {n}"} for n in range(6)]
        answers = list(pool.map(lambda body: driver.call("PATCH", path, json=body), bodies))
    assert [answer.status_code for answer in answers] == [200] * 6
    assert len(history(driver)) == driver.call("GET", path).json()["revision"] == 7


def test_a_trip_that_is_entered_more_than_a_week_after_it_ended_is_late(driver: Driver) -> None:
    assert driver.call("POST", "/trips", json=MANUAL).json()["late"] is True
    recent = {"started_at": ago(40).isoformat(), "ended_at": ago(20).isoformat()}
    trip = driver.call("POST", "/trips", json={**MANUAL, **recent}).json()
    assert trip["late"] is False
    moved = {name: MANUAL[name] for name in recent}
    assert driver.call("PATCH", f"/trips/{trip['id']}", json=moved).json()["late"] is True
