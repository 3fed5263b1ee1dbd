"""Owns how a trip that its driver made of several is laid: as these are, and then as one, with what lay between behind.

So no other row changes, and what is known of each of them still counts, whenever it comes to be known.
"""

from collections.abc import Iterable, Iterator, Sequence

from shared.domain.log.outlines import TripOutline
from shared.domain.log.summary import Drive
from shared.domain.log.tiles import Tile
from shared.domain.log.trip import DistanceSource, Flag

# What is so of the begin of the first and of the end of the last.
OF_ENDS: tuple[Flag, ...] = ("start_odometer_estimated", "end_odometer_estimated", "end_unknown")


def gathered(tiles: Sequence[Tile], drives: Sequence[Drive]) -> list[Tile]:
    """The tiles of a chain of drives, those of each trip of several together, and what lay between them behind it."""
    made, of = [*tiles], dict[str, set[int]]()
    for n, drive in enumerate(drives):
        if drive.whole:
            of.setdefault(drive.whole.summary.id, set()).add(n)
    for own in of.values():
        places = [k for k, tile in enumerate(made) if tile.n in own]
        if places:
            since, until = places[0], places[-1] + 1
            made[since:until] = _behind_each_other(made[since:until], own)
    return made


def _behind_each_other(tiles: Sequence[Tile], own: set[int]) -> Iterator[Tile]:
    mine, others = [tile for tile in tiles if tile.n in own], [tile for tile in tiles if tile.n not in own]
    if not others:
        yield from mine
        return
    at_m = tiles[0].from_m
    for tile in (*mine, *others):
        yield tile._replace(
            from_m=at_m,
            to_m=at_m + tile.to_m - tile.from_m,
            from_known=tile.from_known if tile is mine[0] else "estimated",
            to_known=tiles[-1].to_known if tile is others[-1] else "estimated",
        )
        at_m += tile.to_m - tile.from_m


def as_one(trips: Iterable[TripOutline]) -> list[TripOutline]:
    """The trips by time, those that their driver made one as that."""
    found = dict[tuple[str, int], list[TripOutline]]()
    for trip in trips:
        whole = trip.drive.whole
        found.setdefault((trip.drive.summary.id, -1 if whole else trip.drive.part), []).append(trip)
    return [_one(pieces) for pieces in found.values()]


def _one(pieces: Sequence[TripOutline]) -> TripOutline:
    first, last = pieces[0], pieces[-1]
    if first.drive.whole is None:
        return first
    flags = {flag for trip in pieces for flag in trip.flags if flag not in OF_ENDS}
    flags |= {flag for trip, flag in zip((first, last, last), OF_ENDS, strict=True) if trip.has(flag)}
    return first._replace(
        drive=first.drive.whole,
        to_m=last.to_m,
        to_known=last.to_known,
        shown_m=sum(trip.shown_m for trip in pieces),
        source=_source(pieces),
        flags=tuple(sorted(flags)),
        end=last.end,
    )


def _source(pieces: Sequence[TripOutline]) -> DistanceSource:
    """Who says the distance: the driver, if they said it of any; the odometer, if it was read at both ends, or of each;
    else the trail."""
    sources = {trip.source for trip in pieces}
    if "manual" in sources:
        return "manual"
    is_read = {pieces[0].from_known, pieces[-1].to_known} <= {"read", "typed"}
    return "odometer" if is_read or sources == {"odometer"} else "gps"
