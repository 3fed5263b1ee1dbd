"""Holds the log that came of a world against the truth, and counts. It shares no code with what keeps the log.

Counted is only what the facts decide. Not counted, as nothing decides it:
- kilometres of nobody beside a told drive: under 3.5 km, or what a drive without pings could have gone in its time;
- which of several drives between two readings went how far, beyond what their own positions say;
- whether stands under ten minutes, or of which the end before or the start after never arrived, end a trip;
- how far a drive went of which the phone said nothing near its begin or end, beyond 3.5 km: trip or gap;
- when exactly a trip began and ended, and where.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from typing import NamedTuple

from tests.worlds import tolerances as tol
from tests.worlds.bounds import bounds
from tests.worlds.evidence import Anchored, Evidence
from tests.worlds.log import Gap, Trip
from tests.worlds.matching import Matched
from tests.worlds.plan import DAY, RENTAL
from tests.worlds.playing import MOST_POLLS, Run
from tests.worlds.sums import Sum, sum_of
from tests.worlds.truth import TrueDrive

COUNTS = (
    "lost",
    "doubled",
    "merged or split",
    "km wrong",
    "km of nobody",
    "sums differ",
    "closed untrue",
    "stuck",
    "word lost",
    "crashed",
)


class Finding(NamedTuple):
    """One thing that is wrong, and in which count."""

    kind: str
    text: str


def counted(findings: Sequence[Finding]) -> Counter[str]:
    """How many there are of each count."""
    return Counter(finding.kind for finding in findings)


def checked(run: Run) -> list[Finding]:
    """All that is wrong with the log of a run."""
    if run.crash:
        return [Finding("crashed", run.crash.strip().splitlines()[-1])]
    return list(Checker(run).findings())


class Checker:
    """Checks one run."""

    def __init__(self, run: Run) -> None:
        self._run, self._evidence = run, Evidence(run)
        self._matched = Matched(run, self._evidence)
        self._nobody: set[str] = set()

    def findings(self) -> Iterator[Finding]:
        """All that is wrong."""
        yield from self._lost()
        yield from self._doubled()
        yield from self._merged()
        yield from self._split()
        for car in (*(car.id for car in self._run.truth.plan.cars), RENTAL):
            for group in self._evidence.groups(car):
                yield from self._kilometres(group)
        yield from self._sums()
        yield from self._closed()
        yield from self._stuck()
        yield from self._words()

    # --- drives

    def _lost(self) -> Iterator[Finding]:
        for drive in self._run.truth.drives:
            told = drive.n in self._evidence.seen and drive.n not in self._evidence.deleted
            if (
                told
                and not self._matched.trips_of(drive)
                and not any(self._holds(g, drive) for g in self._run.log.gaps)
            ):
                yield Finding("lost", _line(drive))

    def _holds(self, gap: Gap, drive: TrueDrive) -> bool:
        """By its stretch of the odometer, or by its time."""
        if gap.car != drive.car or 1000 * gap.km < tol.GAP_SHARE * drive.length_m:
            return False
        if gap.from_km is not None and gap.to_km is not None:
            shared_m = min(1000 * gap.to_km, drive.to_m) - max(1000 * gap.from_km, drive.from_m)
            if shared_m >= tol.GAP_SHARE * drive.length_m:
                return True
        return self._matched.overlaps(gap.since, gap.until, drive)

    def _doubled(self) -> Iterator[Finding]:
        for a, b in combinations(self._run.log.trips, 2):
            if min(a.end, b.end).timestamp() - max(a.start, b.start).timestamp() > tol.OVERLAP_S:
                yield Finding("doubled", f"{a.id} and {b.id} at once")
        for trip in self._run.log.trips:
            if not self._matched.drives_of(trip):
                yield Finding("doubled", f"{trip.id}: nobody drove then")

    def _merged(self) -> Iterator[Finding]:
        """Decided where the end of the one and the start of the other arrived, and ten minutes lie between."""
        for trip in self._run.log.trips:
            for a, b in pairwise(self._matched.told_of(trip)):
                if self._are_two(a, b):
                    yield Finding("merged or split", f"drives {a.n} and {b.n} became {trip.id}")

    def _are_two(self, a: TrueDrive, b: TrueDrive) -> bool:
        seen = self._evidence.seen
        if a.n not in seen or b.n not in seen:
            return False
        return "end" in seen[a.n].kinds and "start" in seen[b.n].kinds and b.begins_s - a.ends_s >= tol.STAND_S

    def _split(self) -> Iterator[Finding]:
        """Decided where start and end arrived, not too far apart. A long stop on the way may make two trips of it."""
        for drive in self._run.truth.drives:
            seen = self._evidence.seen.get(drive.n)
            if not seen or not {"start", "end"} <= seen.kinds or drive.ends_s - drive.begins_s > tol.SILENCE_S:
                continue
            trips = [trip for trip in self._matched.trips_of(drive) if trip.source != "manual"]
            if len(trips) > 1 + len(drive.plan.stops):
                yield Finding("merged or split", f"drive {drive.n} became {len(trips)} trips")

    # --- kilometres

    def _kilometres(self, group: Anchored) -> Iterator[Finding]:
        wrong = [found for drive in group.drives if (found := self._distance(group, drive))]
        yield from wrong
        if not wrong:
            yield from self._together(group)

    def _distance(self, group: Anchored, drive: TrueDrive) -> Finding | None:
        """Of trips of this drive alone; a word of the driver about it is checked as such."""
        said = drive.n in self._evidence.typed or drive.n in self._evidence.deleted or drive.n in self._evidence.manual
        trips = self._matched.trips_of(drive)
        if drive.n not in self._evidence.seen or said or not self._matched.alone(trips, drive):
            return None
        found_m, (least_m, most_m, why) = 1000 * sum(trip.km for trip in trips), bounds(self._evidence, group, drive)
        text = f"{_line(drive)} became {found_m / 1000:.1f} km ({why}: {least_m / 1000:.1f} to {most_m / 1000:.1f})"
        if 0 < found_m - most_m <= self._untold_m(group, drive):
            self._nobody.add(drive.car)
            return Finding("km of nobody", text)
        return None if least_m <= found_m <= most_m else Finding("km wrong", text)

    def _untold_m(self, group: Anchored, drive: TrueDrive) -> float:
        """What was driven untold beside it. A trip with more than this is wrong by something else."""
        own = self._run.truth.of(drive.car)
        place = own.index(drive)
        near = {other.n: other for other in (*own[max(place - 1, 0) : place + 2], *group.drives)}
        return sum(other.length_m for other in near.values() if not self._evidence.is_told(other))

    def _together(self, group: Anchored) -> Iterator[Finding]:
        """Between two readings with nothing untold the trips must have it all: there is no gap in the truth."""
        seen = [self._evidence.seen.get(drive.n) for drive in group.drives]
        whole = all(one and one.head_m <= tol.UNSEEN_M and one.tail_m <= tol.UNSEEN_M for one in seen)
        trips = [trip for drive in group.drives for trip in self._matched.trips_of(drive)]
        said = {*self._evidence.typed, *self._evidence.deleted} & {drive.n for drive in group.drives}
        if (
            not group.is_read
            or len(group.drives) < 2
            or not whole
            or said
            or not self._matched.within(trips, group.drives)
        ):
            return
        true_m, found_m = (
            sum(drive.length_m for drive in group.drives),
            1000 * sum({t.id: t.km for t in trips}.values()),
        )
        off_m = len(trips) * tol.ROUNDED_ROW_M + tol.ROUNDED_M + self._evidence.hidden_m(group.drives[0].car)
        if abs(found_m - true_m) > off_m:
            names = ", ".join(str(drive.n) for drive in group.drives)
            yield Finding("km wrong", f"drives {names}: {true_m / 1000:.1f} km became {found_m / 1000:.1f} together")

    # --- the whole log

    def _sums(self) -> Iterator[Finding]:
        for car in self._run.truth.plan.cars:
            found = self._sum(car.id)
            if found and abs(found.driven_m - found.trips_m - found.gaps_m) > found.off_m:
                yield Finding("sums differ", f"{car.id}: {found.text}")

    def _sum(self, car: str) -> Sum | None:
        return sum_of(self._run, self._evidence, self._matched, car)

    def _closed(self) -> Iterator[Finding]:
        for car in (car for car, closed in self._run.log.closed.items() if closed):
            pending = [trip.id for trip in self._run.log.trips if trip.car == car and trip.pending]
            found = self._sum(car)
            if pending:
                yield Finding("closed untrue", f"{car}: {pending[0]} is pending")
            elif car in self._nobody:
                yield Finding("closed untrue", f"{car}: a trip has kilometres of nobody")
            elif found and abs(found.driven_m - found.trips_m) > found.off_m:
                yield Finding("closed untrue", f"{car}: {found.text}")

    def _stuck(self) -> Iterator[Finding]:
        known = {car.id for car in self._run.truth.plan.cars}
        pending = [trip for trip in self._run.log.trips if trip.pending and trip.car in known]
        days = self._run.ends_s / DAY
        if len(self._run.polls_s) >= MOST_POLLS:
            yield Finding("stuck", f"{MOST_POLLS} polls")
        elif (self._run.waits or pending) and self._run.due_s is None:
            yield Finding("stuck", f"{pending[0].id if pending else 'something'} waits and no poll is due")
        elif self._run.idle_polls > tol.IDLE_POLLS_A_DAY * days:
            yield Finding("stuck", f"{self._run.idle_polls} polls while nothing waits")

    def _words(self) -> Iterator[Finding]:
        for one in self._run.spoken:
            if one.played == "refused":  # all that they say is true, or theirs to say
                yield Finding("word lost", f"{one.word.kind} of drive {one.word.n} was refused")
        trips = {trip.id: trip for trip in self._run.log.trips}
        last = {(one.trip_id, one.word.kind): one for one in self._run.spoken if one.played == "played"}
        for (trip_id, kind), one in last.items():
            drive = next(drive for drive in self._run.truth.drives if drive.n == one.word.n)
            if not self._is_kept(kind, one.km, trips.get(trip_id), drive):
                yield Finding("word lost", f"{kind} of drive {one.word.n}")

    def _is_kept(self, kind: str, km: float, trip: Trip | None, drive: TrueDrive) -> bool:
        of_drive = self._matched.trips_of(drive)
        if kind == "delete":
            return not of_drive
        if kind == "manual":
            return any(abs(one.km - km) < 0.06 for one in of_drive)
        if drive.n in self._evidence.deleted or kind == "eye":
            return True
        return bool(trip and (abs(trip.km - km) < 0.06 if kind == "distance" else trip.kind == "business"))


def _line(drive: TrueDrive) -> str:
    return f"drive {drive.n} of {drive.length_m / 1000:.1f} km"
