"""Gives trips of which only the day is written times that follow from their odometers, and says so in each of them.

A log by day needs no times, and the book of a car does: which trip came before which. The odometer tells that. So the
trips of a day follow each other in its order, as far apart as they are long at an ordinary pace.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from shared.domain.fitting import unfit
from shared.formats.incoming.moments import Span

BEGIN, PACE_KM_H, STOP = time(8), 60.0, timedelta(minutes=5)
LATEST = timedelta(hours=15, minutes=59)  # after the first: all is on that day still
NOTE = "Times not written down: they follow from the odometer."


class Untimed(NamedTuple):
    """A trip of a day, by its odometers in km."""

    start_km: float
    end_km: float


def spans_of(day: date, trips: Sequence[Untimed], timezone: str) -> list[Span]:
    """When the trips of a day are taken to have been, in the order of the trips given.

    Trips with the same odometers are one. Raises Unfit where one begins before another one ends, or where a day has not
    hours enough.
    """
    begin = datetime.combine(day, BEGIN, ZoneInfo(timezone)).astimezone(UTC)
    at, end_km, found = begin, 0.0, dict[Untimed, Span]()
    for trip in sorted({*trips}):
        if trip.start_km < end_km:
            raise unfit("start_odometer_km", "lies inside another trip of this day, and there are no times")
        lasts = max(timedelta(minutes=1), timedelta(minutes=round(60 * (trip.end_km - trip.start_km) / PACE_KM_H)))
        found[trip], at, end_km = Span(at, at + lasts), at + lasts + STOP, trip.end_km
    if at - begin > LATEST:
        raise unfit("started_at", "the trips of this day do not fit into it without times")
    return [found[trip] for trip in trips]
