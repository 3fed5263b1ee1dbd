"""Owns the topic poll-car: one message asks for one poll of one user's car."""

import json
from collections.abc import Iterable
from concurrent.futures import Future
from functools import cache
from itertools import islice

from google.cloud import pubsub_v1

from shared.settings import project_id

TOPIC = "poll-car"
TIMEOUT_S = 10.0
AT_A_TIME = 1000  # messages whose answers are waited for together: memory stays flat


@cache
def _publisher() -> pubsub_v1.PublisherClient:
    return pubsub_v1.PublisherClient()


def _publish(user: str, reason: str) -> "Future[str]":
    message = json.dumps({"user": user, "reason": reason}).encode()
    sent: Future[str] = _publisher().publish(f"projects/{project_id()}/topics/{TOPIC}", message)
    return sent


def ask_for_poll(user: str, reason: str) -> None:
    """Asks for a poll of one user. Raises where the bus does not take it within 10 s."""
    _publish(user, reason).result(timeout=TIMEOUT_S)


def ask_for_polls(users: Iterable[str], reason: str) -> int:
    """Asks for a poll of each user and says for how many. Raises where the bus does not take one."""
    users, count = iter(users), 0
    while group := [_publish(user, reason) for user in islice(users, AT_A_TIME)]:
        for sent in group:
            sent.result(timeout=TIMEOUT_S)
        count += len(group)
    return count
