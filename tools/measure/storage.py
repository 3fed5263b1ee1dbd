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


def stored_bytes(path: str, fields: Mapping[str, Any]) -> int:
    """Bytes of a document at a path such as `users/a@b/trips/1`, with all of its index entries."""
    *parent, collection, _ = path.split("/")
    entry = _name_bytes(path) + _name_bytes("/".join(parent)) + ENTRY_BYTES
    exempt = NOT_INDEXED.get(collection, ())
    automatic = sum(entry + size for name, size in _entries(fields) if name.split(".")[0] not in exempt)
    composite = sum(
        entry + sum(min(value_bytes(fields[name]), MOST_INDEXED_BYTES) for name, _ in index.fields)
        for index in INDEXES
        if index.collection == collection
    )
    return _name_bytes(path) + value_bytes(fields) + automatic + composite


def _name_bytes(path: str) -> int:
    return sum(map(value_bytes, path.split("/"))) + NAME_BYTES if path else 0


def _entries(fields: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, int]]:
    """Name, and size of name and value, of each automatic entry: of a map those of its fields, of a list's elements."""
    for name, value in fields.items():
        path = f"{before}{name}"
        if isinstance(value, Mapping):
            yield from _entries(value, f"{path}.")
            continue
        # A value has an entry upwards and one downwards, an element of a list has one.
        for each in value if isinstance(value, list) else (value, value):
            yield path, value_bytes(path) + min(value_bytes(each), MOST_INDEXED_BYTES)


def value_bytes(value: Any) -> int:
    """Bytes of a field's value."""
    match value:
        case None | bool():
            return 1
        case str():
            return len(value.encode()) + 1
        case int() | float() | datetime():
            return 8
        case Mapping():
            return sum(value_bytes(name) + value_bytes(inner) for name, inner in value.items()) + DOCUMENT_BYTES
        case list():
            return sum(map(value_bytes, value))
    raise TypeError(f"no size is known for {type(value).__name__}")
