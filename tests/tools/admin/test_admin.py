"""The operator's tool, against the stack."""

import argparse
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.system.fixtures import Driver, Stack
from tests.tools.admin.conftest import Operator
from tests.tools.admin.test_store import EVERY_COMMAND
from tools.admin.commandline import parser


def detail(driver: Driver, method: str, path: str, body: Any, status: int = 400) -> str:
    """In which words the same is refused over HTTP."""
    answer = driver.call(method, path, json=body)
    assert answer.status_code == status, answer.text
    words: str = answer.json()["detail"]
    return words


def car(driver: Driver, car_id: str = "car") -> dict[str, Any]:
    listed = driver.call("GET", "/cars").json()["cars"]
    return next(one for one in listed if one["id"] == car_id)


@pytest.fixture
def carless(stack: Stack) -> Driver:
    return stack.driver(car=False)


# --- the command line ----------------------------------------------------------------------------------------------


def every_parser(of: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield of
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from every_parser(inner)


def test_every_command_option_and_position_has_a_help_text() -> None:
    silent = [
        (one.prog, action.dest)
        for one in every_parser(parser())
        for action in one._actions
        if not (action.help or "").strip()
    ]
    assert silent == []
    assert [one.prog for one in every_parser(parser()) if not one.description] == []


def test_the_commands_tried_without_a_store_are_all_there_are() -> None:
    (commands,) = (action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    assert set(commands.choices) == set(EVERY_COMMAND)


# --- users and keys ------------------------------------------------------------------------------------------------


def test_a_user_registered_by_the_operator_can_drive(stack: Stack) -> None:
    told = stack.admin("add-user", "New.Driver@Example.com", "--name", "New", "--timezone", "Europe/Brussels")
    key = told.split("key: ")[-1].strip()
    stack.admin("set-car", "new.driver@example.com", "Audi", "--provider", "simulated", "--vin", "V1",
                "--credentials", '{"token": "t"}')  # fmt: skip
    stack.admin("add-place", "new.driver@example.com", "School", "52.1", "5.1", "--kind", "pause", "--role", "home")
    hook = stack.admin("add-key", "new.driver@example.com", "--scope", "webhook", "--label", "phone")
    webhook_key = hook.split("key: ")[-1].strip()
    started = requests.post(f"{stack.url}/webhook/start", params={"key": webhook_key}, timeout=30).json()
    assert (started["status"], started["user"], started["car_id"]) == ("trip_started", "new.driver@example.com", "audi")
    place = {"lat": 52.1, "lng": 5.1}
    ended = requests.post(f"{stack.url}/webhook/end", params={"key": webhook_key}, json=place, timeout=30)
    assert ended.json()["status"] == "paused"
    assert requests.get(f"{stack.url}/trips/active", params={"key": key}, timeout=30).status_code == 200
    for scope in ("reading", "read"):
        assert stack.admin("add-key", "new.driver@example.com", "--scope", scope).startswith("key id: ")
    listed = stack.admin("list-keys", "new.driver@example.com")
    assert {line.split()[1] for line in listed.splitlines()} == {"webhook", "reading", "read", "full"}
    assert key not in listed
    assert webhook_key not in listed
    credentials = stack.db.document("users/new.driver@example.com/settings/credentials").get().to_dict()
    assert "token" not in str(credentials)


@pytest.mark.parametrize(
    "call",
    [
        ("add-user", "no-address"),
        ("add-key", "nobody@example.com", "--scope", "full"),
        ("set-car", "nobody@example.com", "car", "--provider", "simulated"),
        ("add-place", "nobody@example.com", "Home", "52", "5"),
        ("revoke-key", "nobody@example.com", "x"),
        ("list-keys", "nobody@example.com"),
        ("show-user", "nobody@example.com"),
    ],
)
def test_a_call_for_nobody_is_refused_in_one_line(operator: Operator, call: tuple[str, ...]) -> None:
    assert call[1] in operator.refused(*call)


def test_a_user_is_registered_once(operator: Operator) -> None:
    operator.call("add-user", "once@example.com")
    assert operator.refused("add-user", "Once@example.com") == "once@example.com is registered already"


def test_a_user_is_refused_in_the_words_of_the_settings(operator: Operator, driver: Driver) -> None:
    for option, field, value in (("--timezone", "timezone", "Mars/Olympus"), ("--name", "name", "x" * 101)):
        words = detail(driver, "PATCH", "/settings", {field: value})
        assert operator.refused("add-user", "a@example.com", option, value) == words
    words = detail(driver, "POST", "/settings/keys", {"scope": "full", "label": "x" * 41})
    assert operator.refused("add-key", driver.email, "--scope", "full", "--label", "x" * 41) == words


def test_a_key_too_many_is_refused_in_the_same_words(operator: Operator, driver: Driver) -> None:
    body = {"scope": "full"}
    while driver.call("POST", "/settings/keys", json=body).status_code == 201:
        pass
    words = detail(driver, "POST", "/settings/keys", body, status=409)
    assert operator.refused("add-key", driver.email, "--scope", "full") == words


# --- cars ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "body"),
    [
        (["--provider", "cartwheel"], {"provider": "cartwheel"}),
        (["--provider", "skoda", "--vin", "AB-12"], {"provider": "skoda", "vin": "AB-12"}),
        (["--plate", "X"], {"provider": "simulated", "plate": "X"}),
        (["--name", "x" * 101], {"provider": "simulated", "name": "x" * 101}),
        (["--available-from", "tomorrow"], {"provider": "simulated", "available_from": "tomorrow"}),
        (["--available-from", "2026-02-01", "--available-until", "2026-01-31"],
         {"provider": "simulated", "available_from": "2026-02-01", "available_until": "2026-01-31"}),
        (["--start-odometer-km", "-1"], {"provider": "simulated", "start_odometer_km": -1}),
    ],
)  # fmt: skip
def test_a_car_is_refused_in_the_words_of_http_and_stays_as_it_is(
    operator: Operator, driver: Driver, options: list[str], body: dict[str, Any]
) -> None:
    before = car(driver)
    words = detail(driver, "PUT", "/cars/car", body)
    assert operator.refused("set-car", driver.email, "car", *options) == words
    assert car(driver) == before


@pytest.mark.parametrize("credentials", ["{}", '{"token": "t", "password": "p"}', '{"token": 5}', '{"token": ""}'])
def test_credentials_are_refused_in_the_words_of_http_and_stay_as_they_are(
    operator: Operator, driver: Driver, credentials: str
) -> None:
    words = driver.call("PUT", "/cars/car/credentials", data=credentials).json()["detail"]
    assert operator.refused("set-car", driver.email, "car", "--name", "New", "--credentials", credentials) == words
    assert car(driver)["name"] != "New", "all or nothing"
    assert driver.store.cars.access("car").credentials == {"token": f"t-{driver.vin}"}


def test_what_is_not_said_of_a_car_stays(operator: Operator, driver: Driver) -> None:
    full = {"provider": "simulated", "name": "Boris's car", "vin": driver.vin, "brand": "A", "plate": "G-001-BB",
            "make": "B", "type": "C", "colour": "blue", "available_from": "2026-01-01",
            "available_until": "2026-12-31", "start_odometer_km": 12000.0}  # fmt: skip
    driver.call("PUT", "/cars/car", json=full)
    before = car(driver)
    operator.call("set-car", driver.email, "car", "--name", "Renamed")
    assert car(driver) == {**before, "name": "Renamed"}
    operator.call("set-car", driver.email, "car", "--plate", "", "--start-odometer-km", "", "--available-until", "")
    emptied = {"plate": "", "start_odometer_km": None, "available_until": None}
    assert car(driver) == {**before, "name": "Renamed", **emptied}
    said = {"--brand": "D", "--make": "E", "--type": "F", "--colour": "red", "--available-from": "2026-02-01",
            "--plate": "g-002-bb", "--start-odometer-km": "12000,5"}  # fmt: skip
    operator.call("set-car", driver.email, "car", *(word for pair in said.items() for word in pair))
    found = car(driver)
    assert (found["brand"], found["make"], found["type"], found["colour"]) == ("D", "E", "F", "red")
    assert (found["plate"], found["start_odometer_km"], found["available_from"]) == ("G-002-BB", 12000.5, "2026-02-01")
    assert driver.call("POST", "/cars/car/test").json()["ok"] is True, "its credentials are those it had"


def test_a_new_car_needs_a_provider_and_one_that_is_there_does_not(operator: Operator, carless: Driver) -> None:
    assert operator.refused("set-car", carless.email, "audi") == "provider: is needed"
    assert "car_id: must be letters" in operator.refused("set-car", carless.email, "a b", "--provider", "simulated")
    operator.call("set-car", carless.email, "audi", "--provider", "simulated")
    assert (car(carless, "audi")["name"], car(carless, "audi")["default"]) == ("audi", True)
    operator.call("set-car", carless.email, "second", "--provider", "simulated")
    assert car(carless, "second")["default"] is False
    operator.call("set-car", carless.email, "second", "--default")
    assert car(carless, "second")["default"] is True


def test_another_provider_drops_the_credentials_and_needs_a_vin_that_fits(operator: Operator, driver: Driver) -> None:
    driver.store.cars.keep_tokens("car", {"refresh": "old"}, driver.store.cars.access("car"))
    driver.stack.db.document(f"users/{driver.email}/settings/car").update({"cars.car.login_refusals": 2})
    assert operator.refused("set-car", driver.email, "car", "--provider", "skoda").startswith("vin: ")
    assert car(driver)["provider"] == "simulated"
    operator.call("set-car", driver.email, "car", "--provider", "skoda", "--vin", "TMBAAAAA000000001")
    found, access = car(driver), driver.store.cars.access("car")
    assert (found["provider"], found["stopped"], access.credentials, access.tokens) == ("skoda", None, {}, {})
    assert [credential["set_at"] for credential in found["credentials"]] == [None]
    operator.call("set-car", driver.email, "car", "--provider", "simulated", "--credentials", '{"token": "new"}')
    assert driver.store.cars.access("car").credentials == {"token": "new"}


def test_a_simulated_car_is_only_for_where_its_cloud_is(operator: Operator, driver: Driver) -> None:
    told = operator.refused("set-car", driver.email, "car", "--provider", "simulated", CAR_CLOUD_URL="")
    assert told.startswith("provider: must be one of audi")


@pytest.mark.parametrize("keys", ["", "no-key"])
def test_credentials_that_cannot_be_sealed_are_refused(operator: Operator, driver: Driver, keys: str) -> None:
    call = ("set-car", driver.email, "car", "--credentials", '{"token": "t"}')
    assert "CREDENTIALS_KEYS" in operator.refused(*call, CREDENTIALS_KEYS=keys)


# --- places --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "body"),
    [
        (["91", "5"], {"lat": 91, "lng": 5}),
        (["52", "-180.5"], {"lat": 52, "lng": -180.5}),
        (["52", "5", "--radius-m", "19"], {"lat": 52, "lng": 5, "radius_m": 19}),
        (["52", "5", "--radius-m", "2001"], {"lat": 52, "lng": 5, "radius_m": 2001}),
    ],
)
def test_a_place_is_refused_in_the_words_of_http(
    operator: Operator, driver: Driver, options: list[str], body: dict[str, Any]
) -> None:
    words = detail(driver, "POST", "/locations", {"name": "Home", **body})
    assert operator.refused("add-place", driver.email, "Home", *options) == words
    assert operator.refused("add-shared-place", "Home", *options) == words
    assert operator.refused("add-place", driver.email, " ", "52", "5") == "name: must not be empty"
    assert "lat: must be a number" in operator.refused("add-place", driver.email, "Home", "north", "5")
    assert driver.call("GET", "/locations").json()["locations"] == []


def test_a_place_that_is_added_twice_is_there_once_whoever_added_it(operator: Operator, driver: Driver) -> None:
    place = {"name": "Home", "lat": 52.1, "lng": 5.1}
    operator.call("add-place", driver.email, "Home", "52.1", "5.1")
    words = detail(driver, "POST", "/locations", place, status=409)
    assert operator.refused("add-place", driver.email, "Home", "52,1", "5.10", "--radius-m", "300") == words
    (kept,) = driver.call("GET", "/locations").json()["locations"]
    assert (kept["name"], kept["radius_m"], kept["kind"]) == ("Home", 150.0, "private")


def test_a_shared_place_that_is_added_twice_is_there_once(operator: Operator, driver: Driver) -> None:
    call = ("add-shared-place", "Harbour", "41.9", "-8.9", "--kind", "pause", "--role", "work")
    told = operator.call(*call)
    try:
        assert operator.refused(*call) == "A place of this name exists there already."
        shared = [one for one in driver.call("GET", "/locations").json()["locations"] if one["name"] == "Harbour"]
        assert [(one["shared"], one["kind"], one["role"]) for one in shared] == [(True, "pause", "work")]
    finally:
        place_id = re.findall("place: (.*)", told)[0]
        driver.stack.db.document(f"locations/{place_id}").delete()
        driver.stack.db.document("settings/places").delete()
