"""Each gap of a log is resolved by its driver in one of the ways that there are, and the odometer still adds up."""

from datetime import datetime
from typing import Any

from tests.system.fixtures import Driver, ago

MADE = 20  # trips at most


def by_hand(driver: Driver, n: int, from_km: float, to_km: float, **more: Any) -> None:
    """A trip of half an hour, n hours after the first."""
    times = {"started_at": moment(n).isoformat(), "ended_at": moment(n + 0.5).isoformat()}
    odometers = {"start_odometer_km": from_km, "end_odometer_km": to_km}
    body = {**times, "from": {"place": "A"}, "to": {"place": "B"}, **odometers, "kind": "business", **more}
    made = driver.call("POST", "/trips", json=body)
    assert made.status_code == 201, made.text


def moment(n: float) -> datetime:
    return ago(60 * (MADE - n))


def gap_at(driver: Driver, from_km: float) -> dict[str, Any]:
    (found,) = (row for row in rows(driver) if row.get("from_odometer_km") == from_km)
    return found


def rows(driver: Driver) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = driver.call("GET", "/logbook").json()["rows"]
    return found


def say(driver: Driver, from_km: float, **word: Any) -> dict[str, Any]:
    answer = driver.call("PATCH", f"/logbook/gaps/{gap_at(driver, from_km)['id']}", json=word)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_a_gap_is_resolved_in_each_of_the_ways_and_rows_sums_and_odometer_agree(driver: Driver) -> None:
    driver.call("POST", "/cars/car/odometer", json={"odometer_km": 10_000, "at": moment(-1).isoformat()})
    by_hand(driver, 0, 10_000, 10_097)
    by_hand(driver, 1, 10_097, 10_100, kind="private")
    by_hand(driver, 3, 10_185, 10_195)
    by_hand(driver, 5, 10_215, 10_225, kind="mixed", business_km=4.0)
    by_hand(driver, 7, 10_255, 10_265)
    by_hand(driver, 9, 10_277, 10_287)
    by_hand(driver, 13, 10_327, 10_337)
    driver.call("POST", "/cars/car/odometer", json={"odometer_km": 10_337, "at": moment(14).isoformat()})
    told = driver.call("GET", "/compare").json()
    assert (told["closed"], [gap["missing_km"] for gap in told["gaps"]]) == (False, [85.0, 20.0, 30.0, 12.0, 40.0])

    correction = say(driver, 10_100, explained_as="correction", reason="Tyres")
    assert (correction["explained_as"], correction["reason"]) == ("correction", "Tyres")
    assert correction["business_km"] in (82.4, 82.5)
    say(driver, 10_195, explained_as="private")
    say(driver, 10_225, explained_as="business", business_km=25, reason="The garage brought it back")
    say(driver, 10_265, explained_as="other", reason="Lent to a neighbour")
    trip = {"started_at": moment(11).isoformat(), "ended_at": moment(11.5).isoformat(), "distance_km": 33.0}
    ends = {"from": {"place": "B"}, "to": {"place": "C"}}
    assert driver.call("POST", "/trips", json={**trip, **ends, "kind": "private"}).status_code == 201
    (left,) = (row for row in rows(driver) if row["row"] == "gap" and row["explained_as"] is None)
    assert left["missing_km"] == 7.0
    # It lies before that trip. Since the first correction: 10 + 4 + 10 + 10 km and 25 of a gap are business, 6 km and
    # 20 + 5 + 12 of gaps are private.
    assert left["from_odometer_km"] == 10_287.0
    later = say(driver, 10_287, explained_as="correction", reason="Tyres")
    assert abs(later["business_km"] - 7 * 59 / 102) <= 0.05

    told, compared = driver.call("GET", "/logbook").json(), driver.call("GET", "/compare").json()
    gaps = [row for row in told["rows"] if row["row"] == "gap"]
    trips = [row for row in told["rows"] if row["row"] == "trip"]
    sums, total = told["sums"], round(sum(row["distance_km"] for row in trips), 1)
    assert (sums["total_km"], sums["gap_km"], sums["excess_km"]) == (total, round(337 - total, 1), 0.0)
    assert sums["explained_km"] == sums["gap_km"] == round(sum(row["missing_km"] for row in gaps), 1)
    assert sums["explained_business_km"] == round(sum(row["business_km"] for row in gaps), 1)
    assert driver.call("GET", "/stats").json()["total_km"] == total
    assert (compared["closed"], compared["gaps"], compared["comparison"]["difference_km"]) == (
        True, [], round(337 - total, 1),
    )  # fmt: skip
    assert driver.differences() == []
