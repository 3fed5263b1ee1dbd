"""A plan is the truth, so it must not hold what no system could know."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from tests.chaos.plan import (
    EXTRAS,
    AddPlace,
    Await,
    Drive,
    Edit,
    Extra,
    Send,
    Show,
    Step,
    Together,
    User,
    km_between,
    plan,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
# Seed 110 once had a drive that ended 143 m from where its driver had paused: it was a pause, as far as anybody knew.
SEEDS = (*range(1, 40), 110)


def test_no_drive_ends_where_its_driver_has_a_place_for_pauses() -> None:
    nearest_km = []
    for user in (user for seed in SEEDS for user in plan(seed, NOW).users):
        halts = []
        for drive in user.drives:
            halts += [step.position for step in drive.steps if isinstance(step, AddPlace)]
            ends = [position for at, position in drive.fixes if at == drive.ends_at]
            nearest_km += [km_between(halt, end) for halt in halts for end in ends]
    assert len(nearest_km) > 1000
    assert min(nearest_km) > 0.4


def users(*extras: Extra) -> list[User]:
    """Those of many plans."""
    return [user for seed in range(1, 20) for user in plan(seed, NOW, extras=extras).users]


def sends(step: Step) -> tuple[Send, ...]:
    """What the phone says in a step."""
    return step.sends if isinstance(step, Together) else (step,) if isinstance(step, Send) else ()


def ends(drive: Drive, at: datetime) -> list[int]:
    """The steps of a drive in which the phone says that it left a car at a moment."""
    return [n for n, step in enumerate(drive.steps) if any((one.event, one.at) == ("end", at) for one in sends(step))]


def test_a_late_end_comes_once_a_later_trip_is_over() -> None:
    late = 0
    for user in users("late-ends"):
        for n, drive in enumerate(user.drives):
            if drive.seen_at is None or not drive.end_was_told or ends(drive, drive.ends_at):
                continue
            later = next(other for other in user.drives[n + 1 :] if ends(other, drive.ends_at))
            over = later.steps.index(Await("over", later.car_id, later.ends_at))
            assert over < ends(later, drive.ends_at)[0]
            assert not any(
                isinstance(step, Edit) for other in user.drives[n : user.drives.index(later)] for step in other.steps
            )
            late += 1
    assert late > 30


def test_a_drive_in_another_car_begins_before_the_one_that_was_left_is_read() -> None:
    swaps = []
    for user in users("other-cars"):
        for drive, following in pairwise(user.drives):
            measured = Await("measured", drive.car_id, drive.seen_at or NOW)
            if measured not in following.steps:
                continue
            swaps.append((following.begins_at - drive.ends_at, drive.end_was_told))
            assert drive.car_id != following.car_id
            reads = [
                n
                for n, step in enumerate(following.steps)
                if isinstance(step, Show) and (step.car_id, step.odometer_km) == (drive.car_id, drive.end_km)
            ]
            began = next(n for n, step in enumerate(following.steps) if sends(step))
            assert began < reads[0] < following.steps.index(measured)
            assert not any(isinstance(step, Show) and step.at >= drive.ends_at for step in drive.steps)
    assert len(swaps) > 50
    assert {told for _, told in swaps} == {True, False}
    assert min(swaps)[0] == timedelta(0)


def test_a_silent_car_says_nothing_for_more_than_thirty_drives_of_one_day() -> None:
    silent = [user for user in users("silent-car") if len(user.drives) > 30]
    assert len(silent) == 19 * 3
    for user in silent:
        first, *between, last = user.drives
        assert len(between) > 30
        assert NOW - first.begins_at < timedelta(hours=23)
        assert not any(isinstance(step, Show | Await) for drive in between for step in drive.steps)
        assert Await("all measured", last.car_id, last.ends_at) in last.steps


def test_what_is_played_besides_changes_no_drive_of_others() -> None:
    for seed in (1, 3, 5):
        plain, all_of_it = (plan(seed, NOW, extras=extras) for extras in ((), EXTRAS))
        assert (all_of_it.faults, all_of_it.settings) == (plain.faults, plain.settings)
        for one, other in zip(plain.users, all_of_it.users, strict=True):
            if one.number % 10 == 0:  # without a car
                assert one == other
        assert plain.users != all_of_it.users
