"""A world that fails becomes a small one that fails in the same count, and is told as events with the truth beside."""

from datetime import datetime

from tests.worlds.checker import checked
from tests.worlds.log import Log, PhoneEvent
from tests.worlds.oracle import Oracle
from tests.worlds.planning import planned
from tests.worlds.playing import Run, play
from tests.worlds.presets import PRESETS
from tests.worlds.shrinking import shrunk
from tests.worlds.telling import told
from tests.worlds.truth import Truth


class Forgetful(Oracle):
    """Loses the last drive of any day with two starts that were late."""

    def __init__(self, truth: Truth) -> None:
        super().__init__(truth)
        self._late = 0

    def hear(self, event: PhoneEvent, now: datetime) -> None:
        self._late += event.kind == "start" and (now - event.at).total_seconds() > 60

    def log(self) -> Log:
        log = super().log()
        return log._replace(trips=log.trips[:-1]) if self._late > 1 else log


def failing() -> int:
    """A seed in which it fails."""
    return next(
        seed
        for seed in range(100)
        if any(finding.kind == "lost" for finding in checked(_played(seed))) and len(_drives(seed)) > 4
    )


def _drives(seed: int) -> tuple[object, ...]:
    return planned(PRESETS["late_drives"], seed).drives


def _played(seed: int) -> Run:
    return play(planned(PRESETS["late_drives"], seed), Forgetful)


def test_what_the_failure_does_not_need_is_taken_away() -> None:
    seed = failing()
    run = shrunk(planned(PRESETS["late_drives"], seed), "lost", Forgetful)
    assert [finding.kind for finding in checked(run)].count("lost") == 1
    assert len(run.truth.drives) == 2 < len(_drives(seed))
    assert [one.kind for one in run.heard].count("ping") == 0
    assert sum(one.arrives_s > one.true_s + 60 for one in run.heard) == 2


def test_a_shrunk_world_is_told_as_events_with_the_truth_and_what_is_wrong() -> None:
    text = told(shrunk(planned(PRESETS["late_drives"], failing()), "lost", Forgetful))
    assert all(
        word in text for word in ("truth   drive", "phone   start 0 H", "cloud   a ", "log     ", "WRONG   lost")
    )
    assert len(text.splitlines()) < 40
