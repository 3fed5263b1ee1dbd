"""Drivers see all that is known of an odometer over HTTP, say what it shows, and take back what they said."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.domain.car.odometer import Reading
from tests.system.fixtures import Driver, Stack, ago

UNKNOWN = "20260123T120000.000000Z.car.eye.12345000"


def said(driver: Driver, odometer_km: float, at: datetime, car_id: str = "car", **more: Any) -> Any:
    body = {"odometer_km": odometer_km, "at": at.isoformat(), **more}
    return driver.call("POST", f"/cars/{car_id}/odometer", json=body)


def by_car(driver: Driver, *readings: Reading, car_id: str = "car") -> None:
    """What the car's cloud told before."""
    for reading in readings:
        change = driver.store.change()
        change.add_reading(car_id, reading, reading.at)
        change.commit()
    known = driver.store.state().value.known_readings(car_id)
    driver.put_log(car_id, readings=tuple(sorted({*known, *readings}, key=lambda one: one.at)))


def readings(driver: Driver, query: str = "", car_id: str = "car") -> list[dict[str, Any]]:
    answer = driver.call("GET", f"/cars/{car_id}/readings{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["readings"]
    return found


def standings(driver: Driver) -> dict[float, str]:
    return {reading["odometer_km"]: reading["standing"] for reading in readings(driver)}


def history(driver: Driver) -> list[dict[str, Any]]:
    return [entry for _, entry in sorted(driver.kept("history").items())]


def twice(driver: Driver) -> None:
    by_car(driver, Reading(ago(120), 12345.0), Reading(ago(60), 12372.0))


# --- all that is known ---------------------------------------------------------------------------------------------


def test_each_reading_is_shown_with_what_is_thought_of_it_and_why_newest_first(driver: Driver) -> None:
    driver.call("PATCH", "/settings", json={"language": "en"})
    at, since = ago(90), ago(95)
    change = driver.store.change()
    change.add_reading("car", Reading(at, 65535.0, since=since, resolution_km=1.0), ago(80), "not_believed", "jumps")
    change.add_reading("car", Reading(ago(120), 12345.0), ago(119), None)
    change.commit()
    answer = said(driver, 12372.0, ago(60), source="garage")
    word, jumped, unjudged = readings(driver)
    assert (word["id"], word["odometer_km"], word["source"]) == (answer.json()["id"], 12372.0, "garage")
    assert (word["standing"], word["why"], word["since"]) == ("believed", "", None)
    assert ago(1) < datetime.fromisoformat(word["fetched_at"]) <= datetime.now(UTC)
    assert datetime.fromisoformat(jumped["at"]) == at
    assert datetime.fromisoformat(jumped["since"]) == since
    assert (jumped["source"], jumped["resolution_km"], jumped["standing"]) == ("car", 1.0, "not_believed")
    assert jumped["why"] == "It is further from another reading than a car gets in the time."
    assert (unjudged["standing"], unjudged["why"]) == (None, "")
    driver.call("PATCH", "/settings", json={"language": "nl"})
    assert readings(driver)[1]["why"] == "Deze stand ligt verder van een andere dan een auto in die tijd kan rijden."


def test_the_list_goes_on_where_the_last_page_ended(driver: Driver) -> None:
    by_car(driver, *(Reading(ago(100 - n // 2), 12000.0 + n) for n in range(5)))
    whole, seen, cursor = readings(driver), [], ""
    while cursor is not None:
        answer = driver.call(
            "GET", f"/cars/car/readings?limit=2&cursor={cursor}" if cursor else "/cars/car/readings?limit=2"
        )
        seen += answer.json()["readings"]
        cursor = answer.json()["next_cursor"]
    assert seen == whole
    assert len(seen) == 5


def test_a_year_or_month_is_that_of_the_drivers_time_zone(driver: Driver) -> None:
    moments = [
        "2025-12-31T22:59:59+00:00",
        "2025-12-31T23:00:00+00:00",
        "2026-01-31T22:59:59+00:00",
        "2026-02-10T00:00:00+00:00",
    ]
    by_car(driver, *(Reading(datetime.fromisoformat(at), 12000.0 + n) for n, at in enumerate(moments)))
    assert [one["odometer_km"] for one in readings(driver, "?year=2026")] == [12003.0, 12002.0, 12001.0]
    assert [one["odometer_km"] for one in readings(driver, "?year=2026&month=1")] == [12002.0, 12001.0]
    assert [one["odometer_km"] for one in readings(driver, "?year=2025&month=12")] == [12000.0]


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=0", "limit"), ("limit=201", "limit"), ("month=1", "month"), ("year=1999", "year"), ("cursor=x", "cursor")],
)
def test_a_bad_word_of_the_address_is_refused_and_named(driver: Driver, query: str, field: str) -> None:
    answer = driver.call("GET", f"/cars/car/readings?{query}")
    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_the_readings_of_a_car_that_was_taken_away_can_still_be_seen_and_withdrawn(driver: Driver) -> None:
    word_id = said(driver, 12345.0, ago(60)).json()["id"]
    assert driver.call("DELETE", "/cars/car").status_code == 204
    assert [one["id"] for one in readings(driver, car_id="CAR")] == [word_id]
    assert readings(driver, "?year=2001") == []
    assert driver.call("DELETE", f"/cars/car/readings/{word_id}").status_code == 204
    assert standings(driver) == {12345.0: "withdrawn"}


@pytest.mark.parametrize("car_id", ["another", "%00", "a%20b", "x" * 40, "%ED%A0%80"])
def test_a_car_that_nobody_has_has_no_readings(driver: Driver, car_id: str) -> None:
    for method, path in (("GET", "readings"), ("DELETE", f"readings/{UNKNOWN}"), ("POST", "odometer")):
        body = {"odometer_km": 5} if method == "POST" else None
        assert driver.call(method, f"/cars/{car_id}/{path}", json=body).status_code == 404


def test_a_car_of_theirs_without_readings_has_an_empty_list(driver: Driver) -> None:
    assert driver.call("GET", "/cars/car/readings").json() == {"readings": [], "next_cursor": None}


def test_nobody_sees_or_withdraws_what_another_driver_said(stack: Stack, driver: Driver) -> None:
    word_id = said(driver, 12345.0, ago(60)).json()["id"]
    other = stack.driver()
    assert readings(other) == []
    assert other.call("DELETE", f"/cars/car/readings/{word_id}").status_code == 404
    assert driver.call("GET", "/cars/car/readings", key=other.key).status_code == 401
    assert driver.call("GET", "/cars/car/readings", key=driver.webhook_key).status_code == 403
    assert standings(driver) == {12345.0: "believed"}


# --- what a driver says --------------------------------------------------------------------------------------------


def test_a_word_against_what_the_car_said_twice_is_refused_with_why_and_taken_once_it_is_confirmed(
    driver: Driver,
) -> None:
    twice(driver)
    at, before = ago(30), driver.kept("odometer_readings")
    refused = said(driver, 12100.0, at)
    assert (refused.status_code, refused.json()["field"]) == (409, "odometer_km")
    for part in ("is below an earlier reading", "12345 km", "12372 km", "confirm", "new_series"):
        assert part in refused.json()["detail"]
    assert (driver.kept("odometer_readings"), history(driver)) == (before, [])
    taken = said(driver, 12100.0, at, confirm=True)
    assert (taken.status_code, taken.json()["standing"]) == (201, "believed")
    assert standings(driver) == {12100.0: "believed", 12372.0: "not_believed", 12345.0: "not_believed"}
    (found,) = driver.store.readings.since("car", at)
    assert found.reading.is_confirmed


def test_a_word_against_what_the_car_said_once_is_taken_and_the_cars_is_doubted(driver: Driver) -> None:
    by_car(driver, Reading(ago(60), 400000.0))
    assert said(driver, 12345.0, ago(30)).status_code == 201
    assert standings(driver) == {12345.0: "believed", 400000.0: "not_believed"}


def test_with_another_odometer_the_car_is_measured_from_there(driver: Driver) -> None:
    twice(driver)
    assert said(driver, 3.0, ago(30)).status_code == 409
    assert said(driver, 3.0, ago(30), source="garage", new_series=True).status_code == 201
    assert said(driver, 20.0, ago(10)).status_code == 201
    assert set(standings(driver).values()) == {"believed"}
    assert driver.store.readings.since("car", ago(31))[0].reading.begins_series


def test_their_next_word_replaces_the_former_one_that_it_contradicts(driver: Driver) -> None:
    said(driver, 13345.0, ago(60))
    assert said(driver, 12345.0, ago(30)).status_code == 201
    assert standings(driver) == {12345.0: "believed", 13345.0: "not_believed"}


def test_what_is_taken_is_told_in_the_history_and_twice_the_same_once(driver: Driver) -> None:
    at = ago(30)
    first = said(driver, 12345.6, at, source="inspection", why="APK")
    before = driver.kept("odometer_readings")
    assert said(driver, 12345.6, at, source="inspection", why="APK").json() == first.json()
    assert driver.kept("odometer_readings") == before
    (entry,) = history(driver)
    assert (entry["kind"], entry["row"], entry["before"], entry["why"]) == ("reading", first.json()["id"], {}, "APK")
    told = entry["after"]
    assert (told["car_id"], told["odometer_km"], told["source"]) == ("car", 12345.6, "inspection")
    assert (told["standing"], datetime.fromisoformat(told["at"])) == ("believed", at)


@pytest.mark.parametrize("more", [{}, {"source": "eye"}])
def test_what_a_device_says_with_a_key_of_its_own_is_kept_as_a_devices(driver: Driver, more: Any) -> None:
    body = {"odometer_km": 12345.6, **more}
    answer = driver.call("POST", "/cars/car/odometer", key=driver.new_key("reading", "dongle"), json=body)
    assert answer.status_code == 201, answer.text
    (reading,), (entry,) = readings(driver), history(driver)
    assert (reading["source"], entry["by"]) == ("device", "dongle")


def test_a_word_that_is_confirmed_later_is_the_same_reading(driver: Driver) -> None:
    at = ago(30)
    word_id = said(driver, 12345.6, at).json()["id"]
    assert said(driver, 12345.6, at, confirm=True).json()["id"] == word_id
    assert standings(driver) == {12345.6: "believed"}
    first, second = history(driver)
    assert (first["after"]["confirm"], second["before"], second["after"]) == (
        False,
        {"confirm": False},
        {"confirm": True},
    )


# --- what a driver takes back --------------------------------------------------------------------------------------


def test_a_slip_is_withdrawn_and_the_true_one_is_taken(driver: Driver) -> None:
    by_car(driver, Reading(ago(120), 12345.0))
    slip = said(driver, 13372.0, ago(60)).json()["id"]
    assert driver.call("DELETE", f"/cars/car/readings/{slip}").status_code == 204
    assert standings(driver) == {12345.0: "believed", 13372.0: "withdrawn"}
    assert driver.call("GET", "/cars").json()["cars"][0]["odometer_km"] == 12345.0
    assert said(driver, 12372.0, ago(60)).status_code == 201
    assert standings(driver) == {12345.0: "believed", 13372.0: "withdrawn", 12372.0: "believed"}
    assert driver.call("GET", "/cars/car/data").json()["odometer"]["km"] == 12372.0
    shown = driver.call("GET", "/compare").json()["odometer_readings"]
    assert [one["odometer_km"] for one in shown] == [12372.0, 12345.0]


def test_a_withdrawal_is_told_in_the_history_and_a_second_one_changes_nothing(driver: Driver) -> None:
    word_id = said(driver, 12345.0, ago(60)).json()["id"]
    seen = []
    for _ in range(2):
        answer = driver.call("DELETE", f"/cars/car/readings/{word_id}")
        assert (answer.status_code, answer.content) == (204, b"")
        seen.append(driver.store.state())
    assert seen[0] == seen[1]
    _, entry = history(driver)
    assert (entry["kind"], entry["row"]) == ("reading", word_id)
    assert (entry["before"], entry["after"]) == ({"standing": "believed"}, {"standing": "withdrawn"})
    assert (entry["n"], driver.store.state().value.entries) == (2, 2)


def test_the_history_says_by_which_key(driver: Driver) -> None:
    key = driver.call("POST", "/settings/keys", json={"label": "garage", "scope": "full"}).json()["key"]
    answer = driver.call("POST", "/cars/car/odometer", key=key, json={"odometer_km": 12345})
    driver.call("DELETE", f"/cars/car/readings/{answer.json()['id']}", key=key)
    assert [entry["by"] for entry in history(driver)] == ["garage", "garage"]


def test_eight_withdrawals_at_once_are_one(driver: Driver) -> None:
    word_id = said(driver, 12345.0, ago(60)).json()["id"]
    with ThreadPoolExecutor(8) as pool:
        told = pool.map(lambda _: driver.call("DELETE", f"/cars/car/readings/{word_id}").status_code, range(8))
        assert set(told) == {204}
    assert len(history(driver)) == 2


def test_what_the_car_itself_said_cannot_be_withdrawn(driver: Driver) -> None:
    twice(driver)
    before = driver.kept("odometer_readings")
    for one in readings(driver):
        answer = driver.call("DELETE", f"/cars/car/readings/{one['id']}")
        assert (answer.status_code, "cannot be withdrawn" in answer.json()["detail"]) == (409, True)
    assert (driver.kept("odometer_readings"), history(driver)) == (before, [])


@pytest.mark.parametrize("wanted", [UNKNOWN, "x", "__x__", "..%2E", "%00", "20260123T120000.000000Z", "x" * 2000])
def test_a_reading_that_is_not_there_cannot_be_withdrawn(driver: Driver, wanted: str) -> None:
    assert driver.call("DELETE", f"/cars/car/readings/{wanted}").status_code == 404


def test_a_reading_of_one_car_is_none_of_another(driver: Driver) -> None:
    word_id = said(driver, 12345.0, ago(60)).json()["id"]
    driver.call("PUT", "/cars/second", json={"provider": "simulated"})
    assert driver.call("DELETE", f"/cars/second/readings/{word_id}").status_code == 404
    assert standings(driver) == {12345.0: "believed"}


def test_a_word_that_is_said_again_after_it_was_withdrawn_counts_again(driver: Driver) -> None:
    at = ago(60)
    word_id = said(driver, 12345.0, at).json()["id"]
    driver.call("DELETE", f"/cars/car/readings/{word_id}")
    assert said(driver, 12345.0, at).json()["id"] == word_id
    assert standings(driver) == {12345.0: "believed"}
    assert [entry["after"] for entry in history(driver)[1:]] == [{"standing": "withdrawn"}, {"standing": "believed"}]
