"""Several trips corrected at once: as if it were said one by one, but all of them or none."""

from typing import Any

import pytest

from tests.system.fixtures import Driver, ago
from tests.system.test_settled import FIRST, FOURTH, LAST, SECOND, THIRD, gaps, log, shown
from tests.system.test_verification import there_and_back

__all__ = ["log"]
ALWAYS_OTHER = ("revision", "updated_at", "created_at")
ENDS = {"from": {"place": "Home"}, "to": {"place": "Work"}}


def settled_rows(driver: Driver) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in ALWAYS_OTHER} for row in shown(driver)]


def several(driver: Driver, ids: list[str], said: dict[str, Any], **more: Any) -> Any:
    return driver.call("PATCH", "/trips", json={"ids": ids, "set": said, **more})


def put_back(driver: Driver, before: dict[str, dict[str, Any]]) -> None:
    """Makes the documents of some collections what they were."""
    for name, documents in before.items():
        collection = driver.stack.db.collection(f"users/{driver.email}/{name}")
        for id_ in driver.kept(name).keys() - documents.keys():
            collection.document(id_).delete()
        for id_, fields in documents.items():
            collection.document(id_).set(fields)


@pytest.mark.parametrize(
    "said",
    [
        {"kind": "business", "purpose": "A customer"},
        {"kind": "mixed", "business_km": 12.0},
        {"distance_km": 25.0},
        {"end_odometer_km": 12_175.0},
        {"car_id": "second"},
        {"notes": "x", "kind": None},
    ],
    ids=str,
)
def test_in_a_settled_log_it_is_as_if_it_were_said_one_by_one(log: Driver, said: dict[str, Any]) -> None:
    log.add_car("second", f"V2{log.vin}")
    ids = [FOURTH.id, SECOND.id, THIRD.id]
    before = {name: log.kept(name) for name in ("trips", "gaps", "stats", "cache", "history")}
    answer = several(log, ids, said, why="Tidying up")
    assert answer.status_code == 200, answer.text
    assert [trip["id"] for trip in answer.json()["trips"]] == ids
    at_once, sums = settled_rows(log), log.kept("stats")
    changed = [trip["id"] for trip in answer.json()["trips"] if trip["revision"] > 1]
    words = [entry for entry in log.kept("history").values() if entry["is_word"]]
    assert sorted(entry["row"] for entry in words) == sorted(changed)
    assert {entry["why"] for entry in words} == {"Tidying up"}
    put_back(log, before)
    for id_ in sorted(ids):
        assert log.call("PATCH", f"/trips/{id_}", json=said).status_code == 200
    assert settled_rows(log) == at_once
    assert log.kept("stats") == sums


def test_what_is_open_and_what_is_settled_can_be_said_together(log: Driver) -> None:
    times = {"started_at": ago(60).isoformat(), "ended_at": ago(30).isoformat()}
    odometers = {"start_odometer_km": 12_300.0, "end_odometer_km": 12_330.0}
    by_hand = log.call("POST", "/trips", json={**times, **ENDS, **odometers}).json()["id"]
    answer = several(log, [by_hand, FIRST.id, LAST.id], {"kind": "private", "notes": "n"})
    assert {(trip["kind"], trip["notes"]) for trip in answer.json()["trips"]} == {("private", "n")}
    assert gaps(log)[0] == (12_080.0, 12_140.0)


def test_drives_that_are_open_are_changed_together_and_the_log_follows_from_its_facts(driver: Driver) -> None:
    there_and_back(driver)
    ids = [trip["id"] for trip in driver.wait_trips(2)]
    answer = several(driver, ids, {"kind": "business", "deviation": "Road works"}, why="The usual round")
    assert {(trip["kind"], trip["business_km"] > 20) for trip in answer.json()["trips"]} == {("business", True)}
    assert driver.call("GET", "/stats").json()["business_km"] == 53.0
    assert several(driver, ids, {"kind": "business"}).json() == answer.json()
    assert (len(driver.kept("history")), driver.differences()) == (2, [])


def test_all_are_changed_or_none(log: Driver) -> None:
    other = log.stack.driver()
    times = {"started_at": ago(60).isoformat(), "ended_at": ago(30).isoformat()}
    foreign = other.call("POST", "/trips", json={**times, **ENDS, "distance_km": 3}).json()["id"]
    before = (log.kept("trips"), log.kept("stats"), log.kept("history"))
    private = {"kind": "private"}
    cases: list[tuple[dict[str, Any], int, str | None]] = [
        ({"ids": [FIRST.id, foreign], "set": private}, 404, None),
        ({"ids": [FIRST.id, "20260101T000000Z-000000"], "set": private}, 404, None),
        ({"ids": [FIRST.id, "x"], "set": private}, 404, None),
        ({"ids": [FIRST.id, "a/b"], "set": private}, 404, None),
        ({"ids": [""], "set": private}, 404, None),
        ({"ids": [FIRST.id, SECOND.id], "set": {"distance_km": -1}}, 400, "distance_km"),
        ({"ids": [FIRST.id, SECOND.id], "set": {"car_id": "none-of-mine"}}, 400, "car_id"),
        ({"ids": [FIRST.id, FIRST.id], "set": private}, 400, "ids"),
        ({"ids": [], "set": private}, 400, "ids"),
        ({"ids": [f"20260101T000000Z-{n:06x}" for n in range(201)], "set": private}, 400, "ids"),
        ({"ids": [FIRST.id], "set": {**private, "revision": 1}}, 400, "revision"),
        ({"ids": [FIRST.id], "set": {**private, "why": "x"}}, 400, "why"),
        ({"ids": [FIRST.id], "set": private, "why": "x" * 2001}, 400, "why"),
        ({"ids": [FIRST.id]}, 400, "set"),
    ]
    for body, status, field in cases:
        answer = log.call("PATCH", "/trips", json=body)
        assert (answer.status_code, answer.json().get("field")) == (status, field), body
    assert (log.kept("trips"), log.kept("stats"), log.kept("history")) == before
    assert other.trips()[0]["kind"] == "unclassified"
