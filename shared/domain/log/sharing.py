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


class _Way(NamedTuple):
    """How many metres the drives between two readings need at least, and can take at most. `firm_least` is without
    what is only said: where that has no room, it moves no reading."""

    least: float
    firm_least: float
    most: float


def placed(stretches: Sequence[Stretch]) -> list[int]:
    """Where the odometer stood at each node, in metres."""
    nodes = nodes_of(stretches)
    ways = [_way(stretch) for stretch in stretches if stretch.left and stretch.right]
    windows, found = _windows(nodes, ways), list[int]()
    for k, (node, window) in enumerate(zip(nodes, windows, strict=True)):
        within = _reached(found[-1], ways[k - 1], window) if found else window
        found.append(max(round(_clamp(node.low_m, *within)), *found[-1:], 0))
    return found


def firm(stretches: Sequence[Stretch], at_m: Sequence[int]) -> list[bool]:
    """Of each node whether it stays where it was placed, wherever within its resolution the next one comes to be placed
    by what follows. The last one does not: nobody knows yet what follows it."""
    nodes, ways = nodes_of(stretches), [_way(stretch) for stretch in stretches if stretch.left and stretch.right]
    fits = (
        following.high_m - way.most <= m <= following.low_m - way.least
        for m, following, way in zip(at_m, nodes[1:], ways, strict=False)
    )
    return [*fits, False][: len(nodes)]


def _way(stretch: Stretch) -> _Way:
    parts = stretch.parts
    least, firm = (sum(one.bounds.least for one in of) for of in (parts, [one for one in parts if not one.gives_way]))
    most = INFINITE if is_within_a_drive(stretch) else sum(part.bounds.slack for part in parts)
    return _Way(least, firm, most)


def _windows(nodes: Sequence[Node], ways: Sequence[_Way]) -> list[tuple[float, float]]:
    """Where it may have stood so that all that follows fits, as long as anything does."""
    windows = [(float(node.low_m), float(node.high_m)) for node in nodes]
    for k in range(len(nodes) - 2, -1, -1):
        own, following, way = windows[k], windows[k + 1], ways[k]
        for least in (way.least, way.firm_least):
            low, high = max(own[0], following[0] - way.most), min(own[1], following[1] - least)
            if low <= high:
                windows[k] = (low, high)
                break
    return windows


def _reached(at_m: float, way: _Way, window: tuple[float, float]) -> tuple[float, float]:
    """The part of a window that a car came to from there; where it came to none, the end that is nearest."""
    for least in (way.least, way.firm_least):
        low, high = max(window[0], at_m + least), min(window[1], at_m + way.most)
        if low <= high:
            return low, high
    nearest = _clamp(at_m + way.firm_least, *window)
    return nearest, nearest


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
