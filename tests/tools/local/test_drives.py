"""The demo's courses: there and back on the same way."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from shared.domain.place.geo import Position, distance_km
from tools.local.drives import DRIVE_KM, EINDHOVEN, LASTS, UTRECHT, Course, drive

NOON = datetime(2026, 1, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize("course", [UTRECHT, EINDHOVEN])
@pytest.mark.parametrize("back", [False, True], ids=["there", "back"])
def test_a_drive_begins_at_one_end_of_its_course_and_ends_at_the_other(course: Course, back: bool) -> None:
    way = course.back() if back else course
    samples = drive(way, NOON)
    assert (samples[0].lat, samples[0].lng) == way.corners[0]
    end = Position(samples[-1].lat, samples[-1].lng)
    assert distance_km(end, Position(*way.corners[-1])) < 0.001
    assert (samples[0].at, samples[-1].at) == (NOON, NOON + LASTS)
    assert (samples[0].driven_km, samples[-1].driven_km) == (0.0, pytest.approx(DRIVE_KM))


@pytest.mark.parametrize("course", [UTRECHT, EINDHOVEN])
def test_the_positions_go_on_as_the_odometer_does(course: Course) -> None:
    for a, b in pairwise(drive(course.back(), NOON)):
        moved_km = distance_km(Position(a.lat, a.lng), Position(b.lat, b.lng))
        assert moved_km <= b.driven_km - a.driven_km + 0.01


def test_the_way_back_of_the_way_back_is_the_way_there() -> None:
    assert UTRECHT.back().back() == UTRECHT
