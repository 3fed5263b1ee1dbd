"""The floors: functions that do the least that one of ours could do. This file is deployed alone."""

import os
from functools import cache
from typing import Any

from google.cloud import firestore


def one_read(_: Any) -> str:
    """The least of a first call or message: the store's client is made and reads one document."""
    firestore.Client().document("bare/0").get()
    return ""


def one_read_and_message(request: Any) -> str:
    """The same where the bus gets a message as well."""
    from google.cloud import pubsub_v1  # the others do without

    topic = f"projects/{os.environ['GOOGLE_CLOUD_PROJECT']}/topics/poll-car"
    pubsub_v1.PublisherClient().publish(topic, b"{}").result()
    return one_read(request)


def one_transaction(request: Any) -> str:
    """The least of a ping: an ordinary transaction reads one document, the path's, and sets all of it again."""
    firestore.transactional(_transact)(_client().transaction(), _client().document(request.path.strip("/")))
    return ""


@cache
def _client() -> firestore.Client:
    return firestore.Client()


def _transact(transaction: Any, document: Any) -> None:
    transaction.set(document, document.get(transaction=transaction).to_dict())
