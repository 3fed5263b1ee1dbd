"""Owns what the checks of a car's year look at."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from shared.domain.log.gap_row import GapRow
from shared.domain.log.history import Entry
from shared.domain.log.sealing import Correction
from shared.domain.log.tiling import Row
from shared.domain.log.trip import Trip
from shared.domain.log.year import YearLog
from shared.domain.place.places import Place


class Examined(NamedTuple):
    """A car's log of a year, and what else its checks follow from: `today` in the driver's time zone, all places that
    they see, the history of the year, and what was proposed to be changed in it since it was closed."""

    log: YearLog
    today: date
    places: Sequence[Place] = ()
    entries: Sequence[Entry] = ()
    corrections: Sequence[Correction] = ()

    @property
    def trips(self) -> list[Trip]:
        """The trips of the year, oldest first."""
        return [row for row in self.log.rows if isinstance(row, Trip)]

    @property
    def gaps(self) -> list[GapRow]:
        """The gaps of the year that show kilometres, oldest first, with what lies behind the last drive."""
        behind = [self.log.behind] if self.log.behind else []
        return [row for row in (*self.log.rows, *behind) if isinstance(row, GapRow) and row.missing_km > 0]

    @property
    def following(self) -> list[Row]:
        """The rows of the year with the one before them and what lies behind, in their order."""
        return [row for row in (self.log.before, *self.log.rows, self.log.behind) if row]


def ids(rows: Iterable[Row]) -> tuple[str, ...]:
    """The ids of rows, each once."""
    return tuple(dict.fromkeys(row.id for row in rows))
