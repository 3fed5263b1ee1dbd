"""Who is told the truth is found right in every kind of world: so the checker asks nothing that no log could give."""

import pytest

from tests.worlds.oracle import Oracle
from tests.worlds.planning import planned
from tests.worlds.playing import play
from tests.worlds.presets import PRESETS
from tests.worlds.running import result
from tests.worlds.telling import told


@pytest.mark.parametrize("name", PRESETS)
def test_a_log_that_is_the_truth_counts_nowhere(name: str) -> None:
    wrong = [seed for seed in range(3) if result(PRESETS[name], seed, Oracle).counts]
    assert not wrong, told(play(planned(PRESETS[name], wrong[0]), Oracle))
