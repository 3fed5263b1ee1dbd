"""A user's readings in the store: two values are two facts, and what is not believed is shown nowhere."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core.exceptions import NotFound
from google.cloud import firestore

from shared.domain.car.odometer import WITHDRAWN, Disbelief, Judged, KeptReading, Reading
from shared.repositories.readings import reading_id
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
        "is_confirmed": False, "begins_series": False, "standing": "believed", "why": "",
    }  # fmt: skip


def test_the_same_reading_told_twice_is_one_and_two_values_of_one_moment_are_two(store: UserStore) -> None:
    add(store, Reading(at(0), 12000.0), Reading(at(0), 12000.0), Reading(at(0), 12000.1))
    assert len(kept(store)) == 2
    add(store, Reading(at(0), 12000.0), car_id=OTHER)
    add(store, Reading(at(0), 12000.0, source="eye"))
    assert len(store.readings.newest(CAR, 9)) == 3
    assert len(store.readings.newest(OTHER, 9)) == 1


def test_what_is_not_believed_is_kept_with_why_and_counts_for_nothing(store: UserStore) -> None:
    add(store, Reading(at(0), 12000.0), Reading(at(10), 12010.0))
    believed = (store.readings.newest(CAR, 9), store.readings.first(CAR))
    add(store, Reading(at(-5), 90000.0), Reading(at(4), 1.0), Reading(at(6), 2.0), Reading(at(20), 3.0), why="jumps")
    assert believed == (store.readings.newest(CAR, 9), store.readings.first(CAR))
    stored = kept(store)
    assert len(stored) == 6
    assert (stored[1.0]["standing"], stored[1.0]["why"]) == ("not_believed", "jumps")


def test_the_newest_come_first_and_may_have_to_be_before_a_moment(store: UserStore) -> None:
    add(store, *(Reading(at(n), 12000.0 + n) for n in (1, 3, 2)))
    assert [reading.km for reading in store.readings.newest(CAR, 2)] == [12003.0, 12002.0]
    assert [reading.km for reading in store.readings.newest(CAR, 9, at(3))] == [12002.0, 12001.0]
    assert store.readings.first(CAR) == Reading(at(1), 12001.0)
    assert store.readings.first(OTHER) is None


def test_readings_from_a_moment_on_come_by_time_each_with_what_is_thought_of_it(store: UserStore) -> None:
    add(store, *(Reading(at(n), 12000.0 + n) for n in (3, 1)))
    add(store, Reading(at(2), 90000.0), why="jumps")
    change = store.change()
    change.add_reading(CAR, Reading(at(4), 12004.0), at(5), None)
    change.commit()
    add(store, Reading(at(4), 1.0), car_id=OTHER)
    found = store.readings.since(CAR, at(2))
    assert [(one.reading, one.standing, one.why, one.fetched_at) for one in found] == [
        (Reading(at(2), 90000.0), "not_believed", "jumps", NOON),
        (Reading(at(3), 12003.0), "believed", "", NOON),
        (Reading(at(4), 12004.0), None, "", at(5)),
    ]
    assert [one.id for one in found] == [reading_id(CAR, one.reading) for one in found]


def test_readings_around_are_those_from_one_moment_to_another(store: UserStore) -> None:
    add(store, *(Reading(at(n), 12000.0 + n) for n in range(5)))
    assert [one.reading.km for one in store.readings.around(CAR, at(1), at(3))] == [12001.0, 12002.0, 12003.0]
    assert store.readings.around(CAR, at(1.2), at(1.8)) == []


def test_readings_beside_a_moment_are_the_nearest_before_and_after_it(store: UserStore) -> None:
    add(store, *(Reading(at(n), 12000.0 + n) for n in range(8)))
    assert [one.reading.km for one in store.readings.beside(CAR, at(4), 2)] == [12003.0, 12004.0, 12005.0, 12006.0]
    assert store.readings.beside(OTHER, at(4), 2) == []


def test_a_standing_can_change_and_the_reading_stays(store: UserStore) -> None:
    word = Reading(at(0), 13000.0, source="garage", is_confirmed=True, begins_series=True)
    add(store, word)
    change = store.change()
    change.set_standing(reading_id(CAR, word), word.at, Judged("believed"), WITHDRAWN)
    change.commit()
    found = store.readings.find(CAR, reading_id(CAR, word))
    assert found is not None
    assert (found.reading, found.standing, found.why, found.fetched_at) == (word, "withdrawn", "withdrawn", NOON)
    assert store.readings.newest(CAR, 9) == []


def test_nobody_can_set_the_standing_of_a_reading_that_is_not_there(store: UserStore) -> None:
    change = store.change()
    change.set_standing(reading_id(CAR, Reading(at(0), 1.0)), at(0), None, WITHDRAWN)
    with pytest.raises(NotFound):
        change.commit()
    assert kept(store) == {}


def test_a_reading_is_found_under_its_car_alone(store: UserStore) -> None:
    reading = Reading(at(0), 12000.0)
    add(store, reading)
    assert store.readings.find(CAR, reading_id(CAR, reading)) is not None
    for car_id, wanted in ((OTHER, reading_id(CAR, reading)), (CAR, reading_id(CAR, Reading(at(0), 1.0))), (CAR, "x")):
        assert store.readings.find(car_id, wanted) is None
    assert [store.readings.has_any(car_id) for car_id in (CAR, OTHER)] == [True, False]


def test_pages_go_on_where_the_last_one_ended_also_between_readings_of_one_moment(store: UserStore) -> None:
    add(store, *(Reading(at(n // 2), 12000.0 + n) for n in range(6)))
    seen: list[KeptReading] = []
    while found := store.readings.page(CAR, 1, None, (seen[-1].reading.at, seen[-1].id) if seen else None):
        seen += found
    assert [one.reading.km for one in seen] == [12005.0, 12004.0, 12003.0, 12002.0, 12001.0, 12000.0]
    within = store.readings.page(CAR, 9, (at(0), at(2)), None)
    assert [one.reading.km for one in within] == [12003.0, 12002.0, 12001.0, 12000.0]
