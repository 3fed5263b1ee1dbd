"""The product's log of every kind of world is what its facts decide."""

import pytest

from tests.worlds.checker import checked
from tests.worlds.planning import planned
from tests.worlds.playing import play
from tests.worlds.presets import PRESETS
from tests.worlds.running import product
from tests.worlds.telling import told

SEEDS = range(10)


@pytest.mark.parametrize("preset", PRESETS)
def test_nothing_is_wrong_with_the_log_of_a_world(preset: str) -> None:
    for seed in SEEDS:
        run = play(planned(PRESETS[preset], seed), product)
        assert not checked(run), run.crash or told(run)
