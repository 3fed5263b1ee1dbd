"""More than a hundred drives of ten users under faults: nothing lost, nothing invented."""

from pathlib import Path

import pytest

from tests.chaos.checker import count
from tests.chaos.plan import EXTRAS
from tests.chaos.running import run

SEEDS, USERS = (1,), 10  # one has no car, one has two, and one's cloud is silent for most of the drives
PLAYED = EXTRAS


@pytest.mark.parametrize("seed", SEEDS)
def test_no_trip_and_no_kilometre_is_lost_doubled_or_another_users(seed: int, emulators: None, tmp_path: Path) -> None:
    report = run(seed, tmp_path, USERS, extras=PLAYED)
    print(report.text())
    assert set(count(report.findings).values()) == {0}, report.text()
