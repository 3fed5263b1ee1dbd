"""What is counted of the functions, and how it is put together."""

from collections.abc import Mapping
from typing import NamedTuple


class Calls(NamedTuple):
    """Calls of one function, with what they did: documents at the store, messages published, bytes answered."""

    calls: int = 0
    reads: int = 0
    writes: int = 0
    deletes: int = 0
    messages: int = 0
    message_bytes: int = 0  # as billed, for publishing and for delivery
    answer_bytes: int = 0
    states_written: int = 0  # of the writes those of a driver's state

    def times(self, times: int) -> "Calls":
        """As many times as much."""
        return Calls(*(amount * times for amount in self))

    def plus(self, other: "Calls") -> "Calls":
        """Both together."""
        return Calls(*(a + b for a, b in zip(self, other, strict=True)))


ByFunction = Mapping[str, Calls]


class Measured(NamedTuple):
    """What was counted, by function. A trip holds the scheduler's ticks that found a poll due."""

    trip: ByFunction
    pinged_trip: ByFunction
    view: ByFunction
    idle_ticks: ByFunction  # by scheduled job: a run that finds nothing to do
    key_day_writes: int  # of a key's first use on a day
    trip_bytes: int  # stored for good, with index entries
    pinged_trip_bytes: int
    driver_bytes: int  # a driver's other documents
    day: ByFunction  # the daily look at a driver's car
    day_bytes: int  # of the reading that it leaves
