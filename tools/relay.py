"""Owns the stand-in for Eventarc: pulls from the topic poll-car and posts each message to the poller as a CloudEvent.

A 2xx acknowledges the message; anything else, also no answer, gives it back to Pub/Sub, which sends it again later.
It is not the emulator's own push because that opens its window slowly: one handler that hangs would hold up the others.
"""

import base64
import queue
import threading
from typing import Any

import requests
from google.api_core.exceptions import AlreadyExists, GoogleAPICallError
from google.cloud import pubsub_v1
from google.cloud.pubsub_v1.subscriber.message import Message
from google.protobuf.duration_pb2 import Duration

TOPIC = "poll-car"
SUBSCRIPTION = "poll-car-relay"
AT_ONCE = 64
ACK_DEADLINE_S = 600
EVENT_TYPE = "google.cloud.pubsub.topic.v1.messagePublished"


class Relay:
    """Pulls until stopped. Its Pub/Sub is the emulator that PUBSUB_EMULATOR_HOST names when it is made."""

    def __init__(self, project_id: str, poller_url: str) -> None:
        self._topic = f"projects/{project_id}/topics/{TOPIC}"
        self._subscription = f"projects/{project_id}/subscriptions/{SUBSCRIPTION}"
        self._poller_url = poller_url
        self._publisher = pubsub_v1.PublisherClient()
        self._subscriber = pubsub_v1.SubscriberClient()
        self._pulled: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._pull: Any = None

    def start(self) -> None:
        """Returns when the subscription exists: what is published from now on is delivered."""
        self._create_subscription()
        # Daemons, so that a handler that hangs cannot keep this process from ending.
        for _ in range(AT_ONCE):
            threading.Thread(target=self._deliver_all, name="relay", daemon=True).start()
        self._open_pull()
        threading.Thread(target=self._keep_pulling, name="relay-pull", daemon=True).start()

    def stop(self) -> None:
        """Pull no more. What is being delivered goes on; Pub/Sub still has what was not acknowledged."""
        self._stopping.set()
        self._pull.cancel()
        for _ in range(AT_ONCE):
            self._pulled.put(None)

    def _create_subscription(self) -> None:
        try:
            self._publisher.create_topic(name=self._topic)
        except AlreadyExists:
            pass
        retry = {"minimum_backoff": Duration(seconds=1), "maximum_backoff": Duration(seconds=60)}
        asked = {"name": self._subscription, "topic": self._topic, "ack_deadline_seconds": ACK_DEADLINE_S}
        try:
            self._subscriber.create_subscription(request={**asked, "retry_policy": retry})
        except AlreadyExists:
            pass

    def _open_pull(self) -> None:
        window = pubsub_v1.types.FlowControl(max_messages=AT_ONCE, min_duration_per_lease_extension=ACK_DEADLINE_S)
        self._pull = self._subscriber.subscribe(self._subscription, self._pulled.put, flow_control=window)

    def _keep_pulling(self) -> None:
        """A pull ends by itself only when Pub/Sub went away; it comes back without the subscription."""
        while not self._stopping.is_set():
            try:
                self._pull.result()
            except GoogleAPICallError:
                if self._stopping.wait(1):
                    return
                self._reopen()

    def _reopen(self) -> None:
        try:
            self._create_subscription()
            self._open_pull()
        except GoogleAPICallError:
            return  # still away: the loop comes by again

    def _deliver_all(self) -> None:
        while (message := self._pulled.get()) is not None:
            if self._is_delivered(message):
                message.ack()
            else:
                message.nack()

    def _is_delivered(self, message: Message) -> bool:
        published_at = message.publish_time.isoformat().replace("+00:00", "Z")
        headers = {
            "ce-specversion": "1.0",
            "ce-id": message.message_id,
            "ce-source": f"//pubsub.googleapis.com/{self._topic}",
            "ce-type": EVENT_TYPE,
            "ce-time": published_at,
        }
        try:
            answer = requests.post(
                self._poller_url, json=self._event(message, published_at), headers=headers, timeout=ACK_DEADLINE_S
            )
        except requests.RequestException:
            return False
        return answer.ok

    def _event(self, message: Message, published_at: str) -> dict[str, Any]:
        content = {
            "data": base64.b64encode(message.data).decode(),
            "messageId": message.message_id,
            "publishTime": published_at,
            "attributes": dict(message.attributes),
        }
        return {"message": content, "subscription": self._subscription}
