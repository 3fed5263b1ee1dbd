"""Owns whether a trip that is told from elsewhere is one that the log has already."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta

from shared.domain.car.odometer import SAME_KM
from shared.domain.log.trip import Trip

DAY = timedelta(days=1)


class Beside:
    """The trips of a car that a log has around those that are told."""

    def __init__(self, trips: Iterable[Trip]) -> None:
        self._by_id = dict[str, Trip]()
        self._by_day, self._by_date = dict[date, list[Trip]](), dict[str, list[Trip]]()
        for trip in trips:
            self._by_id[trip.id] = trip
            self._by_date.setdefault(trip.date, []).append(trip)
            for day in _days(trip):
                self._by_day.setdefault(day, []).append(trip)

    def find(self, told: Trip, *, is_untimed: bool = False) -> Trip | None:
        """The trip that this one is: it has its id, or its time; its odometers, where nobody wrote down when on its day
        it was."""
        if known := self._by_id.get(told.id):
            return known
        if is_untimed:
            return next((trip for trip in self._by_date.get(told.date, ()) if _is_one_stretch(trip, told)), None)
        near = (trip for day in _days(told) for trip in self._by_day.get(day, ()))
        return next((trip for trip in near if is_one_drive(trip, told)), None)

    def has_others(self, told: Sequence[Trip]) -> bool:
        """Whether the log has trips of a day beside those that are told of it."""
        of_day = self._by_date.get(told[0].date, ()) if told else ()
        return any(not any(trip.id == one.id or _is_one_stretch(trip, one) for one in told) for trip in of_day)


def is_one_drive(a: Trip, b: Trip) -> bool:
    """Whether two trips in a car are one: they are of the same minutes, or more than half of the shorter one lies in
    the other. Clocks differ by less, and trips that follow each other share less."""
    if (_minute(a.started_at), _minute(a.ended_at)) == (_minute(b.started_at), _minute(b.ended_at)):
        return True
    shared = min(a.ended_at, b.ended_at) - max(a.started_at, b.started_at)
    return shared > timedelta(0) and 2 * shared > min(a.ended_at - a.started_at, b.ended_at - b.started_at)


def _minute(at: object) -> str:
    return f"{at:%Y%m%d%H%M}"


def _is_one_stretch(a: Trip, b: Trip) -> bool:
    ends = ((a.start_odometer_km, b.start_odometer_km), (a.end_odometer_km, b.end_odometer_km))
    return all(one is not None and other is not None and abs(one - other) <= 2 * SAME_KM for one, other in ends)


def _days(trip: Trip) -> Iterator[date]:
    day = trip.started_at.date()
    while day <= trip.ended_at.date():
        yield day
        day += DAY
