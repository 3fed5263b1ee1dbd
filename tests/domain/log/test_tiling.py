"""The rows of a car tile its odometer: no hole, no overlap, and what they show adds up."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.domain.log.gap_row import GapRow
from shared.domain.log.sums import Sums, sums_of, sums_of_gap
from shared.domain.log.tiling import Row, why_not_tiled
from shared.domain.log.trip import shown_km
from tests.rows import at, gap, trip


@dataclass(frozen=True)
class Piece:
    length_m: int
    is_gap: bool
    excess_tenths: int
    set_on_m: int


PIECES = st.lists(
    st.builds(
        Piece, st.integers(0, 40_000), st.booleans(), st.integers(0, 3), st.sampled_from((0, 0, 0, 115_000_000, -9))
    ),
    min_size=1,
    max_size=8,
)


def laid(begin_m: int, pieces: list[Piece]) -> list[Row]:
    """Rows of these lengths, one after another."""
    rows, end_m = list[Row](), begin_m
    for n, piece in enumerate(pieces):
        from_m = end_m + (piece.set_on_m if rows else 0)
        end_m = from_m + piece.length_m
        more: dict[str, Any] = {"set_on_m": piece.set_on_m if rows else 0}
        rows.append(
            gap(from_m, end_m, at(n), **more)
            if piece.is_gap
            else trip(from_m, end_m, at(n), piece.excess_tenths / 10, **more)
        )
    return rows


@given(st.integers(0, 300_000_000), PIECES)
def test_rows_that_follow_each_other_tile_and_add_up_as_they_are_shown(begin_m: int, pieces: list[Piece]) -> None:
    rows = laid(begin_m, pieces)
    assert why_not_tiled(rows) is None
    whole = Sums()
    for row in rows:
        whole = whole.plus(sums_of_gap(row) if isinstance(row, GapRow) else sums_of(row))
    # What was set on is not shown and so not rounded.
    slack_km = 0.1 * sum(1 for row in rows if row.set_on_m) + 1e-6
    gone_km = shown_km(rows[-1].to_m or 0) - shown_km(rows[0].from_m or 0)
    assert abs(whole.tiled_m / 1000 - gone_km) <= slack_km


@given(st.integers(1000, 300_000_000), PIECES, st.data())
def test_a_metre_too_few_or_too_many_between_two_rows_is_seen(
    begin_m: int, pieces: list[Piece], data: st.DataObject
) -> None:
    rows = laid(begin_m, [*pieces, Piece(500, True, 0, 0), Piece(500, True, 0, 0)])
    n, off_m = data.draw(st.integers(1, len(rows) - 1)), data.draw(st.sampled_from((-1, 1)))
    moved = [replace(row, from_m=(row.from_m or 0) + off_m, to_m=(row.to_m or 0) + off_m) for row in rows[n:]]
    assert why_not_tiled([*rows[:n], *moved]) is not None


@given(st.integers(0, 300_000_000), st.integers(0, 40_000), st.integers(1, 50))
def test_a_trip_that_shows_other_than_its_stretch_and_excess_is_seen(begin_m: int, length_m: int, tenths: int) -> None:
    right = trip(begin_m, begin_m + length_m, at(0))
    assert why_not_tiled([right]) is None
    for wrong_km in (right.distance_km + tenths / 10, right.distance_km - tenths / 10):
        assert why_not_tiled([replace(right, distance_km=wrong_km)]) is not None
    assert why_not_tiled([trip(begin_m, begin_m + length_m, at(0), tenths / 10)]) is None


@pytest.mark.parametrize(
    "wrong",
    [
        trip(2000, 1000, at(0)),
        gap(2000, 1000, at(0)),
        replace(trip(1000, 2000, at(0)), from_m=None, to_m=None),
        trip(1000, 3000, at(0), -0.5),
        gap(1000, 2000, at(0), explained_as="business", business_m=1001),
        gap(1000, 2000, at(0), explained_as="business", business_m=-1),
    ],
    ids=[
        "backwards",
        "a gap backwards",
        "no stretch",
        "less than its stretch",
        "more business than all",
        "less than 0",
    ],
)
def test_a_row_that_cannot_be_is_seen(wrong: Row) -> None:
    assert why_not_tiled([wrong]) is not None


BEFORE = [trip(0, 10_000, at(0)), gap(10_000, 12_000, at(1)), trip(12_000, 20_000, at(2))]
HOLDS: dict[str, list[Row]] = {
    "the same": [*BEFORE],
    "another division": [trip(0, 11_000, at(0)), trip(11_000, 20_000, at(2))],
    "more behind it": [*BEFORE, gap(20_000, 21_000, at(3))],
    "less, where the log begins": BEFORE[1:],
    "nothing": [],
}
BREAKS: dict[str, list[Row]] = {
    "a row less between": [BEFORE[0], BEFORE[2]],
    "a row twice": [BEFORE[0], BEFORE[1], gap(11_000, 12_000, at(1)), BEFORE[2]],
}


@pytest.mark.parametrize("rows", HOLDS.values(), ids=HOLDS)
def test_rows_may_be_of_any_stretch_that_they_tile(rows: list[Row]) -> None:
    assert why_not_tiled(rows) is None


@pytest.mark.parametrize("rows", BREAKS.values(), ids=BREAKS)
def test_rows_with_a_hole_or_an_overlap_are_seen(rows: list[Row]) -> None:
    assert why_not_tiled(rows) is not None
