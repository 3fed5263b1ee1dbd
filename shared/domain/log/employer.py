"""Owns what an employer sees of a car's log: of what was private, or may have been, kilometres and nothing else.

What nobody classified or explained may have been private. The id of a trip tells when it began, so it is hidden too.
Two neighbours tell of each other: when a gap was is when the trips beside it were, so that no gap has a time. What
cannot be hidden is what the business trips beside a private one tell: between which times and places it was.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any

from shared.domain.car.odometer import KeptReading
from shared.domain.log.gap_row import GapRow
from shared.domain.log.history import Entry
from shared.domain.log.shown import row_view
from shared.domain.log.tiling import Row
from shared.domain.log.trip import local_date

HIDDEN = "hidden-"  # what the names of rows begin with that are hidden
# What there is to see of every row: kilometres, of which day, and of which kind.
OF_A_PRIVATE_TRIP = (
    "row", "id", "car_id", "date", "kind", "start_odometer_km", "end_odometer_km", "start_odometer_known",
    "end_odometer_known", "distance_km", "distance_source", "business_km", "private_km", "excess_km",
)  # fmt: skip
OF_A_GAP = (
    "row", "id", "from_odometer_km", "to_odometer_km", "missing_km", "explained_as", "reason", "business_km",
)  # fmt: skip
# When a row was written last can be when the next trip ended.
NEVER = ("created_at", "updated_at", "revision")
OF_THE_DETOUR = ("deviation", "route", "notes")
# Of what was changed: the rest tells of places and times, also of what is business by now.
IN_THE_HISTORY = (*OF_A_PRIVATE_TRIP[4:], *OF_A_GAP[2:6], "business_km")


class Hidden:
    """Names for the rows that an employer knows only the kilometres of: each id gets one, which says nothing."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._shown = {row.id for row in rows if not is_private(row)}
        self._names: dict[str, str] = {}

    def name(self, row_id: str) -> str:
        """How a row is called: by its id where its employer may see it, and in the same way each time."""
        if row_id in self._shown:
            return row_id
        return self._names.setdefault(row_id, f"{HIDDEN}{len(self._names) + 1}")

    def is_hidden(self, row_id: str) -> bool:
        """Whether nothing but kilometres of a row is shown; so of each that there is not any more."""
        return row_id not in self._shown


def is_private(row: Row) -> bool:
    """Whether a row is its driver's own affair, or may be: what is not said to be business."""
    if isinstance(row, GapRow):
        return row.explained_as not in ("business", "correction")
    return row.kind not in ("business", "mixed")


def employer_view(row: Row, hidden: Hidden) -> dict[str, Any]:
    """A row as an employer sees it, by the names that the API has; what they do not see is not there at all."""
    view = {**row_view(row), "id": hidden.name(row.id)}
    if isinstance(row, GapRow):
        reason = {} if is_private(row) else {"reason": row.reason}
        return {**{name: view[name] for name in OF_A_GAP if name != "reason"}, "date": row.date, **reason}
    if is_private(row):
        return {name: view[name] for name in OF_A_PRIVATE_TRIP}
    left_out = NEVER + (OF_THE_DETOUR if row.kind == "mixed" else ())
    return {name: value for name, value in view.items() if name not in left_out}


def employer_readings(readings: Iterable[KeptReading], rows: Iterable[Row]) -> Iterator[KeptReading]:
    """The readings that an employer sees: none of those that a car told on the way of a private row. It is asked every
    few minutes, so that they would tell how long the drive was, and how fast."""
    hidden = [row for row in rows if is_private(row) and row.from_m is not None]
    private = sorted((row.from_m or 0, row.to_m or 0) for row in hidden)
    begins, ends = [begin for begin, _ in private], [*accumulate((end for _, end in private), max)]
    for one in readings:
        begun_before = bisect_left(begins, at_m := round(1000 * one.reading.km))
        if not begun_before or ends[begun_before - 1] <= at_m:
            yield one


def employer_entry(entry: Entry, hidden: Hidden, timezone: str) -> dict[str, Any]:
    """A change as an employer sees it: on which day (by a time zone), by whom, of which row, and its kilometres and
    kinds.

    Of a private row it says only that there was one. It has no hash, out of which the rest could be guessed.
    """
    is_hidden = hidden.is_hidden(entry.row)
    before, after = (
        {} if is_hidden else {name: value for name, value in view.items() if name in IN_THE_HISTORY}
        for view in (entry.before, entry.after)
    )
    on, by = local_date(entry.at, timezone).isoformat(), "" if is_hidden else entry.by
    told = {"n": entry.n, "on": on, "by": by, "kind": entry.kind}
    return {**told, "row": hidden.name(entry.row), "before": before, "after": after}
