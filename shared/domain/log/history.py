"""Owns the entries of a log's history: what a driver said, when, and what it changed."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

RowKind = Literal["trip", "gap", "reading"]
View = Mapping[str, Any]
# What every change of a row changes says nothing of this one.
ALWAYS_CHANGED = ("revision", "updated_at")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """The n-th change of a user's log: who made it and why, and the changed fields before and after.

    `row` is the id of the trip, gap or reading, of the kind `kind`. `by` is the label of the key, or "session". Fields
    have the names and values that the API has for them; `before` is empty for what was added, `after` for what was
    taken away. `n` is 0 until it is known which one it is: the first is 1.
    """

    n: int = 0
    at: datetime
    by: str
    why: str = ""
    kind: RowKind
    row: str
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}


def entry_of_change(
    kind: RowKind, row: str, before: View, after: View, *, at: datetime, by: str, why: str = ""
) -> Entry | None:
    """The entry of a change from one view of a row to another; None where they are alike.

    A view has the fields of a row by the names that the API has for them, as plain JSON values. An empty one stands for
    a row that is not there: of one that was added or taken away the entry has all fields, else those that differ.
    """
    if before and after:
        names = [name for name in {**before, **after} if name not in ALWAYS_CHANGED and _differ(name, before, after)]
        before, after = _of(names, before), _of(names, after)
    if not before and not after:
        return None
    return Entry(at=at, by=by, why=why, kind=kind, row=row, before=dict(before), after=dict(after))


def numbered(entries: Iterable[Entry], after: int) -> list[Entry]:
    """The entries as those that follow the one of that number."""
    return [replace(entry, n=n) for n, entry in enumerate(entries, after + 1)]


def _of(names: Iterable[str], view: View) -> View:
    return {name: view[name] for name in names if name in view}


def _differ(name: str, before: View, after: View) -> bool:
    return (name in before) != (name in after) or before.get(name) != after.get(name)
