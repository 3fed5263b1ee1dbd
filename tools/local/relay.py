"""Stands in for Eventarc and for Pub/Sub's own push: takes the messages of a topic and posts each to a function."""

import base64
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any, NamedTuple

import requests
from google.api_core.exceptions import AlreadyExists, GoogleAPICallError
from google.cloud import pubsub_v1
from google.protobuf.duration_pb2 import Duration

from shared.messaging.polls import SHARDS_TOPIC, TOPIC
from tools.deploy.functions import FUNCTIONS

AT_ONCE = 64
ACK_DEADLINE_S = 600
STOP_WITHIN_S = 5


Post = tuple[dict[str, str], dict[str, Any]]


def as_event(message: Any, project_id: str, topic: str = TOPIC) -> Post:
    """A message of a function's topic as Eventarc posts it: headers and body of a CloudEvent."""
    headers = {
        "ce-id": message.message_id,
        "ce-source": f"//pubsub.googleapis.com/projects/{project_id}/topics/{topic}",
        "ce-type": "google.cloud.pubsub.topic.v1.messagePublished",
        "ce-specversion": "1.0",
        "ce-time": _published_at(message),
    }
    return headers, _body(message, _subscription(project_id, topic))


def as_push(message: Any, project_id: str, topic: str = SHARDS_TOPIC) -> Post:
    """A message that a function left for itself as a push subscription posts it, which is no CloudEvent."""
    return {}, _body(message, _subscription(project_id, topic))


class Way(NamedTuple):
    """Where the messages of a topic go: the function, the path that it is called at, and how each one is posted."""

    function: str
    path: str
    posted: Callable[[Any, str, str], Post]


def _ways() -> Iterator[tuple[str, Way]]:
    for function in FUNCTIONS:
        if function.topic:
            yield function.topic, Way(function.name, function.paths[0], as_event)
        for push in function.pushes:
            yield push.topic, Way(function.name, function.paths[0] + push.path, as_push)


WAYS = dict(_ways())


def relays(project_id: str, url: str) -> "list[Relay]":
    """One for each topic that a function hears; `url` is where the functions are."""
    return [Relay(project_id, url + way.path, topic) for topic, way in WAYS.items()]


def _published_at(message: Any) -> str:
    moment: str = message.publish_time.isoformat().replace("+00:00", "Z")
    return moment


def _body(message: Any, subscription: str) -> dict[str, Any]:
    return {
        "message": {
            "data": base64.b64encode(message.data).decode(),
            "messageId": message.message_id,
            "publishTime": _published_at(message),
            "attributes": dict(message.attributes),
        },
        "subscription": subscription,
    }


def _subscription(project_id: str, topic: str) -> str:
    return f"projects/{project_id}/subscriptions/{topic}-{WAYS[topic].function}"


class Relay:
    """A streaming pull with a post for each message; what the function does not take comes again."""

    def __init__(self, project_id: str, url: str, topic: str = TOPIC) -> None:
        self._project_id, self._name = project_id, topic
        self._topic = f"projects/{project_id}/topics/{topic}"
        self._subscription = _subscription(project_id, topic)
        self._url = url
        self._subscriber = pubsub_v1.SubscriberClient()
        self._pull: Any = None

    def start(self) -> None:
        """Makes topic and subscription if they are not there, and begins to deliver."""
        self._make()
        pool = ThreadPoolExecutor(AT_ONCE)
        self._pull = self._subscriber.subscribe(
            self._subscription,
            self._deliver,
            flow_control=pubsub_v1.types.FlowControl(max_messages=AT_ONCE),
            scheduler=pubsub_v1.subscriber.scheduler.ThreadScheduler(pool),
        )

    def stop(self) -> None:
        """Stops to deliver. What is under way is lost, as all messages are with their emulator: polls stay due."""
        if self._pull:
            self._pull.cancel()
            # Its threads still speak to the emulator; closed under them, the channel makes them print where they stood.
            with suppress(GoogleAPICallError, TimeoutError):
                self._pull.result(timeout=STOP_WITHIN_S)
            # The emulator goes on with a stream whose reader has gone: again and again it sorts the messages that were
            # not taken, for as long as the subscription is there. That was five sixths of its work in a run of tests.
            with suppress(GoogleAPICallError):  # it has gone before
                self._subscriber.delete_subscription(subscription=self._subscription, timeout=5, retry=None)
        self._subscriber.close()

    def _make(self) -> None:
        publisher = pubsub_v1.PublisherClient()
        retry = {
            "minimum_backoff": Duration(seconds=1),
            "maximum_backoff": Duration(seconds=int(timedelta(minutes=1).total_seconds())),
        }
        wanted = {
            "name": self._subscription,
            "topic": self._topic,
            "ack_deadline_seconds": ACK_DEADLINE_S,
            "retry_policy": retry,
        }
        for make, asked in (
            (publisher.create_topic, {"name": self._topic}),
            (self._subscriber.create_subscription, wanted),
        ):
            try:
                make(request=asked)
            except AlreadyExists:
                continue

    def _deliver(self, message: Any) -> None:
        headers, body = WAYS[self._name].posted(message, self._project_id, self._name)
        try:
            taken = requests.post(self._url, json=body, headers=headers, timeout=ACK_DEADLINE_S).ok
        except requests.RequestException:
            taken = False
        if taken:
            message.ack()
        else:
            message.nack()
