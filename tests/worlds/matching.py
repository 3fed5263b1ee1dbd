"""Which trips of a log stand for which true drives."""

from collections.abc import Sequence
from datetime import datetime

from tests.worlds import tolerances as tol
from tests.worlds.evidence import Evidence
from tests.worlds.log import Trip
from tests.worlds.plan import seconds
from tests.worlds.playing import Run
from tests.worlds.truth import TrueDrive


class Matched:
    """Trips and drives of a run by their times. Whose car a trip names does not matter here: sums find that out."""

    def __init__(self, run: Run, evidence: Evidence) -> None:
        self._run, self._evidence = run, evidence
        self._drives = {trip.id: self._found(trip) for trip in run.log.trips}

    def drives_of(self, trip: Trip) -> list[TrueDrive]:
        """The drives that a trip stands for, by time."""
        return self._drives[trip.id]

    def told_of(self, trip: Trip) -> list[TrueDrive]:
        """Those of them of which anything was told."""
        return [drive for drive in self._drives[trip.id] if self._evidence.is_told(drive)]

    def trips_of(self, drive: TrueDrive) -> list[Trip]:
        """The trips that stand for a drive, and perhaps for others."""
        return [trip for trip in self._run.log.trips if drive in self._drives[trip.id]]

    def alone(self, trips: Sequence[Trip], drive: TrueDrive) -> bool:
        """Whether there are trips, and none of them stands for another drive that was told."""
        return bool(trips) and all(self.told_of(trip) == [drive] for trip in trips)

    def within(self, trips: Sequence[Trip], drives: Sequence[TrueDrive]) -> bool:
        """Whether there are trips, and they stand for these drives only."""
        return bool(trips) and all(drive in drives for trip in trips for drive in self._drives[trip.id])

    def overlaps(self, since: datetime | None, until: datetime | None, drive: TrueDrive) -> bool:
        """Whether a stretch of time has a good part of a drive; the phone's clock may be wrong."""
        if since is None or until is None:
            return False
        since_s, until_s, clock_s = seconds(since), seconds(until), self._run.truth.plan.clock_s
        shared_s = min(until_s, drive.ends_s + clock_s) - max(since_s, drive.begins_s + clock_s)
        return shared_s >= min(tol.OVERLAP_S, (until_s - since_s) / 2, (drive.ends_s - drive.begins_s) / 2)

    def _found(self, trip: Trip) -> list[TrueDrive]:
        drives = [drive for drive in self._run.truth.drives if self.overlaps(trip.start, trip.end, drive)]
        return drives or self._nearest(trip)

    def _nearest(self, trip: Trip) -> list[TrueDrive]:
        far = [(self._apart_s(trip, drive), drive.n, drive) for drive in self._run.truth.drives]
        return [drive for apart_s, _, drive in sorted(far, key=lambda one: one[:2])[:1] if apart_s <= tol.NEAR_S]

    def _apart_s(self, trip: Trip, drive: TrueDrive) -> float:
        clock_s = self._run.truth.plan.clock_s
        after_s, before_s = seconds(trip.start) - drive.ends_s, drive.begins_s - seconds(trip.end)
        return max(after_s - clock_s, before_s + clock_s, 0.0)
