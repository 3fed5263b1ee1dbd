"""The log computed anew: it is the one that was kept, and whatever somebody alters in the store is seen."""

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from google.cloud.firestore import DELETE_FIELD

from tests.system.fixtures import UTRECHT, Driver, ago
from tests.system.test_tenancy import MANUAL

AMERSFOORT = (52.16, 5.39)


def verified(driver: Driver) -> tuple[int, str]:
    """What the operator's tool says of their log, and how it ends."""
    command = [sys.executable, "-m", "tools.admin", "verify", driver.email]
    done = subprocess.run(command, env=driver.stack.operator_env(), capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def driven(driver: Driver, since: int, until: int, end_km: float, there: bool = True) -> None:
    begin, end = (UTRECHT, AMERSFOORT) if there else (AMERSFOORT, UTRECHT)
    driver.phone("start", ago(since), begin)
    for minute in range(since - 2, until, -2):
        share = (since - minute) / (since - until)
        driver.phone("start", ago(minute), tuple(a + share * (b - a) for a, b in zip(begin, end, strict=True)))
    driver.arrive(ago(until), end, end_km, lat=end[0], lng=end[1])


def there_and_back(driver: Driver) -> None:
    """Two drives, of 25 and 28 kilometres."""
    driver.phone("start", ago(500), UTRECHT)
    driver.wait_read(12345.0)
    driven(driver, 500, 470, 12370.0)
    driver.wait_trips(1)
    driven(driver, 400, 370, 12398.0, there=False)


@pytest.fixture
def log(driver: Driver) -> Driver:
    """A log with all kinds of words: edits, a deletion, a trip by hand, an explained gap, readings, one withdrawn."""
    driver.set_car(odometer_km=12345.0, measured_at=ago(600), lat=UTRECHT[0], lng=UTRECHT[1])
    there_and_back(driver)
    driver.wait_trips(2)
    driven(driver, 300, 270, 12455.0)
    driver.wait_trips(3)
    driven(driver, 200, 170, 12480.0, there=False)
    trips = driver.wait_trips(4)[::-1]
    assert driver.call("PATCH", f"/trips/{trips[0]['id']}", json={"kind": "private", "purpose": "Tea"}).ok
    assert driver.call("PATCH", f"/trips/{trips[1]['id']}", json={"distance_km": 27.0, "notes": "x", "why": "road"}).ok
    assert driver.call("DELETE", f"/trips/{trips[3]['id']}").status_code == 204
    assert driver.call("POST", "/trips", json=MANUAL).status_code == 201
    word = driver.call("POST", "/cars/car/odometer", json={"odometer_km": 12480.0, "at": ago(100).isoformat()}).json()
    slip = driver.call("POST", "/cars/car/odometer", json={"odometer_km": 12490.0, "at": ago(90).isoformat()}).json()
    assert driver.call("DELETE", f"/cars/car/readings/{slip['id']}").status_code == 204
    gaps = [row for row in driver.call("GET", "/logbook").json()["rows"] if row["row"] == "gap"]
    said = [gap for gap in gaps if not gap["id"].startswith("open-")]
    if said:
        assert driver.call("PATCH", f"/logbook/gaps/{said[0]['id']}", json={"explained_as": "private"}).ok
    assert word["standing"] == "believed"
    return driver


def test_a_log_with_all_kinds_of_words_is_what_its_facts_make(log: Driver) -> None:
    code, said = verified(log)
    assert (code, said.startswith("Nothing differs. ")) == (0, True), said


def test_a_log_of_which_nothing_is_known_holds(driver: Driver) -> None:
    assert verified(driver) == (0, "Nothing differs. Rows: 0, readings: 0, entries of the history: 0.\n")


# By kind of document one field, which of them, and another value.
ALTERED: dict[str, tuple[str, Callable[[dict[str, Any]], bool], Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "a distance": ("trips", lambda one: one["source"] == "automatic", lambda one: {"distance_km": 1.0}),
    "a boundary": ("trips", lambda one: one["source"] == "automatic", lambda one: {"to_m": one["to_m"] + 1}),
    "a begin": ("trips", lambda one: not one["set_by_hand"], lambda one: {"started_at": one["ended_at"]}),
    "a purpose that was said": ("trips", lambda one: one["purpose"] == "Tea", lambda one: {"purpose": "A customer"}),
    "what was said": ("trips", lambda one: one["notes"] == "x", lambda one: {"set_by_hand": []}),
    "the year of a trip": ("trips", lambda _: True, lambda one: {"year": one["year"] - 1}),
    "business kilometres": ("trips", lambda one: one["kind"] == "private", lambda one: {"business_km": 1.0}),
    "a gap": ("gaps", lambda _: True, lambda one: {"to_m": one["to_m"] + 100}),
    "an explanation": ("gaps", lambda one: bool(one["explained_as"]), lambda one: {"explained_as": "business"}),
    "an odometer": ("odometer_readings", lambda one: one["km"] == 12370.0, lambda one: {"km": 12371.0}),
    "a standing": (
        "odometer_readings",
        lambda one: one["standing"] == "believed",
        lambda one: {"standing": "withdrawn"},
    ),
    "an odometer by eye": ("odometer_readings", lambda one: one["source"] == "eye", lambda _: {"km": 12480.01}),
    "whose a reading is": ("odometer_readings", lambda one: one["km"] == 12370.0, lambda _: {"car_id": DELETE_FIELD}),
    "when a drive began": ("drives", lambda _: True, lambda one: {"began_at": one["began_at"] + timedelta(minutes=1)}),
    "where a drive went": (
        "drives",
        lambda one: one["began_at"] > ago(301),
        lambda one: {"positions": one["positions"][::-1]},
    ),
    "what nobody said": ("trips", lambda one: not one["set_by_hand"], lambda _: {"purpose": "A customer"}),
    "a sum": ("stats", lambda _: True, lambda one: {"months": {}}),
    "an entry": ("history", lambda one: one["why"] == "road", lambda one: {"why": "another road"}),
}


def test_whatever_somebody_alters_in_the_store_is_seen(log: Driver) -> None:
    assert log.differences() == []
    unseen = []
    for what, (collection, is_meant, alter) in ALTERED.items():
        documents = log.stack.db.collection(f"users/{log.email}/{collection}")
        one = min((one for one in documents.stream() if is_meant(one.to_dict())), key=lambda one: one.id)
        one.reference.update(alter(one.to_dict()))
        unseen += [] if log.differences() else [what]
        one.reference.set(one.to_dict())
        one.reference.delete()
        unseen += [] if log.differences() else [f"{what}, when it is taken away"]
        one.reference.set(one.to_dict())
    assert unseen == []
    assert log.differences() == []


def test_a_drive_whose_end_came_after_the_next_began_follows_from_the_words_of_both(driver: Driver) -> None:
    driver.phone("start", ago(400), UTRECHT, car_id="car")
    driver.phone("start", ago(240), (52.2, 5.2))
    driver.phone("end", ago(235), (52.2, 5.2), car_id="car")
    driver.phone("end", ago(200), (52.3, 5.2))
    driver.wait_trips(2)
    assert driver.differences() == []
