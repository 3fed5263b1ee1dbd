"""13: where a car tells no odometer by itself, or tells none any more, its driver enters what the dashboard shows,
often enough."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise

from shared.domain.checks.check import HOLDS, NOT_APPLICABLE, Check, Outcome, Text
from shared.domain.checks.examined import Examined
from shared.domain.log.gap_row import GapRow
from shared.domain.log.trip import local_date
from shared.domain.thresholds import BY_HAND_MOST, BY_HAND_WARN


def outcome(examined: Examined) -> Outcome:
    """Fails, or warns, where too many days of the year lie between two looks at the odometer, or since the last one; of
    a car that tells it by itself, where it was driven on one of these.

    The rows are the readings and trips after which they do.
    """
    if (period := _period(examined)) is None:
        return NOT_APPLICABLE
    tells = any(kept.counts and kept.reading.source == "car" for kept in examined.log.readings)
    begin, end = period
    seen = sorted((day, id_) for at, id_ in _looks(examined) if begin <= (day := _day(examined, at)) <= end)
    driven = {_day(examined, trip.started_at) for trip in examined.trips}
    waits = [
        (day - former, id_)
        for (former, id_), (day, _) in pairwise([(begin, ""), *seen, (end, "")])
        if not tells or any(former < one < day for one in driven)
    ]
    longest = max((wait for wait, _ in waits), default=timedelta())
    if longest <= BY_HAND_WARN:
        return NOT_APPLICABLE if tells else HOLDS
    rows = tuple(id_ for wait, id_ in waits if wait > BY_HAND_WARN and id_)
    numbers = {"days": longest.days, "warn_days": BY_HAND_WARN.days, "most_days": BY_HAND_MOST.days}
    return Outcome("fails" if longest > BY_HAND_MOST else "warns", rows, SILENT if tells else ADVICE, numbers)


def _period(examined: Examined) -> tuple[date, date] | None:
    """The first and the last day of the year on which the log has the car, up to today; None where it has it on none.

    A log that begins in the year begins with its first row or reading.
    """
    log, days = examined.log, [_day(examined, at) for at in _moments(examined)]
    if not days:
        return None
    first, last = date(log.year, 1, 1), date(log.year, 12, 31)
    begin = first if log.before else max(first, min(days))
    begin = max(begin, date.fromisoformat(log.car.available_from or str(first)))
    end = min(last, examined.today, date.fromisoformat(log.car.available_until or str(last)))
    return (begin, end) if begin < end else None


def _moments(examined: Examined) -> Iterator[datetime]:
    for row in examined.log.rows:
        yield row.since if isinstance(row, GapRow) else row.started_at
    yield from (at for at, _ in _looks(examined))


def _looks(examined: Examined) -> Iterator[tuple[datetime, str]]:
    """When somebody looked at the odometer, and the id of what says so: a reading, or a trip with its odometers."""
    yield from ((kept.reading.at, kept.id) for kept in examined.log.readings if kept.counts)
    for trip in examined.trips:
        if trip.start_odometer_known == "typed":
            yield trip.started_at, trip.id
        if trip.end_odometer_known == "typed":
            yield trip.ended_at, trip.id


def _day(examined: Examined, at: datetime) -> date:
    return local_date(at, examined.log.timezone)


ADVICE = Text(
    "Deze auto meldt zijn kilometerstand niet zelf, en er is {days} dagen achtereen geen stand ingevuld. Vul in wat je"
    " dashboard nu toont, en doe dat elke maand: na {warn_days} dagen waarschuwen we, en minstens elke twee maanden"
    " ({most_days} dagen) is nodig.",
    "This car does not tell its odometer by itself, and for {days} days in a row none was entered. Enter what your"
    " dashboard shows now, and do so each month: we warn after {warn_days} days, and at least every two months"
    " ({most_days} days) is needed.",
)
SILENT = Text(
    "Deze auto meldde {days} dagen achtereen geen kilometerstand, en er is wel gereden. Vul in wat je dashboard nu"
    " toont, en kijk of de auto nog met zijn account verbonden is: na {warn_days} dagen waarschuwen we, en minstens"
    " elke twee maanden ({most_days} dagen) is een stand nodig.",
    "This car told no odometer for {days} days in a row, and it was driven. Enter what your dashboard shows now, and"
    " see whether the car is still connected to its account: we warn after {warn_days} days, and an odometer is needed"
    " at least every two months ({most_days} days).",
)
CHECK = Check(
    13,
    "law",
    Text("De stand van het dashboard is op tijd ingevuld", "What the dashboard shows is entered in time"),
    outcome,
)
