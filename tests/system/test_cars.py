"""Drivers set up their cars over HTTP: fields, credentials that are never shown, trying out, odometers by eye."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.domain.car.car import Car
from shared.domain.fitting import Unfit
from shared.services import cars as cars_service
from tests.system.fixtures import UTRECHT, Driver, Stack, ago

FULL = {
    "provider": "simulated",
    "name": "Boris's car",
    "vin": "demo 0000 0000 0bori",
    "brand": "Voorbeeld",
    "plate": "g-001-bb",
    "make": "Voorbeeld",
    "type": "Kombi 2.0",
    "colour": "blue",
    "available_from": "2026-01-01",
    "available_until": None,
    "start_odometer_km": 12000.04,
}
SECRET = "hush-hush-7261"


@pytest.fixture
def carless(stack: Stack) -> Driver:
    return stack.driver(car=False)


def cars(driver: Driver) -> dict[str, dict[str, Any]]:
    return {car["id"]: car for car in driver.call("GET", "/cars").json()["cars"]}


def put(driver: Driver, car_id: str = "audi", **fields: Any) -> Any:
    return driver.call("PUT", f"/cars/{car_id}", json={"provider": "simulated", **fields})


def drive(driver: Driver, begin: float, end: float, odometer_km: float, at_start_km: float) -> None:
    driver.phone("start", ago(begin), UTRECHT)
    driver.wait_read(at_start_km)
    driver.arrive(ago(end), (52.1807, 5.1214), odometer_km)


# --- the car itself ------------------------------------------------------------------------------------------------


def test_a_car_is_made_then_replaced_and_listed_as_it_was_answered(carless: Driver) -> None:
    made = carless.call("PUT", "/cars/Audi", json=FULL)
    assert made.status_code == 201, made.text
    car = made.json()
    told = {name: car[name] for name in FULL}
    assert told == {**FULL, "vin": "DEMO000000000BORI", "plate": "G-001-BB", "start_odometer_km": 12000.0}
    assert (car["id"], car["default"], car["stopped"]) == ("audi", True, None)
    unread = {"odometer_km": None, "odometer_at": None}
    assert cars(carless) == {"audi": {**car, **unread}}
    replaced = put(carless, name="Other")
    assert (replaced.status_code, replaced.json()["name"], replaced.json()["plate"]) == (200, "Other", "")
    assert replaced.json()["start_odometer_km"] is None
    assert replaced.json()["default"] is True


def test_a_car_without_a_name_is_called_by_its_id(carless: Driver) -> None:
    assert put(carless).json()["name"] == "audi"


def test_the_first_car_becomes_the_default_and_another_one_only_if_that_is_said(carless: Driver) -> None:
    assert put(carless, "first").json()["default"] is True
    assert put(carless, "second").json()["default"] is False
    assert put(carless, "second", default=True).json()["default"] is True
    assert put(carless, "second").json()["default"] is True
    assert {name: car["default"] for name, car in cars(carless).items()} == {"first": False, "second": True}
    assert carless.phone("start")["car_id"] == "second"


def test_an_unknown_provider_is_refused_with_what_there_is(carless: Driver) -> None:
    response = put(carless, provider="cartwheel")
    assert (response.status_code, response.json()["field"]) == (400, "provider")
    assert "simulated" in response.json()["detail"]
    offered = {offer["provider"]: offer for offer in carless.call("GET", "/cars").json()["providers"]}
    assert offered["simulated"]["credentials"] == ["token"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"vin": "x" * 18}, "vin"),
        ({"vin": "AB-12"}, "vin"),
        ({"plate": "X"}, "plate"),
        ({"plate": "12-345-678-9"}, "plate"),
        ({"plate": "-AB-1"}, "plate"),
        ({"plate": "A B 1"}, "plate"),
        ({"available_from": "2026-02-30"}, "available_from"),
        ({"available_from": "1999-12-31"}, "available_from"),
        ({"available_until": "tomorrow"}, "available_until"),
        ({"available_from": "2026-02-01", "available_until": "2026-01-31"}, "available_until"),
        ({"start_odometer_km": -1}, "start_odometer_km"),
        ({"start_odometer_km": 2_000_001}, "start_odometer_km"),
        ({"start_odometer_km": "12"}, "start_odometer_km"),
        ({"name": "x" * 101}, "name"),
        ({"colour": 5}, "colour"),
        ({"default": "yes"}, "default"),
        ({"surprise": 1}, "surprise"),
        ({"login_refusals": 0}, "login_refusals"),
        ({"provider": None}, "provider"),
    ],
)
def test_a_bad_field_of_a_car_is_refused_and_named(carless: Driver, fields: Any, field: str) -> None:
    response = put(carless, **fields)
    assert (response.status_code, response.json().get("field")) == (400, field), response.text
    assert cars(carless) == {}


def test_a_car_needs_a_provider_and_an_id_of_the_right_form(carless: Driver) -> None:
    response = carless.call("PUT", "/cars/audi", json={"name": "x"})
    assert (response.status_code, response.json()["field"]) == (400, "provider")
    for car_id in ("-", "a%20b", "x" * 33, "%20"):
        assert put(carless, car_id).status_code == 400
    assert cars(carless) == {}


def test_a_car_that_is_deleted_takes_its_credentials_and_leaves_its_trips(driver: Driver) -> None:
    drive(driver, 30, 5, 12357.4, 12345.0)
    driver.wait_trips(1)
    put(driver, "second")
    driver.call("PUT", "/cars/second/credentials", json={"token": "t"})
    assert driver.call("DELETE", "/cars/car").status_code == 204
    assert {name: car["default"] for name, car in cars(driver).items()} == {"second": True}
    stored = driver.stack.db.document(f"users/{driver.email}/settings/credentials").get().to_dict() or {}
    assert set(stored["sealed"]) == {"second"}
    assert [trip["car_id"] for trip in driver.trips()] == ["car"]
    assert driver.call("DELETE", "/cars/car").status_code == 404
    assert driver.call("DELETE", "/cars/second").status_code == 204
    assert driver.call("GET", "/settings").json()["default_car_id"] is None
    assert driver.phone("start")["car_id"] is None


def test_a_refusal_that_is_counted_of_a_deleted_car_makes_no_car(driver: Driver) -> None:
    driver.call("DELETE", "/cars/car")
    driver.stack.db.document(f"users/{driver.email}/settings/car").set(
        {"cars": {"car": {"login_refusals": 1}}}, merge=True
    )
    assert cars(driver) == {}
    assert put(driver, "car").status_code == 201
    assert cars(driver)["car"]["stopped"] is None


def test_twelve_cars_at_once_are_all_kept_and_one_is_the_default(carless: Driver) -> None:
    with ThreadPoolExecutor(12) as pool:
        told = list(pool.map(lambda n: put(carless, f"car-{n}").status_code, range(12)))
    assert told == [201] * 12
    assert sum(car["default"] for car in cars(carless).values()) == 1
    assert len(cars(carless)) == 12


def test_a_driver_can_have_fifty_cars(carless: Driver) -> None:
    with ThreadPoolExecutor(4) as pool:
        told = sorted(pool.map(lambda n: put(carless, f"car-{n}").status_code, range(52)))
    assert told == [201] * 50 + [409] * 2
    assert put(carless, "car-1" if "car-1" in cars(carless) else "car-2").status_code == 200


# --- credentials ---------------------------------------------------------------------------------------------------


def test_credentials_are_written_and_never_shown(carless: Driver) -> None:
    put(carless, vin=carless.vin)
    assert cars(carless)["audi"]["credentials"] == [
        {"name": "token", "needed": True, "set_at": None},
        {"name": "says", "needed": False, "set_at": None},
    ]
    answer = carless.call("PUT", "/cars/audi/credentials", json={"token": SECRET})
    assert answer.status_code == 200, answer.text
    token, _ = answer.json()["credentials"]
    assert ago(1) < datetime.fromisoformat(token["set_at"]) < ago(-1)
    listed = carless.call("GET", "/cars")
    assert listed.json()["cars"][0]["credentials"] == answer.json()["credentials"]
    assert SECRET not in answer.text + listed.text
    assert carless.store.cars.access("audi").credentials == {"token": SECRET}
    stored = [snapshot.to_dict() for snapshot in carless.stack.db.collection(f"users/{carless.email}/settings").get()]
    assert SECRET not in str(stored)
    assert SECRET not in (carless.stack.data / "logs" / "functions.log").read_text()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "token"),
        ({"says": "x"}, "token"),
        ({"token": SECRET, "password": "x"}, "password"),
        ({"token": ""}, "token"),
        ({"token": None}, "token"),
        ({"token": {"a": SECRET}}, "token"),
        ({"token": SECRET * 400}, "token"),
        ([SECRET], None),
    ],
)
def test_bad_credentials_are_refused_without_a_word_of_them(driver: Driver, body: Any, field: str | None) -> None:
    before = driver.store.cars.access("car").credentials
    response = driver.call("PUT", "/cars/car/credentials", json=body)
    assert (response.status_code, response.json().get("field")) == (400, field), response.text
    assert SECRET not in response.text
    assert driver.store.cars.access("car").credentials == before


def test_new_credentials_drop_the_tokens_and_the_refusals_of_the_former_ones(driver: Driver) -> None:
    access = driver.store.cars.access("car")
    driver.store.cars.keep_tokens("car", {"refresh": "old"}, access)
    driver.stack.db.document(f"users/{driver.email}/settings/car").update({"cars.car.login_refusals": 2})
    assert "twice" in cars(driver)["car"]["stopped"]
    put(driver, "car", vin=driver.vin)
    assert cars(driver)["car"]["stopped"], "the car itself says nothing of its credentials"
    driver.call("PUT", "/cars/car/credentials", json={"token": "new"})
    assert cars(driver)["car"]["stopped"] is None
    access = driver.store.cars.access("car")
    assert (access.credentials, access.tokens) == ({"token": "new"}, {})


def test_credentials_stay_with_the_car_and_go_with_its_provider(driver: Driver) -> None:
    put(driver, "car", name="Renamed", vin=driver.vin)
    assert driver.call("POST", "/cars/car/test").json()["ok"] is True
    document = driver.stack.db.document(f"users/{driver.email}/settings/car")
    document.update({"cars.car.provider": "former"})
    put(driver, "car", vin=driver.vin)
    assert driver.store.cars.access("car").credentials == {}
    assert driver.call("POST", "/cars/car/test").json()["problem"] == "credentials_missing"


# --- trying out ----------------------------------------------------------------------------------------------------


def test_a_car_that_answers_says_what_came_and_how_old_it_is(driver: Driver) -> None:
    driver.set_car(odometer_km=12345.0, lat=52.09, lng=5.12, measured_at=ago(10), state="parked")
    told = driver.call("POST", "/cars/car/test").json()
    assert told["ok"] is True
    assert (told["odometer"]["km"], told["state"]["value"]) == (12345.0, "parked")
    assert (told["position"]["lat"], told["position"]["lng"]) == (52.09, 5.12)
    for value in (told["odometer"], told["position"], told["state"]):
        assert 590 < value["age_s"] < 660
        assert datetime.fromisoformat(value["measured_at"]) < ago(9)
    driver.set_car(odometer_km=12345.0, lat=None, lng=None, state="unknown")
    told = driver.call("POST", "/cars/car/test").json()
    assert (told["position"], told["state"]) == (None, None)
    assert driver.kept("odometer_readings") == {}


@pytest.mark.parametrize(
    ("fault", "problem", "word"),
    [
        ("unauthorized", "login_refused", "Set them again"),
        ("rate_limited", "too_many_requests", "too often"),
        ("garbage", "not_understood", "not understood"),
        ("error", "car_unavailable", "no answer"),
    ],
)
def test_a_car_that_cannot_be_read_says_why_in_the_drivers_words(
    driver: Driver, fault: str, problem: str, word: str
) -> None:
    driver.set_car(fault=fault)
    answer = driver.call("POST", "/cars/car/test")
    told = answer.json()
    assert (answer.status_code, told["ok"], told["problem"]) == (200, False, problem)
    assert word in told["advice"]


def test_a_cloud_that_hangs_is_given_up(start_stack: Callable[..., Stack]) -> None:
    driver = start_stack(CAR_TIMEOUT_S="1").driver()
    driver.set_car(fault="hang")
    told = driver.call("POST", "/cars/car/test").json()
    assert (told["ok"], told["problem"]) == (False, "car_unavailable")
    driver.set_car(fault=None)


def test_after_two_refusals_the_car_is_not_asked_until_its_credentials_change(driver: Driver) -> None:
    driver.set_car(fault="unauthorized")
    told = [driver.call("POST", "/cars/car/test").json()["problem"] for _ in range(4)]
    assert told == ["login_refused"] * 2 + ["login_stopped"] * 2
    assert driver.asked() == 2
    driver.set_car(fault=None, token="t-new")
    assert driver.call("POST", "/cars/car/test").json()["problem"] == "login_stopped"
    driver.call("PUT", "/cars/car/credentials", json={"token": "t-new"})
    assert driver.call("POST", "/cars/car/test").json()["ok"] is True
    assert driver.asked() == 3


def test_an_answer_takes_back_a_refusal(driver: Driver) -> None:
    for _ in range(3):
        driver.set_car(fault="unauthorized")
        assert driver.call("POST", "/cars/car/test").json()["problem"] == "login_refused"
        driver.set_car(fault=None)
        assert driver.call("POST", "/cars/car/test").json()["ok"] is True


def test_many_tries_at_once_never_log_in_a_third_time(driver: Driver) -> None:
    driver.set_car(fault="unauthorized")
    with ThreadPoolExecutor(16) as pool:
        told = {answer.json()["problem"] for answer in pool.map(lambda _: _test(driver), range(16))}
    assert told <= {"login_refused", "being_asked", "login_stopped"}
    assert driver.asked() <= 2


def _test(driver: Driver) -> Any:
    return driver.call("POST", "/cars/car/test")


def test_credentials_that_are_set_while_the_former_ones_are_tried_are_not_counted_as_refused(driver: Driver) -> None:
    driver.set_car(fault="hang")
    with ThreadPoolExecutor(1) as pool:
        trying = pool.submit(_test, driver)
        driver.wait(lambda: driver.asked() == 1, "the try")
        driver.call("PUT", "/cars/car/credentials", json={"token": "another"})
        driver.set_car(fault="unauthorized")
        assert trying.result().json()["problem"] == "login_refused"
    assert driver.store.cars.list_cars()["car"].login_refusals == 0


def test_a_car_without_credentials_is_not_asked(carless: Driver) -> None:
    carless.set_car(odometer_km=1.0)
    put(carless, vin=carless.vin)
    told = carless.call("POST", "/cars/audi/test").json()
    assert (told["ok"], told["problem"]) == (False, "credentials_missing")
    assert "token" in told["advice"]
    assert carless.asked() == 0


def without_any(driver: Driver) -> None:
    put(driver, "car", vin=driver.vin)


def with_some_of_what_is_needed(driver: Driver) -> None:
    driver.store.cars.save(Car("car", "renault", vin="VF1AAAAA000000001"), {"email": "boris@example.com"})


def whose_credentials_went_while_it_was_read(driver: Driver) -> None:
    driver.store.cars.save(Car("car", "simulated", vin=driver.vin), {"token": "t"})
    driver.stack.db.document(f"users/{driver.email}/settings/credentials").delete()


@pytest.mark.parametrize("set_up", [without_any, with_some_of_what_is_needed, whose_credentials_went_while_it_was_read])
def test_a_trip_without_credentials_asks_nobody_counts_no_refusal_and_is_logged_from_gps(
    carless: Driver, set_up: Callable[[Driver], None]
) -> None:
    carless.set_car(odometer_km=12345.0, measured_at=ago(600), state="parked")
    set_up(carless)
    carless.phone("start", ago(40), UTRECHT, car_id="car")
    carless.phone("end", ago(20), (52.1807, 5.1214))
    (trip,) = carless.wait_trips(1)
    assert (trip["car_id"], trip["distance_source"], trip["distance_km"]) == ("car", "gps", 12.5)
    assert "odometer_pending" in trip["flags"]
    assert carless.call("POST", "/cars/car/test").json()["problem"] == "credentials_missing"
    assert carless.asked() == 0
    assert carless.store.cars.list_cars()["car"].login_refusals == 0
    carless.wait(lambda: not carless.store.state().value.asking.under_way, "the last poll")
    state = carless.store.state().value
    assert state.asking.lost == {}
    if set_up is not whose_credentials_went_while_it_was_read:
        log = state.of_car("car")
        assert (state.asking.windows, log.failures, log.retry_at) == ({}, 0, None), "nobody was asked"


# --- what is known, and odometers by eye ---------------------------------------------------------------------------


def test_what_is_known_of_a_car_is_told_without_asking_it(driver: Driver) -> None:
    empty = {"car_id": "car", "odometer": None, "position": None, "state": None}
    assert driver.call("GET", "/cars/car/data").json() == empty
    driver.set_car(odometer_km=12345.0, lat=52.09, lng=5.12, measured_at=ago(40), state="parked")
    drive(driver, 30, 5, 12357.4, 12345.0)
    driver.wait_trips(1)
    asked = driver.asked()
    told = driver.call("GET", "/cars/car/data").json()
    assert (told["odometer"]["km"], told["odometer"]["source"]) == (12357.4, "car")
    assert told["position"]["lat"] == 52.09
    assert 200 < told["odometer"]["age_s"] < 400
    assert driver.asked() == asked
    listed = cars(driver)["car"]
    assert (listed["odometer_km"], listed["odometer_at"]) == (12357.4, told["odometer"]["measured_at"])


def by_eye(driver: Driver, odometer_km: Any, at: Any = None, car_id: str = "car") -> Any:
    moment = at.isoformat() if isinstance(at, datetime) else at
    return driver.call("POST", f"/cars/{car_id}/odometer", json={"odometer_km": odometer_km, "at": moment})


def test_an_odometer_read_by_eye_is_kept_and_shown(carless: Driver) -> None:
    put(carless)
    answer = by_eye(carless, 12000.04, car_id="audi")
    assert answer.status_code == 201, answer.text
    assert (answer.json()["odometer_km"], answer.json()["source"]) == (12000.0, "manual")
    assert ago(1) < datetime.fromisoformat(answer.json()["at"]) <= datetime.now(UTC)
    shown = carless.call("GET", "/compare").json()["odometer_readings"]
    assert shown == [{"at": answer.json()["at"], "odometer_km": 12000.0, "source": "manual"}]
    assert carless.call("GET", "/cars/audi/data").json()["odometer"]["source"] == "manual"
    assert cars(carless)["audi"]["odometer_km"] == 12000.0


def test_it_is_where_the_next_trip_starts(driver: Driver) -> None:
    drive(driver, 400, 370, 12357.4, 12345.0)
    driver.wait_trips(1)
    assert by_eye(driver, 12400.0, ago(60)).status_code == 201
    driver.set_car(fault="error")
    driver.phone("start", ago(40), UTRECHT)
    driver.phone("end", ago(10), (52.1807, 5.1214))
    driver.set_car(fault=None, odometer_km=12413.0, measured_at=ago(9))
    _, trip = driver.wait(lambda: [one for one in driver.trips() if not one["flags"]][1:] and driver.trips(), "it")
    assert (trip["start_odometer_km"], trip["end_odometer_km"], trip["gap_before_km"]) == (12400.0, 12413.0, 42.6)


def test_it_settles_a_trip_that_waits_for_its_end_odometer(driver: Driver) -> None:
    driver.phone("start", ago(60), UTRECHT)
    driver.wait_read(12345.0)
    driver.set_car(fault="error")
    driver.phone("end", ago(20), (52.1807, 5.1214))
    (trip,) = driver.wait_trips(1)
    assert "odometer_pending" in trip["flags"]
    assert by_eye(driver, 12358.1, ago(10)).status_code == 201
    (trip,) = driver.trips()
    assert (trip["flags"], trip["distance_km"], trip["distance_source"]) == ([], 13.1, "odometer")
    assert driver.call("GET", "/stats").json()["total_km"] == 13.1


def test_it_confirms_the_end_of_the_trip_going_on(start_stack: Callable[..., Stack]) -> None:
    driver = start_stack(END_GRACE_S="86400").driver()
    driver.phone("start", ago(60), UTRECHT)
    driver.wait_read(12345.0)
    driver.set_car(fault="error")
    driver.phone("end", ago(20), (52.1807, 5.1214))
    assert by_eye(driver, 12358.0, ago(15)).status_code == 201
    driver.set_car(fault=None)
    (trip,) = driver.wait_trips(1)
    assert (trip["end_odometer_km"], trip["distance_km"]) == (12358.0, 13.0)


def test_with_one_from_before_all_that_is_known_the_log_begins_there(driver: Driver) -> None:
    drive(driver, 30, 5, 12357.4, 12345.0)
    driver.wait_trips(1)
    assert by_eye(driver, 12000.0, ago(60 * 24 * 30)).status_code == 201
    compared = driver.call("GET", "/compare").json()
    assert compared["odometer_readings"][-1]["odometer_km"] == compared["start_odometer_km"] == 12000.0
    assert ([gap["missing_km"] for gap in compared["gaps"]], compared["closed"]) == ([345.0], False)
    assert [trip["distance_km"] for trip in driver.trips()] == [12.4]


@pytest.mark.parametrize(
    ("odometer_km", "minutes", "why"),
    [(12300.0, 0, "below an earlier"), (12400.0, 60 * 24, "above a later"), (99000.0, 0, "than a car gets")],
)
def test_one_that_cannot_be_right_is_refused_with_why(
    driver: Driver, odometer_km: float, minutes: int, why: str
) -> None:
    drive(driver, 30, 5, 12357.4, 12345.0)
    driver.wait_trips(1)
    before = driver.kept("odometer_readings")
    answer = by_eye(driver, odometer_km, ago(minutes))
    assert (answer.status_code, answer.json()["field"]) == (409, "odometer_km")
    assert why in answer.json()["detail"]
    assert driver.kept("odometer_readings") == before


def test_a_slip_is_put_right_by_the_same_moment_again(driver: Driver) -> None:
    at = ago(30)
    assert by_eye(driver, 12900.0, at).status_code == 201
    assert by_eye(driver, 12390.0, at).status_code == 201
    assert [reading.km for reading in driver.store.readings.newest("car", 10)] == [12390.0]
    assert cars(driver)["car"]["odometer_km"] == 12390.0


def test_it_stands_beside_a_reading_of_the_car_of_the_same_moment(driver: Driver) -> None:
    drive(driver, 30, 5, 12357.4, 12345.0)
    driver.wait_trips(1)
    at = driver.store.readings.newest("car", 1)[0].at
    assert by_eye(driver, 12357.4, at).status_code == 201
    assert sorted(reading.source for reading in driver.store.readings.newest("car", 2)) == ["car", "eye"]


def test_eight_at_once_leave_readings_that_agree(driver: Driver) -> None:
    moments = [ago(100 - n) for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda n: by_eye(driver, 12000.0 - 10 * n, moments[n]).status_code, range(8)))
    assert set(told) == {201}
    believed = sorted(driver.store.readings.newest("car", 10), key=lambda reading: reading.at)
    assert [reading.km for reading in believed] == sorted(reading.km for reading in believed)
    assert len(driver.kept("odometer_readings")) == 8


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "odometer_km"),
        ({"odometer_km": 0}, "odometer_km"),
        ({"odometer_km": -5}, "odometer_km"),
        ({"odometer_km": 2_000_001}, "odometer_km"),
        ({"odometer_km": "12345"}, "odometer_km"),
        ({"odometer_km": None}, "odometer_km"),
        ({"odometer_km": 5, "at": "yesterday"}, "at"),
        ({"odometer_km": 5, "at": "1999-12-31T23:59:59Z"}, "at"),
        ({"odometer_km": 5, "at": (datetime.now(UTC) + timedelta(days=1)).isoformat()}, "at"),
        ({"odometer_km": 5, "km": 5}, "km"),
        ({"odometer_km": 5, "source": "car"}, "source"),
        ({"odometer_km": 5, "source": "guess"}, "source"),
        ({"odometer_km": 5, "confirm": "yes"}, "confirm"),
        ({"odometer_km": 5, "new_series": 1}, "new_series"),
        ({"odometer_km": 5, "why": "x" * 2001}, "why"),
        ({"odometer_km": 5, "why": 5}, "why"),
    ],
)
def test_a_bad_field_of_an_odometer_is_refused_and_named(driver: Driver, body: Any, field: str) -> None:
    answer = driver.call("POST", "/cars/car/odometer", json=body)
    assert (answer.status_code, answer.json().get("field")) == (400, field), answer.text
    assert driver.kept("odometer_readings") == {}


def test_the_comparison_begins_at_the_start_odometer_of_the_car(driver: Driver) -> None:
    drive(driver, 30, 5, 12357.4, 12345.0)
    driver.wait_trips(1)
    year = datetime.now(UTC).year
    put(driver, "car", vin=driver.vin, start_odometer_km=12300, available_from=f"{year}-01-01")
    compared = driver.call("GET", "/compare").json()
    assert (compared["start_odometer_km"], compared["comparison"]["difference_km"]) == (12300.0, 45.0)
    put(driver, "car", vin=driver.vin, start_odometer_km=12300, available_from=f"{year - 1}-01-01")
    # What nobody drove since then is cut at New Year.
    of_year = driver.call("GET", f"/compare?year={driver.trips()[0]['date'][:4]}").json()
    assert 12300.0 < of_year["start_odometer_km"] < 12345.0


def test_what_concerns_a_car_that_is_not_there_is_a_404(carless: Driver) -> None:
    bodies = {"credentials": {"token": "t"}, "odometer": {"odometer_km": 5}}
    for method, part in (("PUT", "credentials"), ("POST", "test"), ("GET", "data"), ("POST", "odometer")):
        answer = carless.call(method, f"/cars/audi/{part}", json=bodies.get(part))
        assert (answer.status_code, answer.json()["detail"]) == (404, "There is no such car.")


@pytest.mark.parametrize("data", [b"[]", b"1", b"{"])
def test_that_a_car_is_not_there_is_said_before_what_is_wrong_with_the_body(carless: Driver, data: bytes) -> None:
    assert carless.call("PUT", "/cars/audi/credentials", data=data).status_code == 404


def test_a_period_that_ends_before_it_begins_is_said_before_what_else_is_wrong(carless: Driver) -> None:
    wrong = {"available_from": "2026-02-01", "available_until": "2026-01-01", "vin": "no VIN", "plate": "?"}
    answer = carless.call("PUT", "/cars/audi", json={"provider": "audi", **wrong})
    assert (answer.status_code, answer.json()["field"]) == (400, "available_until")


@pytest.mark.parametrize("value", [b"1e999", b"[1]", b'{"a": 1}', b"null"])
def test_a_credential_that_is_no_string_is_named_and_not_repeated(driver: Driver, value: bytes) -> None:
    answer = driver.call("PUT", "/cars/car/credentials", data=b'{"token": ' + value + b"}")
    assert (answer.status_code, answer.json()["field"]) == (400, "token")
    assert answer.json()["detail"] == "token: must be a string"


@pytest.mark.parametrize("path", ["/cars/audi", "/cars/car/credentials", "/cars/car/odometer"])
@pytest.mark.parametrize("data", [b"{", b"[]", b'"x"', b"\xff\xfe", b"null", b"", b"[" * 60_000])
def test_a_body_that_is_no_object_is_refused(driver: Driver, path: str, data: bytes) -> None:
    method = "POST" if path.endswith("odometer") else "PUT"
    assert driver.call(method, path, data=data).status_code == 400
    assert driver.call(method, path, data=b"{" + b" " * 65536 + b"}").status_code == 413


def test_a_simulated_car_is_offered_only_where_its_cloud_is_set(
    monkeypatch: pytest.MonkeyPatch, carless: Driver
) -> None:
    assert "simulated" in json.dumps(carless.call("GET", "/cars").json()["providers"])
    monkeypatch.setenv("CAR_CLOUD_URL", "http://127.0.0.1:1")
    assert "simulated" in cars_service.offers()
    monkeypatch.delenv("CAR_CLOUD_URL")
    assert "simulated" not in cars_service.offers()


@pytest.mark.parametrize("vin", ["WVWZZZ1KZAW00000I", "WVWZZZ1KZAW0000", "WVWZZZ1KZAW00000Ö", "WVWZZZ1KZAW0000012"])
def test_the_vin_of_a_real_car_has_seventeen_letters_and_digits_without_i_o_and_q(vin: str) -> None:
    assert cars_service.vin(" wvw zzz 1k zaw 000001 ", "skoda") == "WVWZZZ1KZAW000001"
    assert cars_service.vin("", "skoda") == ""
    with pytest.raises(Unfit):
        cars_service.vin(vin, "skoda")
