"""The books of all cars of a driver, as they follow from what their state has of facts. Pure."""

from typing import NamedTuple

from msgspec.structs import replace

from shared.domain.car.belief import believed
from shared.domain.log.book import Book, TripOutline, folded, outlined_alone
from shared.domain.log.driven import driven
from shared.domain.log.summary import Drive, Summary
from shared.domain.log.trip import trip_id
from shared.domain.tracking.state import DriverState


class Books(NamedTuple):
    """The book of each car by its id, and the trips that were in no car of the driver's."""

    of: dict[str, Book]
    nowhere: tuple[TripOutline, ...]

    @property
    def trips(self) -> list[TripOutline]:
        """All trips."""
        return [*(trip for book in self.of.values() for trip in book.trips), *self.nowhere]


def books_of(state: DriverState) -> Books:
    """All that is open of a driver's log, folded from the drives and readings that the state remembers."""
    readings = {car_id: log.readings for car_id, log in state.open.items() if log.readings}
    trusted = {car_id: [one for series in believed(of).series for one in series] for car_id, of in readings.items()}
    cars = sorted({*state.car_ids, *readings, *([state.default_car_id] if state.default_car_id else [])})
    drives = driven(state.told, trusted, state.default_car_id, cars)
    named = {drive.car_id for drive in drives if drive.car_id}
    of = {car_id: _book(state, car_id, drives) for car_id in sorted({*state.open, *named})}
    nowhere = [drive for drive in drives if drive.car_id is None and not drive.summary.said.is_deleted]
    nowhere += [replace(drive, car_id=None, is_car_unsure=True) for book in of.values() for drive in book.elsewhere]
    found = [outline for drive in nowhere if (outline := outlined_alone(drive))]
    return Books(of, tuple(sorted(found, key=lambda outline: outline.drive.began_at)))


def _book(state: DriverState, car_id: str, drives: list[Drive]) -> Book:
    log = state.of_car(car_id)
    book = folded(car_id, [drive for drive in drives if drive.car_id == car_id], log.readings, log.start)
    if not log.series:
        return book
    return book._replace(gaps=tuple(gap._replace(series=gap.series + log.series) for gap in book.gaps))


def trip_id_of(user: str, drive: Drive) -> str:
    """The id of the trip of a drive: the one that it was given once, else the one that follows from the drive."""
    ids = drive.summary.trip_ids
    if drive.part < len(ids):
        return ids[drive.part]
    return trip_id(user, drive.summary.began_at, car_id=drive.summary.id, n=drive.part)


def with_ids(state: DriverState, user: str, books: Books) -> DriverState:
    """The state in which each drive knows the ids of its trips: they are given once."""
    parts: dict[str, int] = {}
    for trip in books.trips:
        parts[trip.drive.summary.id] = max(parts.get(trip.drive.summary.id, 0), trip.drive.part + 1)
    told = tuple(_with_ids(summary, user, parts.get(summary.id, 0)) for summary in state.told)
    return replace(state, told=told)


def _with_ids(summary: Summary, user: str, parts: int) -> Summary:
    if parts <= len(summary.trip_ids):
        return summary
    made = [trip_id(user, summary.began_at, car_id=summary.id, n=n) for n in range(len(summary.trip_ids), parts)]
    return replace(summary, trip_ids=(*summary.trip_ids, *made))
