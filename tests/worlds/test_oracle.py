"""Who is told the truth is found right in every kind of world: so the checker asks nothing that no log could give."""

from random import Random

import pytest

from tests.worlds.oracle import Oracle
from tests.worlds.plan import HOUR
from tests.worlds.planning import planned
from tests.worlds.playing import play
from tests.worlds.presets import PRESETS
from tests.worlds.running import result
from tests.worlds.telling import told
from tests.worlds.truth import Truth


class Seldom(Oracle):
    """Polls when it happens to, some days never."""

    def __init__(self, truth: Truth) -> None:
        super().__init__(truth)
        dice = Random(truth.plan.seed)
        self._polls_s = sorted(dice.randrange(3 * HOUR, truth.ends_s + 10 * HOUR) for _ in range(dice.randrange(25)))


@pytest.mark.parametrize("name", PRESETS)
def test_a_log_that_is_the_truth_counts_nowhere(name: str) -> None:
    wrong = [seed for seed in range(3) if result(PRESETS[name], seed, Oracle).counts]
    assert not wrong, told(play(planned(PRESETS[name], wrong[0]), Oracle))


@pytest.mark.parametrize("name", PRESETS)
def test_so_does_one_whose_keeper_asked_for_little(name: str) -> None:
    wrong = [seed for seed in range(3) if result(PRESETS[name], seed, Seldom).counts]
    assert not wrong, told(play(planned(PRESETS[name], wrong[0]), Seldom))
