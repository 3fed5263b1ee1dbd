"""Owns how the odometer between its readings is shared out: to the drives by their evidence, and the rest to gaps.

Where the odometer stood at each reading is chosen first: the value itself, moved within its resolution only as far as
the drives beside it ask. Then what lies between two readings is shared at one number for the whole stretch.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from shared.domain.log.chain import Node, Stretch, nodes_of
from shared.domain.log.evidence import LEVELS, Bounds

INFINITE = float("inf")
BEST = 1  # the level of bounds that is the best guess


class Sharing(Protocol):
    """What takes part in a stretch. It gives way where a word of the driver is all that says that it was driven."""

    @property
    def bounds(self) -> Bounds:
        """How far it can have gone."""

    @property
    def gives_way(self) -> bool:
        """Whether the others are served first where there are too few kilometres."""


class Share(NamedTuple):
    """How many metres each one got, and how many are left over for nobody."""

    got_m: tuple[float, ...]
    rest_m: float


# --- where the odometer stood


def is_within_a_drive(stretch: Stretch) -> bool:
    """Whether both its readings are on the way of one drive: nobody else drove meanwhile."""
    left, right = stretch.left, stretch.right
    return bool(left and right and left.is_on_way and right.is_on_way and left.n == right.n)


def placed(stretches: Sequence[Stretch]) -> list[int]:
    """Where the odometer stood at each node, in metres."""
    nodes = nodes_of(stretches)
    if not nodes:
        return []
    ways = [_allowed(stretch) for stretch in stretches if stretch.left and stretch.right]
    windows = _windows(nodes, ways)
    found = [round(_clamp(nodes[0].low_m, *windows[0]))]
    for node, (least, most), window in zip(nodes[1:], ways, windows[1:], strict=True):
        low, high = max(window[0], found[-1] + least), min(window[1], found[-1] + most)
        at_m = _clamp(node.low_m, low, high) if low <= high else _clamp(low, *window)
        found.append(max(round(at_m), found[-1]))
    return found


def _allowed(stretch: Stretch) -> tuple[float, float]:
    """How many metres the drives of a stretch need at least, and how many they can take at most."""
    least = sum(part.bounds.least for part in stretch.parts)
    return least, INFINITE if is_within_a_drive(stretch) else sum(part.bounds.slack for part in stretch.parts)


def _windows(nodes: Sequence[Node], ways: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Where it may have stood so that all that follows fits, as long as anything does."""
    windows = [(float(node.low_m), float(node.high_m)) for node in nodes]
    for k in range(len(nodes) - 2, -1, -1):
        (least, most), following = ways[k], windows[k + 1]
        low, high = max(windows[k][0], following[0] - most), min(windows[k][1], following[1] - least)
        windows[k] = (low, high) if low <= high else windows[k]
    return windows


def _clamp(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


# --- what each one gets


def shared(taking: Sequence[Sharing], room_m: float, most: int, *, is_within: bool = False) -> Share:
    """What each one gets of so many metres: all lie at one point of the line from their least over their best up to
    the level `most` of their bounds.

    Beyond that, each has its best and the rest is nobody's, but for what was driven within one drive. Below the least
    of all, what gives way has what is left.
    """
    sums = [sum(one.bounds[level] for one in taking) for level in range(LEVELS)]
    if not taking or (room_m > sums[most] and not is_within):
        return Share(tuple(one.bounds[BEST] for one in taking), room_m - sums[BEST])
    if room_m > sums[most]:
        return Share(_in_proportion([one.bounds[most] for one in taking], room_m), 0.0)
    if room_m < sums[0]:
        return Share(_too_few(taking, room_m), 0.0)
    level = next(n for n in range(most) if room_m <= sums[n + 1])
    span = sums[level + 1] - sums[level]
    t = (room_m - sums[level]) / span if span else 0.0
    return Share(tuple(_at(one.bounds, level, t) for one in taking), 0.0)


def _at(bounds: Bounds, level: int, t: float) -> float:
    return bounds[level] + t * (bounds[level + 1] - bounds[level])


def _too_few(taking: Sequence[Sharing], room_m: float) -> tuple[float, ...]:
    firm_m = min(room_m, sum(one.bounds.least for one in taking if not one.gives_way))
    firm, yielding = (
        iter(_in_proportion([one.bounds.least for one in taking if one.gives_way is gives_way], m))
        for gives_way, m in ((False, firm_m), (True, room_m - firm_m))
    )
    return tuple(next(yielding if one.gives_way else firm) for one in taking)


def _in_proportion(weights: Sequence[float], room_m: float) -> tuple[float, ...]:
    whole = sum(weights)
    return tuple(room_m * weight / whole if whole else room_m / len(weights) for weight in weights)
