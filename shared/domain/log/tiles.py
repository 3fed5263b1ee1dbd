"""Lays tiles along the odometer of a car, from its first reading to its last: what each drive has, and what nobody has.

They follow each other without hole or overlap, whatever the facts are; the rows of the book are made of them.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from shared.domain.log.chain import Node, Part, Stretch, begin_of, end_of, nodes_of, stood_at, sure_m
from shared.domain.log.evidence import NOTHING, Bounds, apart_m, bounds, seen
from shared.domain.log.sharing import BEST, is_within_a_drive, placed, shared
from shared.domain.log.summary import Drive
from shared.domain.log.trip import Known
from shared.domain.place.geo import Position
from shared.domain.thresholds import LEAST_TRIP_M, STRAIGHT_BEST, UNSEEN_M

SLACK = 3  # the level of bounds that a late phone may have


class Tile(NamedTuple):
    """A piece of the odometer, in metres: of drive `n` of the chain, or where that is None of nobody.

    It lies between two readings, or `is_before` the first or `is_behind` the last of them.
    """

    n: int | None
    from_m: int
    to_m: int
    since: datetime
    until: datetime
    from_known: Known = "estimated"
    to_known: Known = "estimated"
    is_before: bool = False
    is_behind: bool = False


class Hole(NamedTuple):
    """Where somebody may have driven of whom nothing is known, since one drive or reading and until another one.

    Where the next drive begins elsewhere than the car stood, that was at least so far.
    """

    since: datetime
    until: datetime
    bounds: Bounds
    gives_way: bool = False


def tiled(drives: Sequence[Drive], chain: Sequence[Stretch]) -> list[Tile]:
    """The tiles of the drives of a chain, by the odometer; none where nothing was read."""
    at_m = placed(chain)
    return list(_Tiling(drives, chain, at_m).tiles()) if at_m else []


def says_how_far(drive: Drive) -> bool:
    """Whether anything but the time says how far a drive went."""
    found = seen(drive.summary.marks, drive.began_at, drive.ended_at)
    return sure_m(drive) is not None or found.is_located or found.dense_m > 0


class _Tiling:
    """Lays the tiles of one chain; `at_m` is where the odometer stood at its nodes."""

    def __init__(self, drives: Sequence[Drive], chain: Sequence[Stretch], at_m: Sequence[int]) -> None:
        self._drives, self._chain, self._at_m = drives, chain, at_m
        self._places: dict[int, list[int]] = {}
        for k, stretch in enumerate(chain):
            for n in {part.n for part in stretch.parts}:
                self._places.setdefault(n, []).append(k)

    def tiles(self) -> Iterator[Tile]:
        """All of them."""
        yield from self._before()
        for k in range(1, len(self._chain) - 1):
            yield from self._between(k)
        yield from self._behind()

    # --- between two readings

    def _between(self, k: int) -> Iterator[Tile]:
        stretch, left_m, right_m = self._chain[k], self._at_m[k - 1], self._at_m[k]
        pieces = self._fitting(list(self._pieces(k)), right_m - left_m)
        most = BEST if any(_is_break(piece) for piece in pieces) else SLACK
        share = shared(pieces, right_m - left_m, most, is_within=is_within_a_drive(stretch))
        got_m = list(share.got_m)
        if share.rest_m > 0:
            got_m[max(range(len(pieces)), key=lambda n: _takes_rest(pieces[n]))] += share.rest_m
        yield from _laid(stretch, pieces, got_m, left_m)

    def _fitting(self, pieces: list[Part | Hole], room_m: int) -> list[Part | Hole]:
        """The pieces, without what the odometer has no room for: a break, and a drive that its driver deleted."""
        if _least(pieces) > room_m:
            pieces = [piece._replace(bounds=NOTHING) if isinstance(piece, Hole) else piece for piece in pieces]
        if _least(pieces) > room_m:
            pieces = [piece._replace(bounds=NOTHING) if self._is_deleted(piece) else piece for piece in pieces]
        return pieces

    def _is_deleted(self, piece: Part | Hole) -> bool:
        return isinstance(piece, Part) and self._drives[piece.n].summary.said.is_deleted

    def _pieces(self, k: int) -> Iterator[Part | Hole]:
        """The parts of a stretch, and the holes before, between and after its drives."""
        stretch = self._chain[k]
        left, right, parts = stretch.left, stretch.right, stretch.parts
        assert left is not None and right is not None
        stood, since = stood_at(self._drives, self._chain, left), left.last_at
        for part in parts:
            drive = self._drives[part.n]
            if part is not parts[0] or left.is_stand:
                is_one = drive.began_at == since and part is not parts[0]
                yield Hole(since, since, NOTHING) if is_one else _hole(since, drive.began_at, stood, begin_of(drive))
            yield self._narrowed(part, k)
            stood, since = end_of(drive), max(since, drive.ended_at)
        if right.is_stand:
            yield _hole(since, right.first_at, stood if parts else None, self._stands_at(right))

    def _stands_at(self, right: Node) -> Position | None:
        return right.position or (begin_of(self._drives[right.n]) if right.n < len(self._drives) else None)

    def _narrowed(self, part: Part, k: int) -> Part:
        """A part with what the whole of its drive says of it, where the odometer says how far all other parts went."""
        drive, places = self._drives[part.n], self._places[part.n]
        if len({other.n for other in self._chain[k].parts}) < 2 or len(places) < 2 or part.gives_way:
            return part
        found = seen(drive.summary.marks, drive.began_at, drive.ended_at)
        is_coarse = any(node.high_m - node.low_m >= LEAST_TRIP_M for node in nodes_of(self._chain))
        if (found.dense_m and is_coarse) or not all(self._has_all(part.n, other) for other in places if other != k):
            return part
        rest_m = sum(self._at_m[other] - self._at_m[other - 1] for other in places if other != k)
        least, best, most = (max(0.0, m - rest_m) for m in bounds(found)[:SLACK])
        best = min(max(best, least), max(min(most, part.bounds.most), least))
        most = max(min(most, part.bounds.most), best)
        return part._replace(bounds=Bounds(least, best, most, most + UNSEEN_M))

    def _has_all(self, n: int, k: int) -> bool:
        stretch = self._chain[k]
        return bool(stretch.left and stretch.right) and {part.n for part in stretch.parts} == {n}

    # --- before the first reading, and behind the last one

    def _before(self) -> Iterator[Tile]:
        """What the drives before the first reading went by what is known of them: the odometer says nothing of it."""
        first, to_m, made = self._chain[0], self._at_m[0], list[Tile]()
        known: Known = first.right.known if first.right else "estimated"
        for part in reversed(first.parts):
            if not self._is_deleted(part):
                from_m = to_m - self._guess(part)
                made.append(Tile(part.n, from_m, to_m, part.since, part.until, to_known=known, is_before=True))
                to_m, known = from_m, "estimated"
        yield from reversed(made)

    def _behind(self) -> Iterator[Tile]:
        """What the drives behind the last reading went, until the car says it."""
        last, from_m = self._chain[-1], self._at_m[-1]
        known: Known = last.left.known if last.left else "estimated"
        for part in last.parts:
            if not self._is_deleted(part):
                to_m = from_m + self._guess(part)
                yield Tile(part.n, from_m, to_m, part.since, part.until, from_known=known, is_behind=True)
                from_m, known = to_m, "estimated"

    def _guess(self, part: Part) -> int:
        """How far a part went that no two readings have between them: what is left of its drive, as far as that is
        known, for the times of trail and readings are not quite the same."""
        drive = self._drives[part.n]
        if not says_how_far(drive):
            return 0
        others = [k for k in self._places[part.n] if self._has_all(part.n, k)]
        found = seen(drive.summary.marks, drive.began_at, drive.ended_at)
        if sure_m(drive) is not None or not found.dense_m or len(others) != len(self._places[part.n]) - 1:
            return round(part.bounds.best)
        return max(round(bounds(found).best) - sum(self._at_m[k] - self._at_m[k - 1] for k in others), 0)


def _hole(since: datetime, until: datetime, stood: Position | None, then: Position | None) -> Hole:
    """A break that a phone's lateness explains is none."""
    straight_m = apart_m(stood, then)
    best_m = STRAIGHT_BEST * straight_m
    is_break = straight_m > UNSEEN_M
    return Hole(since, max(since, until), Bounds(straight_m, best_m, best_m, best_m) if is_break else NOTHING)


def _is_break(piece: Part | Hole) -> bool:
    return isinstance(piece, Hole) and piece.bounds.least > 0


def _takes_rest(piece: Part | Hole) -> tuple[bool, float, timedelta]:
    """What is left over lies where the way is broken, else where nobody watched for longest; never in a drive."""
    return isinstance(piece, Hole), piece.bounds.least if isinstance(piece, Hole) else 0.0, piece.until - piece.since


def _least(pieces: Sequence[Part | Hole]) -> float:
    return sum(piece.bounds.least for piece in pieces)


def _laid(stretch: Stretch, pieces: Sequence[Part | Hole], got_m: Sequence[float], left_m: int) -> list[Tile]:
    """The tiles of a stretch, one after another; where it begins and ends the odometer is known."""
    ends, at_m = [left_m], float(left_m)
    for m in got_m:
        at_m += m
        ends.append(round(at_m))
    tiles = [
        Tile(piece.n if isinstance(piece, Part) else None, from_m, to_m, piece.since, piece.until)
        for piece, (from_m, to_m) in zip(pieces, pairwise(ends), strict=True)
        if isinstance(piece, Part) or to_m > from_m
    ]
    if tiles and stretch.left and stretch.right:
        tiles[0] = tiles[0]._replace(from_known=stretch.left.known)
        tiles[-1] = tiles[-1]._replace(to_known=stretch.right.known)
    return tiles
