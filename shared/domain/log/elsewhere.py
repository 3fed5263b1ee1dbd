"""Owns what to make of a reading that leaves the drives before it no room: old news, or drives in another car."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import accumulate, groupby, pairwise
from typing import NamedTuple

from shared.domain.car.odometer import Reading
from shared.domain.log.chain import Node, Part, Stretch, begin_of, between, chained, end_of, nodes_of
from shared.domain.log.evidence import apart_m, bounds, seen
from shared.domain.log.summary import Drive
from shared.domain.thresholds import LEAST_DRIVE_M, MOST_LATE_M, SAME_PLACE_M, STOOD_FOR

NEXT_READINGS, NEXT_WITHIN = 4, timedelta(hours=24)
LONGEST_RUN = 3
STOOD_APART = timedelta(minutes=4)
SURE_AFTER = timedelta(hours=1)  # no cloud tells old values for so long after a drive


class Sorted(NamedTuple):
    """The drives of the car, how its readings lie among them, and what was taken out: the drives that were driven in
    another car, and the readings that were old news."""

    drives: list[Drive]
    chain: list[Stretch]
    elsewhere: list[Drive]
    old: list[Reading]


class _Out(NamedTuple):
    """What is taken out of a chain at a time."""

    drives: Sequence[Drive] = ()
    readings: Sequence[Reading] = ()


def sorted_out(drives: Sequence[Drive], readings: Sequence[Reading]) -> Sorted:
    """Takes out drives of another car and old readings, until neither is found."""
    own, elsewhere, old = [*drives], list[Drive](), _old_answers(readings)
    left = [reading for reading in readings if reading not in set(old)]
    chain = chained(own, left)
    while out := _Judging(own, chain).found():
        elsewhere += out.drives
        own = [drive for drive in own if drive not in out.drives]
        old += out.readings
        gone = set(out.readings)
        left = [reading for reading in left if reading not in gone]
        chain = chained(own, left)
    return Sorted(own, chain, sorted(elsewhere, key=lambda drive: drive.began_at), old)


def _old_answers(readings: Sequence[Reading]) -> list[Reading]:
    """What a car says again that says to drive and does not, before it says that it has gone on: it tells what was."""
    old, runs = list[Reading](), [list(run) for _, run in groupby(readings, key=lambda one: (one.km, one.driving))]
    for run, following in pairwise(runs):
        is_long = run[-1].at - run[0].at >= STOOD_FOR
        if run[0].driving and is_long and following[0].km > run[0].km:
            old += run[1:]
    return old


class _Judging:
    """Judges the readings of a chain that leave drives no room."""

    def __init__(self, drives: Sequence[Drive], chain: Sequence[Stretch]) -> None:
        self._drives, self._chain, self._nodes = drives, chain, nodes_of(chain)
        self._stretches = {id(stretch.right): stretch for stretch in chain}
        # What drives need at the most, counted from the first: most readings leave room for all of that.
        told_m = [0.0] * len(drives)
        for part in self._parts():
            told_m[part.n] += part.bounds.least
        self._least_m = [0.0, *accumulate(map(max, told_m, map(_least_m, drives)))]

    def found(self) -> _Out | None:
        """What has to be taken out; None where all fits, or nothing explains what does not. Drives one run at a time:
        without them every reading may stand for something else."""
        old, k = list[Reading](), 1
        while k < len(self._nodes):
            first = self._first_without_room(k)
            out = self._explained(k, first) if first is not None else None
            if out and out.drives:
                return out._replace(readings=old)
            if out:
                old += out.readings
                self._nodes = [node for node in self._nodes if node.readings[0] not in out.readings]
            else:
                k += 1
        return _Out(readings=old) if old else None

    def _explained(self, k: int, first: int) -> _Out | None:
        runs = self._of_another_car(k, first)
        # Where the car said that it stood, and is found there, no later reading has to explain what it said.
        there = [run for run in runs if self._stood_there(run)]
        if not there and (later := self._fitting_later(k, first)):
            return _Out(readings=later)
        if runs:
            return _Out(drives=[self._drives[n] for n in (there or runs)[0]])
        if all(node.low_m <= self._nodes[k].high_m for node in self._nodes[k:]):
            old = self._readings(k, len(self._nodes), first)
            return _Out(readings=old) if old else None
        return None

    # --- no room

    def _first_without_room(self, k: int) -> int | None:
        """The first drive of 2 km for which reading k leaves no room. A car that says the same again and again is held
        against all that was driven meanwhile."""
        left = self._nodes[k - 1]
        for n, right in enumerate(self._nodes[k:]):
            if n and right.low_m > left.high_m:
                return None
            if (first := self._without_room(left, right)) is not None:
                return first
        return None

    def _without_room(self, left: Node, right: Node) -> int | None:
        room_m = max(_room_m(left, right), LEAST_DRIVE_M / 4)
        until = min(right.n + right.is_on_way, len(self._drives))
        if self._least_m[until] - self._least_m[left.n] <= room_m:
            return None
        parts = [part for part in self._between(left, right) if not part.gives_way]
        long = [part.n for part in parts if part.bounds.least and _trail_m(self._drives[part.n]) >= LEAST_DRIVE_M]
        return long[0] if long and room_m < sum(part.bounds.least for part in parts) else None

    def _between(self, left: Node, right: Node) -> Iterable[Part]:
        stretch = self._stretches[id(right)]
        return stretch.parts if stretch.left is left else between(self._drives, left, right)

    # --- old news under a new time

    def _readings(self, since: int, until: int, first: int) -> list[Reading]:
        """What was read at these nodes since a drive began: before that a car may well say what it said. What agrees
        with a word that its driver confirmed is no old news."""
        sure = [node for node in self._nodes[since:] if any(reading.is_confirmed for reading in node.readings)]
        nodes = (node for node in self._nodes[since:until] if node[:2] > (first, False))
        unsaid = (node for node in nodes if not any(_agree(node, one) for one in sure))
        return [reading for node in unsaid for reading in node.readings]

    def _fitting_later(self, k: int, first: int) -> list[Reading]:
        """The readings up to one of the next four others that gives the drives room; none where there is none."""
        node, others = self._nodes[k], set[int]()
        for number in range(k + 1, len(self._nodes)):
            later = self._nodes[number]
            if later.first_at - node.last_at > NEXT_WITHIN:
                break
            if later.low_m <= node.high_m:
                continue
            others.add(later.low_m)
            if len(others) > NEXT_READINGS:
                break
            if self._without_room(self._nodes[k - 1], later) is None:
                return self._readings(k, number, first)
        return []

    # --- another car

    def _of_another_car(self, k: int, first: int) -> list[range]:
        """The runs of drives around a reading without which the odometer fits, where the car says where it was then.
        The `first` that has no room may lie behind it, where a car says the same again."""
        parts = self._between(self._nodes[k - 1], self._nodes[k])
        numbers = sorted({first, *(part.n for part in parts if not part.gives_way)})
        return [run for run in self._runs(numbers) if self._is_elsewhere(run)]

    def _runs(self, numbers: Sequence[int]) -> Iterator[range]:
        """Up to three drives one after another with one of these among them, the shortest runs first."""
        for length in range(1, LONGEST_RUN + 1):
            for n in numbers:
                for since in range(max(n - length + 1, 0), n + 1):
                    if since + length <= len(self._drives):
                        yield range(since, since + length)

    def _is_elsewhere(self, run: range) -> bool:
        if any(_is_named(self._drives[n]) for n in run):
            return False
        before, within, after = self._around(run)
        if before is None or not after or any(node.low_m > before.high_m for node in within):
            return False
        if not self._fits_without(run, before, after[0]) or not self._is_sure(run, before, after):
            return False
        return _stood_long(before, within) or self._goes_on_there(run, before, after[0])

    def _stood_there(self, run: range) -> bool:
        """Whether a car said that it stood, and the phone drives on from there: what a cloud tells may be old."""
        before, within, after = self._around(run)
        following = self._drives[run[-1] + 1 : run[-1] + 2]
        if before is None or before.position is None or not following or not _stood_long(before, [*within, *after]):
            return False
        here, ended = begin_of(following[0]), end_of(self._drives[run[-1]])
        if here is None or ended is None:
            return False
        # The phone's first fix may be late.
        return apart_m(before.position, here) <= min(MOST_LATE_M, apart_m(ended, here) / 2)

    def _around(self, run: range) -> tuple[Node | None, list[Node], list[Node]]:
        """What was read last before some drives, what during them, and what after them."""
        since, until = (run[0], False), (run[-1], True)
        before = [node for node in self._nodes if node[:2] <= since]
        within = [node for node in self._nodes if since < node[:2] <= until]
        return before[-1] if before else None, within, [node for node in self._nodes if node[:2] > until]

    def _is_sure(self, run: range, before: Node, after: Sequence[Node]) -> bool:
        """Whether what was read after the drives is no old news."""
        ended_at = self._drives[run[-1]].ended_at
        return any(node.low_m > before.high_m or _is_late(node, ended_at) for node in after)

    def _fits_without(self, run: range, before: Node, after: Node) -> bool:
        others = [
            part
            for part in self._parts()
            if before.n <= part.n < max(after.n, run[-1] + 1)
            and part.n not in run
            and part.since >= before.last_at
            and part.until <= after.first_at
        ]
        least_m, most_m = (sum(part.bounds[level] for part in others) for level in (0, -1))
        return least_m <= _room_m(before, after) and after.low_m - before.high_m <= most_m

    def _parts(self) -> Iterator[Part]:
        return (part for stretch in self._chain for part in stretch.parts)

    def _goes_on_there(self, run: range, before: Node, after: Node) -> bool:
        """Whether the car is, or drives on, where it stood, and not where the drives ended."""
        stood = before.position or (end_of(self._drives[run[0] - 1]) if run[0] else None)
        ended, following = end_of(self._drives[run[-1]]), self._drives[run[-1] + 1 : run[-1] + 2]
        here = after.position or (begin_of(following[0]) if following else None)
        if stood is None or here is None:
            return False
        is_round = ended is not None and apart_m(stood, ended) <= SAME_PLACE_M
        return apart_m(stood, here) <= SAME_PLACE_M and not is_round


def _stood_long(before: Node, within: Sequence[Node]) -> bool:
    """Whether a car said twice that it still stood."""
    stood = [reading for node in within if node.low_m <= before.high_m for reading in node.readings]
    return len(stood) > 1 and stood[-1].at - stood[0].at >= STOOD_APART


def _agree(a: Node, b: Node) -> bool:
    return a.low_m <= b.high_m and b.low_m <= a.high_m


def _is_late(node: Node, ended_at: datetime) -> bool:
    return any(reading.at - ended_at >= SURE_AFTER for reading in node.readings)


def _is_named(drive: Drive) -> bool:
    """Whether phone or driver said in which car it was."""
    return drive.summary.said.is_touched or drive.summary.car_id is not None


def _trail_m(drive: Drive) -> float:
    return seen(drive.summary.marks, drive.began_at, drive.ended_at).trail_m


def _least_m(drive: Drive) -> float:
    return bounds(seen(drive.summary.marks, drive.began_at, drive.ended_at)).least


def _room_m(left: Node, right: Node) -> float:
    return float(right.high_m - left.low_m)
