"""Owns how the readings of a car and its drives follow each other: what was read in which stand, or on which drive.

A car reports at switch-off, and its phone says "left" some seconds later; phones are late, and clocks wrong. So a
reading within three minutes of a drive's begin or end may stand for it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

from shared.domain.car.belief import sort_key
from shared.domain.car.odometer import SAME_MOMENT, Reading
from shared.domain.log.evidence import Bounds, Seen, apart_m, bounds, exactly, seen
from shared.domain.log.standing import position_of
from shared.domain.log.summary import Drive, Mark
from shared.domain.log.trip import Known
from shared.domain.place.geo import Position
from shared.domain.thresholds import DENSE_FIXES, FAST_KM_H, STOOD_M, STRAIGHT_LESS_M, UNSEEN_M, WORD_SLACK

UNSURE_FOR = DENSE_FIXES / 2
_time_of = attrgetter("at")


class Node(NamedTuple):
    """What an odometer showed: in the stand before drive `n` of the chain, or with `is_on_way` on that drive.

    Equal readings of a stand are one. The odometer stood from `low_m` to below `high_m`.
    """

    n: int
    is_on_way: bool
    readings: tuple[Reading, ...]
    low_m: int
    high_m: int

    @property
    def first_at(self) -> datetime:
        """When it showed that first."""
        return self.readings[0].at

    @property
    def last_at(self) -> datetime:
        """When it showed that last."""
        return self.readings[-1].at

    @property
    def position(self) -> Position | None:
        """Where the car itself said that it was."""
        found = [position for reading in self.readings if (position := position_of(reading))]
        return found[-1] if found else None

    @property
    def is_stand(self) -> bool:
        """Whether the car stood then."""
        return not self.is_on_way

    @property
    def known(self) -> Known:
        """How it is known where a row begins or ends with it."""
        if self.is_on_way:
            return "estimated"
        return "typed" if all(reading.is_word for reading in self.readings) else "read"


class Part(NamedTuple):
    """A part of drive `n` of the chain, and how far it can have gone. It `gives_way` where its driver said how far they
    drove, or that it was no drive."""

    n: int
    since: datetime
    until: datetime
    bounds: Bounds
    gives_way: bool = False


class Stretch(NamedTuple):
    """Parts of drives between two nodes; without the one it begins or ends with what is open."""

    left: Node | None
    right: Node | None
    parts: tuple[Part, ...]


def chained(drives: Sequence[Drive], readings: Sequence[Reading]) -> list[Stretch]:
    """The believed readings of one odometer among the drives of its car, both by time."""
    return list(_stretches(drives, _nodes(drives, sorted(readings, key=sort_key))))


def nodes_of(chain: Sequence[Stretch]) -> list[Node]:
    """What was read, by time."""
    return [stretch.right for stretch in chain if stretch.right]


def is_exact(drive: Drive) -> bool:
    """Whether its driver said how far it went."""
    said = drive.summary.said
    return said.distance_m is not None or (said.from_m is not None and said.to_m is not None)


def exact_m(drive: Drive) -> int:
    """How far a driver said that it went, in metres."""
    said = drive.summary.said
    return said.distance_m if said.distance_m is not None else (said.to_m or 0) - (said.from_m or 0)


def sure_m(drive: Drive) -> int | None:
    """How many metres of the odometer a drive has, whatever was seen of it; None where that is to be found out."""
    kept_m = drive.summary.said.kept_m
    if kept_m is not None:
        return kept_m
    return exact_m(drive) if is_exact(drive) else None


def begin_of(drive: Drive) -> Position | None:
    """Where a drive began, as the phone knew it."""
    mark = _mark(drive, drive.began_at, drive.ended_at)
    return mark.position if mark else None


def end_of(drive: Drive) -> Position | None:
    """Where a drive ended, as the phone knew it."""
    mark = _mark(drive, drive.ended_at, drive.began_at)
    return mark.position if mark else None


def stood_at(drives: Sequence[Drive], chain: Sequence[Stretch], node: Node) -> Position | None:
    """Where a car stood when it was read, as far as it said so, else where its drive before ended, else where it was
    when it was read first."""
    if node.position or node.is_on_way:
        return node.position
    return end_of(drives[node.n - 1]) if node.n else nodes_of(chain)[0].position


def _mark(drive: Drive, moment: datetime, other: datetime) -> Mark | None:
    """Where the phone was at one end of a drive; what is nearer to the other one says nothing of it."""
    marks = drive.summary.marks
    first = bisect_left(marks, moment - WORD_SLACK, key=_time_of)
    near = [mark for mark in marks[first : bisect_right(marks, moment + WORD_SLACK, key=_time_of)] if mark.position]
    near = [mark for mark in near if abs(mark.at - moment) <= abs(mark.at - other)]
    return min(near, key=lambda mark: abs(mark.at - moment), default=None)


def between(drives: Sequence[Drive], left: Node, right: Node) -> Iterator[Part]:
    """The parts of drives between two readings as if there were none between them."""
    for n in range(left.n, min(right.n + right.is_on_way, len(drives))):
        on_way = [node for node in (left, right) if node.is_on_way and node.n == n]
        cuts = _pieces(n, drives[n], on_way)
        pieces = [*cuts]
        since = 1 if left.is_on_way and left.n == n else 0
        until = len(pieces) - 1 if right.is_on_way and right.n == n else len(pieces)
        yield from pieces[since:until]


# --- which reading is where


def _nodes(drives: Sequence[Drive], readings: Sequence[Reading]) -> list[Node]:
    nodes = list[Node]()
    ends = [drive.ended_at + WORD_SLACK for drive in drives]
    for k, reading in enumerate(readings):
        place = _place(drives, ends, readings, k, nodes[-1] if nodes else None)
        if place is None:
            continue
        if nodes and place < nodes[-1][:2]:
            place = nodes[-1][:2]
        node = _node(*place, (reading,))
        if nodes and node.is_stand and nodes[-1][:2] == place and _is_same(nodes[-1].readings[-1], reading):
            nodes[-1] = _node(*place, (*nodes[-1].readings, reading))
        else:
            nodes.append(node)
    return nodes


def _is_same(one: Reading, other: Reading) -> bool:
    """Whether two readings of one stand are the same: who reads a dashboard rounds what the car tells more finely."""
    rounded_km = max(one.resolution_km, other.resolution_km) if one.is_word != other.is_word else 0.0
    return one.km == other.km or abs(one.km - other.km) < rounded_km


def _node(n: int, is_on_way: bool, readings: tuple[Reading, ...]) -> Node:
    # Who reads a dashboard rounds what it shows: where the car told of the same stand, that is what it was.
    told = [reading for reading in readings if not reading.is_word] or readings
    low_m = round(1000 * told[0].km)
    resolution_m = round(1000 * min(reading.resolution_km for reading in readings))
    return Node(n, is_on_way, readings, low_m, low_m + max(resolution_m - 1, 0))


def _place(
    drives: Sequence[Drive], ends: Sequence[datetime], readings: Sequence[Reading], k: int, before: Node | None
) -> tuple[int, bool] | None:
    """In the stand before which drive a reading was measured, or on which one; None where that is not known."""
    reading = readings[k]
    if not reading.is_of_one_moment:
        return _place_of_interval(drives, reading)
    n = _nearer(drives, bisect_left(ends, reading.at), reading.at)
    if n == len(drives) or reading.at < drives[n].began_at - WORD_SLACK:
        return n, False
    drive = drives[n]
    if reading.source in ("typed", "struck"):
        return n + (reading.at - drive.began_at > drive.ended_at - reading.at), False
    is_at_begin, is_at_end = _stands_for(drives, n, readings, k, before)
    if is_at_begin and not _is_cut(drives, n):
        return n, False
    if is_at_end and not _is_cut(drives, n + 1):
        return n + 1, False
    # Of a drive of which its driver said how far it went, nothing that was read on its way says more.
    return (n, True) if sure_m(drive) is None else None


def _is_cut(drives: Sequence[Drive], n: int) -> bool:
    """Whether drive n goes on where its driver divided it: there the car did not stand, and what both have is known."""
    if not 0 < n < len(drives):
        return False
    before, after = drives[n - 1 : n + 1]
    return before.ended_at == after.began_at and not {before.summary.said.kept_m, after.summary.said.kept_m} & {None}


def _nearer(drives: Sequence[Drive], n: int, moment: datetime) -> int:
    """Of two drives that a moment is near to, after the one and before the other, the one that it is nearer to."""
    is_between = n + 1 < len(drives) and moment > drives[n].ended_at
    return n + 1 if is_between and drives[n + 1].began_at - moment < moment - drives[n].ended_at else n


def _place_of_interval(drives: Sequence[Drive], reading: Reading) -> tuple[int, bool] | None:
    """An interval says something of a stand that it lies in. Of what lies around a drive nobody knows more."""
    since = reading.since or reading.at
    for n in range(len(drives) + 1):
        after = n == 0 or since >= drives[n - 1].ended_at - SAME_MOMENT
        before = n == len(drives) or reading.at <= drives[n].began_at + SAME_MOMENT
        if after and before:
            return n, False
    return None


def _stands_for(
    drives: Sequence[Drive], n: int, readings: Sequence[Reading], k: int, before: Node | None
) -> tuple[bool, bool]:
    """Whether a reading near drive n stands for its begin, and whether it stands for its end."""
    drive, reading = drives[n], readings[k]
    is_near_begin = abs(reading.at - drive.began_at) <= WORD_SLACK and not _is_no_stand(drives, n, reading.at)
    is_near_end = abs(reading.at - drive.ended_at) <= WORD_SLACK
    is_same_stand = before is not None and (before.n, before.is_on_way) == (n, False)
    has_risen = is_same_stand and before is not None and _can_be_of(drive, reading, before)
    is_begin = is_near_begin and not _moved(drive, drive.began_at, reading)
    is_begin = is_begin and (not has_risen or (reading.at <= drive.began_at and not _goes_on(drives, n, readings, k)))
    if before is None and is_begin:
        is_begin = not reading.driving or reading.at <= drive.began_at
    is_end = is_near_end and not _rises_later(drives, n, readings, k) and not _moved(drive, drive.ended_at, reading)
    is_end = is_end and not (reading.driving and (reading.at < drive.ended_at or _is_elsewhere(drive, reading)))
    return is_begin, is_end


def _is_no_stand(drives: Sequence[Drive], n: int, moment: datetime) -> bool:
    """Whether a moment lies nearer to the end of a drive than to its begin, before which the car did not stand."""
    drive = drives[n]
    is_nearer = abs(moment - drive.ended_at) < abs(moment - drive.began_at)
    return is_nearer and n > 0 and drives[n - 1].ended_at == drive.began_at


def _can_be_of(drive: Drive, reading: Reading, before: Node) -> bool:
    """Whether what an odometer went on since the stand before may be of a drive: of a car that stands, no more than it
    can have gone since the start."""
    risen_m = round(1000 * reading.km) - before.low_m
    hours = (reading.at - drive.began_at + WORD_SLACK) / timedelta(hours=1)
    return risen_m > 0 and (reading.driving or risen_m <= 1000 * FAST_KM_H * hours)


def _is_elsewhere(drive: Drive, reading: Reading) -> bool:
    """Whether a car is not where its drive ended."""
    return apart_m(position_of(reading), end_of(drive)) > STOOD_M


def _goes_on(drives: Sequence[Drive], n: int, readings: Sequence[Reading], k: int) -> bool:
    """Whether a car that has risen shortly before a start was on its way already: not, if it stood for a while."""
    reading, begin = readings[k], drives[n].began_at
    return (
        reading.driving
        or any(other.km > reading.km and other.at <= begin for other in readings[k + 1 :])
        or not any(other.km == reading.km and other.at < reading.at for other in readings[:k])
    )


def _rises_later(drives: Sequence[Drive], n: int, readings: Sequence[Reading], k: int) -> bool:
    """Whether the car goes on after a reading, before the next drive and not too far to be still this one."""
    until = drives[n + 1].began_at - WORD_SLACK if n + 1 < len(drives) else None
    reading = readings[k]
    following = (other for other in readings[k + 1 :] if until is None or other.at <= until)
    risen = next((other for other in following if other.km > reading.km and not _is_same(reading, other)), None)
    if risen is None:
        return False
    left = bounds(_seen(drives[n], reading.at, max(reading.at, drives[n].ended_at)))
    return reading.driving or 1000 * (risen.km - reading.km) <= left.most + UNSEEN_M


def _moved(drive: Drive, boundary: datetime, reading: Reading) -> bool:
    """Whether something moved between a reading inside a drive and a boundary of it, as positions or fixes tell.

    A phone that speaks each minute does not tell when in that minute it came to stand.
    """
    since, until = min(reading.at, boundary), max(reading.at, boundary)
    if since < drive.began_at or until > drive.ended_at:
        return False
    here = position_of(reading)
    mark = _mark(drive, boundary, drive.began_at if boundary == drive.ended_at else drive.ended_at)
    # Where the phone was before the reading says nothing of what came after it.
    if here and mark and since <= mark.at <= until:
        return apart_m(here, mark.position) > STOOD_M
    seen_since, seen_until = (
        since + UNSURE_FOR * (since == drive.began_at),
        until - UNSURE_FOR * (until == drive.ended_at),
    )
    return seen_since < seen_until and seen(drive.summary.marks, seen_since, seen_until).dense_m > STOOD_M


# --- what lies between


def _stretches(drives: Sequence[Drive], nodes: Sequence[Node]) -> Iterator[Stretch]:
    left, parts = None, list[Part]()
    by_drive: dict[int, list[Node]] = {}
    for node in nodes:
        by_drive.setdefault(node.n, []).append(node)
    for n in range(len(drives) + 1):
        here = by_drive.get(n, [])
        for node in [one for one in here if not one.is_on_way]:
            yield Stretch(left, node, tuple(parts))
            left, parts = node, []
        if n == len(drives):
            break
        on_way = [one for one in here if one.is_on_way]
        pieces = list(_pieces(n, drives[n], on_way))
        for node, piece in zip(on_way, pieces, strict=False):
            parts.append(piece)
            yield Stretch(left, node, tuple(parts))
            left, parts = node, []
        parts.append(pieces[-1])
    yield Stretch(left, None, tuple(parts))


def _pieces(n: int, drive: Drive, on_way: Sequence[Node]) -> Iterator[Part]:
    """The parts of a drive between the readings on its way. The phone's first and last word may be late or early."""
    if (metres := sure_m(drive)) is not None:
        yield Part(n, drive.began_at, drive.ended_at, exactly(metres), drive.summary.said.kept_m is None)
        return
    cuts = [drive.began_at, *(node.first_at for node in on_way), drive.ended_at]
    straight_m = _straight_m(drive, on_way)
    for k, (since, until) in enumerate(pairwise(cuts)):
        is_first, is_last = k == 0, k == len(cuts) - 2
        found = _bounds(drive, since, until, is_first, is_last)
        if straight_m:
            found = Bounds(*(max(straight_m[k] - STRAIGHT_LESS_M, one) for one in found))
        found = found._replace(slack=found.slack + UNSEEN_M) if is_first or is_last else found
        yield Part(n, since, until, found, gives_way=drive.summary.said.is_deleted)


def _straight_m(drive: Drive, on_way: Sequence[Node]) -> list[float]:
    """How far it is at least along where a car was read on its way, and to where its phone was at begin and end.

    A phone's fix stands for a moment up to three minutes from it, and so may their clocks be off: what is nearer to a
    reading may have been on its other side.
    """
    if not on_way:
        return []
    begin, end = _mark(drive, drive.began_at, drive.ended_at), _mark(drive, drive.ended_at, drive.began_at)
    is_before = begin is not None and on_way[0].first_at - begin.at >= 2 * WORD_SLACK
    is_after = end is not None and end.at - on_way[-1].first_at >= 2 * WORD_SLACK
    first, last = begin.position if begin and is_before else None, end.position if end and is_after else None
    places = [first, *(node.position for node in on_way), last]
    return [apart_m(a, b) for a, b in pairwise(places)]


def _bounds(drive: Drive, since: datetime, until: datetime, is_first: bool, is_last: bool) -> Bounds:
    """Those of a part. What a car measured on the way is up to three minutes off by the clock of the phone."""
    usual = bounds(_seen(drive, since, until))
    if is_first and is_last:
        return usual
    surely = (since + (not is_first) * WORD_SLACK, until - (not is_last) * WORD_SLACK)
    at_most = (since - (not is_first) * WORD_SLACK, until + (not is_last) * WORD_SLACK)
    least = bounds(_seen(drive, *surely)).least if surely[0] < surely[1] else 0.0
    most = bounds(_seen(drive, *at_most))
    return Bounds(min(least, usual.best), usual.best, max(most.most, usual.best), max(most.slack, usual.best))


def _seen(drive: Drive, since: datetime, until: datetime) -> Seen:
    inside = [min(max(moment, drive.began_at), drive.ended_at) for moment in (since, until)]
    return seen(drive.summary.marks, inside[0], max(inside))
