"""The log of a car by HTTP, row by row, and what its driver says of the gaps in it."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.log.tiling import Row
from tests.rows import at, gap, put, trip
from tests.system.fixtures import UTRECHT, Driver, Stack, ago
from tests.system.test_rules import NORTH, drive

FIRST = trip(12_000_000, 12_050_000, at(0), kind="business")
BETWEEN = gap(12_050_000, 12_071_700, at(1), after_trip=FIRST.id)
SECOND = trip(12_071_700, 12_100_000, at(2), kind="private")
IN_FEBRUARY = gap(12_100_000, 12_100_400, at(24 * 20))
GAP = f"/logbook/gaps/{BETWEEN.id}"


@pytest.fixture
def log(driver: Driver) -> Driver:
    """A driver whose log has two trips and two gaps."""
    put(driver.store, FIRST, BETWEEN, SECOND, IN_FEBRUARY)
    return driver


def shown(driver: Driver, query: str = "") -> dict[str, Any]:
    response = driver.call("GET", f"/logbook{query}")
    assert response.status_code == 200, response.text
    told: dict[str, Any] = response.json()
    return told


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


def read_by_car(driver: Driver, *readings: Reading) -> None:
    """The readings are stored as believed."""
    for reading in readings:
        change = driver.store.change()
        change.add_reading("car", reading, reading.at)
        change.commit()


# --- rows


def test_rows_come_oldest_first_and_each_begins_where_the_one_before_ends(log: Driver) -> None:
    told = shown(log)
    assert ids(told["rows"]) == [FIRST.id, BETWEEN.id, SECOND.id, IN_FEBRUARY.id]
    odometers = [(row.get("from_odometer_km", row.get("start_odometer_km"))) for row in told["rows"]]
    ends = [(row.get("to_odometer_km", row.get("end_odometer_km"))) for row in told["rows"]]
    assert odometers == [12_000.0, *ends[:-1]]
    assert told["next_cursor"] is None
    assert (told["car"]["id"], told["car"]["default"], "credentials" in told["car"]) == ("car", True, False)
    first, between = told["rows"][:2]
    assert first == {"row": "trip", **log.call("GET", f"/trips/{FIRST.id}").json()}
    assert between == {
        "row": "gap", "id": BETWEEN.id, "from_odometer_km": 12_050.0, "to_odometer_km": 12_071.7, "missing_km": 21.7,
        "since": "2026-01-23T10:00:00+01:00", "until": "2026-01-23T10:30:00+01:00", "explained_as": None, "reason": "",
        "business_km": 0.0, "revision": 1,
    }  # fmt: skip


def test_pages_follow_each_other_and_the_sums_are_those_of_the_time_asked_for(log: Driver) -> None:
    whole, seen, cursor = shown(log), list[str](), ""
    while len(seen) < 4:
        told = shown(log, f"?limit=1{cursor}")
        assert told["sums"] == whole["sums"]
        seen += ids(told["rows"])
        cursor = f"&cursor={told['next_cursor']}"
    assert told["next_cursor"] is None
    assert seen == ids(whole["rows"])
    assert whole["sums"] == {
        "trip_count": 2, "total_km": 78.3, "business_km": 50.0, "private_km": 28.3, "unclassified_km": 0.0,
        "gap_km": 22.1, "explained_km": 0.0, "explained_business_km": 0.0, "excess_km": 0.0, "pending": 0,
    }  # fmt: skip
    assert ids(shown(log, "?year=2026&month=2")["rows"]) == [IN_FEBRUARY.id]
    assert shown(log, "?year=2026&month=2")["sums"]["gap_km"] == 0.4
    assert shown(log, "?year=2025")["rows"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("month=1", "month"), ("year=1999", "year"), ("limit=0", "limit"), ("limit=201", "limit"),
        ("cursor=x", "cursor"), ("cursor=LSAtIC0", "cursor"), ("cursor=", "cursor"), ("car_id=-", "car_id"),
        ("kind=private", "kind"), ("Year=2026", "Year"),
    ],
)  # fmt: skip
def test_a_query_that_does_not_fit_is_refused_with_its_field(log: Driver, query: str, field: str) -> None:
    response = log.call("GET", f"/logbook?{query}")
    assert (response.status_code, response.json().get("field")) == (400, field)


def test_a_car_without_rows_has_an_empty_log_and_one_of_nobody_none(driver: Driver, stack: Stack) -> None:
    assert shown(driver)["rows"] == []
    assert driver.call("GET", "/logbook?car_id=nobodys").status_code == 404
    assert stack.driver(car=False).call("GET", "/logbook").status_code == 404


def test_the_log_of_a_car_that_was_taken_away_stays_readable(log: Driver) -> None:
    assert log.call("DELETE", "/cars/car").status_code == 204
    told = shown(log, "?car_id=car&year=2025")
    assert (told["car"]["id"], told["rows"]) == ("car", [])
    assert len(shown(log, "?car_id=CAR")["rows"]) == 4


def test_each_car_has_a_log_of_its_own_and_a_trip_without_a_car_is_in_none(log: Driver) -> None:
    log.add_car("second", f"V2{log.vin}")
    elsewhere = trip(500_000, 510_000, at(5), car_id="second")
    put(log.store, elsewhere)
    change = log.store.change()
    change.put_trip(None, replace(trip(0, 9000, at(6), user=log.email, car_id=None), from_m=None, to_m=None))
    change.commit()
    assert ids(shown(log, "?car_id=second")["rows"]) == [elsewhere.id]
    assert len(shown(log)["rows"]) == 4


# --- gaps


def test_a_gap_is_explained_and_history_and_sums_know(log: Driver) -> None:
    response = log.call("PATCH", GAP, json={
        "explained_as": "business", "business_km": 5.5, "reason": "The garage", "why": "Asked them", "revision": 1,
    })  # fmt: skip
    assert response.status_code == 200, response.text
    told = response.json()
    assert (told["explained_as"], told["business_km"], told["reason"], told["revision"]) == (
        "business", 5.5, "The garage", 2,
    )  # fmt: skip
    assert log.call("GET", GAP).json() == told == shown(log)["rows"][1]
    assert shown(log)["sums"]["explained_km"] == 21.7
    assert shown(log)["sums"]["explained_business_km"] == 5.5
    (entry,) = log.kept("history").values()
    assert (entry["kind"], entry["row"], entry["why"], entry["n"]) == ("gap", BETWEEN.id, "Asked them", 1)
    assert entry["before"] == {"explained_as": None, "reason": "", "business_km": 0.0}
    assert entry["after"] == {
        "from_odometer_km": 12_050.0, "to_odometer_km": 12_071.7, "explained_as": "business", "reason": "The garage",
        "business_km": 5.5,
    }  # fmt: skip


def test_an_explanation_is_taken_back_and_what_says_nothing_new_leaves_no_trace(log: Driver) -> None:
    log.call("PATCH", GAP, json={"explained_as": "private"})
    again = log.call("PATCH", GAP, json={"explained_as": "private"}).json()
    assert (again["revision"], len(log.kept("history"))) == (2, 1)
    back = log.call("PATCH", GAP, json={"explained_as": None}).json()
    assert (back["explained_as"], back["reason"], back["revision"]) == (None, "", 3)
    assert shown(log)["sums"]["explained_km"] == 0.0


def test_what_is_said_of_an_open_gap_holds_when_the_log_is_folded_anew(driver: Driver) -> None:
    drive(driver, 900, 880, 12357.4)
    driver.wait_trips(1)
    driver.set_car(odometer_km=12400.0, measured_at=ago(50))
    driver.phone("start", ago(40), UTRECHT)
    driver.wait_read(12400.0)
    driver.set_car(odometer_km=12412.4, measured_at=ago(9))
    driver.phone("end", ago(10), NORTH)
    before, after = driver.wait_trips(2)
    (row,) = (one for one in shown(driver)["rows"] if one["row"] == "gap")
    (told,) = driver.call("GET", "/compare").json()["gaps"]
    assert (told["after_trip"], told["before_trip"]) == (before["id"], after["id"])
    path = f"/logbook/gaps/{row['id']}"
    assert driver.call("PATCH", path, json={"explained_as": "private", "reason": "Lent"}).status_code == 200
    (word,) = driver.store.state().value.of_car("car").explained
    assert (word.from_m, word.to_m, word.explained_as) == (12_357_400, 12_400_000, "private")
    seen = {"odometer_km": 12370.0, "at": ago(400).isoformat()}
    assert driver.call("POST", "/cars/car/odometer", json=seen).status_code == 201
    parts = [one for one in shown(driver)["rows"] if one["row"] == "gap"]
    assert [(one["missing_km"], one["explained_as"], one["reason"]) for one in parts] == [
        (12.6, "private", "Lent"), (30.0, "private", "Lent"),
    ]  # fmt: skip
    driver.call("PATCH", f"/logbook/gaps/{parts[1]['id']}", json={"explained_as": None})
    assert [one["explained_as"] for one in shown(driver)["rows"] if one["row"] == "gap"] == ["private", None]
    (word,) = driver.store.state().value.of_car("car").explained
    assert (word.from_m, word.to_m) == (12_357_400, 12_370_000)


def test_a_correction_is_divided_as_what_was_driven_since_the_last_one(driver: Driver) -> None:
    def business_km(row: Row) -> float:
        body = {"explained_as": "correction", "reason": "Tyres"}
        found: float = driver.call("PATCH", f"/logbook/gaps/{row.id}", json=body).json()["business_km"]
        return found

    first, second, third = (gap(85_000 * n, 85_000 * (n + 1), at(24 * 50 * n)) for n in (1, 2, 3))
    put(
        driver.store,
        trip(0, 40_000, at(0), kind="business"), trip(40_000, 85_000, at(1), kind="private"), first,
        trip(170_000, 170_000, at(24 * 50 + 5), excess_km=97.0, kind="business"),
        trip(170_000, 170_000, at(24 * 75), excess_km=2.0, kind="private"),
        trip(170_000, 170_000, at(24 * 100 - 5), excess_km=1.0, kind="private"), second,
        trip(255_000, 255_000, at(24 * 150 - 5), excess_km=90.0, kind="private"), third,
    )  # fmt: skip
    assert business_km(first) == 40.0
    assert business_km(second) == pytest.approx(82.45, abs=0.06)
    assert business_km(third) == 0.0
    driver.call("PATCH", f"/logbook/gaps/{first.id}", json={"explained_as": None})
    assert business_km(second) == pytest.approx(85 * 137 / 185, abs=0.06), "from the begin of the log"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"explained_as": "stolen"}, 400, "explained_as"),
        ({"explained_as": "correction"}, 400, "reason"),
        ({"explained_as": "private", "business_km": 3}, 400, "business_km"),
        ({"explained_as": "business", "business_km": 21.8}, 400, "business_km"),
        ({"explained_as": "business", "business_km": "many"}, 400, "business_km"),
        ({"explained_as": "business", "missing_km": 3}, 400, "missing_km"),
        ({"explained_as": "private", "reason": "x" * 501}, 400, "reason"),
        ({"explained_as": "private", "why": "x" * 2001}, 400, "why"),
        ({"explained_as": "private", "revision": 2}, 409, "revision"),
    ],
)
def test_what_cannot_be_said_of_a_gap_changes_nothing(
    log: Driver, body: dict[str, Any], status: int, field: str
) -> None:
    before = log.call("GET", GAP).json()
    response = log.call("PATCH", GAP, json=body)
    assert (response.status_code, response.json()["field"]) == (status, field)
    assert (log.call("GET", GAP).json(), log.kept("history")) == (before, {})


def test_what_is_open_is_no_row_yet(log: Driver) -> None:
    assert log.call("PATCH", "/logbook/gaps/open-car", json={"explained_as": "private"}).status_code == 409
    assert log.call("GET", "/logbook/gaps/open-car").status_code == 404


@pytest.mark.parametrize("gap_id", ["nobodys", "__x__", FIRST.id, "a%20b", "é", "x" * 200, "open-"])
def test_a_gap_that_is_not_there_is_not_found(log: Driver, gap_id: str) -> None:
    assert log.call("GET", f"/logbook/gaps/{gap_id}").status_code == 404
    assert log.call("PATCH", f"/logbook/gaps/{gap_id}", json={"explained_as": "private"}).status_code in (404, 409)


def test_another_driver_sees_nothing_of_it_and_changes_nothing(log: Driver, stack: Stack) -> None:
    other = stack.driver()
    assert shown(other)["rows"] == []
    assert other.call("GET", GAP).status_code == 404
    assert other.call("PATCH", GAP, json={"explained_as": "private"}).status_code == 404
    assert log.call("GET", GAP).json()["explained_as"] is None
    assert other.call("GET", "/compare").json()["gaps"] == []


# --- the comparison


def test_the_comparison_shows_the_gaps_that_nobody_explained_until_all_are(log: Driver) -> None:
    read_by_car(log, Reading(at(-1), 12_000.0), Reading(at(24 * 21), 12_100.4))
    told = log.call("GET", "/compare").json()
    assert (told["start_odometer_km"], told["closed"], told["comparison"]["status"]) == (12_000.0, False, "warning")
    assert told["comparison"]["actual_odometer_km"] == 12_100.4
    assert (told["comparison"]["calculated_km"], told["comparison"]["difference_km"]) == (12_078.3, 22.1)
    assert told["gaps"][0] == {
        "after_trip": FIRST.id, "before_trip": None, "from_odometer_km": 12_050.0, "to_odometer_km": 12_071.7,
        "missing_km": 21.7, "from": "2026-01-23T09:00:00Z", "until": "2026-01-23T09:30:00Z",
    }  # fmt: skip
    assert any("22.1 km" in warning and "2 gaps" in warning for warning in told["warnings"])
    for row in (BETWEEN, IN_FEBRUARY):
        log.call("PATCH", f"/logbook/gaps/{row.id}", json={"explained_as": "private"})
    told = log.call("GET", "/compare").json()
    assert (told["closed"], told["gaps"], told["warnings"]) == (True, [], [])


def test_a_log_that_begins_with_a_gap_is_compared_from_there(driver: Driver) -> None:
    put(driver.store, gap(11_900_000, 12_000_000, at(-1)), replace(FIRST, gap_before_km=100.0))
    read_by_car(driver, Reading(at(3), 12_050.0))
    told = driver.call("GET", "/compare").json()
    assert (told["start_odometer_km"], told["comparison"]["difference_km"], told["closed"]) == (11_900.0, 100.0, False)
    driver.call("DELETE", "/cars/car")
    assert driver.call("GET", "/compare?car_id=car").json()["start_odometer_km"] == 11_900.0
    only_a_gap = gap(0, 1000, at(0), car_id="other")
    put(driver.store, only_a_gap)
    assert driver.call("GET", "/compare?car_id=other").json()["start_odometer_km"] == 0.0


def test_what_was_driven_since_the_last_row_keeps_the_log_open(log: Driver) -> None:
    read_by_car(log, Reading(at(-1), 12_000.0), Reading(at(24 * 21), 12_103.4))
    for row in (BETWEEN, IN_FEBRUARY):
        log.call("PATCH", f"/logbook/gaps/{row.id}", json={"explained_as": "private"})
    told = log.call("GET", "/compare").json()
    assert (told["closed"], told["gaps"]) == (False, [])
    assert any("3.0 km" in warning for warning in told["warnings"])


def test_a_year_begins_and_ends_in_the_time_zone_of_its_driver(driver: Driver) -> None:
    midnight = at(0).replace(year=2025, month=12, day=31, hour=23)
    old, new = trip(0, 1000, midnight - timedelta(hours=1)), trip(1000, 3000, midnight + timedelta(hours=1))
    put(driver.store, old, new)
    read_by_car(driver, Reading(midnight - timedelta(minutes=20), 1.0), Reading(midnight + timedelta(hours=2), 3.0))
    told = {year: driver.call("GET", f"/compare?year={year}").json() for year in (2025, 2026)}
    assert [one["start_odometer_km"] for one in told.values()] == [0.0, 1.0]
    assert [one["comparison"]["actual_odometer_km"] for one in told.values()] == [1.0, 3.0]
    assert [one["closed"] for one in told.values()] == [True, True]


CONTRADICTED: tuple[list[Row], str] = ([trip(0, 1000, at(0), excess_km=5.0)], "5.0 km more")
PENDING: tuple[list[Row], str] = ([trip(0, 1000, at(0), flags=("odometer_pending",))], "awaited for 1 trip")


@pytest.mark.parametrize(("rows", "words"), [CONTRADICTED, PENDING], ids=["excess", "pending"])
def test_what_waits_or_contradicts_keeps_the_log_open_and_is_said(driver: Driver, rows: list[Row], words: str) -> None:
    put(driver.store, *rows)
    read_by_car(driver, Reading(at(3), 1.0))
    told = driver.call("GET", "/compare").json()
    assert (told["closed"], [warning for warning in told["warnings"] if words in warning] != []) == (False, True)


def test_what_is_not_believed_or_not_asked_is_said(driver: Driver) -> None:
    driver.add_car("second", f"V2{driver.vin}")
    driver.call("PUT", "/cars/third", json={"provider": "renault"})
    read_by_car(driver, Reading(at(0), 12_000.0))
    for n, why in enumerate(("falls", "jumps")):
        change = driver.store.change()
        change.add_reading("car", Reading(at(n), 90_000.0 + n), at(n), "not_believed", why)  # type: ignore[arg-type]
        change.commit()
    (said,) = driver.call("GET", "/compare").json()["warnings"]
    assert "2 odometer readings are not believed" in said
    assert "90001.0 km" in said
    assert "further from another reading than a car gets" in said
    assert driver.call("GET", "/compare?year=2025").json()["warnings"] == []
    (asked, unread) = driver.call("GET", "/compare?car_id=third").json()["warnings"]
    assert "is not asked" in asked
    assert "no odometer reading" in unread
