"""What a book has: where it begins, its trips, its gaps, and what is open behind them.

Whoever reads or stores a log knows these; what makes them of drives and readings is needed where a log changes alone.
"""

from datetime import datetime
from typing import NamedTuple

from shared.domain.log.summary import Drive
from shared.domain.log.trip import DistanceSource, Flag, Known
from shared.domain.place.geo import Position


class Start(NamedTuple):
    """Where a book begins: what the odometer showed in metres, at which moment, and `since` when at least.

    How that is known, and where the car stood then. `is_said` where its driver said that the log begins there.
    """

    at: datetime
    m: int
    since: datetime | None = None
    known: Known = "read"
    position: Position | None = None
    is_said: bool = False


class TripOutline(NamedTuple):
    """What a trip has by odometer and evidence. Metres; `from_m` and `to_m` are None where no odometer is known.

    What it shows beyond its stretch is excess: its driver said so, or a trail that nothing explains. Begin and end are
    where phone or car was then, None where neither told it.
    """

    drive: Drive
    car_id: str | None
    from_m: int | None
    to_m: int | None
    from_known: Known | None
    to_known: Known | None
    shown_m: int
    source: DistanceSource
    flags: tuple[Flag, ...]
    begin: Position | None
    end: Position | None

    @property
    def excess_m(self) -> int:
        """What it shows beyond its stretch of the odometer."""
        if self.from_m is None or self.to_m is None:
            return 0
        return max(self.shown_m - (self.to_m - self.from_m), 0)

    def has(self, flag: Flag) -> bool:
        """Whether it has this flag. Unlike `in`, this lets mypy find one that there is not."""
        return any(flag == one for one in self.flags)


class GapOutline(NamedTuple):
    """A stretch of the odometer that no trip has, in metres, and when it was driven at the earliest and the latest."""

    from_m: int
    to_m: int
    since: datetime
    until: datetime
    series: int = 0


class OpenOutline(NamedTuple):
    """What lies behind the last drive that is over."""

    from_m: int
    to_m: int
    since: datetime
    until: datetime
