"""What an entry of the history has of a change, and how entries hold together."""

import hashlib
import json
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from shared.domain.log.history import Author, Entry, Head, broken_at, chained, entry_of_change, entry_view, years_of

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
BORIS = Author("laptop", NOW, "a slip")
FORMER = {"kind": "private", "purpose": "", "from": {"place": "Home"}, "revision": 1, "updated_at": "…"}
LATTER = {**FORMER, "kind": "business", "revision": 2, "updated_at": "later"}


def entry(before: dict[str, object], after: dict[str, object]) -> Entry | None:
    return entry_of_change(BORIS, "trip", "id", before, after, [2026, 2025, 2026])


def three() -> list[Entry]:
    views: list[dict[str, Any]] = [{}, {"km": 12.3, "purpose": "Café “Zürich”"}, {"km": 0.1, "purpose": ""}, {}]
    found = [entry(before, after) for before, after in pairwise(views)]
    return chained([one for one in found if one], Head())


def test_an_entry_has_what_changed_before_and_after_and_who_did_it_why() -> None:
    assert entry(FORMER, LATTER) == Entry(
        at=NOW,
        by="laptop",
        why="a slip",
        kind="trip",
        row="id",
        years=(2025, 2026),
        before={"kind": "private"},
        after={"kind": "business"},
    )


def test_what_is_in_one_view_alone_is_changed_as_well() -> None:
    found = entry({"kind": "private"}, {"kind": "private", "purpose": None})
    assert found
    assert (found.before, found.after) == ({}, {"purpose": None})


def test_where_nothing_changed_but_the_revision_there_is_no_entry() -> None:
    assert entry(FORMER, {**FORMER, "revision": 2, "updated_at": "later"}) is None
    assert entry({}, {}) is None


def test_of_what_was_added_or_taken_away_an_entry_has_everything() -> None:
    added, gone = entry({}, FORMER), entry(FORMER, {})
    assert added
    assert gone
    assert (added.before, added.after) == ({}, FORMER)
    assert (gone.before, gone.after) == (FORMER, {})


@pytest.mark.parametrize(
    ("moment", "years"),
    [
        (datetime(2026, 3, 2, tzinfo=UTC), (2026,)),
        (datetime(2025, 12, 31, 23, 30, tzinfo=UTC), (2025, 2026)),
        (datetime(2026, 1, 1, 13, tzinfo=UTC), (2025, 2026)),
        (datetime(2026, 1, 1, 15, tzinfo=UTC), (2026,)),
    ],
)
def test_around_new_year_a_moment_counts_for_both_years(moment: datetime, years: tuple[int, ...]) -> None:
    assert years_of(moment) == years


def test_entries_are_numbered_on_and_each_has_the_hash_of_the_one_before() -> None:
    first, second, third = three()
    assert [one.n for one in (first, second, third)] == [1, 2, 3]
    assert (first.prev, second.prev, third.prev) == ("", first.hash, second.hash)
    following = chained([replace(first, n=0, prev="", hash="")], Head(41, third.hash))
    assert (following[0].n, following[0].prev) == (42, third.hash)


def test_a_hash_is_that_of_the_entry_as_callers_see_it_in_canonical_json() -> None:
    for one in three():
        told = json.loads(json.dumps(entry_view(one)))
        told_hash = told.pop("hash")
        canonical = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert told_hash == hashlib.sha256(canonical.encode()).hexdigest()


def test_a_chain_that_nobody_touched_holds() -> None:
    entries = three()
    assert broken_at(entries, Head(3, entries[-1].hash)) is None
    assert broken_at([], Head()) is None


@pytest.mark.parametrize(
    "name", ["n", "at", "by", "why", "kind", "row", "is_word", "years", "before", "after", "prev", "hash"]
)
@pytest.mark.parametrize("which", range(3))
def test_whatever_is_changed_in_an_entry_breaks_the_chain_there(which: int, name: str) -> None:
    entries, other = three(), {"n": 9, "at": datetime(2026, 3, 2, 10, tzinfo=UTC), "years": (2024,), "is_word": True}
    changed = other.get(name, {"km": 99.9} if name in ("before", "after") else "x")
    entries[which] = replace(entries[which], **{name: changed})
    assert broken_at(entries, Head(3, three()[-1].hash)) == which + 1


@pytest.mark.parametrize("which", range(3))
def test_an_entry_that_is_left_out_or_put_twice_breaks_the_chain(which: int) -> None:
    entries = three()
    head = Head(3, entries[-1].hash)
    assert broken_at([*entries[:which], *entries[which + 1 :]], head) == which + 1
    assert broken_at([*entries[: which + 1], *entries[which:]], head) == which + 2
