"""Owns how our structs become Firestore documents and back, and how a commit holds against other writers."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, Generic, ParamSpec, Protocol, TypeVar

import msgspec
from google.api_core.exceptions import Aborted, AlreadyExists, FailedPrecondition, NotFound
from google.api_core.retry import Retry, if_exception_type
from google.cloud import firestore

from shared import settings

T = TypeVar("T")
P = ParamSpec("P")


class Repeating(Protocol):
    """Makes a function one that is run again until it is through."""

    def __call__(self, attempt: Callable[P, T], /) -> Callable[P, T]: ...


# Runs an attempt (read, compute, commit) again until nobody else wrote in between, after a random wait of up to 10 ms,
# twice that, and so on up to 0.5 s. It raises RetryError, from the last conflict, where that would take over 20 s.
until_current: Repeating = Retry(
    predicate=if_exception_type(FailedPrecondition, Aborted, AlreadyExists, NotFound),
    initial=0.01,
    maximum=0.5,
    multiplier=2.0,
    timeout=20.0,
)


# What the state of a log has as long as it is being put back: from what.
RESTORING = "restoring"


class OldLog(Exception):
    """An earlier version kept this user's log, in a way that is not understood any more; the command that mends it."""

    def __init__(self, email: str) -> None:
        from shlex import quote

        # Whoever copies it into a shell means this very address, whatever is in it.
        command = f"python -m tools.admin upgrade {quote(email)}"
        super().__init__(f"The log of {email} was kept by an earlier version: first run `{command}`.")


class HalfRestored(OldLog):
    """This user's log is being put back, and not all of it is there; what to do if that was stopped."""

    def __init__(self, email: str) -> None:
        Exception.__init__(self, f"The log of {email} is being restored: if that was stopped, run it again.")


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
