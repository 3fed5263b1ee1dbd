"""How many bytes Firestore bills for a document and its index entries, by its documented rules.

https://cloud.google.com/firestore/docs/storage-size
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from tools.deploy.indexes import INDEXES, NOT_INDEXED

NAME_BYTES = 16
DOCUMENT_BYTES = ENTRY_BYTES = 32
MOST_INDEXED_BYTES = 1500
AUTOMATIC_ENTRIES = 2  # Firestore indexes each field upwards and downwards unless it is told not to


def stored_bytes(path: str, fields: Mapping[str, Any]) -> int:
    """Bytes of a document at a path such as `users/a@b/trips/1`, with all of its index entries."""
    return document_bytes(path, fields) + _index_bytes(path, fields)


def document_bytes(path: str, fields: Mapping[str, Any]) -> int:
    """Bytes of a document alone."""
    return name_bytes(path) + value_bytes(fields)


def name_bytes(path: str) -> int:
    """Bytes of a document's name: of each part of its path, and 16."""
    return sum(map(_text_bytes, path.split("/"))) + NAME_BYTES if path else 0


def entry_bytes(path: str) -> int:
    """Bytes of an index entry of a document, without the fields in it."""
    return name_bytes(path) + name_bytes("/".join(path.split("/")[:-2])) + ENTRY_BYTES


def _index_bytes(path: str, fields: Mapping[str, Any]) -> int:
    entry = entry_bytes(path)
    exempt = NOT_INDEXED.get(path.split("/")[-2], ())
    automatic = sum(
        entry + _text_bytes(name) + size for name, size in _indexed(fields) if name.split(".")[0] not in exempt
    )
    composite = [
        entry + sum(min(value_bytes(fields[name]), MOST_INDEXED_BYTES) for name, _ in index.fields)
        for index in INDEXES
        if index.collection == path.split("/")[-2]
    ]
    return automatic + sum(composite)


def _indexed(fields: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, int]]:
    """Name and size of the value of each automatic entry: of a map those of its fields, of a list its elements."""
    for name, value in fields.items():
        path = f"{before}{name}"
        if isinstance(value, dict):
            yield from _indexed(value, f"{path}.")
        elif isinstance(value, list):
            yield from ((path, min(value_bytes(element), MOST_INDEXED_BYTES)) for element in value)
        else:
            yield from [(path, min(value_bytes(value), MOST_INDEXED_BYTES))] * AUTOMATIC_ENTRIES


def value_bytes(value: Any) -> int:
    """Bytes of a field's value."""
    if value is None or isinstance(value, bool):
        return 1
    if isinstance(value, str):
        return _text_bytes(value)
    if isinstance(value, int | float | datetime):
        return 8
    if isinstance(value, Mapping):
        return sum(_text_bytes(name) + value_bytes(inner) for name, inner in value.items()) + DOCUMENT_BYTES
    if isinstance(value, list):
        return sum(map(value_bytes, value))
    raise TypeError(f"no size is known for {type(value).__name__}")


def _text_bytes(text: str) -> int:
    return len(text.encode()) + 1
