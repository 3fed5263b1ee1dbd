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
    KEPT_LOOSE_ENDS,
    MOST_BLOCKS,
    MOST_DRIVERS,
    MOST_RECORDED,
)
from shared.domain.tracking.events import Ended, Started
from shared.domain.tracking.state import DriverState, GoingOn
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
    assert MOST_BLOCKS * EVENTS_A_BLOCK + EVENTS_A_BLOCK + KEPT_EVENTS + KEPT_LOOSE_ENDS < MOST_RECORDED
    assert len(msgspec.json.encode(recorded("20260302T080000Z-0a1b2c3d4e5f", any_words(MOST_RECORDED)))) < MOST_BYTES


def test_a_record_names_no_more_drivers_than_it_has_room_for_and_tells_the_same_again() -> None:
    said = [replace(word, by=f"driver {n}") for n, word in enumerate(any_words(MOST_DRIVERS + 2))]
    kept = recorded("id", said)
    assert [heard.by for heard in events_of(kept)] == [*(word.by for word in said[:MOST_DRIVERS]), "", ""]
    assert recorded("id", events_of(kept)) == kept


@pytest.mark.parametrize("event", [Started(fix(50)), Started(fix(101)), Ended(fix(50)), Ended(fix(101))])
def test_whatever_word_comes_next_ends_a_drive_without_room_for_it(event: Started | Ended) -> None:
    world, last = World(), fix(100, 2)
    full = GoingOn(started_at=at(0), car_id="car", heard_at=at(100), blocks=MOST_BLOCKS, last=Fix(at(90)))
    world.state = DriverState(drive=full, events=(last,))
    world.store.put_block(0, [fix(0, 0), fix(90, 1)])
    world.take(event, 102)
    (drive,) = world.drives
    assert (drive.started_at, drive.ended_at, drive.why) == (at(0), at(100), "it is as long as a drive can be")
    assert world.state.drive is None or world.state.drive.blocks == 0
    kept = [heard for record in world.store.records.values() for heard in events_of(record)]
    assert [*kept, *world.state.events].count(replace(event.heard, is_end=isinstance(event, Ended))) == 1


def test_a_late_word_of_a_drive_whose_record_is_full_is_kept_by_itself() -> None:
    world = World(car=None)
    world.start(0, 0)
    world.start(20, 10)
    world.end(30, 20)
    world.tick(60)
    (name,) = world.store.records
    full = recorded(name, [Heard(at(10) + timedelta(seconds=n)) for n in range(MOST_RECORDED)])
    world.store.records[name] = full
    for _ in range(2):
        world.start(15)
    assert world.store.records[name] == full
    (alone,) = (kept for id_, kept in world.store.records.items() if id_ != name)
    assert events_of(alone) == [replace(fix(15), accuracy_m=None)]
