"""A user's readings in the store: two values are two facts, and what is not believed is shown nowhere."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud import firestore

from shared.domain.car.odometer import Disbelief, Reading
from shared.repositories.user_store import UserStore

NOON = datetime(2026, 1, 23, 12, tzinfo=UTC)
CAR, OTHER = "car", "other-car"


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


@pytest.fixture
def store(emulators: None) -> UserStore:
    return UserStore(firestore.Client(project=f"readings-{secrets.token_hex(4)}"), "boris@example.com")


def add(store: UserStore, *readings: Reading, why: Disbelief | None = None, car_id: str = CAR) -> None:
    for reading in readings:
        change = store.change()
        if why:
            change.add_reading(car_id, reading, NOON, "not_believed", why)
        else:
            change.add_reading(car_id, reading, NOON)
        change.commit()


def kept(store: UserStore) -> dict[float, dict[str, Any]]:
    """All documents by their km."""
    found = firestore.Client(project=store._db.project).collection("users/boris@example.com/odometer_readings").stream()
    return {document.get("km"): document.to_dict() | {"id": document.id} for document in found}


def test_all_that_is_known_of_a_reading_comes_back(store: UserStore) -> None:
    whole = Reading(at(40), 12000.0, True, 52.1, 5.1, since=at(2), resolution_km=1.0, source="car")
    add(store, whole)
    assert store.readings.newest(CAR, 9) == [whole]
    (document,) = kept(store).values()
    assert document == {
        "id": "20260123T124000.000000Z.car.car.12000000", "car_id": CAR, "at": at(40), "since": at(2), "km": 12000.0,
        "resolution_km": 1.0, "fetched_at": NOON, "source": "car", "driving": True, "lat": 52.1, "lng": 5.1,
        "standing": "believed", "why": "",
    }  # fmt: skip


def test_the_same_reading_told_twice_is_one_and_two_values_of_one_moment_are_two(store: UserStore) -> None:
    add(store, Reading(at(0), 12000.0), Reading(at(0), 12000.0), Reading(at(0), 12000.1))
    assert len(kept(store)) == 2
    add(store, Reading(at(0), 12000.0), car_id=OTHER)
    add(store, Reading(at(0), 12000.0, source="eye"))
    assert len(store.readings.newest(CAR, 9)) == 3
    assert len(store.readings.newest(OTHER, 9)) == 1


def test_what_is_not_believed_is_kept_with_why_and_read_by_nobody(store: UserStore) -> None:
    add(store, Reading(at(0), 12000.0), Reading(at(10), 12010.0))
    believed = (
        store.readings.newest(CAR, 9),
        store.readings.first(CAR),
        store.readings.around(CAR, at(5)),
    )
    add(store, Reading(at(-5), 90000.0), Reading(at(4), 1.0), Reading(at(6), 2.0), Reading(at(20), 3.0), why="jumps")
    assert believed == (
        store.readings.newest(CAR, 9),
        store.readings.first(CAR),
        store.readings.around(CAR, at(5)),
    )
    stored = kept(store)
    assert len(stored) == 6
    assert (stored[1.0]["standing"], stored[1.0]["why"]) == ("not_believed", "jumps")


def test_the_newest_come_first_and_may_have_to_be_before_a_moment(store: UserStore) -> None:
    add(store, *(Reading(at(n), 12000.0 + n) for n in (1, 3, 2)))
    assert [reading.km for reading in store.readings.newest(CAR, 2)] == [12003.0, 12002.0]
    assert [reading.km for reading in store.readings.newest(CAR, 9, at(3))] == [12002.0, 12001.0]
    assert store.readings.first(CAR) == Reading(at(1), 12001.0)
    assert store.readings.first(OTHER) is None


def test_around_a_moment_are_the_ones_before_and_after_it(store: UserStore) -> None:
    add(store, *(Reading(at(n), 12000.0 + n) for n in range(5)))
    assert [reading.km for reading in store.readings.around(CAR, at(2))] == [12001.0, 12002.0, 12003.0]


def test_what_a_driver_read_takes_the_place_of_what_they_said_of_that_moment(store: UserStore) -> None:
    slip, right = Reading(at(0), 12900.0, source="eye"), Reading(at(0), 12390.0, source="eye")
    of_the_car = Reading(at(0), 12390.0)
    add(store, of_the_car, Reading(at(-1), 12380.0, source="eye"), slip)
    assert store.readings.around(CAR, at(0)) == [of_the_car]
    add(store, right)
    assert {reading.source: reading.km for reading in store.readings.newest(CAR, 2)} == {"car": 12390.0, "eye": 12390.0}
    assert (kept(store)[12900.0]["standing"], kept(store)[12900.0]["why"]) == ("not_believed", "replaced")
    add(store, slip)
    assert {reading.km for reading in store.readings.newest(CAR, 2)} == {12390.0, 12900.0}
    assert len(store.readings.newest(CAR, 9)) == 3


def test_one_that_is_not_believed_takes_nobodys_place(store: UserStore) -> None:
    said = Reading(at(0), 12390.0, source="eye")
    add(store, said)
    add(store, Reading(at(0), 99999.0, source="eye"), why="jumps")
    assert store.readings.newest(CAR, 9) == [said]
