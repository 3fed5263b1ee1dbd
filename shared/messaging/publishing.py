"""Publishes messages on a topic of the bus: each a JSON object."""

import os
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import islice
from typing import Any

import grpc
import msgspec
from google.api_core.retry import Retry
from google.pubsub_v1.services.publisher import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.types import PublishRequest

from shared import settings

TIMEOUT_S = 10.0
# As many as Pub/Sub takes in one request.
AT_ONCE = 1000
# An error that may pass is tried again within the same time; the predicate is the library's own for such errors.
RETRY = Retry(initial=0.1, maximum=2.0, timeout=TIMEOUT_S)


@cache
def _publisher() -> PublisherClient:
    """The client that is generated from Pub/Sub's interface: one call of it is one request.

    The one that is written by hand on top of it gathers single messages in threads. A phone would wait 10 ms for others
    that never come, and gathering a thousand takes several times the work of sending them.
    """
    emulator = os.environ.get("PUBSUB_EMULATOR_HOST")
    transport = PublisherGrpcTransport(channel=grpc.insecure_channel(emulator)) if emulator else None
    return PublisherClient(transport=transport)


def publish_all(topic: str, bodies: Iterable[Mapping[str, Any]]) -> int:
    """Publishes a message for each body, and says how many. Raises as `publish` where the bus does not take some."""
    bodies, count = iter(bodies), 0
    while group := list(islice(bodies, AT_ONCE)):
        publish(topic, group)
        count += len(group)
    return count


def publish(topic: str, bodies: Iterable[Mapping[str, Any]]) -> None:
    """Publishes some messages at once. Raises GoogleAPICallError or RetryError where the bus takes none in 10 s."""
    request = PublishRequest(topic=f"projects/{settings.current.project_id}/topics/{topic}")
    messages = PublishRequest.pb(request).messages  # a message of its own class would cost as much as all the rest
    for body in bodies:
        messages.add(data=msgspec.json.encode(body))
    _publisher().publish(request, retry=RETRY, timeout=TIMEOUT_S)
