"""A trip in the store: with all that the book knows of its drive, and as trips were stored before that."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from google.cloud import firestore
from msgspec.structs import replace

from shared.domain.log.summary import Mark, Said, Summary, trail_of
from shared.domain.log.trip import Trip, dated
from shared.repositories.documents import to_document
from shared.repositories.user_store import UserStore

START = datetime(2026, 3, 2, 8, 0, 0, 123456, tzinfo=UTC)
END = START + timedelta(minutes=30)
SUMMARY = Summary(
    id="drive", began_at=START, ended_at=END, car_id="car", is_stray=True, begun=False, ended=False,
    trail=trail_of((Mark(START, lat=52.0, lng=5.0), Mark(END, 1, 2, 3))), silences=((START, END), (END, END)),
    driver="phone",
    default_car_id="other", is_by_hand=True, trip_ids=("a", "b"),
    said=Said(START, END, True, None, 1, 2, 3, True, True),
)  # fmt: skip
TRIP = dated(Trip(
    id="20260302T080000Z-0a1b2c", user="boris@example.com", car_id="car", started_at=START, ended_at=END,
    timezone="Europe/Amsterdam", date="", year=0, month=0, set_by_hand=("kind", "notes"), summary=SUMMARY,
    created_at=END, updated_at=END,
))  # fmt: skip


@pytest.fixture
def store(emulators: None) -> UserStore:
    return UserStore(firestore.Client(project=f"trips-{secrets.token_hex(4)}"), "boris@example.com")


def test_a_trip_comes_back_with_all_that_is_known_of_its_drive(store: UserStore) -> None:
    for trip in (TRIP, replace(TRIP, id="20260302T080000Z-0a1b2d", summary=None)):
        change = store.change()
        change.put_trip(None, trip)
        change.commit()
        found = store.trips.find(trip.id)
        assert found
        assert found.value == trip
    assert {trip.summary for trip in store.trips.newest({}, 9, None)} == {SUMMARY, None}


def test_a_trip_that_was_stored_without_what_is_known_today_is_read_and_changed(store: UserStore) -> None:
    trip = replace(TRIP, summary=None, set_by_hand=())
    older = {name: value for name, value in to_document(trip).items() if name not in ("summary", "set_by_hand", "late")}
    store._root.collection("trips").document(trip.id).set(older)
    read, change = store.trips.find(trip.id), store.change()
    assert read
    assert read.value == trip
    change.put_trip(read, TRIP)
    change.commit()
    found = store.trips.find(trip.id)
    assert found
    assert found.value == TRIP
