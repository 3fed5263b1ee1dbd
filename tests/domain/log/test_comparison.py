"""A log held against its odometer: what it adds up to, and what keeps it open."""

from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.log.comparison import Comparison, Month, compared
from shared.domain.log.gap_row import GapRow
from shared.domain.log.sums import Sums, sums_of, sums_of_gap
from shared.domain.log.tiling import Row
from tests.rows import at, gap, trip

PENDING: dict[str, Any] = {"flags": ("odometer_pending",)}


def held(rows: list[Row], newest_km: float | None, resolution_km: float = 0.1) -> Comparison:
    """The comparison of these rows with a newest reading."""
    months: dict[str, Sums] = defaultdict(Sums)
    for row in rows:
        sums = sums_of_gap(row) if isinstance(row, GapRow) else sums_of(row)
        months[row.date[:7]] = months[row.date[:7]].plus(sums)
    newest = None if newest_km is None else Reading(at(99), newest_km, resolution_km=resolution_km)
    start_km = (rows[0].from_m or 0) / 1000 if rows else None
    open_gaps = [row for row in rows if isinstance(row, GapRow) and row.explained_as is None]
    return compared(start_km, newest, [Month(*month) for month in sorted(months.items())], open_gaps)


FIRST, SECOND = trip(12_000_000, 12_050_000, at(0)), trip(12_050_000, 12_100_000, at(2))
BETWEEN = gap(12_050_000, 12_071_700, at(1))
AFTER_IT = trip(12_071_700, 12_121_700, at(2))


def test_trips_that_follow_each_other_up_to_the_newest_reading_are_a_closed_log() -> None:
    found = held([FIRST, SECOND], 12_100.0)
    assert (found.start_odometer_km, found.actual_odometer_km, found.calculated_km) == (12_000.0, 12_100.0, 12_100.0)
    assert (found.difference_km, found.status, found.closed) == (0.0, "ok", True)


def test_the_difference_is_what_no_trip_drove_and_its_percentage_that_of_the_odometer() -> None:
    found = held([FIRST, BETWEEN, AFTER_IT], 12_121.7)
    assert (found.calculated_km, found.difference_km, found.difference_percent) == (12_100.0, 21.7, 0.18)
    assert (found.status, found.closed) == ("warning", False)


def test_a_gap_that_is_explained_leaves_the_log_closed_and_the_difference_what_it_is() -> None:
    found = held([FIRST, replace(BETWEEN, explained_as="private"), AFTER_IT], 12_121.7)
    assert (found.closed, found.difference_km, found.untold_km) == (True, 21.7, 0.0)


@pytest.mark.parametrize(("newest_km", "resolution_km", "is_closed"), [
    (12_100.1, 0.1, True), (12_100.2, 0.1, False), (12_101.0, 1.0, True), (12_101.1, 1.0, False),
    (12_150.0, 1.0, False),
])  # fmt: skip
def test_kilometres_since_the_last_row_keep_a_log_open_beyond_what_the_odometer_shows(
    newest_km: float, resolution_km: float, is_closed: bool
) -> None:
    assert held([FIRST, SECOND], newest_km, resolution_km).closed is is_closed


def test_many_gaps_below_the_resolution_are_one_above_it() -> None:
    rows: list[Row] = [gap(12_000_000 + 100 * n, 12_000_100 + 100 * n, at(n)) for n in range(3)]
    assert held(rows[:1], 12_000.1).closed is True
    assert held(rows, 12_000.3).closed is False


def test_a_trip_that_waits_for_its_odometer_keeps_a_log_open() -> None:
    rows: list[Row] = [FIRST, trip(12_050_000, 12_100_000, at(2), **PENDING)]
    assert held(rows, 12_050.0).closed is False
    assert held(rows, 12_100.0).closed is False


def test_a_trip_that_shows_more_than_the_odometer_keeps_a_log_open_and_makes_no_difference() -> None:
    found = held([FIRST, trip(12_050_000, 12_050_000, at(2), excess_km=24.0)], 12_050.0)
    assert (found.calculated_km, found.difference_km, found.closed) == (12_050.0, 0.0, False)


def test_a_trip_over_new_year_counts_whole_for_its_year_and_opens_nothing() -> None:
    eve = at(0).replace(month=12, day=31, hour=22, minute=45)
    found = held([FIRST, trip(12_050_000, 12_090_000, eve, ended_at=eve + timedelta(hours=1))], 12_060.0)
    assert (found.difference_km, found.untold_km, found.closed) == (-30.0, 0.0, True)


def test_an_odometer_that_was_replaced_is_no_gap() -> None:
    later = trip(127_050_000, 127_100_000, at(2), set_on_m=115_000_000)
    found = held([FIRST, later], 127_100.0)
    assert (found.calculated_km, found.difference_km, found.status, found.closed) == (127_100.0, 0.0, "ok", True)


def test_a_trip_without_a_stretch_of_the_odometer_makes_no_difference() -> None:
    unplaced = replace(trip(0, 9000, at(3)), from_m=None, to_m=None, start_odometer_km=None, end_odometer_km=None)
    found = held([FIRST, unplaced], 12_050.0)
    assert (found.difference_km, found.closed) == (0.0, True)
    assert [line["distance_km"] for line in found.timeline] == [59.0]


@pytest.mark.parametrize(("difference_km", "status"), [(0.9, "ok"), (1.1, "warning")])
def test_a_gap_over_one_kilometre_or_two_percent_of_what_was_driven_is_a_warning(
    difference_km: float, status: str
) -> None:
    far = trip(12_000_000, 13_000_000, at(0))
    assert held([far], 13_000 + difference_km).status == status
    near_m = 12_000_000 + round(40_000 * difference_km)
    near = [trip(12_000_000, near_m, at(0)), gap(near_m, near_m + 900, at(1))]
    assert held([*near], (near_m + 900) / 1000).status == ("ok" if near_m + 900 > 12_045_000 else "warning")


def test_without_a_reading_or_a_row_there_is_nothing_to_compare() -> None:
    assert (held([FIRST], None).status, held([], 12_000.0).status) == ("no_reading", "no_reading")
    assert held([], None).closed is True


def test_a_month_in_which_nothing_but_gaps_are_is_no_line_of_the_timeline() -> None:
    assert [line["month"] for line in held([BETWEEN], 12_071.7).timeline] == []
