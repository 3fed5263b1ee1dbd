"""What stands in for Eventarc leaves the emulator as it found it."""

import secrets

from google.cloud import pubsub_v1

from tools.local.relay import Relay


def subscriptions(project: str) -> list[str]:
    with pubsub_v1.SubscriberClient() as client:
        return [one.name.rpartition("/")[2] for one in client.list_subscriptions(project=f"projects/{project}")]


def test_a_relay_that_stops_leaves_no_subscription_with_which_the_emulator_would_go_on(emulators: None) -> None:
    project = f"test-{secrets.token_hex(6)}"
    for _ in range(2):
        relay = Relay(project, "http://127.0.0.1:9/poller")
        relay.start()
        assert subscriptions(project) == ["poll-car-poller"]
        relay.stop()
        assert subscriptions(project) == []
