"""A plan is the truth, so it must not hold what no system could know."""

from datetime import UTC, datetime

from tests.chaos.plan import AddPlace, km_between, plan

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
