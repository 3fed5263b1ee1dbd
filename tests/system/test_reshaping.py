"""Trips that their driver makes two or one, over HTTP: the log, its sums and its history follow."""

from datetime import timedelta
from typing import Any

import pytest

from tests.rows import at
from tests.system.fixtures import Driver, ago
from tests.system.test_settled import FIRST, FOURTH, LAST, NOBODYS, SECOND, THIRD, gaps, log, odometers, shown
from tests.system.test_several_trips import ENDS
from tests.system.test_verification import there_and_back
from tools.local import processes

__all__ = ["log"]


def split(driver: Driver, id_: str, moment: Any, **more: Any) -> Any:
    return driver.call("POST", f"/trips/{id_}/split", json={"at": moment.isoformat(), **more})


def merge(driver: Driver, *ids: str, **more: Any) -> Any:
    return driver.call("POST", "/trips/merge", json={"ids": [*ids], **more})


def entries(driver: Driver) -> list[dict[str, Any]]:
    return sorted(driver.kept("history").values(), key=lambda entry: entry["n"])


def sums(driver: Driver) -> dict[str, float]:
    return {
        name: value for name, value in driver.call("GET", "/logbook").json()["sums"].items() if name != "trip_count"
    }


def two_drives(driver: Driver) -> list[dict[str, Any]]:
    there_and_back(driver)
    driver.wait_trips(2)
    processes.wait_until(lambda: [trip["end_odometer_km"] for trip in driver.trips()] == [12370.0, 12398.0], "the car")
    return driver.trips()


def test_a_settled_trip_is_two_with_all_of_its_kilometres_and_what_was_said_of_it(log: Driver) -> None:
    before, state = sums(log), log.store.state().value
    answer = split(log, FIRST.id, at(0.25), why="A customer")
    assert answer.status_code == 200, answer.text
    first, second = answer.json()["trips"]
    assert (first["id"], first["start_odometer_km"], second["end_odometer_km"]) == (FIRST.id, 12_000.0, 12_050.0)
    assert first["distance_km"] == second["distance_km"] == 25.0
    assert {first["kind"], second["kind"]} == {"business"}
    assert sums(log) == before
    assert (log.store.state().value.open, log.store.state().value.told) == (state.open, state.told)
    one, other = [entry for entry in entries(log) if entry["is_word"]]
    assert (one["row"], one["why"], one["after"]["ended_at"]) == (
        FIRST.id,
        "A customer",
        first["ended_at"],
    )
    assert (other["row"], other["before"], other["after"]["distance_km"]) == (second["id"], {}, 25.0)
    again = merge(log, FIRST.id, second["id"]).json()
    assert (again["distance_km"], again["distance_source"], again["flags"]) == (50.0, "odometer", [])
    assert [odometers(row) for row in shown(log)][:2] == [(12_000.0, 12_050.0), (12_050.0, 12_080.0)]
    assert sums(log) == before


def test_settled_trips_are_one_and_what_lies_between_them_lies_behind_with_what_was_said_of_it(log: Driver) -> None:
    assert log.call("PATCH", f"/logbook/gaps/{NOBODYS.id}", json={"explained_as": "private"}).ok
    before = sums(log)
    trip = merge(log, THIRD.id, SECOND.id, why="One round").json()
    assert (trip["id"], trip["distance_km"], trip["kind"]) == (SECOND.id, 60.0, "unclassified")
    assert (trip["started_at"], trip["ended_at"]) == tuple(
        log.call("GET", f"/trips/{SECOND.id}").json()[name] for name in ("started_at", "ended_at")
    )
    assert [odometers(row) for row in shown(log)] == [
        (12_000.0, 12_050.0),
        (12_050.0, 12_110.0),
        (12_110.0, 12_170.0),
        (12_170.0, 12_200.0),
        (12_200.0, 12_230.0),
    ]
    (behind,) = [row for row in shown(log) if row["row"] == "gap"]
    assert (behind["explained_as"], behind["missing_km"]) == ("private", 60.0)
    after = sums(log)
    assert {name for name in before if before[name] != after[name]} <= {"private_km", "unclassified_km"}
    gone = log.call("GET", f"/trips/{THIRD.id}/history").json()["entries"][-1]
    assert (gone["why"], gone["after"]) == ("One round", {"merged_into": SECOND.id})
    assert gone["before"]["distance_km"] == 30.0
    assert log.call("GET", f"/trips/{THIRD.id}").status_code == 404


def test_what_is_open_of_a_log_is_reshaped_and_follows_from_its_facts(driver: Driver) -> None:
    one, two = two_drives(driver)
    first, second = split(driver, one["id"], ago(490), why="Two errands").json()["trips"]
    assert first["to"]["lat"] == second["from"]["lat"] is not None
    assert first["distance_km"] + second["distance_km"] == 25.0
    assert first["route"] != second["route"]
    assert driver.differences() == []
    trip = merge(driver, second["id"], two["id"]).json()
    assert (trip["id"], trip["distance_km"]) == (second["id"], round(second["distance_km"] + 28.0, 1))
    assert (len(driver.trips()), driver.differences()) == (2, [])
    assert driver.call("PATCH", f"/trips/{trip['id']}", json={"kind": "mixed", "business_km": 10.0}).ok
    parts = split(driver, trip["id"], ago(385)).json()["trips"]
    assert sum(part["business_km"] for part in parts) == 10.0
    assert driver.call("DELETE", f"/trips/{parts[1]['id']}").status_code == 204
    assert driver.differences() == []
    assert (
        driver.call("GET", "/stats").json()["total_km"]
        + sum(row["missing_km"] for row in driver.call("GET", "/logbook").json()["rows"] if row["row"] == "gap")
        == 53.0
    )


def test_a_trip_by_hand_is_divided_as_well(log: Driver) -> None:
    times = {"started_at": at(3).isoformat(), "ended_at": at(4).isoformat()}
    id_ = log.call("POST", "/trips", json={**times, **ENDS, "distance_km": 12.4}).json()["id"]
    first, second = split(log, id_, at(3.25)).json()["trips"]
    assert (first["distance_km"], second["distance_km"]) == (3.1, 9.3)
    assert (first["from"]["place"], first["to"]["place"], second["to"]["place"]) == ("Home", "", "Work")
    assert sum(until - since for since, until in gaps(log)) == pytest.approx(60.0 - 12.4)
    assert merge(log, first["id"], second["id"]).json()["distance_km"] == 12.4


def test_what_cannot_be_divided_or_made_one_is_refused_and_nothing_is_changed(log: Driver) -> None:
    other = log.stack.driver()
    times = {"started_at": ago(60).isoformat(), "ended_at": ago(30).isoformat()}
    foreign = other.call("POST", "/trips", json={**times, **ENDS, "distance_km": 3}).json()["id"]
    elsewhere = log.call("POST", "/trips", json={**times, **ENDS, "distance_km": 3, "car_id": None}).json()["id"]
    before = (log.kept("trips"), log.kept("gaps"), log.kept("stats"), log.kept("history"))
    inside, path = at(0.25).isoformat(), f"/trips/{FIRST.id}/split"
    cases: list[tuple[str, dict[str, Any], int, str | None]] = [
        (path, {"at": FIRST.started_at.isoformat()}, 400, "at"),
        (path, {"at": (FIRST.ended_at + timedelta(hours=1)).isoformat()}, 400, "at"),
        (path, {"at": "yesterday"}, 400, "at"),
        (path, {"at": 3}, 400, "at"),
        (path, {}, 400, "at"),
        (path, {"at": inside, "why": "x" * 2001}, 400, "why"),
        (path, {"at": inside, "kind": "private"}, 400, "kind"),
        (f"/trips/{foreign}/split", {"at": ago(45).isoformat()}, 404, None),
        ("/trips/20260101T000000Z-000000/split", {"at": inside}, 404, None),
        ("/trips/x/split", {"at": inside}, 404, None),
        ("/trips/merge", {"ids": [FIRST.id]}, 400, "ids"),
        ("/trips/merge", {"ids": [FIRST.id, FIRST.id]}, 400, "ids"),
        ("/trips/merge", {"ids": [f"20260101T000000Z-{n:06x}" for n in range(21)]}, 400, "ids"),
        ("/trips/merge", {"ids": [FIRST.id, "a/b"]}, 404, None),
        ("/trips/merge", {"ids": [FIRST.id, foreign]}, 404, None),
        ("/trips/merge", {"ids": [FIRST.id, THIRD.id]}, 409, "ids"),
        ("/trips/merge", {"ids": [LAST.id, elsewhere]}, 409, "ids"),
        ("/trips/merge", {"ids": [FOURTH.id, SECOND.id, LAST.id]}, 409, "ids"),
    ]
    for where, body, status, field in cases:
        answer = log.call("POST", where, json=body)
        assert (answer.status_code, answer.json().get("field")) == (status, field), (where, body, answer.text)
    assert (log.kept("trips"), log.kept("gaps"), log.kept("stats"), log.kept("history")) == before


def test_a_settled_trip_and_one_that_is_open_still_are_one_as_well(log: Driver) -> None:
    odometers_km = {"start_odometer_km": 12_300.0, "end_odometer_km": 12_330.0}
    times = {"started_at": ago(60).isoformat(), "ended_at": ago(30).isoformat()}
    by_hand = log.call("POST", "/trips", json={**times, **ENDS, **odometers_km}).json()["id"]
    gap = next(row["id"] for row in shown(log) if odometers(row) == (12_230.0, 12_300.0))
    assert log.call("PATCH", f"/logbook/gaps/{gap}", json={"explained_as": "other", "reason": "The garage"}).ok
    before, rows = sums(log), [odometers(row) for row in shown(log)]
    trip = merge(log, LAST.id, by_hand)
    assert trip.status_code == 200, trip.text
    assert (trip.json()["distance_km"], trip.json()["to"]["place"]) == (60.0, "Work")
    assert [odometers(row) for row in shown(log)][-2:] == [(12_200.0, 12_260.0), (12_260.0, 12_330.0)]
    assert shown(log)[-1]["reason"] == "The garage"
    assert sums(log) == before
    settled = log.store.state().value.of_car("car").start
    assert settled is not None
    assert settled.at <= LAST.started_at
    again = split(log, LAST.id, at(24 * 20))
    assert [trip["distance_km"] for trip in again.json()["trips"]] == [30.0, 30.0]
    assert [odometers(row) for row in shown(log)] == rows
    assert sums(log) == before
