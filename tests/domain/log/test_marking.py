"""How far a trail had come at some moments, as the marks of a drive tell it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.domain.log.marking import marks
from shared.domain.log.summary import Mark
from shared.domain.place.trail import Fix
from shared.domain.thresholds import MOST_MARKS

MORNING = datetime(2026, 3, 2, 8, tzinfo=UTC)
HOME = (52.0, 5.0)
M_PER_DEGREE = 111_195.0


def at(minutes: float) -> datetime:
    return MORNING + timedelta(minutes=minutes)


def fix(minutes: float, m_north: float, accuracy_m: float | None = 10) -> Fix:
    return Fix(at(minutes), HOME[0] + m_north / M_PER_DEGREE, HOME[1], accuracy_m)


def straight_on(minutes: int, m_a_minute: float) -> list[Fix]:
    return [fix(n, n * m_a_minute) for n in range(minutes + 1)]


def marked(fixes: Sequence[Fix], minutes: float, *moments: float) -> tuple[Mark, ...]:
    return marks(fixes, at(0), at(minutes), [at(moment) for moment in moments])


def m_north(mark: Mark) -> float | None:
    return None if mark.lat is None else (mark.lat - HOME[0]) * M_PER_DEGREE


def test_a_trail_of_pings_is_measured_from_fix_to_fix() -> None:
    found = marked(straight_on(20, 445), 20)
    assert (found[0].at, found[-1].at) == (at(0), at(20))
    assert found[-1].dense_m == pytest.approx(8_900, abs=5)
    assert (found[-1].sparse_m, found[-1].sparse_s) == (0, 0)


def test_one_fix_thirty_kilometres_off_is_no_part_of_the_trail_however_accurate_it_says_it_is() -> None:
    fixes = straight_on(20, 445)
    fixes[10] = fix(10, 30_000 + 4_450, accuracy_m=10)
    found = marked(fixes, 20, 10)
    assert found[-1].dense_m == pytest.approx(8_900, abs=5)
    assert [m_north(mark) for mark in found if mark.at == at(10)] == [pytest.approx(4_450, abs=5)]


@pytest.mark.parametrize("wrong", [(7,), (0,), (20,), (6, 8), (7, 8), (1, 5, 12)])
def test_latitude_and_longitude_that_changed_places_add_nothing(wrong: tuple[int, ...]) -> None:
    fixes = straight_on(20, 445)
    for n in wrong:
        fixes[n] = Fix(fixes[n].at, fixes[n].lng, fixes[n].lat, 10)
    total = marked(fixes, 20)[-1]
    assert total.dense_m + total.sparse_m == pytest.approx(8_900, abs=900)


def test_where_either_of_two_fixes_can_be_the_wrong_one_neither_counts() -> None:
    found = marked([Fix(at(0), 5.0, 52.0, 10), Fix(at(30), 52.1, 5.0, 10)], 30)
    assert [mark.position for mark in found] == [None] * len(found)
    assert (found[-1].sparse_m, found[-1].sparse_s) == (0, 1800)


def test_a_place_far_away_where_the_phone_stays_is_no_error() -> None:
    there = [fix(n, n * 400) for n in range(6)]
    beyond = [fix(8 + n, 300_000 + n * 400) for n in range(6)]
    found = marked([*there, *beyond], 13)[-1]
    assert found.dense_m + found.sparse_m > 290_000


def test_a_phone_that_lies_still_adds_no_metre() -> None:
    restless = [fix(n, 20 * (n % 2)) for n in range(60)]
    assert marked(restless, 60)[-1].dense_m == 0


def test_small_legs_count_together_once_they_are_fifty_metres() -> None:
    assert marked(straight_on(20, 30), 20)[-1].dense_m == pytest.approx(600, abs=5)


def test_a_fix_that_is_less_sure_than_a_hundred_metres_is_not_measured_with() -> None:
    fixes = [*straight_on(10, 445), fix(5.5, 6_000, accuracy_m=800)]
    assert marked(fixes, 10)[-1].dense_m == pytest.approx(4_450, abs=5)


def test_a_hole_counts_by_its_straight_way_and_by_its_time() -> None:
    found = marked([fix(0, 0), fix(1, 500), fix(31, 20_500), fix(32, 21_000)], 32)
    assert found[-1].dense_m == pytest.approx(1_000, abs=2)
    assert found[-1].sparse_m == pytest.approx(20_000, abs=5)
    assert found[-1].sparse_s == 1800


def test_both_sides_of_a_hole_have_a_mark_that_says_where_the_phone_was() -> None:
    found = marked([*straight_on(13, 500), fix(53, 7_000), fix(54, 7_500)], 54)
    positions = {mark.at: m_north(mark) for mark in found}
    assert positions[at(13)] == pytest.approx(6_500, abs=5)
    assert positions[at(53)] == pytest.approx(7_000, abs=5)


def test_without_any_position_only_the_time_is_known() -> None:
    found = marked([Fix(at(0)), Fix(at(40))], 40)
    assert found[-1] == Mark(at(40), 0, 0, 2400)
    assert all(mark.position is None for mark in found)


def test_what_is_before_the_first_fix_is_a_hole() -> None:
    found = marked([fix(10, 0), fix(11, 500)], 11)
    assert (found[-1].dense_m, found[-1].sparse_m, found[-1].sparse_s) == (500, 0, 600)


def test_a_mark_between_two_pings_lies_between_them() -> None:
    marks_at_half = [mark for mark in marked(straight_on(20, 445), 20, 7.5) if mark.at == at(7.5)]
    assert [m_north(mark) for mark in marks_at_half] == [pytest.approx(7.5 * 445, abs=2)]
    assert marks_at_half[0].dense_m == pytest.approx(7.5 * 445, abs=2)


@pytest.mark.parametrize(("silent", "is_known"), [(3, True), (4, False)])
def test_where_the_phone_was_at_the_end_is_known_by_a_fix_of_three_minutes_before(silent: int, is_known: bool) -> None:
    found = marked([fix(0, 0), fix(30 - silent, 20_000)], 30)
    assert (found[-1].at, found[-1].position is not None) == (at(30), is_known)


def test_on_the_way_a_mark_knows_where_the_phone_was_by_a_fix_of_that_very_moment() -> None:
    trail = [fix(3 * n, 2_000 * n) for n in range(8)]
    found = marked(trail, 45, 2, 10, 28)
    known = {mark.at: mark.position for mark in found if mark.position}
    assert known.items() <= {one.at: one.position for one in trail}.items()
    assert len(known) >= 4


def test_a_drive_of_one_moment_has_one_mark() -> None:
    assert marked([fix(0, 0)], 0) == (Mark(at(0), lat=52.0, lng=5.0),)


def test_a_long_drive_with_many_readings_has_forty_marks_at_most() -> None:
    found = marked(straight_on(600, 800), 600, *range(1, 600))
    assert len(found) == MOST_MARKS
    assert (found[0].at, found[-1].at) == (at(0), at(600))
    assert max((b.at - a.at for a, b in pairwise(found)), default=timedelta(0)) <= timedelta(minutes=20)


# --- whatever the trail

minutes = some.floats(0, 90, allow_nan=False)
fixes = some.lists(
    some.builds(
        fix, minutes, some.floats(-40_000, 40_000, allow_nan=False), some.sampled_from([None, 5.0, 90.0, 500.0])
    ),
    max_size=30,
)


@given(fixes, some.lists(minutes, max_size=20), some.lists(minutes, max_size=40))
def test_marks_at_more_moments_never_change_how_far_it_was(
    trail: list[Fix], few: list[float], more: list[float]
) -> None:
    some_marks, all_marks = marked(trail, 90, *few), marked(trail, 90, *few, *more)
    assert some_marks[-1] == all_marks[-1]
    assert some_marks[0] == all_marks[0]


@given(fixes, some.lists(minutes, max_size=40))
def test_marks_are_by_time_each_once_and_never_go_back(trail: list[Fix], moments: list[float]) -> None:
    found = marked(trail, 90, *moments)
    assert 2 <= len(found) <= MOST_MARKS
    assert (found[0].at, found[-1].at) == (at(0), at(90))
    assert (found[0].dense_m, found[0].sparse_m, found[0].sparse_s) == (0, 0, 0)
    for a, b in pairwise(found):
        assert a.at < b.at
        assert a.dense_m <= b.dense_m
        assert a.sparse_m <= b.sparse_m
        assert a.sparse_s <= b.sparse_s


@given(fixes, some.randoms(use_true_random=False))
def test_the_order_in_which_fixes_come_does_not_matter(trail: list[Fix], random: Random) -> None:
    shuffled = list(trail)
    random.shuffle(shuffled)
    assert marked(shuffled, 90, 10, 20) == marked(trail, 90, 10, 20)
