"""The book of a car: folds its drives and its believed readings into rows that tile the odometer. Pure.

Whatever order the facts came in, the same facts give the same rows.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from shared.domain.car.belief import believed, sort_key
from shared.domain.car.odometer import Reading
from shared.domain.log.chain import Node, Part, Stretch, begin_of, chained, end_of, exact_m, is_exact
from shared.domain.log.elsewhere import sorted_out
from shared.domain.log.evidence import Bounds, Seen, apart_m, bounds, seen
from shared.domain.log.sharing import is_within_a_drive, placed, shared
from shared.domain.log.summary import Drive
from shared.domain.log.trip import DistanceSource, Flag, Known
from shared.domain.place.geo import Position
from shared.domain.thresholds import STOOD_M, UNSEEN_M

LEAST_TRIP_M = 100
SURE_OF_STANDING = timedelta(minutes=10)


class TripOutline(NamedTuple):
    """What a trip has by odometer and evidence. Metres; `from_m` and `to_m` are None where no odometer is known."""

    drive: Drive
    car_id: str | None
    from_m: int | None
    to_m: int | None
    from_known: Known | None
    to_known: Known | None
    shown_m: int
    source: DistanceSource
    flags: tuple[Flag, ...]
    begin: Position | None
    end: Position | None


class GapOutline(NamedTuple):
    """A stretch of the odometer that no drive has, in metres, and when it was driven at the earliest and the latest."""

    from_m: int
    to_m: int
    since: datetime
    until: datetime
    series: int = 0


class OpenOutline(NamedTuple):
    """What lies behind the last drive that is over."""

    from_m: int
    to_m: int
    since: datetime
    until: datetime


class Book(NamedTuple):
    """The rows of a car by time, what is open behind them, and the readings that are not believed."""

    trips: tuple[TripOutline, ...]
    gaps: tuple[GapOutline, ...]
    open: OpenOutline | None
    elsewhere: tuple[Drive, ...] = ()
    doubted: tuple[Reading, ...] = ()
    old: tuple[Reading, ...] = ()
    series: int = 0


class Start(NamedTuple):
    """Where a book begins: what the odometer showed, in metres, and since when."""

    at: datetime
    m: int


def folded(car_id: str, drives: Sequence[Drive], readings: Sequence[Reading], start: Start | None = None) -> Book:
    """The book of a car. `drives` are its own by begin; readings in any order, believed or not."""
    said = [reading for drive in drives for reading in _typed(drive)]
    belief = believed([*readings, *said])
    books = list[Book]()
    rest = [*drives]
    for n, series in enumerate(belief.series):
        until = belief.series[n + 1][0].at if n + 1 < len(belief.series) else None
        own = [drive for drive in rest if until is None or drive.began_at < until]
        rest = rest[len(own) :]
        since = books[-1].trips[-1].drive.ended_at if books and books[-1].trips else None
        kept = [reading for reading in series if since is None or reading.at >= since]
        books.append(_of_series(car_id, own, kept, start if n == 0 else None, n))
    if not belief.series:
        books.append(_of_series(car_id, rest, [], start, 0))
    return Book(
        tuple(trip for book in books for trip in book.trips),
        tuple(gap for book in books for gap in book.gaps),
        books[-1].open,
        tuple(drive for book in books for drive in book.elsewhere),
        belief.doubted,
        tuple(reading for book in books for reading in book.old),
        len(books) - 1,
    )


def outlined_alone(drive: Drive) -> TripOutline | None:
    """The trip of a drive in no car of the driver's: by what the phone saw. None where it saw that nothing moved."""
    found = seen(drive.summary.marks, drive.began_at, drive.ended_at)
    says = found.is_located or found.dense_m > 0 or is_exact(drive)
    still = found.dense_m > 0 and not found.sparse_s and found.trail_m < STOOD_M
    if still and not drive.summary.said.is_touched:
        return None
    got_m = round(bounds(found).best) if says else 0
    flags: dict[Flag, bool] = {
        "distance_unknown": not says,
        "car_unsure": drive.is_car_unsure,
        "car_unknown": drive.summary.is_stray,
    }
    return TripOutline(
        drive,
        None,
        None,
        None,
        None,
        None,
        exact_m(drive) if is_exact(drive) else got_m,
        "manual" if is_exact(drive) else "gps",
        tuple(name for name, holds in flags.items() if holds),
        begin_of(drive),
        end_of(drive),
    )


def _typed(drive: Drive) -> list[Reading]:
    said = drive.summary.said
    if said.is_deleted:
        return []
    ends = ((said.from_m, drive.began_at), (said.to_m, drive.ended_at))
    return [Reading(at, m / 1000, source="typed") for m, at in ends if m is not None]


def _of_series(
    car_id: str, drives: Sequence[Drive], readings: Sequence[Reading], start: Start | None, series: int
) -> Book:
    found = sorted_out([drive for drive in drives if not drive.summary.said.is_deleted], readings)
    kept = [reading for reading in readings if reading not in found.old]
    chain = chained(found.drives, kept)
    rows = _Rows(car_id, found.drives, chain, start, series)
    rows.lay()
    return Book(tuple(rows.trips()), tuple(rows.gaps), rows.open, tuple(found.elsewhere), (), tuple(found.old))


def _without_slack(part: Part) -> Part:
    return part._replace(bounds=part.bounds._replace(slack=part.bounds.most))


class _Rows:
    """Lays the rows of one series along its odometer."""

    def __init__(
        self, car_id: str, drives: Sequence[Drive], chain: Sequence[Stretch], start: Start | None, series: int
    ) -> None:
        self._car_id, self._drives, self._chain, self._series = car_id, drives, chain, series
        self._at_m = placed(chain)
        self._got = [0.0] * len(drives)
        self._from: dict[int, tuple[float, Known]] = {}
        self._to: dict[int, tuple[float, Known]] = {}
        self._is_tail = set[int]()
        self._is_head = set[int]()
        self._tight = set[int]()
        self._start = start
        self.gaps: list[GapOutline] = []
        self.open: OpenOutline | None = None

    def lay(self) -> None:
        """Shares out every stretch between two nodes, then what lies before the first and after the last."""
        if not self._at_m:
            return
        for k, stretch in enumerate(self._chain):
            if stretch.left and stretch.right:
                self._between(stretch, self._at_m[k - 1], self._at_m[k])
        self._before_all()
        self._after_all()

    # --- between two readings

    def _between(self, stretch: Stretch, left_m: float, right_m: float) -> None:
        room_m = right_m - left_m
        stretch = self._with_rests(stretch)
        breaks = self._breaks(stretch)
        reserved = sum(m for _, m in breaks)
        least = sum(part.bounds.least for part in stretch.parts)
        if breaks and room_m < least + reserved:
            breaks, reserved = [], 0.0
        if breaks:
            # Somebody else drove, so what is left over is theirs and no lateness of the phone.
            stretch = stretch._replace(parts=tuple(map(_without_slack, stretch.parts)))
        share = shared(stretch.parts, room_m - reserved, is_within_a_drive(stretch))
        if share.rest_m < -1:
            self._tight |= {part.n for part in stretch.parts}
        gaps = dict(breaks)
        if share.rest_m > 0:
            place = max(gaps, key=lambda n: gaps[n]) if gaps else self._unwatched(stretch)
            gaps[place] = gaps.get(place, 0.0) + share.rest_m
        self._walk(stretch, share.parts_m, gaps, left_m)

    def _with_rests(self, stretch: Stretch) -> Stretch:
        """With what the whole of a drive says of its part here, where the odometer says how far its other parts went."""
        if len({part.n for part in stretch.parts}) < 2:
            return stretch
        return stretch._replace(parts=tuple(map(self._with_rest, stretch.parts)))

    def _with_rest(self, part: Part) -> Part:
        drive = self._drives[part.n]
        found = self._seen(drive)
        if found.dense_m or part.is_exact:
            return part
        others = [(k, one) for k, one in enumerate(self._chain) if any(other.n == part.n for other in one.parts)]
        known = [k for k, one in others if one.left and one.right and {other.n for other in one.parts} == {part.n}]
        if len(known) != len(others) - 1 or not known:
            return part
        rest_m = sum(self._at_m[k] - self._at_m[k - 1] for k in known)
        whole = bounds(found)
        low, best, most = (max(0.0, m - rest_m) for m in whole[:3])
        most = min(most, part.bounds.most)
        best = min(max(best, low), max(most, low))
        return part._replace(bounds=Bounds(low, best, max(most, best), max(most, best) + UNSEEN_M))

    def _walk(self, stretch: Stretch, parts_m: Sequence[float], gaps: dict[int, float], at_m: float) -> None:
        """Puts the boundaries of drives and gaps: gaps by the number of the drive after them."""
        left = stretch.left
        known: Known = self._known(left)
        fresh = left is not None and not left.is_on_way
        for part, got_m in zip(stretch.parts, parts_m, strict=True):
            is_begin = part.n not in self._from
            if is_begin:
                gap_m = gaps.pop(part.n, 0.0)
                if gap_m > 0:
                    self._gap(at_m, at_m + gap_m, stretch, part.n)
                    at_m += gap_m
                is_read = fresh and gap_m <= 0
                self._from[part.n] = (at_m, known if is_read else "estimated")
            fresh = False
            at_m += got_m
            self._got[part.n] += got_m
            self._to[part.n] = (at_m, "estimated")
        last = stretch.parts[-1].n if stretch.parts else None
        rest = sum(gaps.values())
        if rest > 0.5:
            self._gap(at_m, at_m + rest, stretch, (last + 1) if last is not None else self._next(stretch))
        elif last is not None and stretch.right is not None and not stretch.right.is_on_way:
            self._to[last] = (at_m, self._known(stretch.right))

    @staticmethod
    def _next(stretch: Stretch) -> int:
        return stretch.right.n if stretch.right else 0

    @staticmethod
    def _known(node: Node | None) -> Known:
        if node is None or node.is_on_way:
            return "estimated"
        return "typed" if node.is_typed else "read"

    def _gap(self, from_m: float, to_m: float, stretch: Stretch, before: int) -> None:
        moments = [moment for moment in (self._since(stretch, before),) if moment]
        since = moments[0]
        until = self._until(stretch, before)
        gap = GapOutline(round(from_m), round(to_m), since, max(since, until), self._series)
        if gap.to_m > gap.from_m:
            self.gaps.append(gap)

    def _since(self, stretch: Stretch, before: int) -> datetime:
        ended = self._drives[before - 1].ended_at if before else None
        left = stretch.left.last_at if stretch.left else None
        return max(moment for moment in (ended, left) if moment)

    def _until(self, stretch: Stretch, before: int) -> datetime:
        begun = self._drives[before].began_at if before < len(self._drives) else None
        right = stretch.right.first_at if stretch.right else None
        return min(moment for moment in (begun, right) if moment)

    def _breaks(self, stretch: Stretch) -> list[tuple[int, float]]:
        """Where a drive begins elsewhere than the car stood: the number of the drive, and the straight line."""
        found = list[tuple[int, float]]()
        left, right = stretch.left, stretch.right
        stood = self._stood_at(left)
        begun = {part.n for part in stretch.parts if part.since <= self._drives[part.n].began_at}
        for n in sorted({part.n for part in stretch.parts}):
            drive = self._drives[n]
            begin = begin_of(drive)
            if n in begun:
                apart = apart_m(stood, begin)
                if apart > UNSEEN_M:
                    found.append((n, apart))
            stood = end_of(drive)
        if right is not None and not right.is_on_way and stretch.parts:
            here = right.position or (begin_of(self._drives[right.n]) if right.n < len(self._drives) else None)
            apart = apart_m(stood, here)
            if apart > UNSEEN_M:
                found.append((right.n, apart))
        return found

    def _stood_at(self, node: Node | None) -> Position | None:
        if node is None:
            return None
        if node.position:
            return node.position
        return end_of(self._drives[node.n - 1]) if not node.is_on_way and node.n else None

    def _unwatched(self, stretch: Stretch) -> int:
        """The number of the drive before which nobody watched for longest."""
        left, right = stretch.left, stretch.right
        assert left is not None and right is not None
        if not stretch.parts:
            return right.n
        times = list[tuple[timedelta, int]]()
        for part in stretch.parts:
            drive = self._drives[part.n]
            if part.since <= drive.began_at:
                since = max([left.last_at, *([self._drives[part.n - 1].ended_at] if part.n else [])])
                times.append((drive.began_at - since, -part.n))
        last = stretch.parts[-1].n
        if not right.is_on_way:
            times.append((right.first_at - max(self._drives[last].ended_at, left.last_at), -(last + 1)))
        return -max(times)[1] if times else last + 1

    # --- before the first reading, and after the last one

    def _before_all(self) -> None:
        first = self._chain[0]
        at_m = self._at_m[0]
        if first.right is None:
            return
        known = self._known(first.right)
        for part in reversed(first.parts):
            got_m = part.bounds.best if self._says(part) else 0.0
            is_last_part = part.n not in self._to
            if is_last_part:
                self._to[part.n] = (at_m, known if part is first.parts[-1] else "estimated")
            at_m -= got_m
            self._got[part.n] += got_m
            self._from[part.n] = (at_m, "estimated")
            self._is_head.add(part.n)

    def _after_all(self) -> None:
        last = self._chain[-1]
        if last.left is None:
            return
        at_m, known = self._at_m[-1], self._known(last.left)
        for part in last.parts:
            got_m = part.bounds.best if self._says(part) else 0.0
            if part.n not in self._from:
                self._from[part.n] = (at_m, known if part is last.parts[0] and not last.left.is_on_way else "estimated")
            at_m += got_m
            self._got[part.n] += got_m
            self._to[part.n] = (at_m, "estimated")
            self._is_tail.add(part.n)
        if not last.parts:
            self._open_behind()

    def _says(self, part: Part) -> bool:
        """Whether anything but the time says how far a part went."""
        drive = self._drives[part.n]
        found = self._seen(drive)
        return part.is_exact or found.is_located or found.dense_m > 0

    def _open_behind(self) -> None:
        """The gaps behind the last drive are no rows yet: they are open, but for those that are a day old."""
        ends = [drive.ended_at for drive in self._drives]
        last_m = round(max((m for m, _ in self._to.values()), default=self._at_m[0]))
        newest = self._chain[-1].left
        assert newest is not None
        behind = [gap for gap in self.gaps if gap.from_m >= last_m and (not ends or gap.since >= max(ends))]
        fresh = [gap for gap in behind if newest.last_at - gap.until < timedelta(hours=24)]
        self.gaps = [gap for gap in self.gaps if gap not in fresh]
        if fresh:
            self.open = OpenOutline(fresh[0].from_m, fresh[-1].to_m, fresh[0].since, fresh[-1].until)

    # --- trips

    def trips(self) -> list[TripOutline]:
        """The trips, without those that were none."""
        found = [self._trip(n) for n in range(len(self._drives))]
        return [trip for n, trip in enumerate(found) if not self._stood(n, trip)]

    def _seen(self, drive: Drive) -> Seen:
        return seen(drive.summary.marks, drive.began_at, drive.ended_at)

    def _trip(self, n: int) -> TripOutline:
        drive = self._drives[n]
        from_m, from_known = self._from.get(n, (None, None))
        to_m, to_known = self._to.get(n, (None, None))
        found = self._seen(drive)
        got_m = self._got[n] if from_m is not None else bounds(found).best
        says = found.is_located or found.dense_m > 0 or is_exact(drive)
        measured = from_m is not None and n not in self._is_tail and n not in self._is_head
        if not measured and not says:
            got_m = 0.0
        shown_m = exact_m(drive) if is_exact(drive) else round(got_m)
        read = from_known in ("read", "typed") and to_known in ("read", "typed")
        source: DistanceSource = "manual" if is_exact(drive) else "odometer" if read else "gps"
        flags: dict[Flag, bool] = {
            "odometer_pending": n in self._is_tail or from_m is None,
            "distance_unknown": not measured and not says,
            "start_odometer_estimated": from_known == "estimated",
            "end_odometer_estimated": to_known == "estimated" and n not in self._is_tail,
            "car_unsure": drive.is_car_unsure,
            "contradicted": n in self._tight,
        }
        return TripOutline(
            drive,
            self._car_id,
            None if from_m is None else round(from_m),
            None if to_m is None else round(to_m),
            from_known,
            to_known,
            shown_m,
            source,
            tuple(name for name, holds in flags.items() if holds),
            begin_of(drive) or self._inherited(n),
            end_of(drive) or self._car_position(n + 1),
        )

    def _inherited(self, n: int) -> Position | None:
        return self._car_position(n) or (end_of(self._drives[n - 1]) if n else None)

    def _car_position(self, n: int) -> Position | None:
        """Where the car said that it stood before drive n."""
        for stretch in self._chain:
            node = stretch.right
            if node and node.n == n and not node.is_on_way and node.position:
                return node.position
        return None

    def _stood(self, n: int, trip: TripOutline) -> bool:
        """Whether odometer and positions say that the car did not move: then it is no trip."""
        drive = trip.drive
        if drive.summary.said.is_touched or drive.summary.is_by_hand or n in self._is_tail or trip.from_m is None:
            return False
        if n in self._is_head or trip.shown_m >= LEAST_TRIP_M:
            return False
        return self._seen(drive).trail_m < STOOD_M


__all__ = ["Book", "GapOutline", "OpenOutline", "Start", "TripOutline", "folded", "pairwise", "sort_key"]
