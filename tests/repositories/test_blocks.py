"""The older events of a drive in the store, a hundred at a time."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from google.cloud import firestore

from shared.domain.log.drive import Heard
from shared.repositories.user_store import UserStore

NOON = datetime(2026, 1, 23, 12, tzinfo=UTC)


def heard(minute: int) -> Heard:
    return Heard(NOON + timedelta(minutes=minute), 52.0, 5.0, 5.0, delay_s=0.5)


@pytest.fixture
def store(emulators: None) -> UserStore:
    return UserStore(firestore.Client(project=f"blocks-{secrets.token_hex(4)}"), "boris@example.com")


@pytest.mark.parametrize("puts_first", [True, False])
def test_a_block_of_the_next_drive_outlives_those_of_the_one_that_ends_in_the_same_commit(
    store: UserStore, puts_first: bool
) -> None:
    former = store.change()
    for n in range(3):
        former.add_block(n, [heard(n)])
    former.commit()
    change = store.change()
    if puts_first:
        change.add_block(0, [heard(9)])
    change.drop_blocks(3)
    if not puts_first:
        change.add_block(0, [heard(9)])
    change.commit()
    assert store.blocks(3) == [heard(9)]
