"""Owns how a message that Pub/Sub pushes to a path becomes a struct."""

from typing import TypeVar

import msgspec
from flask import Request

T = TypeVar("T")


class _Message(msgspec.Struct):
    data: bytes


class _Push(msgspec.Struct):
    """The body with which Pub/Sub posts a message; there is more in it."""

    message: _Message


def pushed(request: Request, kind: type[T]) -> T | None:
    """What a pushed message says; None where it cannot be read."""
    try:
        push = msgspec.json.decode(request.get_data(), type=_Push)
        return msgspec.json.decode(push.message.data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
