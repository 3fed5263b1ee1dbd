"""What really happened: each drive with its road and its stretch of the odometer, and where a car is at a moment."""

from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from tests.worlds.ground import Point, Road
from tests.worlds.plan import MINUTE, RENTAL, RENTAL_STANDS_AT, Car, Drive, Plan

LEAST_STAND_S = MINUTE
LEAST_M = 400
SLOW_M, SLOW_KM_H = 600.0, 30.0  # the first and the last of a drive


class Impossible(Exception):
    """A plan in which somebody would have to be in two places, or drives nowhere."""


class Stretch(NamedTuple):
    """A part of a drive, from a moment and a metre to others."""

    since_s: float
    until_s: float
    from_m: float
    to_m: float


class Where(NamedTuple):
    """A car at a moment."""

    odometer_m: int
    point: Point
    drives: bool


class TrueDrive:
    """A drive as it was: `from_m` to `to_m` on the odometer, from `begins_s` to `ends_s`."""

    def __init__(self, plan: Drive, begins_at: Point, from_m: int) -> None:
        self.plan, self.n, self.car, self.begins_s, self.from_m = plan, plan.n, plan.car, plan.begins_s, from_m
        through = (begins_at, *([plan.via] if plan.via else []), plan.to)
        self.road = Road(through, plan.bend)
        self.begins_at, self.ends_at, self.to_m = begins_at, plan.to, from_m + self.road.length_m
        self._stretches = list(self._timed())
        self.ends_s = round(self._stretches[-1].until_s)

    @property
    def length_m(self) -> int:
        """How far it went."""
        return self.to_m - self.from_m

    def _timed(self) -> Iterator[Stretch]:
        """From when to when, and from which metre to which: on the road and in its stops."""
        at_s, at_m = float(self.begins_s), 0.0
        for to_m, km_h, stands_s in self._ways():
            takes_s = (to_m - at_m) * 3.6 / km_h
            yield Stretch(at_s, at_s + takes_s, at_m, to_m)
            yield Stretch(at_s + takes_s, at_s + takes_s + stands_s, to_m, to_m)
            at_s, at_m = at_s + takes_s + stands_s, to_m

    def _ways(self) -> Iterator[tuple[float, float, int]]:
        """How far, how fast, and how long it stands then. A car leaves slowly, and comes slowly."""
        whole_m, slow_m = float(self.road.length_m), min(SLOW_M, self.road.length_m / 4)
        slow_km_h = min(SLOW_KM_H, self.plan.km_h)
        yield slow_m, slow_km_h, 0
        for share, stands_s in sorted(self.plan.stops):
            yield min(max(share * whole_m, slow_m), whole_m - slow_m), self.plan.km_h, stands_s
        yield whole_m - slow_m, self.plan.km_h, 0
        yield whole_m, slow_km_h, 0

    def gone_m(self, at_s: float) -> float:
        """How many metres of its road are behind it at a moment."""
        if at_s >= self.ends_s:
            return float(self.road.length_m)
        for since_s, until_s, from_m, to_m in self._stretches:
            if at_s <= until_s:
                share = (at_s - since_s) / (until_s - since_s) if until_s > since_s else 1.0
                return from_m + min(max(share, 0.0), 1.0) * (to_m - from_m)
        return float(self.road.length_m)

    def where(self, at_s: float) -> Where:
        """Where it is on its way; before it at its begin, after it at its end."""
        if at_s >= self.ends_s:
            return Where(self.to_m, self.ends_at, False)
        gone_m = self.gone_m(at_s)
        moves = any(a <= at_s < b and from_m < to_m for a, b, from_m, to_m in self._stretches)
        return Where(self.from_m + round(gone_m), self.road.at(gone_m), moves)


class Truth:
    """All drives of a plan. Raises Impossible where two of them touch each other, or one goes nowhere."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.drives: list[TrueDrive] = []
        self._cars = {car.id: car for car in (*plan.cars, Car(RENTAL, 7_000_000, RENTAL_STANDS_AT))}
        for drive in plan.drives:
            self._add(drive)
        self._of = {car: [drive for drive in self.drives if drive.car == car] for car in self._cars}

    def _add(self, drive: Drive) -> None:
        before = [other for other in self.drives if other.car == drive.car][-1:]
        stands_at, from_m = self._stood(drive.car) if not before else (before[0].ends_at, before[0].to_m)
        made = TrueDrive(drive, stands_at, from_m)
        if made.length_m < LEAST_M:
            raise Impossible(f"drive {drive.n} goes nowhere")
        if self.drives and made.begins_s < self.drives[-1].ends_s + LEAST_STAND_S:
            raise Impossible(f"drive {drive.n} begins before the one before is over")
        self.drives.append(made)

    def _stood(self, car: str) -> tuple[Point, int]:
        return self._cars[car].stands_at, self._cars[car].start_m

    def of(self, car: str) -> list[TrueDrive]:
        """The drives of a car, by time."""
        return self._of.get(car, [])

    def last_of(self, car: str, at_s: float) -> TrueDrive | None:
        """The drive of a car that goes on at a moment, or was its last one before."""
        found = bisect_right(self.of(car), at_s, key=lambda drive: drive.begins_s)
        return self.of(car)[found - 1] if found else None

    def where(self, car: str, at_s: float) -> Where:
        """A car at a moment."""
        last = self.last_of(car, at_s)
        if last:
            return last.where(at_s)
        stands_at, start_m = self._stood(car)
        return Where(start_m, stands_at, False)

    @property
    def ends_s(self) -> int:
        """When the last drive is over."""
        return max((drive.ends_s for drive in self.drives), default=0)
