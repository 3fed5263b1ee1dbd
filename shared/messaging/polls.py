"""Owns the topics poll-car, where a message asks for one poll of one user's car, and poll-shard, where it asks for
those of a shard of the users."""

import json
from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from functools import cache
from itertools import islice
from typing import Any

from google.cloud import pubsub_v1

from shared.settings import project_id

TOPIC, SHARDS_TOPIC = "poll-car", "poll-shard"
TIMEOUT_S = 10.0
# As many as Pub/Sub takes in one request: a tenth of the calls that the client makes by itself.
AT_ONCE = 1000


@cache
def _publisher() -> pubsub_v1.PublisherClient:
    return pubsub_v1.PublisherClient(batch_settings=pubsub_v1.types.BatchSettings(max_messages=AT_ONCE))


def _publish(topic: str, body: Mapping[str, Any]) -> "Future[str]":
    sent: Future[str] = _publisher().publish(f"projects/{project_id()}/topics/{topic}", json.dumps(body).encode())
    return sent


def ask_for_poll(user: str, reason: str) -> None:
    """Asks for a poll of one user. Raises where the bus does not take it within 10 s."""
    _publish(TOPIC, {"user": user, "reason": reason}).result(timeout=TIMEOUT_S)


def ask_for_polls(users: Iterable[str], reason: str) -> int:
    """Asks for a poll of each user and says for how many. Raises where the bus does not take one."""
    return _publish_all(TOPIC, ({"user": user, "reason": reason} for user in users))


def ask_for_shards(shards: Iterable[Mapping[str, Any]]) -> int:
    """Asks for the polls of each shard, as the message says it, and says for how many. Raises as above."""
    return _publish_all(SHARDS_TOPIC, shards)


def _publish_all(topic: str, bodies: Iterable[Mapping[str, Any]]) -> int:
    bodies, count, waiting = iter(bodies), 0, deque["Future[str]"]()
    # Taken and sent by turns, many at a time: threads that hand over at every message cost a quarter more work.
    while group := list(islice(bodies, AT_ONCE)):
        waiting.extend(_publish(topic, body) for body in group)
        count += len(group)
        # Only the former group's answers are waited for: those of this one come while the next one is read. So memory
        # stays flat.
        while len(waiting) > AT_ONCE:
            waiting.popleft().result(timeout=TIMEOUT_S)
    for sent in waiting:
        sent.result(timeout=TIMEOUT_S)
    return count
