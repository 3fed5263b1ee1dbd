"""Owns the check of a car's log against its odometer: difference, closed or not, timeline. Limits are ours, no law."""

from collections.abc import Sequence
from functools import reduce
from typing import Any, Literal

import msgspec

from shared.domain.car.odometer import FINEST_KM, Reading
from shared.domain.log.gap_row import GapRow
from shared.domain.log.sums import Sums
from shared.domain.log.trip import km

WARN_PERCENT = 2.0  # ours
WARN_GAP_KM = 1.0  # ours
ComparisonStatus = Literal["ok", "warning", "no_reading"]


class Month(msgspec.Struct, frozen=True):
    """The sums of one month, `name` as yyyy-mm."""

    name: str
    sums: Sums


class Comparison(msgspec.Struct, frozen=True):
    """The log of one car held against its odometer, in km.

    `calculated_km` is the odometer at the start and what all trips drove on it. `untold_km` is what no row has: what
    lies behind the last one up to the newest reading, and before the first one from where the driver says that the log
    starts. `sums` are those of the time asked for.
    """

    start_odometer_km: float | None
    actual_odometer_km: float | None
    calculated_km: float | None
    difference_km: float | None
    difference_percent: float | None
    status: ComparisonStatus
    closed: bool
    timeline: list[dict[str, Any]]
    untold_km: float
    sums: Sums


def compared(
    start_km: float | None, newest: Reading | None, months: Sequence[Month], gaps: Sequence[GapRow]
) -> Comparison:
    """Holds the odometer at the first row plus what trips drove against the newest reading of the time asked for.

    `gaps` are those that nobody explained.
    """
    sums = reduce(Sums.plus, (month.sums for month in months), Sums())
    if start_km is None or newest is None:
        return _without_reading(start_km, newest, months, sums)
    driven_m = sums.tiled_m - sums.gap_m
    calculated_km = km(start_km + driven_m / 1000)
    difference_km = km(newest.km - calculated_km)
    # A trip that goes over New Year counts whole for its year: then the rows end behind the reading.
    untold_km = max(0.0, km(newest.km - start_km - sums.tiled_m / 1000))
    is_wide = any(gap.missing_km > WARN_GAP_KM for gap in gaps) or untold_km > WARN_GAP_KM
    is_off = abs(difference_km) > max(newest.km - start_km, 0.0) * WARN_PERCENT / 100
    return Comparison(
        start_odometer_km=start_km,
        actual_odometer_km=newest.km,
        calculated_km=calculated_km,
        difference_km=difference_km,
        difference_percent=round(100 * difference_km / newest.km, 2),
        status="warning" if is_wide or is_off else "ok",
        closed=_is_closed(sums, untold_km, newest.resolution_km),
        timeline=_timeline(start_km, months),
        untold_km=untold_km,
        sums=sums,
    )


def _without_reading(start_km: float | None, newest: Reading | None, months: Sequence[Month], sums: Sums) -> Comparison:
    return Comparison(
        start_odometer_km=start_km,
        actual_odometer_km=newest.km if newest else None,
        calculated_km=None if start_km is None else km(start_km + (sums.tiled_m - sums.gap_m) / 1000),
        difference_km=None,
        difference_percent=None,
        status="no_reading",
        closed=_is_closed(sums, 0.0, FINEST_KM),
        timeline=_timeline(start_km or 0.0, months),
        untold_km=0.0,
        sums=sums,
    )


def _is_closed(sums: Sums, untold_km: float, resolution_km: float) -> bool:
    """Whether all kilometres are of trips or explained, but for what the odometer cannot show, and nothing contradicts.

    No gap is below zero: none hides another in the sum.
    """
    unexplained_km = km(sums.open_m / 1000 + untold_km)
    return unexplained_km <= resolution_km and not sums.pending and not sums.excess_m


def _timeline(start_km: float, months: Sequence[Month]) -> list[dict[str, Any]]:
    lines, total_m = [], 0
    for month in months:
        total_m += month.sums.total_m
        if month.sums.trip_count:
            lines.append(
                {
                    "month": month.name,
                    "trip_count": month.sums.trip_count,
                    "distance_km": month.sums.total_m / 1000,
                    "cumulative_km": km(start_km + total_m / 1000),
                }
            )
    return lines
