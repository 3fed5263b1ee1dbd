"""What a driver's state has of a drive takes little room, and is read back as it was."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from shared.domain.log.summary import Mark, Summary, trail_of
from tests.domain.world import World

BEGIN = datetime(2026, 1, 23, 7, 12, 0, 123457, tzinfo=UTC)
MOST_BYTES = 13_000  # of twenty thousand that a ping may read: it is in the state with a hundred of them


def after(minutes: float) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "marks",
    [
        (),
        (Mark(BEGIN),),
        (Mark(BEGIN), Mark(after(5))),
        (Mark(BEGIN, lat=52.0907, lng=5.1214), Mark(after(5.5), 4500, lat=-52.000001, lng=-179.999999)),
        (Mark(BEGIN), Mark(after(1 / 3), 10, 20, 30), Mark(after(7), 10, 900, 4000, 0.0, 0.5)),
        (Mark(BEGIN, lat=0.000001, lng=0.0), Mark(after(1e-6), 5), Mark(after(600), 500_000, 2, 1, 90.0, 180.0)),
    ],
)
def test_marks_are_read_back_from_their_text_as_they_were(marks: tuple[Mark, ...]) -> None:
    summary = Summary(id="a", began_at=BEGIN, ended_at=after(600), trail=trail_of(marks))
    assert summary.marks == marks
    assert msgspec.json.decode(msgspec.json.encode(summary), type=Summary) == summary


def test_a_week_of_forty_drives_of_which_the_car_said_nothing_is_kept_in_thirteen_thousand_bytes() -> None:
    world = World()
    world.read(-60, 1000.0)
    for n in range(40):
        began = 24 * 60 * (n // 6) + 150 * (n % 6)
        for minute in range(30):
            world.start(began + minute + 0.123, 10 * (n % 2) + minute * 0.7)
        world.end(began + 30, 10)
        world.fail(began + 30.2)
        world.tick(began + 60)
    assert len(world.state.told) == len(world.log) == 40
    assert len(msgspec.json.encode(world.state)) < MOST_BYTES
