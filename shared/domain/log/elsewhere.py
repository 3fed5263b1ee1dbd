"""Owns what to make of a reading that leaves the drives before it no room: old news, or drives in another car."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import takewhile
from typing import NamedTuple

from shared.domain.car.odometer import Reading
from shared.domain.log.chain import Node, Stretch, begin_of, between, chained, end_of
from shared.domain.log.evidence import apart_m, seen
from shared.domain.log.summary import Drive
from shared.domain.thresholds import STOOD_M

SHORTEST_M = 2_000  # what is shorter leaves no trace that can be trusted
NEXT_READINGS, NEXT_WITHIN = 4, timedelta(hours=24)
LONGEST_RUN = 3
STOOD_APART = timedelta(minutes=4)
SURE_AFTER = timedelta(hours=1)  # no cloud tells old values for so long after a drive
SAME_PLACE_M = 300


class Sorted(NamedTuple):
    """The drives of the car, those that were driven in another one, and the readings that were old news."""

    drives: list[Drive]
    elsewhere: list[Drive]
    old: list[Reading]


def sorted_out(drives: Sequence[Drive], readings: Sequence[Reading]) -> Sorted:
    """Takes out drives of another car and old readings, until neither is found."""
    own, elsewhere, old = [*drives], list[Drive](), list[Reading]()
    left = [*readings]
    for _ in range(len(drives) + len(readings)):
        chain = chained(own, left)
        k = _too_tight(own, chain, 1)
        while k is not None:
            if later := _fitting_later(own, chain, k):
                gone = later
            elif run := _of_another_car(own, chain, k):
                elsewhere += run
                own = [drive for drive in own if drive not in run]
                break
            elif _nothing_newer_differs(chain, k):
                gone = [reading for node in _nodes(chain)[k:] for reading in node.readings]
            else:
                k = _too_tight(own, chain, k + 1)
                continue
            old += gone
            left = [reading for reading in left if reading not in gone]
            break
        else:
            break
    return Sorted(own, elsewhere, old)


def _nodes(chain: Sequence[Stretch]) -> list[Node]:
    return [stretch.right for stretch in chain if stretch.right]


def _too_tight(drives: Sequence[Drive], chain: Sequence[Stretch], since: int) -> int | None:
    """The number of the first node, from one on, that leaves drives of 2 km no room.

    A car that says the same again and again is held against all that was driven meanwhile.
    """
    nodes = _nodes(chain)
    for k in range(max(since, 1), len(nodes)):
        left = nodes[k - 1]
        same = takewhile(lambda node: node.low_m <= left.high_m, nodes[k:])  # noqa: B023
        if any(_leaves_no_room(drives, left, right) for right in (nodes[k], *same)):
            return k
    return None


def _leaves_no_room(drives: Sequence[Drive], left: Node, right: Node) -> bool:
    parts = [part for part in between(drives, left, right) if not part.is_exact]
    if not any(_trail_m(drives[part.n]) >= SHORTEST_M for part in parts):
        return False
    return max(_room_m(left, right), SHORTEST_M / 4) < sum(part.bounds.least for part in parts)


def _trail_m(drive: Drive) -> float:
    return seen(drive.summary.marks, drive.began_at, drive.ended_at).trail_m


def _room_m(left: Node, right: Node) -> float:
    return float(right.high_m - left.low_m)


def _fitting_later(drives: Sequence[Drive], chain: Sequence[Stretch], k: int) -> list[Reading]:
    """The readings up to one of the next four others that gives the drives room; none where there is no such one."""
    nodes, others = _nodes(chain), set[int]()
    for number in range(k + 1, len(nodes)):
        node = nodes[number]
        if node.first_at - nodes[k].last_at > NEXT_WITHIN:
            break
        if node.low_m <= nodes[k].high_m:
            continue
        others.add(node.low_m)
        if len(others) > NEXT_READINGS:
            break
        if not _leaves_no_room(drives, nodes[k - 1], node):
            return [reading for other in nodes[k:number] for reading in other.readings]
    return []


def _nothing_newer_differs(chain: Sequence[Stretch], k: int) -> bool:
    nodes = _nodes(chain)
    return all(node.low_m <= nodes[k].high_m for node in nodes[k:])


def _of_another_car(drives: Sequence[Drive], chain: Sequence[Stretch], k: int) -> list[Drive]:
    """The drives around a reading without which the odometer fits, if the car says where it was meanwhile."""
    numbers = sorted({part.n for part in chain[k].parts if not part.is_exact})
    for length in range(1, LONGEST_RUN + 1):
        for first in numbers:
            for since in range(max(first - length + 1, 0), first + 1):
                run = range(since, min(since + length, len(drives)))
                if first in run and _is_elsewhere(drives, chain, run):
                    return [drives[n] for n in run]
    return []


def _is_elsewhere(drives: Sequence[Drive], chain: Sequence[Stretch], run: range) -> bool:
    if any(drives[n].summary.said.is_touched or drives[n].summary.car_id for n in run):
        return False
    before = [node for node in _nodes(chain) if (node.n, node.is_on_way) <= (run[0], False)]
    after = [node for node in _nodes(chain) if (node.n, node.is_on_way) > (run[-1], True)]
    if not before:
        return False
    within = [node for node in _nodes(chain) if (run[0], False) < (node.n, node.is_on_way) <= (run[-1], True)]
    stood = [reading for node in within if node.low_m <= before[-1].high_m for reading in node.readings]
    said_twice = len(stood) > 1 and stood[-1].at - stood[0].at >= STOOD_APART
    if any(node.low_m > before[-1].high_m for node in within):
        return False
    if not after:
        return False
    if not _fits_without(chain, run, before[-1], after[0]):
        return False
    sure = any(
        reading.at - drives[run[-1]].ended_at >= SURE_AFTER
        for node in after
        if node.low_m <= before[-1].high_m
        for reading in node.readings
    ) or any(node.low_m > before[-1].high_m for node in after)
    return sure and (said_twice or _goes_on_there(drives, run, before[-1], after))


def _fits_without(chain: Sequence[Stretch], run: range, before: Node, after: Node) -> bool:
    parts = [part for stretch in chain for part in stretch.parts]
    others = [part for part in parts if before.n <= part.n < max(after.n, run[-1] + 1) and part.n not in run]
    others = [part for part in others if part.since >= before.last_at and part.until <= after.first_at]
    room_m = _room_m(before, after)
    return sum(part.bounds.least for part in others) <= room_m and after.low_m - before.high_m <= sum(
        part.bounds.slack for part in others
    )


def _goes_on_there(drives: Sequence[Drive], run: range, before: Node, after: Sequence[Node]) -> bool:
    """Whether the car is, or drives on, where it stood, and not where the drives ended."""
    stood = before.position or (end_of(drives[run[0] - 1]) if run[0] else None)
    ended = end_of(drives[run[-1]])
    following = begin_of(drives[run[-1] + 1]) if run[-1] + 1 < len(drives) else None
    here = after[0].position or following
    if stood is None or here is None:
        return False
    is_round = ended is not None and apart_m(stood, ended) <= SAME_PLACE_M
    return apart_m(stood, here) <= SAME_PLACE_M and not is_round


__all__ = ["STOOD_M", "Sorted", "sorted_out"]
