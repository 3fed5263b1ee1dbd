"""Counts what the functions do at the store: they run in this process, and their Firestore channel has a meter."""

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any, NamedTuple

import grpc
from functions_framework import create_app
from google.cloud.firestore_v1.types import firestore as wire

from shared.handlers.http import KNOWN
from shared.repositories import documents, streaming
from tools.deploy.functions import BY_NAME
from tools.local import processes
from tools.local.relay import as_event
from tools.local.serve import source_of

QUERIES = ("/RunQuery", "/RunAggregationQuery")
STATE = re.compile(r"/cache/[^/]+$")  # the driver's state, in which the next poll stands


class Meter(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):  # type: ignore[misc]
    """Counts the documents that come and go through a Firestore channel."""

    def __init__(self) -> None:
        self._lock, self._waiting, self._since_s = Lock(), 0, 0.0
        self.reset()

    def reset(self) -> None:
        """Begins to count anew."""
        self.read = self.missing = self.empty_queries = self.bytes_read = 0
        self.written = self.deleted = self.states_written = 0
        self.queries_s = 0.0  # waited for the answers of queries, of some at once but once

    @property
    def changed(self) -> int:
        """Documents written or deleted."""
        return self.written + self.deleted

    @property
    def billed_reads(self) -> int:
        """Reads that Firestore bills: also for a document that is not there, and one for a query that finds none."""
        return self.read + self.missing + self.empty_queries

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        """Counts the writes of a commit."""
        if isinstance(request, wire.CommitRequest | wire.CommitRequest.pb()):
            deleted = sum(1 for write in request.writes if write.delete)
            with self._lock:
                self.deleted += deleted
                self.written += len(request.writes) - deleted
                self.states_written += sum(1 for write in request.writes if STATE.search(write.update.name))
        return continuation(details, request)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        """Counts the documents of an answer while they are taken."""
        answers = continuation(details, request)
        return self._counted(answers, details.method.endswith(QUERIES))

    def _counted(self, answers: Any, is_query: bool) -> Iterator[Any]:
        found = 0
        for answer in self._timed(answers) if is_query else answers:
            documents = [getattr(answer, "found", None), getattr(answer, "document", None)]
            sizes = [len(type(one).serialize(one)) for one in documents if one is not None and one.name]
            # A sum or a count is billed as one read for each thousand entries of the index, of which there are less.
            found += len(sizes) or bool(getattr(answer, "result", None))
            with self._lock:
                self.missing += bool(getattr(answer, "missing", ""))
                self.read += len(sizes) or bool(getattr(answer, "result", None))
                self.bytes_read += sum(sizes)
            yield answer
        with self._lock:
            self.empty_queries += is_query and not found

    def _timed(self, answers: Any) -> Iterator[Any]:
        answers = iter(answers)
        while True:
            with self._lock:
                self._since_s = self._since_s if self._waiting else time.perf_counter()
                self._waiting += 1
            try:
                answer = next(answers, None)
            finally:
                with self._lock:
                    self._waiting -= 1
                    self.queries_s += 0.0 if self._waiting else time.perf_counter() - self._since_s
            if answer is None:
                return
            yield answer


class Message(NamedTuple):
    """A message of Pub/Sub as the poller gets it; `publish_time` is aware."""

    data: bytes
    message_id: str
    publish_time: Any
    attributes: Mapping[str, str] = {}


class Functions:
    """The functions in this process, each called through its own functions-framework app."""

    def __init__(self) -> None:
        self._apps: dict[str, Any] = {}

    def call(self, function: str, method: str, path: str, **more: Any) -> Any:
        """The answer to an HTTP call; `more` goes to the framework's test client."""
        return self._client(function).open(path, method=method, **more)

    def deliver(self, function: str, message: Any, project: str) -> Any:
        """The answer of a function of a topic to a message."""
        headers, body = as_event(message, project)
        return self._client(function).post("/", json=body, headers=headers)

    def _client(self, function: str) -> Any:
        if function not in self._apps:
            found = BY_NAME[function]
            app = create_app(function, str(source_of(found)), found.signature)  # type: ignore[no-untyped-call]
            self._apps[function] = app.test_client()
        return self._apps[function]


@contextmanager
def metered(settings: Mapping[str, str]) -> Iterator[Meter]:
    """A meter on the store that the functions of this process use meanwhile, under settings of their own.

    The Firestore emulator must be named in the environment.
    """
    meter, insecure = Meter(), grpc.insecure_channel
    store = os.environ["FIRESTORE_EMULATOR_HOST"]

    def channel(target: str, *args: Any, **more: Any) -> Any:
        made = insecure(target, *args, **more)
        return grpc.intercept_channel(made, meter) if target == store else made

    grpc.insecure_channel = channel
    _begin_anew()
    try:
        with processes.environment(settings):
            yield meter
    finally:
        grpc.insecure_channel = insecure
        _begin_anew()


def _begin_anew() -> None:
    """Knows as little as a new instance does."""
    documents.client.cache_clear()
    streaming.long_reader.cache_clear()
    KNOWN.forget_all()
