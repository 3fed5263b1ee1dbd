"""In which ratio a difference of measurement is divided: by what was driven since the last one."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.domain.log.gap_row import GapRow
from shared.domain.log.ratio import driven_between, driven_in_months, last_correction, month_of, share_of_business_m
from shared.domain.log.sums import Sums, sums_by_month
from shared.domain.log.tiling import Row
from tests.rows import at, gap, trip

GAP = gap(12_100_000, 12_185_000, at(100))


def driven(km: int, began_at: datetime, kind: str, **more: Any) -> Row:
    return trip(0, 1000 * km, began_at, kind=kind, **more)


def said(km: float, since: datetime, explained_as: str, business_km: float = 0, **more: Any) -> GapRow:
    words = {"explained_as": explained_as, "business_m": round(1000 * business_km)}
    return gap(0, round(1000 * km), since, **words, **more)


def business_m(rows: Sequence[Row], of: GapRow = GAP) -> int:
    """How a gap is divided where all rows of its car are known."""
    return share_of_business_m(of, driven_between(rows, last_correction(rows, of), of))


def test_85_km_after_97_of_business_and_3_private_ones_are_82_45_and_2_55() -> None:
    assert business_m([driven(97, at(0), "business"), driven(3, at(2), "private")]) == 82_450


def test_a_mixed_trip_counts_in_both_parts_and_one_of_no_kind_in_none() -> None:
    mixed = driven(40, at(0), "mixed", business_km=30.0)
    assert business_m([mixed, driven(500, at(2), "unclassified")]) == round(85_000 * 0.75)


def test_what_was_said_of_gaps_counts_as_it_was_driven_and_what_nobody_said_of_does_not() -> None:
    rows = [
        driven(20, at(0), "business"),
        said(10, at(1), "private"),
        said(30, at(2), "business", 25),
        said(15, at(3), "other"),
        gap(0, 900_000, at(4)),
    ]
    assert business_m(rows) == round(85_000 * 45 / 75)


def test_only_what_was_driven_since_the_last_correction_counts_and_only_before_the_gap() -> None:
    rows = [
        driven(1000, at(0), "private"),
        said(5, at(1), "correction", 5),
        driven(1000, at(2), "private"),
        said(5, at(3), "correction", 1),
        driven(60, at(4), "business"),
        driven(20, at(5), "private"),
        driven(1000, at(101), "private"),
        said(5, at(102), "correction", 1),
    ]
    assert business_m(rows) == round(85_000 * 0.75)
    assert business_m([*rows, replace(GAP, explained_as="correction")]) == business_m(rows), (
        "said anew, it is not its own"
    )


def test_of_parts_of_one_gap_that_one_is_later_which_lies_further_along_the_odometer() -> None:
    first, second = gap(0, 5000, at(100), explained_as="correction"), gap(5000, 9000, at(100))
    rows = [driven(60, at(0), "business"), first, second]
    assert last_correction(rows, second) == first
    assert last_correction(rows, first) is None
    assert (business_m(rows, second), business_m(rows, first)) == (0, 5000)


def test_where_nothing_is_known_it_is_private_as_it_is_where_nothing_is_said() -> None:
    assert business_m([]) == 0
    assert business_m([driven(60, at(0), "business"), said(5, at(1), "correction", 5)]) == 0
    assert business_m([driven(60, at(0), "unclassified")]) == 0


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**6))
def test_no_more_of_a_gap_is_business_than_it_has(business: int, private: int, length_m: int) -> None:
    of = gap(0, length_m, at(0))
    assert 0 <= share_of_business_m(of, Sums(business_m=business, private_m=private)) <= length_m


moments = st.integers(0, 400).map(lambda days: at(24 * days))
rows_of_a_log = st.one_of(
    st.builds(driven, st.integers(1, 99), moments, st.sampled_from(["business", "private", "unclassified"])),
    st.builds(said, st.integers(1, 99), moments, st.sampled_from(["private", "correction", "other"])),
)


@given(st.lists(rows_of_a_log, max_size=20), st.integers(1, 400))
def test_by_months_and_the_rows_of_two_of_them_it_is_what_it_is_by_all_rows(rows: list[Row], days: int) -> None:
    of = gap(0, 85_000, at(24 * days) + timedelta(hours=1))
    last = last_correction(rows, of)
    partial = {month_of(of), *([month_of(last)] if last else [])}
    near = [row for row in rows if month_of(row) in partial]
    by_months = driven_between(near, last, of).plus(driven_in_months(sums_by_month(rows), last, of))
    assert by_months == driven_between(rows, last, of)


@pytest.mark.parametrize("car_id", ["other", None])
def test_another_car_has_its_own_ratio(car_id: str | None) -> None:
    sums = sums_by_month([driven(60, at(-24 * 40), "business"), driven(60, at(-24 * 40), "private", car_id=car_id)])
    assert driven_in_months(sums, None, GAP).private_m == 0
