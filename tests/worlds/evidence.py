"""What of the truth was told: which drives, where their cars were read while they stood, what the phone saw of them."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from tests.worlds import tolerances as tol
from tests.worlds.cloud import Told
from tests.worlds.ground import Point, straight_m
from tests.worlds.phone import Sent
from tests.worlds.plan import Car
from tests.worlds.playing import Run
from tests.worlds.truth import TrueDrive

Trail = Literal["dense", "ends", "poor"]


class Seen(NamedTuple):
    """What the phone's messages of a drive say, those that arrived: kinds, and metres of it before, between, after."""

    kinds: frozenset[str]
    head_m: float
    tail_m: float
    trail: Trail
    trail_m: float
    straight_m: float
    begin: Point | None
    end: Point | None


class Anchored(NamedTuple):
    """Drives of a car between two stands at which it was read; a side is not `read` where there is no such stand."""

    drives: tuple[TrueDrive, ...]
    left_read: bool
    right_read: bool

    @property
    def is_read(self) -> bool:
        """Whether the odometer says how far all of them went together."""
        return self.left_read and self.right_read


class Evidence:
    """What was told of a run. `manual` and `deleted` are drives of which the driver said so, `typed` in metres."""

    def __init__(self, run: Run) -> None:
        self.run = run
        heard: dict[int, list[Sent]] = {}
        for one in run.heard:
            heard.setdefault(one.n, []).append(one)
        self.seen = {d.n: _seen(d, heard[d.n]) for d in run.truth.drives if d.n in heard}
        said = [one for one in run.spoken if one.played == "played"]
        self.manual = {one.word.n for one in said if one.word.kind == "manual"}
        self.deleted = {one.word.n for one in said if one.word.kind == "delete"}
        self.typed = {one.word.n: 1000 * one.km for one in said if one.word.kind == "distance"}

    def is_told(self, drive: TrueDrive) -> bool:
        """Whether phone or driver said anything of a drive."""
        return drive.n in self.seen or drive.n in self.manual

    def is_beside_typed(self, drive: TrueDrive) -> bool:
        """Whether the driver said how far the drive before it or after it on its car went."""
        of_car = self.run.truth.of(drive.car)
        n = of_car.index(drive)
        beside = (*of_car[max(n - 1, 0) : n], *of_car[n + 1 : n + 2])
        return any(other.n in self.manual or other.n in self.typed for other in beside)

    def groups(self, car: str) -> list[Anchored]:
        """All drives of a car, cut at the stands where it was read."""
        drives, read, made, since = self.run.truth.of(car), self.read_stands(car), list[Anchored](), 0
        for until in range(1, len(drives) + 1):
            if until == len(drives) or read[until]:
                made.append(Anchored(tuple(drives[since:until]), read[since], read[until]))
                since = until
        return made

    def read_stands(self, car: str) -> list[bool]:
        """For each stand before, between and after the drives of a car whether a true reading of it was told."""
        drives = self.run.truth.of(car)
        stands = [False] * (len(drives) + 1)
        for told in self.true_readings(car):
            for n in self._stands_of(told, drives):
                stands[n] = True
        return stands

    def _stands_of(self, told: Told, drives: Sequence[TrueDrive]) -> Iterator[int]:
        odometer_m = self.run.truth.where(told.car, told.measured_s).odometer_m
        for n in range(len(drives) + 1):
            before, after = drives[n - 1] if n else None, drives[n] if n < len(drives) else None
            near_before = before is None or told.measured_s >= before.ends_s - tol.OVERLAP_S
            near_after = after is None or told.measured_s <= after.begins_s + tol.OVERLAP_S
            boundary_m = before.to_m if before else after.from_m if after else odometer_m
            if near_before and near_after and abs(odometer_m - boundary_m) <= tol.SAME_M:
                yield n

    def true_readings(self, car: str) -> list[Told]:
        """What a car's cloud told that was true."""
        return [told for told in self.run.told if told.car == car and told.true]

    def standing_readings(self, car: str) -> list[Told]:
        """Those of them that were measured while the car stood between two drives, by the time of measuring."""
        drives = self.run.truth.of(car)
        found = [told for told in self.true_readings(car) if any(True for _ in self._stands_of(told, drives))]
        return sorted(found, key=lambda told: told.measured_s)

    def car(self, car: str) -> Car | None:
        """A car that the system knows."""
        return next((one for one in self.run.truth.plan.cars if one.id == car), None)

    def hidden_m(self, car: str) -> int:
        """What the odometer of a car may hide."""
        known = self.car(car)
        return tol.HIDDEN_M[known.resolution] if known else 0


def _seen(drive: TrueDrive, heard: Sequence[Sent]) -> Seen:
    times_s = sorted({min(max(one.true_s, drive.begins_s), drive.ends_s) for one in heard})
    fixes_s = sorted({min(max(one.true_s, drive.begins_s), drive.ends_s) for one in heard if one.position})
    begin, end = (drive.where(fixes_s[0]).point, drive.where(fixes_s[-1]).point) if fixes_s else (None, None)
    far_m = straight_m(begin, end) if begin and end else 0.0
    trail_m = drive.gone_m(fixes_s[-1]) - drive.gone_m(fixes_s[0]) if fixes_s else 0.0
    return Seen(
        kinds=frozenset(one.kind for one in heard),
        head_m=drive.gone_m(times_s[0]),
        tail_m=drive.length_m - drive.gone_m(times_s[-1]),
        trail=_trail(fixes_s, far_m, trail_m),
        trail_m=trail_m,
        straight_m=far_m,
        begin=begin,
        end=end,
    )


def _trail(fixes_s: Sequence[int], far_m: float, trail_m: float) -> Trail:
    if len(fixes_s) > 1 and all(b - a <= tol.DENSE_S for a, b in pairwise(fixes_s)):
        return "dense"
    turned_back = trail_m > tol.TURNED_BACK * far_m
    return "poor" if len(fixes_s) < 2 or turned_back else "ends"
