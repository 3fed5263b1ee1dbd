"""The least that a first call could be where it publishes: one document read, one message handed to the bus."""

import os

import functions_framework
from flask import Request
from google.cloud import firestore, pubsub_v1


@functions_framework.http
def one_read_and_message(request: Request) -> str:
    """Answers with nothing once the bus has the message."""
    firestore.Client().document("bare/0").get()
    topic = f"projects/{os.environ['GOOGLE_CLOUD_PROJECT']}/topics/poll-car"
    pubsub_v1.PublisherClient().publish(topic, b"{}").result()
    return ""
