"""How many pings a second one instance of webhook_start takes, beside a bare function that makes one transaction.

Both read and write a driver's state of the usual size. A ping's driver is known to the instance and no poll is asked.
"""

import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import msgspec
from google.cloud import firestore

from shared.repositories.accounts import Account, AccountRepository, Key, hash_key, new_key
from shared.repositories.change import state_document
from shared.repositories.user_store import UserStore
from tools.benchmarks import instances
from tools.benchmarks.drivers import CAR, driving, put
from tools.benchmarks.instances import Instance
from tools.benchmarks.table import Table

GOAL = 0.8
DRIVERS, ROUNDS, ROUND_S = (1, 8, 64), 5, 6.0
HEAD = ("drivers at once", "of", "pings a second", "ratio", "median ms", "95 % within ms", "processor ms a ping")


class Round(msgspec.Struct):
    """What the callers told of some seconds of calling, with the processor seconds that the server took meanwhile."""

    waits_ms: list[float]
    took_s: float
    processor_s: float  # the callers'
    served_s: float = 0.0


class Sum(NamedTuple):
    """Some rounds together."""

    rounds: Sequence[Round]

    @property
    def waits_ms(self) -> list[float]:
        return [wait_ms for each in self.rounds for wait_ms in each.waits_ms]

    @property
    def a_second(self) -> float:
        """Answers a second."""
        return len(self.waits_ms) / sum(each.took_s for each in self.rounds)

    @property
    def processor_ms(self) -> float:
        """What an answer cost the server."""
        return 1000 * sum(each.served_s for each in self.rounds) / len(self.waits_ms)

    @property
    def callers_share(self) -> float:
        """The part of one processor that the callers took."""
        return sum(each.processor_s for each in self.rounds) / sum(each.took_s for each in self.rounds)


def measure(small: bool, tell: Callable[[str], None]) -> Table:
    """Pings a second and what one costs, of the function and of the bare one, in turns."""
    counts, rounds, for_s = ((1, 4), 1, 0.5) if small else (DRIVERS, ROUNDS, ROUND_S)
    with Pair(max(counts)) as pair:
        found = {}
        for count in counts:
            pair.play(count, for_s / 2)  # what is made once is made
            found[count] = [Sum([]), Sum([])]
            played = []
            for n in range(rounds):
                tell(f"{count} drivers, round {n + 1} of {rounds}")
                played.append(pair.play(count, for_s))
            found[count] = [Sum(each) for each in zip(*played, strict=True)]
    ratios = [own.a_second / floor.a_second for own, floor in found.values()]
    reached = min(ratios) >= GOAL
    calling = max(each.callers_share for both in found.values() for each in both)
    summary = (
        f"pings a second of one instance of `webhook_start`, beside a bare function that makes one transaction on a"
        f" document of the same size. The goal of {GOAL} times as many is {'reached' if reached else 'missed'}:"
        f" {min(ratios):.2f}. The callers took {calling:.0%} of one processor at most; the emulator shares the machine."
    )
    rows = [row for count, both in found.items() for row in _rows(count, *both)]
    return Table("throughput", summary, HEAD, rows, reached)


def _rows(count: int, own: Sum, floor: Sum) -> list[list[str]]:
    ratio = f"{own.a_second / floor.a_second:.2f}"
    return [
        [str(count), name, f"{each.a_second:,.0f}", beside, *_waits(each.waits_ms), f"{each.processor_ms:.2f}"]
        for name, each, beside in (("`webhook_start`", own, ratio), ("bare", floor, ""))
    ]


def _waits(waits_ms: list[float]) -> tuple[str, str]:
    return f"{median(waits_ms):.1f}", f"{within(0.95, waits_ms):.1f}"


def within(share: float, waits: Sequence[float]) -> float:
    """What that share of the waits takes at most: the nearest rank, which a single wait has too."""
    return sorted(waits)[ceil(share * len(waits)) - 1]


class Pair:
    """Both functions, running side by side on emulators, and the drivers that call them."""

    def __init__(self, drivers: int) -> None:
        self._stack, self._count = ExitStack(), drivers

    def __enter__(self) -> "Pair":
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        project = f"throughput-{secrets.token_hex(6)}"
        settings = {"GOOGLE_CLOUD_PROJECT": project, **instances.UNREACHED}
        env = self._stack.enter_context(instances.emulated(folder / "logs", **settings))
        sources = instances.staged("webhook_start", folder), instances.bare("one_transaction", folder, "webhook_start")
        self._instances = [
            self._stack.enter_context(instances.running(source, folder / f"{source.target}.log", env))
            for source in sources
        ]
        db = firestore.Client(project=project)
        drivers = [_on_the_way(db, n) for n in range(self._count)]
        self._requests: list[list[dict[str, Any]]] = [[ping for ping, _ in drivers], [least for _, least in drivers]]
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def play(self, drivers: int, for_s: float) -> list[Round]:
        """So many drivers call the function for some seconds, then the bare one."""
        return [
            _play(instance, requests[:drivers], for_s)
            for instance, requests in zip(self._instances, self._requests, strict=True)
        ]


def _play(instance: Instance, requests: list[dict[str, Any]], for_s: float) -> Round:
    asked = json.dumps({"port": instance.port, "requests": requests})
    command = [sys.executable, "-m", "tools.benchmarks.callers", str(for_s)]
    before_s = instance.processor_s()
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
    played = msgspec.json.decode(done.stdout, type=Round)
    played.served_s = instance.processor_s() - before_s
    return played


def _on_the_way(db: firestore.Client, n: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A driver whose trip goes on: his ping, and the call of the bare function on a document like his state."""
    email, key, now = f"driver{n}@example.com", new_key(), datetime.now(UTC)
    known = Key(hash_key(key), "webhook", last_used_on=now.date().isoformat())
    AccountRepository(db).save(Account(email, default_car_id=CAR, keys={"phone": known}))
    store, document = UserStore(db, email), db.collection("bare").document(str(n))
    state = driving(now)
    put(store, state)
    document.set(state_document(email, state))
    headers = {"Authorization": f"Bearer {key}", "X-User-Email": email, "Content-Type": "application/json"}
    ping = {"path": "/", "body": json.dumps({"lat": 52.1, "lng": 5.1, "accuracy_m": 8}), "headers": headers}
    return ping, {"path": f"/{document.path}", "body": "", "headers": {}}
