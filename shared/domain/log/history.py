"""Owns the entries of a log's history: what a driver said, when, and what it changed."""

from datetime import datetime
from typing import Any, Literal

import msgspec

RowKind = Literal["trip", "gap", "reading"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """The n-th change of a user's log: who made it and why, and the changed fields before and after.

    `row` is the id of the trip, gap or reading, of the kind `kind`. `by` is the label of the key, or "session". Fields
    have the names and values that the API has for them; `before` is empty for what was added, `after` for what was
    taken away.
    """

    n: int
    at: datetime
    by: str
    why: str = ""
    kind: RowKind
    row: str
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
