"""How many pings a second one instance of webhook_start takes, beside a bare function that makes one transaction.

Both read and write a driver's state of the usual size; the bare one as fields of a document, which is the ordinary way.
A ping's driver is known to the instance, and no poll is asked for.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from itertools import chain
from pathlib import Path
from statistics import median
from threading import Barrier
from typing import NamedTuple

from google.cloud import firestore

from shared.domain.driver import Account, Key
from shared.repositories.accounts import AccountRepository, hash_key
from shared.repositories.documents import to_document
from shared.repositories.user_store import UserStore
from tools.measure import instances
from tools.measure.drivers import CAR, driving, put
from tools.measure.instances import Instance
from tools.measure.playing import KEYS, headers_of
from tools.measure.table import Table

GOAL = 0.8
DRIVERS, ROUNDS, ROUND_S = (1, 8, 64), 5, 6.0
SMALL_DRIVERS, SMALL_ROUNDS, SMALL_ROUND_S = (2,), 3, 0.5
HEAD = ("drivers at once", "pings/s", "bare/s", "ratio", "median ms", "bare", "processor ms", "bare")


class Request(NamedTuple):
    """A call by POST."""

    path: str
    body: str
    headers: dict[str, str]


class Round(NamedTuple):
    """The waits of all callers in some seconds of calling, and the processor seconds that the server took meanwhile."""

    waits_ms: list[float]
    took_s: float
    served_s: float

    @property
    def a_second(self) -> float:
        """Answers a second."""
        return len(self.waits_ms) / self.took_s

    @property
    def processor_ms(self) -> float:
        """What an answer cost the server."""
        return 1000 * self.served_s / len(self.waits_ms)


def measure(small: bool, tell: Callable[[str], None]) -> list[Table]:
    """Pings a second and what one costs, of the function and of the bare one, in turns."""
    counts, rounds, for_s = (SMALL_DRIVERS, SMALL_ROUNDS, SMALL_ROUND_S) if small else (DRIVERS, ROUNDS, ROUND_S)
    rows, ratios = [], []
    with pair(max(counts)) as play:
        for count in counts:
            play(count, for_s / 2)  # what is made once is made
            tell(f"{count} drivers")
            own, floor = (_sum(each) for each in zip(*(play(count, for_s) for _ in range(rounds)), strict=True))
            rows.append(_row(count, own, floor))
            ratios.append(own.a_second / floor.a_second)
    said = (
        "Pings a second of one instance of `webhook_start`, beside a bare function that makes one transaction on a "
        "document with the same state as fields; waits, and what each cost the processor. "
        f"The goal of {GOAL} times as many is {'reached' if min(ratios) >= GOAL else 'missed'}: {min(ratios):.2f}. "
        "The emulator shares the machine."
    )
    return [Table("throughput", said, HEAD, rows)]


def _sum(rounds: Sequence[Round]) -> Round:
    waits_ms, took_s, served_s = zip(*rounds, strict=True)
    return Round([*chain(*waits_ms)], sum(took_s), sum(served_s))


def _row(count: int, own: Round, floor: Round) -> list[str]:
    row = [str(count), f"{own.a_second:,.0f}", f"{floor.a_second:,.0f}", f"{own.a_second / floor.a_second:.2f}"]
    row += [f"{median(each.waits_ms):.1f}" for each in (own, floor)]
    return [*row, *(f"{each.processor_ms:.2f}" for each in (own, floor))]


@contextmanager
def pair(drivers: int) -> Iterator[Callable[[int, float], list[Round]]]:
    """Has so many of the drivers call the function for some seconds, then the bare one, both running side by side."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own, floor = (instances.placed("webhook_start", folder, bare) for bare in ("", "one_transaction"))
        db = firestore.Client(project=os.environ["GOOGLE_CLOUD_PROJECT"])
        pings, least = zip(*(_on_the_way(db, n) for n in range(drivers)), strict=True)
        with instances.running(own, instances.UNREACHED) as one, instances.running(floor, {}) as other:
            yield lambda count, for_s: [_play(one, pings[:count], for_s), _play(other, least[:count], for_s)]


def _play(instance: Instance, requests: Sequence[Request], for_s: float) -> Round:
    """Each of the drivers sends one request after the other."""
    ready, before_s = Barrier(len(requests)), instance.processor_s()

    def drive(request: Request) -> tuple[float, list[float], float]:
        connection, waits_ms = HTTPConnection("127.0.0.1", instance.port, timeout=120), []
        connection.connect()
        ready.wait()
        began = asked = time.perf_counter()
        while asked - began < for_s:
            connection.request("POST", *request)
            response = connection.getresponse()
            answer = response.read()
            if response.status != 200:
                raise RuntimeError(f"{response.status}: {answer!r}; {instance.log.read_text()}")
            answered = time.perf_counter()
            waits_ms.append((answered - asked) * 1000)
            asked = answered
        connection.close()
        return began, waits_ms, asked

    with ThreadPoolExecutor(len(requests)) as pool:
        begins, waits, ends = zip(*pool.map(drive, requests), strict=True)
    return Round([*chain(*waits)], max(ends) - min(begins), instance.processor_s() - before_s)


def _on_the_way(db: firestore.Client, n: int) -> tuple[Request, Request]:
    """A driver whose trip goes on: their ping, and the call of the bare function on a document like their state."""
    email, now = f"driver{n}@example.com", datetime.now(UTC)
    known = Key(hash_key(KEYS["webhook"]), "webhook", last_used_on=now.date().isoformat())
    AccountRepository(db).save(Account(email, default_car_id=CAR, keys={"phone": known}))
    document, state = db.collection("bare").document(str(n)), driving(now)
    put(UserStore(db, email), state)
    document.set(to_document(state))
    headers = {**headers_of("webhook_start", email), "Content-Type": "application/json"}
    ping = Request("/", json.dumps({"lat": 52.1, "lng": 5.1, "accuracy_m": 8}), headers)
    return ping, Request(f"/{document.path}", "", {})
