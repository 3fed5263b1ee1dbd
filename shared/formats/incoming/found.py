"""Owns what is found in a file: its rows, each with where it stands, and a trip or the reason why it is none."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from shared.domain.car.odometer import Reading
from shared.domain.fitting import unfit
from shared.domain.log.trip import Trip

Format = Literal["csv", "json", "dutch"]
MOST_ROWS = 10_000


class FoundRow(NamedTuple):
    """A row of a file, and `where` it stands there: the trip that it is, or `why` it is none.

    `is_untimed` where its times follow from the order of the odometer alone.
    """

    where: str
    trip: Trip | None
    why: str = ""
    is_untimed: bool = False


class Found(NamedTuple):
    """What is found in a file: rows in their order, and what was read of odometers, by car."""

    rows: Sequence[FoundRow]
    readings: Mapping[str, Sequence[Reading]] = {}


def refuse_too_many(count: int) -> None:
    """Raises Unfit where a file has more rows than one import takes."""
    if count > MOST_ROWS:
        raise unfit("data", f"can have {MOST_ROWS} rows at most; divide it, by year for example")
