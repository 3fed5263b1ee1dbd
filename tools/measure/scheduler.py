"""The scheduler where very many polls are due, beside a client that publishes the same from a list in memory."""

import os
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import requests
from google.cloud import firestore, pubsub_v1

from shared.messaging.polls import TOPIC
from shared.messaging.publishing import AT_ONCE
from tools.measure.drivers import put_crowd
from tools.measure.instances import Source, placed, running
from tools.measure.table import Table

GOAL, MOST_MIB, MOST_GROWTH_MIB = 1.5, 150.0, 10.0
NO_SHARDS = 10**9
HEAD = ("due polls", "processor, s", "bare publisher's, s", "ratio", "peak MiB", "by the clock, s")


class Sizes(NamedTuple):
    """How many drivers there are, how many are due, how often it is repeated."""

    drivers: int = 100_000
    due: tuple[int, ...] = (10, 1000, 20_000)
    repeats: int = 3


SMALL = Sizes(100, (10, 60), 1)


class Run(NamedTuple):
    """What one run took; or several, the middle of each."""

    processor_s: float
    publishers_s: float
    peak_mib: float
    clock_s: float

    @property
    def ratio(self) -> float:
        """To the processor seconds of the floor; those of few messages are less than the clock counts."""
        return self.processor_s / max(self.publishers_s, 0.01)


def measure(small: bool, tell: Callable[[str], None]) -> list[Table]:
    """The scheduler and the bare publisher in turns."""
    sizes, project = SMALL if small else Sizes(), os.environ["GOOGLE_CLOUD_PROJECT"]
    db, found = firestore.Client(project=project), {}
    topic = f"projects/{project}/topics/{TOPIC}"
    pubsub_v1.PublisherClient().create_topic(name=topic)
    with TemporaryDirectory() as folder:
        source = placed("scheduler", Path(folder))
        put_crowd(db, range(sizes.drivers), False, tell)
        for former, due in pairwise((0, *sizes.due)):
            put_crowd(db, range(former, due), True, tell)
            tell(f"{due:,} due")
            runs = [_run(source, topic, due) for _ in range(sizes.repeats)]
            found[due] = Run(*(median(values) for values in zip(*runs, strict=True)))
    return _tables(sizes, found)


def _run(source: Source, topic: str, due: int) -> Run:
    with running(source, {"SHARD_FROM": str(NO_SHARDS)}) as one:
        before_s, began = one.processor_s(), time.perf_counter()
        answer = requests.post(f"{one.url}/poll-all", timeout=300)
        clock_s, processor_s, peak_mib = time.perf_counter() - began, one.processor_s() - before_s, one.peak_mib()
    if answer.json() != {"active": due, "published": due}:
        raise RuntimeError(f"{due} polls are due, and the scheduler says {answer.text}")
    return Run(processor_s, _published_s(topic, due), peak_mib, clock_s)


def _published_s(topic: str, count: int) -> float:
    """What the library's usual client takes of the processor for as many messages."""
    messages = [f'{{"user":"driver-{n:06}@example.com","reason":"schedule"}}'.encode() for n in range(count)]
    before_s = time.process_time()
    publisher = pubsub_v1.PublisherClient(batch_settings=pubsub_v1.types.BatchSettings(max_messages=AT_ONCE))
    for one in [publisher.publish(topic, message) for message in messages]:
        one.result()
    return time.process_time() - before_s


def _tables(sizes: Sizes, found: dict[int, Run]) -> list[Table]:
    *_, former, last = found.values()
    growth_mib = last.peak_mib - former.peak_mib
    flat = last.peak_mib < MOST_MIB and growth_mib < MOST_GROWTH_MIB
    said = (
        f"{sizes.drivers:,} drivers, some of them due for a poll; the middle of {sizes.repeats} runs, each of a fresh "
        "instance and of a client of the library that publishes the same messages from a list in memory, "
        f"{AT_ONCE:,} a request as the scheduler does. In seconds of the processor the goal of {GOAL} times the bare "
        f"publisher's is {'reached' if last.ratio <= GOAL else 'missed'}: {last.ratio:.2f}, although the due polls "
        f"have to be read first. Memory: {last.peak_mib:.0f} MiB, {growth_mib:+.0f} with the last step, "
        f"{'flat' if flat else 'not flat'}. The clock's seconds are the emulator's, which has no composite index and "
        "looks at every driver; Firestore reads the entries of those who are due."
    )
    rows = [
        [f"{due:,}", f"{run.processor_s:.2f}", f"{run.publishers_s:.2f}", f"{run.ratio:.2f}", f"{run.peak_mib:.0f}",
         f"{run.clock_s:.1f}"]
        for due, run in found.items()
    ]  # fmt: skip
    return [Table("scheduler", said, HEAD, rows)]
