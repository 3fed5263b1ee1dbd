"""The history of a log in the store: each entry once, in order, and in the commit that it tells of."""

import secrets
from datetime import UTC, datetime
from typing import Any

import pytest
from google.api_core.exceptions import AlreadyExists, FailedPrecondition
from google.cloud import firestore
from msgspec.structs import replace

from shared.domain.log.history import Author, Head, broken_at
from shared.domain.tracking.state import DriverState
from shared.repositories.accounts import AccountRepository
from shared.repositories.documents import Stored
from shared.repositories.user_store import UserStore

EMAIL = "boris@example.com"
NOW = datetime(2026, 1, 23, 12, tzinfo=UTC)
BORIS = Author("laptop", NOW, "a slip")
BEFORE, AFTER = {"km": 1.0}, {"km": None, "flags": []}


@pytest.fixture
def db(emulators: None) -> firestore.Client:
    return firestore.Client(project=f"history-{secrets.token_hex(4)}")


@pytest.fixture
def store(db: firestore.Client) -> UserStore:
    return UserStore(db, EMAIL)


def write(store: UserStore, *rows: str, read: Stored[DriverState] | None = None) -> None:
    change, read = store.change(BORIS), read or store.state()
    for row in rows:
        change.tell("trip", row, BEFORE, AFTER, [2026])
    change.put_state(read, read.value)
    change.commit()


def chain_holds(store: UserStore) -> bool:
    state = store.state().value
    return broken_at([*store.history.all()], Head(state.entries, state.last_hash)) is None


def kept(db: firestore.Client) -> dict[str, Any]:
    return {one.id: one.to_dict() for one in db.collection(f"users/{EMAIL}/history").stream()}


def test_an_entry_is_kept_as_it_was_said_under_its_number(db: firestore.Client, store: UserStore) -> None:
    write(store, "a")
    found = kept(db)
    assert len(found["00000001"].pop("hash")) == 64
    assert found == {
        "00000001": {
            "n": 1, "at": NOW, "by": "laptop", "why": "a slip", "kind": "trip", "row": "a", "is_word": False,
            "years": [2026], "before": BEFORE, "after": AFTER, "prev": "",
        }
    }  # fmt: skip


def test_what_is_read_back_is_the_chain_that_was_written(db: firestore.Client, store: UserStore) -> None:
    write(store, "a", "b")
    write(store, "a")
    assert chain_holds(store)
    db.document(f"users/{EMAIL}/history/00000002").update({"after.km": 2.0})
    assert not chain_holds(store)


def test_entries_are_found_by_row_and_by_year_in_their_order(store: UserStore) -> None:
    write(store, "a", "b")
    write(store, "a")
    assert [entry.n for entry in store.history.of_row("a")] == [1, 3]
    assert [entry.n for entry in store.history.of_year(2026, 2)] == [1, 2]
    assert [entry.n for entry in store.history.of_year(2026, 2, after=2)] == [3]
    assert store.history.of_year(2025, 2) == []


def test_entries_are_numbered_through_from_commit_to_commit(db: firestore.Client, store: UserStore) -> None:
    write(store, "a", "b")
    write(store)
    write(store, "c")
    assert [(id_, entry["n"], entry["row"]) for id_, entry in sorted(kept(db).items())] == [
        ("00000001", 1, "a"),
        ("00000002", 2, "b"),
        ("00000003", 3, "c"),
    ]
    assert store.state().value.entries == 3


def test_of_two_who_write_at_once_one_is_refused_and_leaves_no_entry(db: firestore.Client, store: UserStore) -> None:
    write(store, "a")
    read = store.state()
    write(store, "b", read=read)
    with pytest.raises((AlreadyExists, FailedPrecondition)):
        write(store, "late", read=read)
    assert [entry["row"] for _, entry in sorted(kept(db).items())] == ["a", "b"]


def test_no_entry_is_put_over_another(db: firestore.Client, store: UserStore) -> None:
    write(store, "a")
    read = store.state()
    with pytest.raises(AlreadyExists):
        write(store, "again", read=Stored(replace(read.value, entries=0), read.version))
    assert [entry["row"] for entry in kept(db).values()] == ["a"]


def test_an_entry_without_the_state_that_numbers_it_is_refused(store: UserStore) -> None:
    change = store.change(BORIS)
    change.tell("trip", "a", BEFORE, AFTER, [2026])
    with pytest.raises(RuntimeError, match="numbered by the state"):
        change.commit()


def test_who_is_forgotten_leaves_no_history(db: firestore.Client, store: UserStore) -> None:
    write(store, "a", "b")
    AccountRepository(db).forget(EMAIL)
    assert kept(db) == {}
