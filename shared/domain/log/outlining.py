"""Makes outlines of the rows of a car from the tiles along its odometer: its trips, its gaps, and what is open."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from shared.domain.log.chain import Node, Stretch, begin_of, end_of, exact_m, is_exact, nodes_of, sure_m
from shared.domain.log.evidence import Seen, bounds, seen
from shared.domain.log.outlines import GapOutline, OpenOutline, TripOutline
from shared.domain.log.summary import Drive
from shared.domain.log.tiles import Tile, says_how_far
from shared.domain.log.trip import DistanceSource, Flag
from shared.domain.place.geo import Position
from shared.domain.thresholds import LEAST_DRIVE_M, LEAST_TRIP_M, STOOD_M, SURE_OF_STANDING

OPEN_FOR = timedelta(hours=24)  # what was read later than this after a gap makes it a row


class Sheet(NamedTuple):
    """The drives of a car on one odometer, how they follow its readings, and the tiles that came of it.

    `is_last` where it is the odometer that the car has now.
    """

    car_id: str
    drives: Sequence[Drive]
    chain: Sequence[Stretch]
    tiles: Sequence[Tile]
    series: int = 0
    is_last: bool = True


def outlined_alone(drive: Drive) -> TripOutline | None:
    """The trip of a drive in no car of the driver's: by what the phone saw. None where it saw that nothing moved."""
    found = _seen(drive)
    is_still = found.dense_m > 0 and not found.sparse_s and found.trail_m < STOOD_M
    if is_still and not _is_word(drive):
        return None
    says = says_how_far(drive)
    flags: dict[Flag, bool] = {
        "distance_unknown": not says,
        "end_unknown": _is_end_unknown(drive),
        "car_unsure": drive.is_car_unsure,
        "car_unknown": drive.summary.is_stray,
    }
    shown_m = _shown_m(drive, None, is_contradicted=False)
    source: DistanceSource = "manual" if is_exact(drive) else "gps"
    ends = begin_of(drive), end_of(drive)
    return TripOutline(drive, None, None, None, None, None, shown_m, source, _raised(flags), *ends)


def trips_of(sheet: Sheet) -> list[TripOutline]:
    """The trips by time, without drives that were none, and without those that their driver deleted."""
    made = list[TripOutline]()
    laid = _Laid(sheet)
    for n, drive in enumerate(sheet.drives):
        if not laid.is_no_trip(n):
            before = made[-1] if made and n and made[-1].drive is sheet.drives[n - 1] else None
            made.append(laid.trip(n, drive, before.end if before else None))
    return made


def gaps_of(sheet: Sheet) -> list[GapOutline]:
    """The gaps by the odometer, without what is open."""
    open_from = open_of(sheet)
    gaps = (GapOutline(tile.from_m, tile.to_m, tile.since, tile.until, sheet.series) for tile in _of_nobody(sheet))
    return [gap for gap in gaps if open_from is None or gap.to_m <= open_from.from_m]


def open_of(sheet: Sheet) -> OpenOutline | None:
    """What lies behind the last drive, as long as no reading is a day younger."""
    if not sheet.is_last or not sheet.tiles:
        return None
    newest, behind = nodes_of(sheet.chain)[-1], list[Tile]()
    last_at = sheet.drives[-1].ended_at if sheet.drives else None
    for tile in reversed(sheet.tiles):
        # What lay between the pieces of a trip lies behind it, and was before it was over.
        if last_at and tile.since < last_at:
            break
        if tile.n is not None or newest.last_at - tile.until >= OPEN_FOR:
            break
        behind.append(tile)
    if not behind:
        return None
    return OpenOutline(behind[-1].from_m, behind[0].to_m, behind[-1].since, behind[0].until)


def _of_nobody(sheet: Sheet) -> Iterator[Tile]:
    """The tiles that no trip has: what a drive that was none moved, and a deleted one, is nobody's."""
    laid = _Laid(sheet)
    for tile in sheet.tiles:
        if tile.to_m > tile.from_m and (tile.n is None or laid.is_no_trip(tile.n)):
            yield tile


class _Laid:
    """The tiles of a sheet by their drives, and what was read beside these."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._of: dict[int, list[Tile]] = {}
        for tile in sheet.tiles:
            if tile.n is not None:
                self._of.setdefault(tile.n, []).append(tile)
        self._stands: dict[int, list[Node]] = {}
        for node in nodes_of(sheet.chain):
            if node.is_stand:
                self._stands.setdefault(node.n, []).append(node)
        self._newest_m = max((tile.to_m for tile in sheet.tiles if not tile.is_behind), default=0)

    # --- trips

    def trip(self, n: int, drive: Drive, left_at: Position | None) -> TripOutline:
        """The trip of drive n; `left_at` is where the one before it ended."""
        tiles = self._of.get(n, [])
        first, last = (tiles[0], tiles[-1]) if tiles else (None, None)
        stretch_m = last.to_m - first.from_m if first and last else None
        is_contradicted = _is_contradicted(drive, tiles)
        is_read = first is not None and last is not None and "estimated" not in (first.from_known, last.to_known)
        return TripOutline(
            drive=drive,
            car_id=self._sheet.car_id,
            from_m=first.from_m if first else None,
            to_m=last.to_m if last else None,
            from_known=first.from_known if first else None,
            to_known=last.to_known if last else None,
            shown_m=_shown_m(drive, stretch_m, is_contradicted),
            source="manual" if is_exact(drive) else "odometer" if is_read else "gps",
            flags=_raised(self._flags(n, drive, tiles) | {"contradicted": is_contradicted}),
            begin=begin_of(drive) or self._car_before(n) or left_at,
            end=end_of(drive) or self._car_after(n),
        )

    def _flags(self, n: int, drive: Drive, tiles: Sequence[Tile]) -> dict[Flag, bool]:
        is_open = not tiles or tiles[-1].is_behind
        is_measured = bool(tiles) and not tiles[0].is_before and not is_open
        return {
            "odometer_pending": self._sheet.is_last and (is_open or self._waits(n, drive)),
            "distance_unknown": not says_how_far(drive) and (not is_measured or self._metres(n) == 0),
            "start_odometer_estimated": bool(tiles) and tiles[0].from_known == "estimated",
            "end_odometer_estimated": bool(tiles) and not is_open and tiles[-1].to_known == "estimated",
            "end_unknown": _is_end_unknown(drive),
            "car_unsure": drive.is_car_unsure,
        }

    def _metres(self, n: int) -> int:
        tiles = self._of[n]
        return tiles[-1].to_m - tiles[0].from_m

    def _waits(self, n: int, drive: Drive) -> bool:
        """Whether a drive moved by its trail, or nobody knows whether, and by the odometer did not, as long as that has
        shown nothing newer: it may be late."""
        is_newer = self._newest_m - self._of[n][-1].to_m >= LEAST_TRIP_M
        if sure_m(drive) is not None or self._metres(n) >= LEAST_TRIP_M or is_newer:
            return False
        hidden_m = max((node.high_m - node.low_m for node in self._stands.get(n, [])), default=0)
        return not says_how_far(drive) or _seen(drive).trail_m >= max(STOOD_M, hidden_m)

    # --- what was no trip

    def is_no_trip(self, n: int) -> bool:
        """Whether a driver deleted a drive, or all that is known says that the car stood."""
        drive = self._sheet.drives[n]
        if drive.summary.said.is_deleted:
            return True
        tiles = self._of.get(n, [])
        if _is_word(drive) or not tiles or tiles[0].is_before or tiles[-1].is_behind:
            return False
        if self._metres(n) >= LEAST_TRIP_M:
            return False
        return _seen(drive).trail_m < STOOD_M if says_how_far(drive) else self._stood(n)

    def _stood(self, n: int) -> bool:
        """Whether the odometer alone says for sure that a car stood: before and after, and again a while later."""
        before, after = self._stands.get(n, []), self._stands.get(n + 1, [])
        if not before or not after or before[-1].low_m != after[0].low_m:
            return False
        is_fine = after[0].high_m - after[0].low_m < LEAST_TRIP_M
        return is_fine and after[0].last_at - after[0].first_at >= SURE_OF_STANDING

    # --- where it was

    def _car_before(self, n: int) -> Position | None:
        found = [node.position for node in self._stands.get(n, []) if node.position]
        return found[-1] if found else None

    def _car_after(self, n: int) -> Position | None:
        found = [node.position for node in self._stands.get(n + 1, []) if node.position]
        return found[0] if found else None


def _shown_m(drive: Drive, stretch_m: int | None, is_contradicted: bool) -> int:
    """What its driver said, else what the odometer says; what its trail says where that has no room for it, or nothing
    was read at all."""
    if is_exact(drive):
        return exact_m(drive)
    if stretch_m is None:
        known_m = sure_m(drive)
        return known_m if known_m is not None else round(bounds(_seen(drive)).best) if says_how_far(drive) else 0
    return round(bounds(_seen(drive)).least) if is_contradicted else stretch_m


def _is_contradicted(drive: Drive, tiles: Sequence[Tile]) -> bool:
    """Whether the odometer leaves a drive less than its trail says, or its driver: nothing explains that."""
    if not tiles or tiles[0].is_before or tiles[-1].is_behind:
        return False
    stretch_m = tiles[-1].to_m - tiles[0].from_m
    known_m = exact_m(drive) if is_exact(drive) else sure_m(drive)
    if known_m is not None:
        return known_m - stretch_m >= LEAST_TRIP_M
    found = _seen(drive)
    return found.trail_m >= LEAST_DRIVE_M and bounds(found).least - stretch_m >= LEAST_TRIP_M


def _is_end_unknown(drive: Drive) -> bool:
    """Whether neither the phone told of an end nor the car where it stood: nothing was heard any more."""
    return drive.ended_estimated and not drive.summary.ended


def _is_word(drive: Drive) -> bool:
    return drive.summary.is_by_hand or drive.summary.said.is_touched or is_exact(drive)


def _seen(drive: Drive) -> Seen:
    return seen(drive.summary.marks, drive.began_at, drive.ended_at)


def _raised(flags: dict[Flag, bool]) -> tuple[Flag, ...]:
    return tuple(name for name, holds in flags.items() if holds)
