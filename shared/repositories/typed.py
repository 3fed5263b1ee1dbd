"""Owns how the values of documents are told in JSON without loss: each with its type, as Firestore's REST API does."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.domain.log.shown import zulu

Typed = dict[str, Any]


def typed_fields(fields: Mapping[str, Any]) -> dict[str, Typed]:
    """The fields of a document, or of a map in one."""
    return {name: typed(value) for name, value in fields.items()}


def fields_of(told: Mapping[str, Typed]) -> dict[str, Any]:
    """The fields that were told so. Raises what `value_of` does."""
    return {name: value_of(value) for name, value in told.items()}


def typed(value: Any) -> Typed:
    """A value with its type. Raises TypeError where no document of ours has such a value."""
    match value:
        case None:
            return {"nullValue": None}
        case bool():
            return {"booleanValue": value}
        case int():
            return {"integerValue": str(value)}
        case float():
            # JSON has no numbers that are none, and no infinite ones.
            return {"doubleValue": value if abs(value) < float("inf") else _NAMES.get(value, "NaN")}
        case str():
            return {"stringValue": value}
        case bytes():
            return {"bytesValue": b64encode(value).decode()}
        case datetime():  # the store has microseconds, and so has Python
            return {"timestampValue": zulu(value)}
        case list() | tuple():
            return {"arrayValue": {"values": [typed(one) for one in value]}}
        case dict():
            return {"mapValue": {"fields": typed_fields(value)}}
    raise TypeError(f"no document of ours has a {type(value).__name__}")


_NAMES = {float("inf"): "Infinity", float("-inf"): "-Infinity"}


def value_of(told: Typed) -> Any:
    """The value that was told so. Raises ValueError, KeyError, TypeError or AttributeError where it is none."""
    [(kind, value)] = told.items()
    match kind:
        case "integerValue":
            return int(value)
        case "doubleValue":
            return float(value)
        case "bytesValue":
            return b64decode(value, validate=True)
        case "timestampValue":
            return datetime.fromisoformat(value)
        case "arrayValue":
            return [value_of(one) for one in value.get("values", ())]
        case "mapValue":
            return fields_of(value.get("fields", {}))
        case "nullValue" | "booleanValue" | "stringValue":
            return value
    raise ValueError(f"{kind} is no type of a value")
