"""The scheduler where very many polls are due, beside a client that publishes the same from a list in memory."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import requests
from google.cloud import firestore, pubsub_v1

from shared.messaging.polls import AT_ONCE, SHARDS_TOPIC, TOPIC
from shared.repositories.due import SHARDS, due_users
from shared.settings import SHARD_FROM
from tools import emulators
from tools.benchmarks.crowd import Crowd
from tools.benchmarks.instance import Instance, environment, instance
from tools.benchmarks.table import Table
from tools.deploy.functions import BY_NAME
from tools.metering import Functions, metered
from tools.relay import as_push

ROOT = Path(__file__).parents[2]
MOST_RATIO, MOST_MIB, MOST_GROWTH_MIB = 1.5, 150.0, 10.0
NO_SHARDS = 10**9
HEAD = (
    "due polls", "seconds", "messages/s", "bare publisher, s", "ratio", "bare reader, s", "ratio to both",
    "processor, s", "of the publisher, s", "peak MiB", "of the publisher, MiB", "documents read",
)  # fmt: skip


class Sizes(NamedTuple):
    """How many drivers there are, how many are due, from which number on there are shards, how often it is repeated."""

    drivers: int = 100_000
    due: tuple[int, ...] = (10, 1000, 20_000)
    shard_from: int = SHARD_FROM
    repeats: int = 3


SMALL = Sizes(300, (10, 60), 20, 1)


class Run(NamedTuple):
    """What one run took: seconds by the clock, processor seconds and peak memory of its process."""

    wall_s: float
    processor_s: float
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


def measure(small: bool, tell: Callable[[str], None]) -> Table:
    """Measures on emulators of its own, or on those that the environment names."""
    sizes = SMALL if small else Sizes()
    with TemporaryDirectory() as logs, emulators.both(Path(logs)) as (store, bus), ExitStack() as stack:
        own = {"FIRESTORE_EMULATOR_HOST": store, "PUBSUB_EMULATOR_HOST": bus}
        own["GOOGLE_CLOUD_PROJECT"] = f"bench-{secrets.token_hex(6)}"
        stack.enter_context(environment(own))
        ground = stack.enter_context(_Ground(own))
        crowd = Crowd(ground.db, sizes.drivers, tell)
        rows = []
        for due in sizes.due:
            crowd.make_due(due)
            rows.append(_row(ground, due, sizes.repeats, tell))
        tell(f"{due:,} in shards")
        sharded = [_in_shards(ground, due, sizes, count) for count in (1, 2)]
        return _table(sizes, rows, sharded)


class _Ground:
    """A project on the emulators with both topics; only that of shards has somebody who hears."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env, self.project = env, env["GOOGLE_CLOUD_PROJECT"]
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
    functions, bare, reading_s = [], [], []
    for n in range(repeats):
        tell(f"{due:,} due, {n + 1} of {repeats}")
        functions.append(_function(ground, due))
        bare.append(_bare(ground, due))
        reading_s.append(_reading_s(ground, due))
    return Row(due, _middle(functions), _middle(bare), median(reading_s), _documents(ground, due))


def _middle(runs: list[Run]) -> Run:
    return Run(*(median(values) for values in zip(*runs, strict=True)))


def _function(ground: _Ground, due: int) -> Run:
    with instance("scheduler", {**ground.env, "SHARD_FROM": str(NO_SHARDS)}) as one:
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


def _reading_s(ground: _Ground, due: int) -> float:
    """What a new client takes for the scheduler's query alone, here in this process."""
    began = time.perf_counter()
    found = sum(1 for _ in due_users(firestore.Client(project=ground.project), datetime.now(UTC), NO_SHARDS))
    if found != due:
        raise RuntimeError(f"{due} polls are due, and {found} were read")
    return time.perf_counter() - began


def _documents(ground: _Ground, due: int) -> int:
    with metered({**ground.env, "SHARD_FROM": str(NO_SHARDS)}) as meter:
        Functions().call("scheduler", "POST", "/poll-all")
        if meter.changed:
            raise RuntimeError("the scheduler wrote something")
        return meter.read


def _in_shards(ground: _Ground, due: int, sizes: Sizes, count: int) -> Run:
    """The same with shards, which so many instances carry out beside each other; the middle of the runs."""
    return _middle([_sharded(ground, due, sizes.shard_from, count) for _ in range(sizes.repeats)])


def _sharded(ground: _Ground, due: int, shard_from: int, count: int) -> Run:
    env = {**ground.env, "SHARD_FROM": str(shard_from)}
    with ExitStack() as stack:
        instances = [stack.enter_context(instance("scheduler", env)) for _ in range(count)]
        before, began = sum(one.processor_s() for one in instances), time.perf_counter()
        published = _asked(instances[0], "/poll-all")["published"]
        published += sum(_carried_out(ground, instances))
        wall_s = time.perf_counter() - began
        if published != due:
            raise RuntimeError(f"{due} polls are due, and {published} were asked for")
        processor_s = sum(one.processor_s() for one in instances) - before
        return Run(wall_s, processor_s, max(one.peak_mib() for one in instances))


def _carried_out(ground: _Ground, instances: list[Instance]) -> Iterator[int]:
    """Posts the messages to the shards as Pub/Sub would, as many at a time as the instances take."""
    at_once = len(instances) * BY_NAME["scheduler"].concurrency
    bodies = [as_push(message, ground.project)[1] for message in ground.shards()]
    with ThreadPoolExecutor(at_once) as pool:
        asked = [
            pool.submit(_asked, instances[n % len(instances)], "/poll-shard", body) for n, body in enumerate(bodies)
        ]
        for told in asked:
            yield told.result()["published"]


def _table(sizes: Sizes, rows: list[Row], sharded: list[Run]) -> Table:
    last = rows[-1]
    growth_mib = last.function.peak_mib - rows[-2].function.peak_mib
    flat = last.function.peak_mib < MOST_MIB and growth_mib < MOST_GROWTH_MIB
    reached = last.ratio <= MOST_RATIO and flat
    summary = (
        f"{sizes.drivers:,} drivers, some of them due for a poll; the middle of {sizes.repeats} runs, each of a fresh "
        "instance as it is deployed and of a fresh process that publishes as many messages of this size from a list in "
        f"memory, {AT_ONCE:,} a request as the scheduler does. The goal is {MOST_RATIO} times the latter's seconds: "
        f"{'reached' if last.ratio <= MOST_RATIO else 'missed'} with {last.due:,} ({last.ratio:.1f}), because the due "
        "polls have to be read first: “bare reader” does only that, and the emulator takes most of it. The fewer there "
        "are, the more a query costs each. "
        f"Memory: under {MOST_MIB:g} MiB and {growth_mib:+.0f} MiB from {rows[-2].due:,} to {last.due:,}, "
        f"{'flat' if flat else 'not flat'}. “In shards”: {sizes.shard_from:,} by the first call, the others by "
        f"{SHARDS} messages to so many instances; processor seconds are those of all of them."
    )
    return Table("scheduler", summary, HEAD, [*map(_cells, rows), *_sharded_cells(last.due, sharded)], reached)


def _cells(row: Row) -> tuple[str, ...]:
    function, bare = row.function, row.bare
    return (
        f"{row.due:,}", f"{function.wall_s:.3f}", f"{row.due / function.wall_s:,.0f}", f"{bare.wall_s:.3f}",
        f"{row.ratio:.1f}", f"{row.reading_s:.3f}", f"{function.wall_s / (bare.wall_s + row.reading_s):.2f}",
        f"{function.processor_s:.2f}", f"{bare.processor_s:.2f}", f"{function.peak_mib:.0f}", f"{bare.peak_mib:.0f}",
        f"{row.documents:,}",
    )  # fmt: skip


def _sharded_cells(due: int, sharded: list[Run]) -> Iterator[tuple[str, ...]]:
    for count, run in enumerate(sharded, 1):
        name = f"{due:,} in shards, {count} instance{'s' if count > 1 else ''}"
        cells = (name, f"{run.wall_s:.3f}", f"{due / run.wall_s:,.0f}", "", "", "", "")
        yield (*cells, f"{run.processor_s:.2f}", "", f"{run.peak_mib:.0f}", "", "")
