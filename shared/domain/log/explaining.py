"""Owns what a driver says of a gap in their log: what it was, why, and how much of it was business."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from shared.domain.fitting import number, text, unfit
from shared.domain.log.gap_row import Explanation, GapRow
from shared.domain.log.sums import Sums

MOST_REASON = 500
UNSAID: Mapping[str, Any] = {"explained_as": None, "reason": "", "business_m": 0}
NEEDS_REASON: tuple[Explanation, ...] = ("correction", "other")


def explained(gap: GapRow, said: Mapping[str, Any], sums: Sums, now: datetime) -> GapRow:
    """The gap with what is said of it, by the names of the API's fields; what is not said stays. Raises Unfit.

    `sums` are those of its car and year: a correction is divided as the kilometres of that year are. The gap as it is
    where nothing new is said.
    """
    kind = said.get("explained_as", gap.explained_as)
    changed = _taken_back(gap, said) if kind is None else _with_words(gap, kind, said, sums)
    return gap if changed == gap else replace(changed, revision=gap.revision + 1, updated_at=now)


def told(gap: GapRow) -> dict[str, Any]:
    """What is said of a gap, by the names of the API's fields."""
    return {"explained_as": gap.explained_as, "reason": gap.reason, "business_km": gap.business_km}


def interval(gap: GapRow) -> dict[str, Any]:
    """Of which interval of the odometer that is said, in km to the metre: the gap can be divided later."""
    return {"from_odometer_km": gap.from_m / 1000, "to_odometer_km": gap.to_m / 1000}


def _taken_back(gap: GapRow, said: Mapping[str, Any]) -> GapRow:
    for field in ("reason", "business_km"):
        if said.get(field):
            raise unfit(field, "goes with explained_as alone")
    return replace(gap, **UNSAID)


def _with_words(gap: GapRow, kind: Explanation, said: Mapping[str, Any], sums: Sums) -> GapRow:
    reason = text(said["reason"], "reason", MOST_REASON) if "reason" in said else gap.reason
    if kind in NEEDS_REASON and not reason:
        raise unfit("reason", f"is needed for {kind}")
    return replace(gap, explained_as=kind, reason=reason, business_m=_business_m(gap, kind, said, sums))


def _business_m(gap: GapRow, kind: Explanation, said: Mapping[str, Any], sums: Sums) -> int:
    said_km = number(said.get("business_km"), "business_km", 0, gap.missing_km)
    if kind == "private" and said_km:
        raise unfit("business_km", "must be 0 where all of it was private")
    if kind == "correction":
        if said_km is not None:
            raise unfit("business_km", "follows from the kilometres of the year where it is a correction")
        divided_m = sums.business_m + sums.private_m
        return round(gap.missing_m * sums.business_m / divided_m) if divided_m else 0
    if said_km is not None:
        return gap.missing_m if said_km == gap.missing_km else min(round(1000 * said_km), gap.missing_m)
    if kind == gap.explained_as:
        return gap.business_m
    return gap.missing_m if kind == "business" else 0
