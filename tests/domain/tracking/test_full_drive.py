"""A drive of too many words is over, and a record of too many takes no more: both must fit into one document."""

from datetime import timedelta
from random import Random

import msgspec
import pytest
from msgspec.structs import replace

from shared.domain.log.drive import Heard
from shared.domain.log.record import events_of, recorded
from shared.domain.place.trail import Fix
from shared.domain.thresholds import (
    EVENTS_A_BLOCK,
    KEPT_EVENTS,
    MOST_BLOCKS,
    MOST_DRIVERS,
    MOST_LATE,
    MOST_RECORDED,
)
from shared.domain.tracking.events import Ended, Started
from shared.domain.tracking.state import GoingOn
from tests.domain.world import World, at, fix

MOST_BYTES = 1_000_000  # a document has 1 MiB, with the names of its fields


def any_words(count: int) -> list[Heard]:
    """Words of a phone that says as much as it can, names another car each time, and has many keys."""
    rng = Random(count)
    return [
        Heard(
            at(0) + timedelta(milliseconds=4321 * n),
            round(rng.uniform(-90, 90), 6),
            round(rng.uniform(-180, 180), 6),
            round(rng.uniform(0, 1e7), 3),
            f"{rng.getrandbits(128):032x}",
            delay_s=round(rng.uniform(0, 86400), 3),
            is_stray=True,
            by="🚗" * 37 + f"{n % MOST_DRIVERS:03d}",
        )
        for n in range(count)
    ]


def test_the_record_of_any_drive_fits_into_a_document() -> None:
    assert MOST_BLOCKS * EVENTS_A_BLOCK + EVENTS_A_BLOCK + KEPT_EVENTS + MOST_LATE < MOST_RECORDED
    assert len(msgspec.json.encode(recorded("20260302T080000Z-0a1b2c3d4e5f", any_words(MOST_RECORDED)))) < MOST_BYTES


def test_a_record_names_no_more_drivers_than_it_has_room_for_and_tells_the_same_again() -> None:
    said = [replace(word, by=f"driver {n}") for n, word in enumerate(any_words(MOST_DRIVERS + 2))]
    kept = recorded("id", said)
    assert [heard.by for heard in events_of(kept)] == [*(word.by for word in said[:MOST_DRIVERS]), "", ""]
    assert recorded("id", events_of(kept)) == kept


@pytest.mark.parametrize("minutes", [101, 300])
def test_a_start_after_a_drive_without_room_for_it_begins_another_one(minutes: float) -> None:
    world = full()
    assert world.take(Started(fix(minutes)), minutes).status in ("trip_started", "trip_resumed")
    assert world.state.drive
    assert (world.state.drive.started_at, world.state.drive.blocks) == (at(minutes), 0)
    world.tick(minutes + 2)
    assert world.drives == [(at(0), at(100))]
    check_kept(world, fix(minutes))


@pytest.mark.parametrize("minutes", [50, 101])
def test_an_end_of_a_drive_without_room_for_it_is_kept(minutes: float) -> None:
    world = full()
    world.take(Ended(fix(minutes)), 102)
    world.tick(130)
    world.tick(500)
    assert world.state.drive is None
    check_kept(world, replace(fix(minutes), is_end=True))


def full() -> World:
    """A drive of as many words as a drive can have."""
    world = World()
    drive = GoingOn(started_at=at(0), car_id="car", heard_at=at(100), blocks=MOST_BLOCKS, last=Fix(at(90)))
    world.state = replace(world.state, drive=drive, events=(fix(100, 2),))
    world.store.put_block(0, [fix(0, 0), fix(90, 1)])
    return world


def check_kept(world: World, heard: Heard) -> None:
    """A word is kept, and once."""
    kept = [one for record in world.store.records.values() for one in events_of(record)]
    assert [one.word for one in (*kept, *world.state.events, *world.state.late)].count(heard.word) == 1
