"""The least that a first call could be: the store's client is made and reads one document."""

import functions_framework
from cloudevents.http import CloudEvent
from flask import Request
from google.cloud import firestore


@functions_framework.http
def one_read(request: Request) -> str:
    """Answers with nothing."""
    firestore.Client().document("bare/0").get()
    return ""


@functions_framework.cloud_event
def one_read_of_event(event: CloudEvent) -> None:
    """The same for a message."""
    firestore.Client().document("bare/0").get()
