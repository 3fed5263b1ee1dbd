"""What a driver says of a stretch of their log that is settled for long: its rows follow, and no others change."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.log.book import Start
from shared.domain.log.history import Entry
from shared.domain.log.summary import Mark, Summary, trail_of
from shared.domain.log.tiling import Row
from shared.domain.log.trip import Known, Trip
from shared.domain.tracking.facts import last_told
from shared.repositories.documents import from_document
from tests.rows import at, gap, put, trip
from tests.system.fixtures import Driver


def driven(from_m: int, to_m: int, hours: float, start: Known = "read", end: Known = "read", **more: Any) -> Trip:
    """A trip of half an hour of which the phone told begin and end, and that it was in this car."""
    row = trip(from_m, to_m, at(hours), start_odometer_known=start, end_odometer_known=end, **more)
    ends = (Mark(row.started_at), Mark(row.ended_at, sparse_s=1800))
    summary = Summary(id=row.id, began_at=row.started_at, ended_at=row.ended_at, car_id="car", trail=trail_of(ends))
    return replace(row, summary=summary)


FIRST = driven(12_000_000, 12_050_000, 0, kind="business")
SECOND = driven(12_050_000, 12_080_000, 2, kind="private")
NOBODYS = gap(12_080_000, 12_140_000, at(2.5), until=at(6), after_trip=SECOND.id)
THIRD = driven(12_140_000, 12_170_000, 6, end="estimated", gap_before_km=60.0)
FOURTH = driven(12_170_000, 12_200_000, 8, start="estimated")
LAST = driven(12_200_000, 12_230_000, 10)
ROWS: list[Row] = [FIRST, SECOND, NOBODYS, THIRD, FOURTH, LAST]


def settle(driver: Driver, rows: Sequence[Row]) -> None:
    """Makes these rows, the last of them a trip, the log of a driver's car, all settled, and the readings that they
    came of."""
    put(driver.store, *rows)
    change = driver.store.change()
    for row in rows:
        if isinstance(row, Trip) and row.start_odometer_known == "read":
            for minutes in (30, 6):
                said_at = row.started_at - timedelta(minutes=minutes)
                change.add_reading("car", Reading(said_at, row.start_odometer_km or 0.0), said_at)
        if isinstance(row, Trip) and row.end_odometer_known == "read":
            change.add_reading("car", Reading(row.ended_at, row.end_odometer_km or 0.0), row.ended_at)
    change.commit()
    driver.put_log("car", start=Start(at(24 * 30), rows[-1].to_m or 0), after_trip=rows[-1].id)


@pytest.fixture
def log(driver: Driver) -> Driver:
    """A driver whose log has these rows, all of them settled."""
    settle(driver, ROWS)
    return driver


def shown(driver: Driver, car_id: str = "car") -> list[dict[str, Any]]:
    """The rows of a car, each of which begins where the one before ends."""
    rows: list[dict[str, Any]] = driver.call("GET", f"/logbook?car_id={car_id}&limit=200").json()["rows"]
    placed = [row for row in rows if odometers(row)[0] is not None]
    assert all(odometers(a)[1] == odometers(b)[0] for a, b in pairwise(placed)), placed
    return rows


def odometers(row: dict[str, Any]) -> tuple[float, float]:
    names = ("start_odometer_km", "end_odometer_km") if row["row"] == "trip" else ("from_odometer_km", "to_odometer_km")
    return row[names[0]], row[names[1]]


def gaps(driver: Driver) -> list[tuple[float, float]]:
    return [odometers(row) for row in shown(driver) if row["row"] == "gap"]


def unchanged(driver: Driver, *rows: Trip) -> bool:
    kept = driver.kept("trips")
    return all(kept[row.id]["revision"] == 1 for row in rows)


def test_the_kilometres_of_a_trip_that_is_deleted_are_a_gap_and_the_sums_follow(log: Driver) -> None:
    state = log.store.state().value
    assert log.call("DELETE", f"/trips/{SECOND.id}").status_code == 204
    assert gaps(log) == [(12_050.0, 12_080.0), (12_080.0, 12_140.0)]
    sums = log.call("GET", "/logbook").json()["sums"]
    assert (sums["trip_count"], sums["total_km"], sums["private_km"], sums["gap_km"]) == (4, 140.0, 0.0, 90.0)
    assert log.call("GET", "/stats?year=2026&month=1").json()["total_km"] == 140.0
    deleted, _ = log.call("GET", "/compare").json()["gaps"]
    assert (deleted["after_trip"], deleted["before_trip"], deleted["missing_km"]) == (FIRST.id, THIRD.id, 30.0)
    assert unchanged(log, FIRST, FOURTH, LAST)
    assert log.call("GET", f"/trips/{THIRD.id}").json()["gap_before_km"] == 90.0
    assert (log.store.state().value.open, log.store.state().value.told) == (state.open, state.told)
    trip, *others = sorted(log.kept("history").values(), key=lambda entry: entry["n"])
    assert (trip["row"], trip["before"]["distance_km"], trip["after"]) == (SECOND.id, 30.0, {})
    laid = {
        (one["after"]["from_odometer_km"], one["after"]["to_odometer_km"])
        for one in others
        if one["kind"] == "gap" and not one["before"]
    }
    assert laid == {(12_050.0, 12_080.0)}, "gaps of a settled stretch are told as well"


def test_where_a_trip_takes_a_part_of_an_explained_gap_the_history_tells_what_is_said_of_the_rest(log: Driver) -> None:
    assert log.call("PATCH", f"/logbook/gaps/{NOBODYS.id}", json={"explained_as": "private"}).status_code == 200
    trip = {
        "started_at": at(3).isoformat(),
        "ended_at": at(3.5).isoformat(),
        "from": {"place": "Home"},
        "to": {"place": "Work"},
        "start_odometer_km": 12_090.0,
        "end_odometer_km": 12_100.0,
        "why": "Forgotten",
    }
    assert log.call("POST", "/trips", json=trip).status_code == 201
    entries = sorted(log.kept("history").values(), key=lambda entry: entry["n"])
    assert {entry["why"] for entry in entries[1:]} == {"Forgotten"}
    told = last_told(from_document(entry, Entry) for entry in entries).values()
    laid = [one for one in told if "from_odometer_km" in one]
    stretches = {(one["from_odometer_km"], one["to_odometer_km"]): one["explained_as"] for one in laid}
    assert stretches == {(12_080.0, 12_090.0): "private", (12_100.0, 12_140.0): "private"}


def test_an_odometer_that_is_typed_moves_the_boundary_that_nobody_read(log: Driver) -> None:
    told = log.call("PATCH", f"/trips/{THIRD.id}", json={"end_odometer_km": 12_175.0}).json()
    assert (told["end_odometer_km"], told["end_odometer_known"], told["distance_km"]) == (12_175.0, "typed", 35.0)
    after = log.call("GET", f"/trips/{FOURTH.id}").json()
    assert (after["start_odometer_km"], after["distance_km"], after["excess_km"]) == (12_175.0, 25.0, 0.0)
    assert gaps(log) == [(12_080.0, 12_140.0)]
    assert unchanged(log, FIRST, SECOND, LAST)


def test_where_the_car_said_otherwise_the_boundary_is_the_cars(log: Driver) -> None:
    told = log.call("PATCH", f"/trips/{FIRST.id}", json={"end_odometer_km": 12_060.0}).json()
    assert (told["end_odometer_km"], told["end_odometer_known"]) == (12_050.0, "read")
    assert gaps(log) == [(12_080.0, 12_140.0)]


def test_a_trip_that_was_in_another_car_leaves_its_kilometres_to_nobody(log: Driver) -> None:
    log.add_car("second", f"V2{log.vin}")
    told = log.call("PATCH", f"/trips/{SECOND.id}", json={"car_id": "second"}).json()
    assert (told["car_id"], told["start_odometer_km"], told["revision"]) == ("second", None, 2)
    assert gaps(log) == [(12_050.0, 12_080.0), (12_080.0, 12_140.0)]
    assert [row["id"] for row in shown(log, "second")] == [SECOND.id]
    back = log.call("PATCH", f"/trips/{SECOND.id}", json={"car_id": "car"}).json()
    assert (back["start_odometer_km"], back["end_odometer_km"], back["distance_km"]) == (12_050.0, 12_080.0, 30.0)
    assert gaps(log) == [(12_080.0, 12_140.0)]
    assert shown(log, "second") == []


def by_hand(log: Driver, hours: float, distance_km: float) -> dict[str, Any]:
    begin = at(hours)
    times = {"started_at": begin.isoformat(), "ended_at": (begin + timedelta(minutes=20)).isoformat()}
    answer = log.call("POST", "/trips", json={**times, "from": {}, "to": {}, "distance_km": distance_km})
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_a_trip_by_hand_takes_its_kilometres_out_of_a_gap_and_hides_nothing(log: Driver) -> None:
    told = by_hand(log, 4, 5.0)
    assert (told["distance_km"], told["excess_km"], told["distance_source"]) == (5.0, 0.0, "manual")
    assert sum(to - since for since, to in gaps(log)) == pytest.approx(55.0)
    assert unchanged(log, FIRST, SECOND, FOURTH, LAST)
    assert log.call("DELETE", f"/trips/{told['id']}").status_code == 204
    assert gaps(log) == [(12_080.0, 12_140.0)]


def test_what_was_said_of_a_gap_holds_for_the_rest_that_a_trip_leaves(log: Driver) -> None:
    path = f"/logbook/gaps/{NOBODYS.id}"
    said = {"explained_as": "business", "business_km": 12.0, "reason": "A lease car"}
    assert log.call("PATCH", path, json=said).status_code == 200
    by_hand(log, 4, 5.0)
    rest = [row for row in shown(log) if row["row"] == "gap"]
    assert {(row["explained_as"], row["reason"]) for row in rest} == {("business", "A lease car")}
    assert sum(row["business_km"] for row in rest) == pytest.approx(11.0, abs=0.11)


def test_a_reading_by_eye_stands_where_it_was_read_until_it_is_withdrawn(log: Driver) -> None:
    seen = {"odometer_km": 12_100.0, "at": at(4).isoformat()}
    answer = log.call("POST", "/cars/car/odometer", json=seen)
    assert answer.status_code == 201, answer.text
    assert gaps(log) == [(12_080.0, 12_100.0), (12_100.0, 12_140.0)]
    (kept,) = (one for one in log.call("GET", "/cars/car/readings").json()["readings"] if one["source"] == "eye")
    assert kept["standing"] == "believed"
    assert log.call("DELETE", f"/cars/car/readings/{kept['id']}").status_code == 204
    assert gaps(log) == [(12_080.0, 12_140.0)]
    assert unchanged(log, FIRST, SECOND, THIRD, FOURTH, LAST)


def test_an_odometer_read_between_two_trips_of_which_nobody_knew_it_divides_them(log: Driver) -> None:
    seen = {"odometer_km": 12_172.0, "at": at(7).isoformat()}
    assert log.call("POST", "/cars/car/odometer", json=seen).status_code == 201
    third, fourth = (log.call("GET", f"/trips/{row.id}").json() for row in (THIRD, FOURTH))
    assert (third["end_odometer_km"], third["end_odometer_known"], third["distance_km"]) == (12_172.0, "typed", 32.0)
    assert (fourth["start_odometer_km"], fourth["start_odometer_known"], fourth["distance_km"]) == (
        12_172.0, "typed", 28.0,
    )  # fmt: skip
    assert gaps(log) == [(12_080.0, 12_140.0)]


def test_words_about_notes_and_kind_touch_no_other_row(log: Driver) -> None:
    told = log.call("PATCH", f"/trips/{THIRD.id}", json={"kind": "business", "notes": "A customer"}).json()
    assert (told["revision"], told["distance_km"], told["business_km"]) == (2, 30.0, 30.0)
    assert unchanged(log, FIRST, SECOND, FOURTH, LAST)
    assert gaps(log) == [(12_080.0, 12_140.0)]
