"""What lies behind the last finished drive of a car: it is open, and becomes rows when the next drive is over."""

from shared.domain.log.outlines import OpenOutline
from shared.domain.tracking.books import books_of
from shared.domain.tracking.state import DriverState

OpenStretch = OpenOutline


def open_stretch(state: DriverState, car_id: str) -> OpenStretch | None:
    """The stretch of a car's odometer, in metres, that no row has yet; None where there is none."""
    book = books_of(state).of.get(car_id)
    return book.open if book else None
