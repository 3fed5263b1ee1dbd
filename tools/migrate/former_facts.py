"""Owns what the book has to know of trips that an earlier version made. Pure: knows no store.

A trip that nobody touched since it was made follows from what the phone said, as long as that is known. Every other
one is a fact as it is: it may be as its driver wanted it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Protocol, TypeVar

from msgspec.structs import replace

from shared.domain.car.odometer import Disbelief, Reading
from shared.domain.log.drive import Finished, Heard, Record
from shared.domain.log.gap_row import GapRow
from shared.domain.log.record import events_of
from shared.domain.log.rows import Rows
from shared.domain.log.summary import Summary
from shared.domain.log.trip import Trip
from shared.domain.thresholds import Rules
from shared.domain.tracking.state import DriverState
from shared.domain.tracking.weaving import woven
from tools.migrate.old_trips import moved

T = TypeVar("T", Trip, GapRow)


class Facts(Protocol):
    """What an earlier version kept."""

    @property
    def trips(self) -> Sequence[Trip]: ...

    @property
    def records(self) -> Sequence[Record]: ...


class Memory:
    """The rows of a log that is folded anew, and what is thought of its readings: nothing is stored before all is."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.kept_trips: dict[str, Trip] = {}
        self.kept_gaps: dict[str, GapRow] = {}
        self.judged: dict[tuple[str, Reading], Disbelief | None] = {}
        self._records = {record.id: record for record in records}

    def rows(self) -> Rows:
        """Rows to put something into."""
        return Rows(self)

    def take(self, rows: Rows, car_id: str = "", thought: Mapping[Reading, Disbelief | None] | None = None) -> None:
        """Takes in what was put into rows, and what is thought of readings of a car."""
        self.kept_trips = _with(self.kept_trips, rows.trips)
        self.kept_gaps = _with(self.kept_gaps, rows.gaps)
        self.judged |= {(one.car_id, one.reading): one.why_not for one in rows.standings}
        self.judged |= {(car_id, reading): why for reading, why in (thought or {}).items()}

    # --- as a source of rows

    def trips(self, ids: Sequence[str]) -> list[Trip]:
        """Those of the trips that there are."""
        return [self.kept_trips[one] for one in ids if one in self.kept_trips]

    def gaps(self, ids: Sequence[str]) -> list[GapRow]:
        """Those of the gaps that there are."""
        return [self.kept_gaps[one] for one in ids if one in self.kept_gaps]

    def blocks(self, count: int) -> Sequence[Heard]:
        """None: no drive goes on here."""
        return ()

    def record(self, drive_id: str) -> Record | None:
        """What is kept of a drive."""
        return self._records.get(drive_id)


def _with(kept: Mapping[str, T], put: Mapping[str, T | None]) -> dict[str, T]:
    return {id_: row for id_, row in {**kept, **put}.items() if row is not None}


def with_facts(kept: Facts, rules: Rules) -> list[Trip]:
    """The trips, each with what the book has to know of its drive."""
    heard = [found for record in kept.records if (found := _heard(record, rules))]
    made, taken = list[Trip](), set[str]()
    for trip in sorted(kept.trips, key=lambda one: (one.started_at, one.id)):
        summary = trip.summary or moved(trip)
        if free := [] if trip.summary else [one for one in heard if one.id not in taken and _is_of(trip, one)]:
            taken.add(free[0].id)
            summary = replace(free[0], default_car_id=trip.car_id, trip_ids=(trip.id,))
        made.append(replace(trip, summary=summary))
    return made


def _heard(record: Record, rules: Rules) -> Summary | None:
    """What the phone told of one drive; None where its words are of none, or of several."""
    if record.is_dropped:
        return None
    finished = Finished(events=tuple(events_of(record)), why="the grace after the end is over")
    told = woven(DriverState(), [finished], False, Memory().rows(), rules).told
    return replace(told[0], id=record.id) if len(told) == 1 and told[0].begun else None


def _is_of(trip: Trip, drive: Summary) -> bool:
    """Whether a trip that nobody touched came of a drive."""
    shared = min(trip.ended_at, drive.ended_at) - max(trip.started_at, drive.began_at)
    longest = max(trip.ended_at - trip.started_at, drive.ended_at - drive.began_at)
    is_same_car = drive.is_stray == (trip.car_id is None) and drive.car_id in (None, trip.car_id)
    is_untouched = trip.source == "automatic" and trip.revision == 1
    return is_untouched and is_same_car and shared >= max(longest / 2, timedelta(0))
