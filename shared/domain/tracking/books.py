"""The books of all cars of a driver, as they follow from what their state has of facts. Pure."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import count
from typing import NamedTuple

from msgspec.structs import replace

from shared.domain.car.belief import believed
from shared.domain.car.odometer import Reading
from shared.domain.log.book import Book, Start, TripOutline, folded, outlined_alone
from shared.domain.log.driven import driven
from shared.domain.log.gathering import as_one
from shared.domain.log.summary import Drive, Summary
from shared.domain.log.trip import trip_id
from shared.domain.tracking.state import DriverState, OpenLog


class Books(NamedTuple):
    """The book of each car by its id, the trips that were in no car of the driver's, and the drives of which no trip
    came though they were in one."""

    of: dict[str, Book]
    nowhere: tuple[TripOutline, ...]
    without_trip: tuple[Drive, ...] = ()

    @property
    def trips(self) -> list[TripOutline]:
        """All trips."""
        return [*(trip for book in self.of.values() for trip in book.trips), *self.nowhere]


class _Facts(NamedTuple):
    """All that the books of a driver follow from: `logs` by the ids of the cars."""

    told: tuple[Summary, ...]
    logs: tuple[tuple[str, tuple[Reading, ...], Start | None, int | None], ...]
    default_car_id: str | None
    car_ids: tuple[str, ...]


def books_of(state: DriverState) -> Books:
    """All that is open of a driver's log, folded from the drives and readings that the state remembers."""
    logs = ((car_id, log.readings, log.start, _most_m(log)) for car_id, log in sorted(state.open.items()))
    return _books(_Facts(state.told, tuple(logs), state.default_car_id, state.car_ids))


def _most_m(log: OpenLog) -> int | None:
    """What the odometer showed at the end of a chapter, unless another one was put in within it."""
    chapter = log.chapter
    return chapter.end.m if chapter and chapter.series == chapter.series_behind else None


# What one event makes of a state is folded several times, and what was after it is before the next one.
@lru_cache(maxsize=8)
def _books(facts: _Facts) -> Books:
    readings = {car_id: of for car_id, of, *_ in facts.logs if of}
    starts = {car_id: start for car_id, _, start, _ in facts.logs}
    most_m = {car_id: at_most for car_id, *_, at_most in facts.logs}
    trusted = {car_id: [one for series in believed(of).series for one in series] for car_id, of in readings.items()}
    cars = sorted({*facts.car_ids, *readings, *([facts.default_car_id] if facts.default_car_id else [])})
    settled = {car_id: start.at for car_id, start in starts.items() if start and not start.is_said}
    drives = driven(facts.told, trusted, facts.default_car_id, cars, settled)
    of = {
        car_id: folded(
            car_id,
            [drive for drive in drives if drive.car_id == car_id],
            readings.get(car_id, ()),
            starts.get(car_id),
            most_m.get(car_id),
        )
        for car_id in sorted({*starts, *(drive.car_id for drive in drives if drive.car_id)})
    }
    nowhere = [drive for drive in drives if drive.car_id is None and not drive.summary.said.is_deleted]
    nowhere += [replace(drive, car_id=None, is_car_unsure=True) for book in of.values() for drive in book.elsewhere]
    found = [outline for drive in nowhere if (outline := outlined_alone(drive))]
    return Books(of, tuple(sorted(as_one(found), key=lambda outline: outline.drive.began_at)), _left(drives, of))


def _left(drives: Sequence[Drive], of: Mapping[str, Book]) -> tuple[Drive, ...]:
    """The drives in a car of which no trip came; those that their driver made one as that."""
    gone = {(trip.drive.summary.id, trip.drive.part) for book in of.values() for trip in book.trips}
    gone |= {(drive.summary.id, drive.part) for book in of.values() for drive in book.elsewhere}
    left = (drive.whole or drive for drive in drives if drive.car_id and not (drive.whole and drive.part))
    return tuple(drive for drive in left if (drive.summary.id, drive.part) not in gone)


def trip_id_of(state: DriverState, user: str, drive: Drive) -> str:
    """The id of the trip of a drive: the one that it was given once, else the one that follows from the drive."""
    summary = next((one for one in state.told if one.id == drive.summary.id), drive.summary)
    if drive.part < len(summary.trip_ids):
        return summary.trip_ids[drive.part]
    return trip_id(user, summary.began_at, car_id=summary.id, n=drive.part)


def with_ids(state: DriverState, user: str, books: Books) -> DriverState:
    """The state in which each drive knows the ids of its trips: they are given once, and no two have the same."""
    parts: dict[str, int] = {}
    for trip in books.trips:
        parts[trip.drive.summary.id] = max(parts.get(trip.drive.summary.id, 0), trip.drive.part + 1)
    taken = {id_ for summary in state.told for id_ in summary.trip_ids}
    told = tuple(_with_ids(summary, user, parts.get(summary.id, 0), taken) for summary in state.told)
    return state if told == state.told else replace(state, told=told)


def _with_ids(summary: Summary, user: str, parts: int, taken: set[str]) -> Summary:
    while len(summary.trip_ids) < parts:
        # What was one drive for a time may have left an id of this one to another.
        ids = (trip_id(user, summary.began_at, car_id=summary.id, n=n) for n in count(len(summary.trip_ids)))
        free = next(id_ for id_ in ids if id_ not in taken)
        taken.add(free)
        summary = replace(summary, trip_ids=(*summary.trip_ids, free))
    return summary
