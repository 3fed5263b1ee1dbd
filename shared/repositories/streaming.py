"""Owns how long answers of the store are read: one thread takes the documents as they come over the wire."""

import os
from collections.abc import Iterator
from functools import cache
from typing import Any

import grpc
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport
from google.cloud.firestore_v1.types import RunQueryRequest, StructuredQuery
from grpc.experimental import ChannelOptions

from shared.repositories.documents import client

# gRPC hands each message of an answer from a thread of its own to the caller, which is two thirds of the work of
# reading short documents. This option, which gRPC's guide to performance names, does without that thread.
OPTIONS = ((ChannelOptions.SingleThreadedUnaryStream, 1), ("grpc.keepalive_time_ms", 30_000))


class LongReader:
    """Reads answers of any length in a project's store, with memory for a few documents of each."""

    def __init__(self, project: str) -> None:
        self._parent = f"projects/{project}/databases/(default)/documents"
        self._api = FirestoreClient(transport=FirestoreGrpcTransport(channel=_channel()))

    def name(self, *path: str) -> str:
        """The full name of the document at a path."""
        return "/".join((self._parent, *path))

    def documents(self, query: StructuredQuery, parent: str = "") -> Iterator[Any]:
        """The documents that a query finds, as protocol buffers: a snapshot of each would cost as much as reading it.

        Those below a parent, by its full name, or in collections at the root.
        A stream that breaks is not taken up again, and raises GoogleAPICallError.
        """
        for answer in self._api.run_query(RunQueryRequest(parent=parent or self._parent, structured_query=query)):
            document = type(answer).pb(answer).document
            if document.name:
                yield document


def _channel() -> grpc.Channel:
    emulator = os.environ.get("FIRESTORE_EMULATOR_HOST")
    if emulator:
        return grpc.insecure_channel(emulator, options=OPTIONS)
    return FirestoreGrpcTransport.create_channel(options=OPTIONS)


@cache
def long_reader() -> LongReader:
    """The reader of this instance, made at the first use: imports must stay quick."""
    return LongReader(client().project)
