"""Plays a plan on a ground and checks what came of it."""

import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from shared.repositories.documents import client
from shared.services.verification import verified
from tests.chaos.checker import Checker, Finding, count
from tests.chaos.ground import Ground, ground
from tests.chaos.plan import Extra, plan
from tests.chaos.player import NeverCame, Player
from tools.local.processes import environment

DIFFERS = "not as the facts make it"  # what the product itself says of it
MOST_S = 600.0  # after which a run that hangs is given up; most take two minutes


class Report(NamedTuple):
    """What came of a seed: findings, faults by kind, and how long it took."""

    seed: int
    drives: int
    findings: tuple[Finding, ...]
    faults: dict[str, int]
    took_s: float
    extras: tuple[Extra, ...] = ()

    def text(self) -> str:
        """For people."""
        kinds = count(self.findings) | {DIFFERS: sum(finding.kind == DIFFERS for finding in self.findings)}
        counted = ", ".join(f"{kind}: {number}" for kind, number in kinds.items())
        faults = ", ".join(f"{kind}: {number}" for kind, number in sorted(self.faults.items()))
        lines = [f"seed {self.seed}: {self.drives} drives in {self.took_s:.0f} s", counted, f"faults: {faults}"]
        lines += [f"- {kind}: {text}" for kind, text in self.findings]
        again = " ".join(["again: python -m tests.chaos", str(self.seed), *(f"--extra {one}" for one in self.extras)])
        return "\n".join([*lines, *([again] if self.findings else [])])


def run(
    seed: int,
    folder: Path,
    users: int = 30,
    drives: int = 10,
    tell: Callable[[str], None] = print,
    extras: Collection[Extra] = (),
) -> Report:
    """Plays one seed; logs and a journal of all that happened are in the folder. Both emulators must be named."""
    began = time.monotonic()
    planned = plan(seed, datetime.now(UTC), users, drives, extras)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "journal.txt").open("w", buffering=1) as journal, ground(planned, folder) as played:
        players = [
            Player(played, user, began + MOST_S, lambda line: print(line, file=journal)) for user in planned.users
        ]
        for player in players:
            player.register()
        findings = play(played, players, tell)
        findings += [finding for player in players for finding in Checker(player, readings(player)).findings()]
        findings += _differences(players)
    took_s = time.monotonic() - began
    played_drives = sum(len(user.drives) for user in planned.users)
    return Report(seed, played_drives, tuple(findings), dict(played.seen), took_s, tuple(extras))


def play(played: Ground, players: list[Player], tell: Callable[[str], None]) -> list[Finding]:
    """Has all players play at once; what never came is found already."""
    findings = []
    with ThreadPoolExecutor(len(players)) as pool:
        playing = [pool.submit(player.play) for player in players]
        while not all(one.done() for one in playing):
            tell(f"seed {played.seed}: {played.done} drives")
            time.sleep(1)
    for player, one in zip(players, playing, strict=True):
        error = one.exception()
        if isinstance(error, NeverCame):
            findings.append(Finding("left undone", f"user {player.user.number}: never came: {error}"))
        elif error:
            raise error
    return findings


def _differences(players: list[Player]) -> list[Finding]:
    """What in the logs is not as their facts make it."""
    with environment({"GOOGLE_CLOUD_PROJECT": players[0].db.project}):
        client.cache_clear()
        found = [(player.user.number, one) for player in players for one in verified(player.email).differences]
        client.cache_clear()
    return [Finding(DIFFERS, f"user {number}: {one}") for number, one in found]


def readings(player: Player) -> list[dict[str, Any]]:
    """The readings that the store holds of a user, past the functions."""
    stored = player.db.collection("users").document(player.email).collection("odometer_readings").stream()
    return [{name: _plain(value) for name, value in (one.to_dict() or {}).items()} for one in stored]


def _plain(value: Any) -> Any:
    return datetime.fromisoformat(value.isoformat()) if isinstance(value, datetime) else value
