"""Owns how our structs become Firestore documents and back, and how a commit holds against other writers."""

import random
import time
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec
from google.api_core.exceptions import Aborted, AlreadyExists, FailedPrecondition, NotFound
from google.cloud import firestore

from shared import settings

T = TypeVar("T")
FIRST_WAIT_S, LONGEST_WAIT_S, BOUND_S = 0.01, 0.5, 20.0


class Stored(msgspec.Struct, Generic[T], frozen=True):
    """A value as it was read, with the version that a later write must still find; None if there was no document."""

    value: T
    version: Any = None


@cache
def client() -> firestore.Client:
    """The Firestore client of this instance, made at the first use: imports must stay quick."""
    return firestore.Client(project=settings.current.project_id)


def to_document(struct: msgspec.Struct) -> dict[str, Any]:
    """The fields of a struct as Firestore stores them; times stay times."""
    document: dict[str, Any] = msgspec.to_builtins(struct, builtin_types=(datetime,))
    return document


def from_document(data: dict[str, Any], kind: type[T]) -> T:
    """A struct from a document's fields; fields that it does not know are left out."""
    return msgspec.convert(_plain(data), kind)


def _plain(value: Any) -> Any:
    """Firestore's times are of a class of their own, which the validation does not take."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime):
        return datetime.combine(value.date(), value.time(), value.tzinfo)
    return value


def until_current(attempt: Callable[[], T]) -> T:
    """Runs an attempt (read, compute, commit) again until nobody else wrote in between, for 20 s at most.

    Raises the last conflict when the time is over.
    """
    deadline, wait_s = time.monotonic() + BOUND_S, FIRST_WAIT_S
    while True:
        try:
            return attempt()
        except (FailedPrecondition, Aborted, AlreadyExists, NotFound):
            if time.monotonic() > deadline:
                raise
        time.sleep(random.uniform(0, wait_s))
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)
