"""19: what the odometer went on in the year is business, private, unclassified and gaps together."""

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise

from shared.domain.checks.check import HOLDS, NOT_APPLICABLE, Check, Outcome, Text
from shared.domain.checks.examined import Examined
from shared.domain.log.sums import Sums, sums_of_row
from shared.domain.log.tiling import Row
from shared.domain.log.trip import km, shown_km


def outcome(examined: Examined) -> Outcome:
    """Fails where they do not add up, to 0.1 km as they are shown; where the car got another odometer, by each. Of a
    year without any odometer nobody knows."""
    rows = examined.log.rows
    sums = reduce(Sums.plus, map(sums_of_row, rows), Sums())
    placed = [row for row in rows if row.from_m is not None and row.to_m is not None]
    went_m = round(1000 * _went_km(placed))
    shown_m = sums.total_m - sums.unplaced_m + sums.gap_m - sums.excess_m
    divided_m = sums.business_m + sums.private_m + sums.unclassified_m
    if went_m == shown_m and divided_m == sums.total_m:
        return HOLDS if placed else NOT_APPLICABLE
    return Outcome("fails", (), ADVICE, {"went_km": went_m / 1000, "shown_km": shown_m / 1000})


def _went_km(rows: Sequence[Row]) -> float:
    """From the first odometer to the last, as they are shown; not by how far it was set on with another one."""
    if not rows:
        return 0.0
    set_on_km = sum(_begin_km(row) - _end_km(before) for before, row in pairwise(rows) if row.set_on_m)
    return km(_end_km(rows[-1]) - _begin_km(rows[0]) - set_on_km)


def _begin_km(row: Row) -> float:
    return shown_km(row.from_m or 0)


def _end_km(row: Row) -> float:
    return shown_km(row.to_m or 0)


ADVICE = Text(
    "De teller liep {went_km} km op en de ritten en ontbrekende stukken zijn samen {shown_km} km. Laat de beheerder het"
    " log nakijken.",
    "The odometer went on {went_km} km, and trips and gaps together are {shown_km} km. Have the operator verify the"
    " log.",
)
CHECK = Check(19, "ours", Text("Het jaar telt op", "The year adds up"), outcome)
