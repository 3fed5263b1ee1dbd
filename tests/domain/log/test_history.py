"""What an entry of the history has of a change."""

from datetime import UTC, datetime

from shared.domain.log.history import Entry, entry_of_change, numbered

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
FORMER = {"kind": "private", "purpose": "", "from": {"place": "Home"}, "revision": 1, "updated_at": "…"}
LATTER = {**FORMER, "kind": "business", "revision": 2, "updated_at": "later"}


def entry(before: dict[str, object], after: dict[str, object]) -> Entry | None:
    return entry_of_change("trip", "id", before, after, at=NOW, by="phone", why="a slip")


def test_an_entry_has_what_changed_before_and_after_and_who_did_it_why() -> None:
    assert entry(FORMER, LATTER) == Entry(
        at=NOW, by="phone", why="a slip", kind="trip", row="id", before={"kind": "private"}, after={"kind": "business"}
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


def test_entries_are_numbered_on_from_the_last_one() -> None:
    first, second = entry(FORMER, LATTER), entry(LATTER, FORMER)
    assert first
    assert second
    assert [one.n for one in numbered([first, second], 0)] == [1, 2]
    assert [one.n for one in numbered([first, second], 41)] == [42, 43]
