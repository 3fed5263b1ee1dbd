"""Reads what was driven since the last correction of a car, by which the next one is divided."""

from shared.domain.log.gap_row import GapRow
from shared.domain.log.ratio import driven_between, driven_in_months, last_correction, month_of
from shared.domain.log.sums import Sums, flat
from shared.domain.log.tiling import Row
from shared.repositories.threads import later
from shared.repositories.user_store import UserStore

MOST_ROWS = 10_000  # of a car in a month: more than anybody drives


def driven_before(store: UserStore, gap: GapRow) -> Sums:
    """The sums of a car's rows before a gap, since the last correction or else since the begin of its log.

    Read are the rows of the month of the gap, and of that of the last correction; what lies between is known by months.
    """
    rows = _of_month(store, gap)
    if last := last_correction(rows, gap):
        return driven_between(rows, last, gap)
    sums = later(lambda: store.sums(None))
    last = store.gaps.correction_before(gap.car_id, gap.since)
    if last and month_of(last) != month_of(gap):
        rows += _of_month(store, last)
    return driven_between(rows, last, gap).plus(driven_in_months(flat(sums()), last, gap))


def _of_month(store: UserStore, row: GapRow) -> list[Row]:
    equal = {"car_id": row.car_id, "year": row.year, "month": row.month}
    trips = later(lambda: store.trips.by_time(equal, MOST_ROWS, None))
    return [*store.gaps.by_time(equal, MOST_ROWS), *trips()]
