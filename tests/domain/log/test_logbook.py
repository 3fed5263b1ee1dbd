"""A log as it is read, page by page: every row once, in its order."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.log.gap_row import GapRow
from shared.domain.log.logbook import Position, is_of, page_of, row_behind
from shared.domain.log.tiling import Row
from shared.domain.log.trip import Trip
from tests.rows import CAR, EMAIL, ZONE, at, gap, trip

# In the order of their odometer, of which some begin at one moment.
KINDS = st.lists(st.tuples(st.booleans(), st.booleans()), max_size=12)


def laid(kinds: list[tuple[bool, bool]]) -> list[Row]:
    rows, hours, were_alone = list[Row](), 0, False
    for n, (is_gap, is_at_once) in enumerate(kinds):
        # Of two rows of one kind none begins when the other does.
        were_alone = not (is_at_once and were_alone and isinstance(rows[-1], GapRow) != is_gap)
        hours += were_alone
        made = gap if is_gap else trip
        rows.append(made(1000 * n, 1000 * (n + 1), at(hours)))
    return rows


@given(KINDS, st.integers(1, 5), st.booleans())
def test_pages_have_every_row_once_in_the_order_of_the_odometer(
    kinds: list[tuple[bool, bool]], limit: int, is_open: bool
) -> None:
    rows = laid(kinds)
    behind = row_behind(EMAIL, CAR, ZONE, (1000 * len(rows), 1000 * len(rows) + 500), at(90), at(91))
    expected = [*rows, *([behind] if is_open else [])]
    seen, after = list[Row](), Position()
    for _ in range(len(expected) + 1):
        trips = [row for row in rows if isinstance(row, Trip)]
        gaps = [row for row in rows if isinstance(row, GapRow)]
        left_trips = [row for row in trips if not after.trip or (row.started_at, row.id) > after.trip][: limit + 1]
        left_gaps = [row for row in gaps if not after.gap or (row.since, row.id) > after.gap][: limit + 1]
        page, next_ = page_of(left_trips, left_gaps, behind if is_open else None, limit, after)
        assert len(page) <= limit
        seen += page
        if next_ is None:
            break
        after = next_
    assert seen == expected


def test_what_lies_behind_the_last_drive_counts_for_the_month_in_which_it_begins_in_its_time_zone() -> None:
    begin = at(0).replace(year=2025, month=12, day=31, hour=23, minute=30)
    row = row_behind(EMAIL, CAR, ZONE, (1000, 2500), begin, begin + timedelta(days=3))
    assert (row.id, row.missing_km, row.date) == ("open-car", 1.5, "2026-01-01")
    assert is_of(row, None, None)
    assert is_of(row, 2026, 1)
    assert not is_of(row, 2025, None)
    assert not is_of(row, 2026, 2)
