"""A start that is told late: it begins the drive that went on with it, whenever that was told."""

import pytest

from tests.domain.world import World, at


def played(order: str) -> World:
    """Starts at 0 and 10 and an end at 20, told in an order, each once the one before is in the log."""
    world, now = World(), 30.0
    world.read(-540, 12345, now=0)
    for word in order:
        {"s": lambda: world.start(0, 0), "p": lambda: world.start(10, 5), "e": lambda: world.end(20, 10)}[word]()
        now += 30
        world.read(21, 12357.4, now=now)
        for minutes in range(1, 5):
            world.tick(now + minutes)
    return world


@pytest.mark.parametrize("order", ["spe", "pes", "eps", "esp"])
def test_two_starts_and_an_end_are_one_drive_in_whichever_order_they_are_told(order: str) -> None:
    (trip,) = played(order).log
    assert (trip.started_at, trip.ended_at, trip.distance_km) == (at(0), at(20), 12.4)


def test_a_start_before_an_end_that_was_told_begins_no_later_drive() -> None:
    world = played("pes")
    world.start(-200, 0)
    world.end(-180, 10)
    for minutes in range(400, 430, 10):
        world.tick(minutes)
    assert [trip.started_at for trip in world.log][-1] == at(0)
