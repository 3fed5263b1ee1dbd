"""Owns how a JSON body becomes a struct. A failure is a 400."""

import re
from typing import TypeVar

import msgspec
from flask import Request

from shared.handlers.problems import Problem

T = TypeVar("T")
MOST_DETAIL = 200  # it repeats what was sent


def decoded(request: Request, kind: type[T]) -> T:
    """The body as a struct. Raises 400 with the field where it does not fit."""
    try:
        return msgspec.json.decode(request.get_data(), type=kind)
    except msgspec.ValidationError as error:
        raise _unfit(error) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Problem(400, "The body is not a JSON object.") from error


def _unfit(error: msgspec.ValidationError) -> Problem:
    text = str(error)[:MOST_DETAIL]
    found = re.search(r"(?:at|in) `\$\.(\w+)", text) or re.search(r"(?:unknown|required) field `(\w+)`", text)
    return Problem(400, text, found[1] if found else None)
