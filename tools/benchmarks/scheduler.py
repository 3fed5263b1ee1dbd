"""The scheduler where very many polls are due, beside a client that publishes the same from a list in memory."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import requests
from google.cloud import firestore, pubsub_v1

from shared.messaging.polls import AT_ONCE, SHARDS_TOPIC, TOPIC
from shared.repositories.due import SHARDS, due_users
from shared.repositories.streaming import long_reader
from shared.settings import SHARD_FROM
from tools.benchmarks.crowd import Crowd
from tools.benchmarks.instances import Instance, Source, emulated, running, staged
from tools.benchmarks.table import Table
from tools.deploy.functions import BY_NAME
from tools.local import emulators
from tools.local.relay import as_push
from tools.measure.metering import metered

ROOT = Path(__file__).parents[2]
MOST_RATIO, MOST_MIB, MOST_GROWTH_MIB = 1.5, 150.0, 10.0
NO_SHARDS = 10**9
INSTANCES, FEW_INSTANCES = (1, 2, SHARDS), (1, 2)
HEAD = (
    "due polls", "seconds", "messages/s", "bare publisher, s", "ratio", "bare reader, s", "ratio to both",
    "processor, s", "bare publisher's, s", "ratio of these", "busiest instance, s", "peak MiB", "documents read",
)  # fmt: skip


class Sizes(NamedTuple):
    """How many drivers there are, how many are due, from which number on there are shards, how often it is repeated.

    And how many instances carry out the shards.
    """

    drivers: int = 100_000
    due: tuple[int, ...] = (10, 1000, 20_000)
    shard_from: int = SHARD_FROM
    repeats: int = 3
    instances: tuple[int, ...] = INSTANCES


SMALL = Sizes(300, (10, 60), 20, 1, FEW_INSTANCES)


class Run(NamedTuple):
    """What one run took: seconds by the clock, processor seconds and peak memory of its process."""

    wall_s: float
    processor_s: float
    peak_mib: float


class Sharded(NamedTuple):
    """What a run in shards took, of its instances together and of the one that took most of each."""

    instances: int
    wall_s: float
    processor_s: float
    busiest_s: float
    peak_mib: float


class Row(NamedTuple):
    """What the runs with one number of due polls took, the middle of each; and the documents read by one."""

    due: int
    function: Run
    bare: Run
    reading_s: float
    documents: int

    @property
    def ratio(self) -> float:
        """Of the seconds to those of the floor."""
        return self.function.wall_s / self.bare.wall_s

    @property
    def processor_ratio(self) -> float:
        """The same of the processor seconds; those of few messages are less than the clock of processes counts."""
        return self.function.processor_s / max(self.bare.processor_s, 0.01)


def measure(small: bool, tell: Callable[[str], None]) -> Table:
    """Measures on emulators of its own, or on those that the environment names."""
    sizes = SMALL if small else Sizes()
    with (
        TemporaryDirectory() as folder,
        _emulated(Path(folder) / "logs") as env,
        _Ground(env, staged("scheduler", Path(folder))) as ground,
    ):
        crowd = Crowd(ground.db, sizes.drivers, tell)
        rows = []
        for due in sizes.due:
            crowd.make_due(due)
            rows.append(_row(ground, due, sizes.repeats, tell))
        sharded = []
        for count in sizes.instances:
            tell(f"{due:,} in shards on {count}")
            sharded.append(_sharded(ground, due, sizes.shard_from, count))
        return _table(sizes, rows, sharded)


def _emulated(logs: Path) -> AbstractContextManager[dict[str, str]]:
    project = f"bench-{secrets.token_hex(6)}"
    return emulated(logs, java_options=emulators.LONG_WORK, GOOGLE_CLOUD_PROJECT=project)


class _Ground:
    """A project on the emulators with both topics; only that of shards has somebody who hears."""

    def __init__(self, env: dict[str, str], scheduler: Source) -> None:
        self._scheduler, self.env, self.project = scheduler, env, env["GOOGLE_CLOUD_PROJECT"]
        self.db, self._subscriber = firestore.Client(project=self.project), pubsub_v1.SubscriberClient()
        self.topic = f"projects/{self.project}/topics/{TOPIC}"
        self._subscription = f"projects/{self.project}/subscriptions/{SHARDS_TOPIC}"
        shards = f"projects/{self.project}/topics/{SHARDS_TOPIC}"
        for name in (self.topic, shards):
            pubsub_v1.PublisherClient().create_topic(name=name)
        self._subscriber.create_subscription(name=self._subscription, topic=shards)

    def __enter__(self) -> "_Ground":
        return self

    def __exit__(self, *_: object) -> None:
        self._subscriber.close()

    def instance(self, shard_from: int) -> AbstractContextManager[Instance]:
        """A fresh scheduler that leaves to shards who comes after so many."""
        log = self._scheduler.file.with_name("log")
        return running(self._scheduler, log, {**self.env, "SHARD_FROM": str(shard_from)})

    def shards(self) -> list[Any]:
        """The messages to the shards, once all are there."""
        found: list[Any] = []
        while len(found) < SHARDS:
            asked = {"subscription": self._subscription, "max_messages": SHARDS}
            pulled = self._subscriber.pull(request=asked, timeout=30).received_messages
            self._subscriber.acknowledge(subscription=self._subscription, ack_ids=[one.ack_id for one in pulled])
            found += [one.message for one in pulled]
        return found


def _row(ground: _Ground, due: int, repeats: int, tell: Callable[[str], None]) -> Row:
    functions, bare, reading_s, documents = [], [], [], 0
    for n in range(repeats):
        tell(f"{due:,} due, {n + 1} of {repeats}")
        functions.append(_function(ground, due))
        bare.append(_bare(ground, due))
        took_s, documents = _read(ground, due)
        reading_s.append(took_s)
    return Row(due, _middle(functions), _middle(bare), median(reading_s), documents)


def _middle(runs: list[Run]) -> Run:
    return Run(*(median(values) for values in zip(*runs, strict=True)))


def _function(ground: _Ground, due: int) -> Run:
    with ground.instance(NO_SHARDS) as one:
        before, began = one.processor_s(), time.perf_counter()
        told = _asked(one, "/poll-all")
        wall_s = time.perf_counter() - began
        if told != {"active": due, "published": due}:
            raise RuntimeError(f"{due} polls are due, and the scheduler says {told}")
        return Run(wall_s, one.processor_s() - before, one.peak_mib())


def _asked(one: Instance, path: str, body: Any = None) -> dict[str, int]:
    answer = requests.post(one.url + path, json=body, timeout=300)
    answer.raise_for_status()
    told: dict[str, int] = answer.json()
    return told


def _bare(ground: _Ground, due: int) -> Run:
    command = [sys.executable, "-m", "tools.benchmarks.bare_publisher", ground.topic, str(due), str(AT_ONCE)]
    env = {**os.environ, **ground.env}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    return Run(*json.loads(done.stdout))


def _read(ground: _Ground, due: int) -> tuple[float, int]:
    """What a new client takes for the scheduler's query alone, here in this process, and the documents it reads."""
    with metered(ground.env) as meter:
        began = time.perf_counter()
        found = sum(1 for _ in due_users(long_reader(), datetime.now(UTC), NO_SHARDS))
        took_s = time.perf_counter() - began
        if found != due:
            raise RuntimeError(f"{due} polls are due, and {found} were read")
        return took_s, meter.read


def _sharded(ground: _Ground, due: int, shard_from: int, count: int) -> Sharded:
    """The same with shards, which so many instances carry out beside each other."""
    with ExitStack() as stack:
        instances = [stack.enter_context(ground.instance(shard_from)) for _ in range(count)]
        before, began = [one.processor_s() for one in instances], time.perf_counter()
        published = _asked(instances[0], "/poll-all")["published"]
        published += sum(_carried_out(ground, instances))
        wall_s = time.perf_counter() - began
        if published != due:
            raise RuntimeError(f"{due} polls are due, and {published} were asked for")
        worked = [one.processor_s() - former for one, former in zip(instances, before, strict=True)]
        return Sharded(count, wall_s, sum(worked), max(worked), max(one.peak_mib() for one in instances))


def _carried_out(ground: _Ground, instances: list[Instance]) -> Iterator[int]:
    """Posts the messages to the shards as Pub/Sub would, as many at a time as the instances take."""
    at_once = len(instances) * BY_NAME["scheduler"].concurrency
    bodies = [as_push(_fresh(message), ground.project)[1] for message in ground.shards()]
    with ThreadPoolExecutor(at_once) as pool:
        asked = [
            pool.submit(_asked, instances[n % len(instances)], "/poll-shard", body) for n, body in enumerate(bodies)
        ]
        for told in asked:
            yield told.result()["published"]


def _fresh(message: Any) -> Any:
    """A shard's message as of a tick just now: the emulator may take the minute after which it would be dropped."""
    body = {**json.loads(message.data), "now": datetime.now(UTC).isoformat()}
    message.data = json.dumps(body).encode()
    return message


def _table(sizes: Sizes, rows: list[Row], sharded: list[Sharded]) -> Table:
    last = rows[-1]
    growth_mib = last.function.peak_mib - rows[-2].function.peak_mib
    flat = last.function.peak_mib < MOST_MIB and growth_mib < MOST_GROWTH_MIB
    reached = last.ratio <= MOST_RATIO and flat
    summary = (
        f"{sizes.drivers:,} drivers, some of them due for a poll; the middle of {sizes.repeats} runs, each of a fresh "
        "instance as it is deployed and of a fresh process that publishes the same messages from a list in memory by "
        f"the library’s usual client, {AT_ONCE:,} a request as the scheduler does. The goal is {MOST_RATIO} times the "
        f"latter’s seconds. By the clock it is {_told(last.ratio)} with {last.due:,}: {last.ratio:.1f}, for the due "
        "polls have to be read first. “Bare reader” does only that. The clock’s time is the emulator’s: it has no "
        "composite index and looks at every driver once for each of the sixteen shards, so that with few due polls "
        "there is nothing else to see. Firestore reads the entries of those who are due. In processor time, which is "
        f"the scheduler’s own work, the goal is {_told(last.processor_ratio)}: {last.processor_ratio:.2f}. "
        f"Memory: {last.function.peak_mib:.0f} MiB, {growth_mib:+.0f} from {rows[-2].due:,} to {last.due:,}, "
        f"{'flat' if flat else 'not flat'}. “In shards”: {sizes.shard_from:,} by the first call, the others by "
        f"{SHARDS} messages to so many instances, one run each. All share two processors with the emulator, which "
        "looks at every driver twice as often for them; so what shards save is not in the seconds, but in the work of "
        f"the busiest instance, which decides where each has a processor of its own. {_pays(sizes, rows)}"
    )
    return Table("scheduler", summary, HEAD, [*map(_cells, rows), *_sharded_cells(last.due, sharded)], reached)


def _pays(sizes: Sizes, rows: list[Row]) -> str:
    """From how many due polls on the first call and one of the shards after it work less than one call for all."""
    fewest, most = rows[0], rows[-1]
    start_s = fewest.function.processor_s
    message_s = (most.function.processor_s - start_s) / (most.due - fewest.due)
    if message_s <= 0:
        return "These are too few to say from how many due polls on shards pay."
    pays_from = sizes.shard_from + start_s / (message_s * (1 - 1 / SHARDS))
    return (
        f"A fresh instance takes {start_s:.2f} s and a message {1e6 * message_s:.0f} µs of it: so shards pay from "
        f"{pays_from:,.0f} due polls on, the way through Pub/Sub not counted."
    )


def _told(ratio: float) -> str:
    return "reached" if ratio <= MOST_RATIO else "missed"


def _cells(row: Row) -> tuple[str, ...]:
    function, bare = row.function, row.bare
    return (
        f"{row.due:,}", f"{function.wall_s:.3f}", f"{row.due / function.wall_s:,.0f}", f"{bare.wall_s:.3f}",
        f"{row.ratio:.1f}", f"{row.reading_s:.3f}", f"{function.wall_s / (bare.wall_s + row.reading_s):.2f}",
        f"{function.processor_s:.2f}", f"{bare.processor_s:.2f}", f"{row.processor_ratio:.2f}",
        f"{function.processor_s:.2f}", f"{function.peak_mib:.0f}", f"{row.documents:,}",
    )  # fmt: skip


def _sharded_cells(due: int, sharded: list[Sharded]) -> Iterator[tuple[str, ...]]:
    for run in sharded:
        name = f"{due:,} in shards, {run.instances} instance{'s' if run.instances > 1 else ''}"
        clock = (f"{run.wall_s:.3f}", f"{due / run.wall_s:,.0f}", "", "", "", "")
        yield (name, *clock, f"{run.processor_s:.2f}", "", "", f"{run.busiest_s:.2f}", f"{run.peak_mib:.0f}", "")
