"""Owns the topics poll-car, where a message asks for one poll of one user's car, and poll-shard, where it asks for
those of a shard of the users."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from shared.messaging.publishing import publish, publish_all

TOPIC, SHARDS_TOPIC = "poll-car", "poll-shard"
Reason = Literal[
    "schedule", "daily", "trip_started", "ping_recorded", "trip_resumed", "ending", "paused", "end_noted", "ignored", ""
]


def ask_for_poll(user: str, reason: Reason) -> None:
    """Asks for a poll of one user. Raises GoogleAPICallError or RetryError where the bus does not take it in 10 s."""
    publish(TOPIC, [{"user": user, "reason": reason}])


def ask_for_polls(users: Iterable[str], reason: Reason) -> int:
    """Asks for a poll of each user and says for how many. Raises as above where the bus does not take some."""
    return publish_all(TOPIC, ({"user": user, "reason": reason} for user in users))


def ask_for_shards(shards: Iterable[Mapping[str, Any]]) -> int:
    """Asks for the polls of each shard, as the message says it, and says for how many. Raises as above."""
    return publish_all(SHARDS_TOPIC, shards)
