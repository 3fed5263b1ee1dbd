"""Owns how the odometer between its readings is shared out: to the drives by their evidence, and the rest to gaps.

Where the odometer stood at each reading is chosen first: the value itself, moved within its resolution only as far as
the drives beside it ask. Then what lies between two readings is shared at one number for the whole stretch.
"""

from collections.abc import Sequence
from typing import NamedTuple

from shared.domain.log.chain import Part, Stretch

INFINITE = float("inf")


class Share(NamedTuple):
    """How many metres each part of a stretch got, and how many are left for gaps; below 0 they are too few."""

    parts_m: tuple[float, ...]
    rest_m: float


def allowed(stretch: Stretch) -> tuple[float, float]:
    """How many metres the drives of a stretch need at least, and how many they can take at most."""
    least = sum(part.bounds.least for part in stretch.parts)
    return least, INFINITE if is_within_a_drive(stretch) else sum(part.bounds.slack for part in stretch.parts)


def is_within_a_drive(stretch: Stretch) -> bool:
    """Whether both its readings are on the way of one drive: nobody else drove meanwhile."""
    left, right = stretch.left, stretch.right
    return bool(left and right and left.is_on_way and right.is_on_way and left.n == right.n)


def placed(stretches: Sequence[Stretch], start_m: float | None = None) -> list[float]:
    """Where the odometer stood at each node, in metres. With `start_m` that of the first one is known exactly."""
    inner = [stretch for stretch in stretches if stretch.left and stretch.right]
    nodes = [stretch.right for stretch in stretches if stretch.right]
    if not nodes:
        return []
    windows = [(float(node.low_m), float(node.high_m)) for node in nodes]
    if start_m is not None:
        windows[0] = (start_m, start_m)
    for k in range(len(nodes) - 2, -1, -1):
        least, most = allowed(inner[k])
        low, high = max(windows[k][0], windows[k + 1][0] - most), min(windows[k][1], windows[k + 1][1] - least)
        windows[k] = (low, high) if low <= high else windows[k]
    found = [_clamp(float(nodes[0].low_m), *windows[0])]
    for k, node in enumerate(nodes[1:]):
        least, most = allowed(inner[k])
        low, high = max(windows[k + 1][0], found[k] + least), min(windows[k + 1][1], found[k] + most)
        at_m = _clamp(float(node.low_m), low, high) if low <= high else _clamp(low, *windows[k + 1])
        found.append(max(at_m, found[k]))
    return found


def shared(parts: Sequence[Part], room_m: float, is_within: bool = False) -> Share:
    """What each part gets of so many metres: all of them lie at one point of the line from least over best to most.

    Beyond the most of all, each has its best and the rest is nobody's. Below the least of all, what its driver typed is
    served first, and the others have what is left.
    """
    sums = [sum(part.bounds[level] for part in parts) for level in range(4)]
    if not parts or (room_m > sums[3] and not is_within):
        return Share(tuple(part.bounds.best for part in parts), room_m - sums[1])
    if room_m > sums[3]:
        return Share(_scaled(parts, room_m, sums), 0.0)
    if room_m < sums[0]:
        return Share(_too_few(parts, room_m), room_m - sums[0])
    level = next(n for n in range(3) if room_m <= sums[n + 1])
    span = sums[level + 1] - sums[level]
    share = (room_m - sums[level]) / span if span else 0.0
    return Share(
        tuple(p.bounds[level] + share * (p.bounds[level + 1] - p.bounds[level]) for p in parts),
        0.0,
    )


def _scaled(parts: Sequence[Part], room_m: float, sums: Sequence[float]) -> tuple[float, ...]:
    if not sums[3]:
        return tuple(room_m / len(parts) for _ in parts)
    return tuple(part.bounds.slack * room_m / sums[3] for part in parts)


def _too_few(parts: Sequence[Part], room_m: float) -> tuple[float, ...]:
    typed = sum(part.bounds.least for part in parts if part.is_exact)
    others = sum(part.bounds.least for part in parts if not part.is_exact)
    for_others = min(others, room_m) if others else 0.0
    for_typed = room_m - for_others
    ratios = {True: for_typed / typed if typed else 0.0, False: for_others / others if others else 0.0}
    return tuple(part.bounds.least * ratios[part.is_exact] for part in parts)


def _clamp(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
