"""Owns in which ratio a difference of measurement is divided: that of the business to the private kilometres of its car
since the last one that was, so that each kilometre decides once."""

from collections.abc import Iterable, Mapping
from functools import reduce

from shared.domain.log.gap_row import GapRow
from shared.domain.log.sums import Month, Sums, sums_of_row
from shared.domain.log.tiling import Row, along


def share_of_business_m(gap: GapRow, driven: Sums) -> int:
    """How many metres of a gap are business, by what was driven. If nothing tells, it is private, as it is where nobody
    says anything of it."""
    business_m = driven.business_m + driven.explained_business_m
    private_m = driven.private_m + driven.explained_m - driven.explained_business_m
    known_m = business_m + private_m
    return round(gap.missing_m * business_m / known_m) if known_m else 0


def last_correction(rows: Iterable[Row], gap: GapRow) -> GapRow | None:
    """The last of these rows before a gap that is a correction."""
    found = [row for row in rows if isinstance(row, GapRow) and row.explained_as == "correction"]
    return max((row for row in found if along(row) < along(gap)), key=along, default=None)


def driven_between(rows: Iterable[Row], last: GapRow | None, gap: GapRow) -> Sums:
    """The sums of those rows of its car that lie behind the last correction, where there is one, and before a gap."""
    found = [row for row in rows if along(row) < along(gap) and (last is None or along(last) < along(row))]
    return reduce(Sums.plus, map(sums_of_row, found), Sums())


def driven_in_months(sums: Mapping[Month, Sums], last: GapRow | None, gap: GapRow) -> Sums:
    """The sums of its car over the months that lie as a whole behind the last correction and before a gap."""
    begin, end = month_of(last) if last else (0, 0), month_of(gap)
    found = [of for (*month, car), of in sums.items() if car == gap.car_id and begin < tuple(month) < end]
    return reduce(Sums.plus, found, Sums())


def month_of(row: Row) -> tuple[int, int]:
    """The year and the month for which a row counts."""
    return row.year, row.month
