"""The function poller: one Pub/Sub message, one poll of one user's car."""

import functions_framework
from cloudevents.http import CloudEvent

from shared import logs
from shared.handlers.polling import take_message

logs.configure()


@functions_framework.cloud_event
def poller(event: CloudEvent) -> None:
    """Takes a message; raising makes Pub/Sub send it again."""
    take_message(event.data["message"])
