"""Owns the history of a log: what was changed, when, by whom and why, each entry chained to the one before it.

Who has the last hash can tell that no entry before it was changed, left out or put in.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from shared.domain.log.shown import zulu

RowKind = Literal["trip", "gap", "reading", "seal", "correction"]
View = Mapping[str, Any]
# What every change of a row changes says nothing of this one.
ALWAYS_CHANGED = ("revision", "updated_at")
# What an entry says of a trip that there is not any more, where another one has all of it: the id of that.
MERGED = "merged_into"
FURTHEST_ZONE = timedelta(hours=14)
PHONE, CAR, OPERATOR = "phone", "car", "operator"


class Author(NamedTuple):
    """Who changes a log: the label of a key, "session", or one of `phone`, `car` and `operator`; when (aware UTC)."""

    by: str
    now: datetime
    why: str = ""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """The n-th change of a user's log: who made it and why, and the changed fields before and after.

    `row` is the id of what the `kind` says, a trip, gap, reading, seal or correction, and `years` are those that it
    counts for. Fields have the names and values that the API has for them; `before` is empty for what was added,
    `after` for what was taken away, but of a trip that is a part of another one by now it says which.
    It `is_word` where its author meant this very row: what else changed in that commit follows from it.
    `n` is 0 until it is known which one it is: the first is 1. `prev` is the hash of the one before.
    """

    n: int = 0
    at: datetime
    by: str
    why: str = ""
    kind: RowKind
    row: str
    is_word: bool = False
    years: tuple[int, ...] = ()
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    prev: str = ""
    hash: str = ""


class Head(NamedTuple):
    """The number and the hash of the last entry of a history."""

    n: int = 0
    hash: str = ""


def years_of(moment: datetime) -> tuple[int, ...]:
    """The years that a moment counts for, in whichever time zone: around New Year both."""
    return tuple(sorted({(moment - FURTHEST_ZONE).year, (moment + FURTHEST_ZONE).year}))


def entry_of_change(
    author: Author,
    kind: RowKind,
    row: str,
    before: View,
    after: View,
    years: Iterable[int] = (),
    *,
    is_word: bool = False,
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
    return Entry(
        at=author.now,
        by=author.by,
        why=author.why,
        kind=kind,
        row=row,
        is_word=is_word,
        years=tuple(sorted({*years})),
        before=dict(before),
        after=dict(after),
    )


def chained(entries: Iterable[Entry], head: Head) -> list[Entry]:
    """The entries as those that follow the last one."""
    made = list[Entry]()
    for entry in entries:
        following = replace(entry, n=head.n + 1, prev=head.hash)
        following = replace(following, hash=hash_of(following))
        head = Head(following.n, following.hash)
        made.append(following)
    return made


def hash_of(entry: Entry) -> str:
    """SHA-256 of an entry without its hash, as canonical JSON (RFC 8785), in hexadecimal."""
    # Most commits tell nothing: what makes JSON canonical is no part of their cold start.
    import rfc8785

    told = {name: value for name, value in entry_view(entry).items() if name != "hash"}
    return hashlib.sha256(rfc8785.dumps(told)).hexdigest()


def entry_view(entry: Entry) -> dict[str, Any]:
    """An entry as callers see it, and as it is hashed."""
    return {**msgspec.to_builtins(entry), "at": zulu(entry.at)}


def broken_at(entries: Sequence[Entry], head: Head) -> int | None:
    """The number of the first entry that is not as the chain up to the head has it; None where all are."""
    last = Head()
    for entry in entries:
        if (entry.n, entry.prev, entry.hash) != (last.n + 1, last.hash, hash_of(entry)):
            return last.n + 1
        last = Head(entry.n, entry.hash)
    return None if last == head else last.n + 1


def _of(names: Iterable[str], view: View) -> View:
    return {name: view[name] for name in names if name in view}


def _differ(name: str, before: View, after: View) -> bool:
    return (name in before) != (name in after) or before.get(name) != after.get(name)
