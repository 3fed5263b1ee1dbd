"""Gaps and trips in the store: their sums follow, and no commit leaves a hole or an overlap between them."""

import secrets
from typing import Any

import pytest
from google.api_core.exceptions import FailedPrecondition
from google.cloud import firestore
from msgspec.structs import replace

from shared.domain.log.gap_row import GapRow
from shared.domain.log.sums import Sums, sums_of, sums_of_gap
from shared.domain.log.tiling import NotTiled, Row
from shared.domain.log.trip import Trip
from shared.repositories.documents import Stored
from shared.repositories.user_store import Change, UserStore
from tests.rows import CAR, EMAIL, at, gap, put, trip

FIRST = trip(12_000_000, 12_050_000, at(0), kind="business")
BETWEEN = gap(12_050_000, 12_071_700, at(1))
SECOND = trip(12_071_700, 12_100_000, at(2), flags=("odometer_pending",))


@pytest.fixture
def db(emulators: None) -> firestore.Client:
    return firestore.Client(project=f"gaps-{secrets.token_hex(4)}")


@pytest.fixture
def store(db: firestore.Client) -> UserStore:
    return UserStore(db, EMAIL)


@pytest.fixture
def log(store: UserStore) -> UserStore:
    """A log of two trips with a gap between them."""
    put(store, FIRST, BETWEEN, SECOND)
    return store


def read(store: UserStore, row: Row) -> Stored[Any]:
    """A row as it is stored."""
    found = store.gaps.find(row.id) if isinstance(row, GapRow) else store.trips.find(row.id)
    assert found
    return found


def sums(store: UserStore, month: int = 1) -> Sums:
    return store.sums(2026)[2026][month][CAR]


def committed(store: UserStore, before: list[Row], after: list[Row]) -> None:
    """Rows in the place of others."""
    change = store.change()
    change.tile(CAR, before, after)
    former, kept = ({row.id: row for row in rows} for rows in (before, after))
    for id_ in {**former, **kept}:
        put_row(change, read(store, former[id_]) if id_ in former else None, kept.get(id_))
    change.commit()


def put_row(change: Change, stored: Stored[Any] | None, row: Row | None) -> None:
    if isinstance(row or (stored and stored.value), GapRow):
        assert not isinstance(row, Trip)
        change.put_gap(stored, row)
    else:
        assert not isinstance(row, GapRow)
        change.put_trip(stored, row)


def everything(db: firestore.Client) -> dict[str, Any]:
    """All that is stored of rows and sums."""
    root = db.document(f"users/{EMAIL}")
    names = ("trips", "gaps", "stats")
    return {one.reference.path: one.to_dict() for name in names for one in root.collection(name).stream()}


# --- what comes back


def test_all_that_is_known_of_a_gap_comes_back(store: UserStore) -> None:
    whole = gap(
        5, 21_705, at(1), series=2, set_on_m=7, after_trip="a", before_trip="b", explained_as="other",
        reason="A neighbour", business_m=900, revision=4,
    )  # fmt: skip
    put(store, whole)
    assert read(store, whole).value == whole
    assert store.gaps.find("gap-nobodys") is None


def test_gaps_come_by_time_after_a_position_and_of_a_time(store: UserStore) -> None:
    rows = [gap(1000 * n, 1000 * (n + 1), at(24 * n)) for n in range(12)]
    put(store, *rows)
    put(store, gap(0, 500, at(3), car_id="other"))
    of_car = {"car_id": CAR}
    assert store.gaps.by_time(of_car, 3) == rows[:3]
    assert store.gaps.by_time(of_car, 3, (rows[2].since, rows[2].id)) == rows[3:6]
    assert store.gaps.by_time({**of_car, "year": 2026, "month": 2}, 20) == rows[9:]
    assert store.gaps.by_time({**of_car, "year": 2025}, 20) == []
    between = store.gaps.between(CAR, rows[3].since, rows[5].since)
    assert [stored.value for stored in between] == rows[3:6]
    assert (store.gaps.first(CAR), store.gaps.first(CAR, 2025)) == (rows[0], None)


def test_those_that_nobody_explained_are_found(store: UserStore) -> None:
    known, unknown = gap(0, 1000, at(0), explained_as="private"), gap(1000, 2000, at(1))
    put(store, known, unknown)
    assert store.gaps.unexplained(CAR) == store.gaps.unexplained(CAR, 2026) == [unknown]
    assert store.gaps.unexplained(CAR, 2025) == store.gaps.unexplained("other") == []


# --- sums


def test_the_sums_follow_from_trips_and_gaps_in_the_same_commit(log: UserStore) -> None:
    assert sums(log) == Sums(
        trip_count=2, total_m=78_300, business_m=50_000, unclassified_m=28_300, gap_m=21_700, pending=1
    )
    explained = replace(BETWEEN, explained_as="business", business_m=21_700)
    change = log.change()
    change.put_gap(read(log, BETWEEN), explained)
    change.commit()
    assert (sums(log).gap_m, sums(log).explained_m, sums(log).explained_business_m) == (21_700, 21_700, 21_700)
    whole = trip(12_000_000, 12_100_000, at(0))
    committed(log, [FIRST, explained, SECOND], [whole])
    assert sums(log) == sums_of(whole)
    assert log.gaps.find(BETWEEN.id) is None


def test_a_gap_counts_for_the_month_in_which_it_begins_in_its_time_zone(store: UserStore) -> None:
    at_midnight = gap(0, 1000, at(0).replace(month=1, day=31, hour=23, minute=30))
    put(store, at_midnight)
    assert sums(store, 2) == sums_of_gap(at_midnight)


def test_a_change_of_a_gap_that_somebody_else_changed_is_a_conflict(log: UserStore) -> None:
    stale = read(log, BETWEEN)
    for n, explanation in enumerate(("private", "business")):
        change = log.change()
        change.put_gap(stale, replace(BETWEEN, explained_as=explanation))
        if n:
            with pytest.raises(FailedPrecondition):
                change.commit()
        else:
            change.commit()
    assert read(log, BETWEEN).value.explained_as == "private"


# --- the rule of the log

REFUSED: dict[str, tuple[list[Row], list[Row]]] = {
    "a gap is gone": ([FIRST, BETWEEN, SECOND], [FIRST, SECOND]),
    "a hole": ([FIRST, BETWEEN, SECOND], [FIRST, replace(BETWEEN, to_m=12_060_000), SECOND]),
    "a trip over a gap that stays": ([BETWEEN, SECOND], [BETWEEN, trip(12_060_000, 12_100_000, at(2))]),
    "a trip that shows too much": ([SECOND], [replace(SECOND, distance_km=30.0)]),
}


@pytest.mark.parametrize(("before", "after"), REFUSED.values(), ids=REFUSED)
def test_a_commit_that_would_break_the_tiling_is_refused_and_changes_nothing(
    log: UserStore, db: firestore.Client, before: list[Row], after: list[Row]
) -> None:
    stored = everything(db)
    with pytest.raises(NotTiled):
        committed(log, before, after)
    assert everything(db) == stored


UNTOLD: dict[str, tuple[Row | None, Row | None]] = {
    "a new gap": (None, gap(12_100_000, 12_110_000, at(3))),
    "a new trip": (None, trip(12_100_000, 12_110_000, at(3))),
    "a gap that is longer": (BETWEEN, replace(BETWEEN, to_m=12_080_000)),
    "a trip that is moved to another car": (SECOND, replace(SECOND, car_id="other")),
    "a trip without its stretch": (
        SECOND, replace(SECOND, from_m=None, to_m=None, start_odometer_km=None, end_odometer_km=None),
    ),
    "a gap less": (BETWEEN, None),
    "a trip less": (FIRST, None),
}  # fmt: skip


@pytest.mark.parametrize(("former", "row"), UNTOLD.values(), ids=UNTOLD)
def test_a_row_is_not_put_moved_or_taken_where_nothing_is_said_of_its_stretch(
    log: UserStore, db: firestore.Client, former: Row | None, row: Row | None
) -> None:
    stored, change = everything(db), log.change()
    put_row(change, read(log, former) if former else None, row)
    with pytest.raises(NotTiled):
        change.commit()
    assert everything(db) == stored


@pytest.mark.parametrize("left_out", [FIRST, BETWEEN, SECOND], ids=lambda row: row.id)
def test_what_is_said_of_a_stretch_must_be_put(store: UserStore, db: firestore.Client, left_out: Row) -> None:
    change = store.change()
    change.tile(CAR, [], [FIRST, BETWEEN, SECOND])
    for row in (FIRST, BETWEEN, SECOND):
        if row != left_out:
            put_row(change, None, row)
    with pytest.raises(NotTiled):
        change.commit()
    assert everything(db) == {}


def test_rows_of_another_car_are_not_taken_for_those_of_a_stretch(store: UserStore) -> None:
    change = store.change()
    change.tile("other", [], [FIRST])
    with pytest.raises(NotTiled):
        change.commit()


def test_what_is_not_about_the_stretch_needs_no_word_of_it(log: UserStore) -> None:
    change = log.change()
    change.put_trip(read(log, SECOND), replace(SECOND, purpose="A customer", flags=()))
    change.put_trip(None, replace(trip(0, 9000, at(9)), from_m=None, to_m=None))
    change.commit()
    assert (sums(log).pending, sums(log).trip_count) == (0, 3)


def test_a_trip_moves_to_another_car_where_both_stretches_are_told(log: UserStore) -> None:
    moved = replace(SECOND, car_id="other", from_m=0, to_m=28_300, start_odometer_km=0.0, end_odometer_km=28.3)
    in_its_place = gap(12_071_700, 12_100_000, at(2))
    change = log.change()
    change.tile(CAR, [SECOND], [in_its_place])
    change.tile("other", [], [moved])
    change.put_trip(read(log, SECOND), moved)
    change.put_gap(None, in_its_place)
    change.commit()
    assert read(log, SECOND).value == moved
    assert sums(log).gap_m == 21_700 + 28_300
