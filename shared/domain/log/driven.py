"""The fold of drives: what the phone told and what the cars said become the drives as they were, each with its car.

It follows from the set of the facts. In which order they came to be known is not to be seen here.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import chain, pairwise

from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.log.lasting import refuted, unended
from shared.domain.log.loose_ends import begun, free_km, is_enough, repeats
from shared.domain.log.splitting import changed_car, split
from shared.domain.log.standing import Watched
from shared.domain.log.summary import Drive, Piece, Said, Settled, Summary
from shared.domain.log.which_car import Garage


def driven(
    told: Sequence[Summary],
    readings: Mapping[str, Sequence[Reading]],
    default_car_id: str | None,
    cars: Collection[str],
    settled: Mapping[str, datetime] | None = None,
) -> list[Drive]:
    """The drives of one driver by their begin, those of one car never at the same time.

    `told` is what the phone told, in any order, cut by its own words; `readings` are the believed ones of each car,
    `cars` the ids of the driver's cars, and the log of some is `settled` until a moment. Times are aware UTC. What the
    driver touched keeps the extent that they saw.
    """
    garage = Garage(readings, cars, default_car_id, settled)
    known = sorted(set(told), key=_by_begin)
    fixed = [_as_settled(summary.settled, summary) for summary in known if summary.settled]
    drives = [_as_told(summary) for summary in known if not summary.settled]
    ends = [drive for drive in drives if not drive.summary.begun and not is_fixed(drive)]
    whole = garage.with_cars([drive for drive in drives if drive.summary.begun or is_fixed(drive)])
    parts = _lasting(_apart(whole, garage), garage, ends)
    tiles = _tiled([*fixed, *_with_ends(parts, ends, garage)])
    return sorted((piece for drive in tiles for piece in _pieces(drive)), key=_order)


def is_fixed(drive: Drive) -> bool:
    """Whether its driver said something of a drive: then it is what they saw, and nothing moves or divides it."""
    said = drive.summary.said
    return drive.summary.is_by_hand or said.is_touched or bool(said.began_at or said.ended_at)


def _as_settled(found: Settled, summary: Summary) -> Drive:
    return Drive(
        summary=summary,
        car_id=found.car_id,
        began_at=found.began_at,
        ended_at=found.ended_at,
        ended_estimated=found.is_end_unknown,
        is_car_unsure=found.is_car_unsure,
    )


def _as_told(summary: Summary) -> Drive:
    return Drive(
        summary=summary,
        car_id=summary.named_car_id,
        began_at=summary.since,
        ended_at=summary.until,
    )


def _by_begin(summary: Summary) -> tuple[datetime, datetime, str]:
    return summary.since, summary.until, summary.id


def _order(drive: Drive) -> tuple[datetime, datetime, str, int]:
    return drive.began_at, drive.ended_at, drive.summary.id, drive.part


def _apart(drives: Sequence[Drive], garage: Garage) -> list[Drive]:
    """The drives, those that were two in two. Which car each was in is found out once more, for it may be another."""
    parts = [replace(part, part=n) for drive in drives for n, part in enumerate(_parts(drive, drives, garage))]
    return sorted(garage.with_cars(sorted(parts, key=_order)), key=_order)


def _parts(drive: Drive, drives: Sequence[Drive], garage: Garage) -> list[Drive]:
    if is_fixed(drive):
        return [drive]
    others = [other for other in drives if other is not drive]
    is_one_car = len(garage.cars) < 2 or drive.summary.car_id or drive.summary.is_stray
    parts = [drive] if is_one_car else changed_car(drive, lambda part: garage.with_car(part, others))
    return [piece for part in parts for piece in split(part, garage.of(part.car_id))]


def _pieces(drive: Drive) -> list[Drive]:
    """The drives that a trip was before its driver made one of them, unless they said how far all of it was."""
    said = drive.summary.said
    pieces = [one for one in drive.summary.pieces if one.ended_at > drive.began_at and one.began_at < drive.ended_at]
    if not pieces or said.distance_m is not None:
        return [drive]
    last = len(pieces) - 1
    return [
        replace(
            drive,
            summary=replace(drive.summary, said=_said_of(said, piece, is_first=n == 0, is_last=n == last)),
            part=n,
            began_at=piece.began_at if n else drive.began_at,
            ended_at=piece.ended_at if n < last else drive.ended_at,
            whole=drive,
        )
        for n, piece in enumerate(pieces)
    ]


def _said_of(said: Said, piece: Piece, *, is_first: bool, is_last: bool) -> Said:
    return replace(
        said,
        from_m=said.from_m if is_first else piece.from_m,
        to_m=said.to_m if is_last else piece.to_m,
        distance_m=piece.distance_m,
        kept_m=piece.kept_m,
    )


# --- ends


def _lasting(drives: Sequence[Drive], garage: Garage, ends: Sequence[Drive]) -> list[Drive]:
    """The drives, those longer that went on after the phone's last word of them."""
    made = list[Drive]()
    for n, drive in enumerate(drives):
        next_at = next((one.began_at for one in drives[n + 1 :] if one.began_at > drive.began_at), None)
        is_last = all(one.summary.id != drive.summary.id for one in drives[n + 1 :])
        is_heard = drive.summary.ended if is_last else not drive.ended_estimated
        if is_fixed(drive):
            made.append(drive)
        elif not is_heard:
            made.append(_ended(drive, garage.of(drive.car_id), next_at))
        else:
            made.append(_refuted(drive, garage.of(drive.car_id), next_at, ends) if is_last else drive)
    return made


def _ended(drive: Drive, car: Watched | None, next_at: datetime | None) -> Drive:
    """A drive of which no end was heard, until its car stood."""
    if car is None:
        return replace(drive, ended_estimated=True)
    lasted = unended(drive.ended_at, car, next_at)
    return replace(drive, ended_at=max(lasted.until, drive.ended_at), ended_estimated=lasted.is_estimated)


def _refuted(drive: Drive, car: Watched | None, next_at: datetime | None, ends: Sequence[Drive]) -> Drive:
    """A drive that went on after its end, where its car says so; or until an end heard meanwhile."""
    lasted = refuted(drive.ended_at, car, next_at) if car else None
    if lasted is None or lasted.until <= drive.ended_at:
        return drive
    told = [one.ended_at for one in ends if drive.ended_at < one.ended_at <= lasted.until]
    return replace(drive, ended_at=max(told, default=lasted.until), ended_estimated=lasted.is_estimated and not told)


# --- ends without a start


def _with_ends(drives: Sequence[Drive], ends: Sequence[Drive], garage: Garage) -> list[Drive]:
    """The drives and those of which the end alone was told, as far as it is not the end of another one."""
    made, left = list(drives), [end for end in ends if not repeats(end, drives)]
    for n, end in enumerate(left):
        if repeats(end, made):
            continue
        placed = _in_its_car(end, made, garage)
        of_car = [one for one in made if one.car_id == placed.car_id]
        drive = begun(placed, garage.of(placed.car_id), of_car, left[n + 1 :])
        made += [drive] if drive else []
    return sorted(made, key=_order)


def _in_its_car(end: Drive, made: Sequence[Drive], garage: Garage) -> Drive:
    """An end with its car: the one that has kilometres which no drive has, else as for any drive."""
    placed = garage.with_car(end, made)
    if end.car_id or not placed.car_id:
        return placed
    found = [car for car in garage.open_at(end.began_at) if _has_moved(replace(end, car_id=car), made, garage)]
    return replace(placed, car_id=found[0], is_car_unsure=False) if len(found) == 1 else placed


def _has_moved(end: Drive, made: Sequence[Drive], garage: Garage) -> bool:
    car = garage.of(end.car_id)
    of_car = [one for one in made if one.car_id == end.car_id]
    free = free_km(end, car, of_car) if car else None
    return free is not None and is_enough(free)


# --- one after another


def _tiled(drives: Sequence[Drive]) -> list[Drive]:
    """The drives without any that overlap on one car: what lies inside one that the driver touched belongs to it."""
    made = list[Drive]()
    for car_id in sorted({drive.car_id or "" for drive in drives}):
        of_car = [drive for drive in drives if (drive.car_id or "") == car_id]
        fixed = [drive for drive in of_car if is_fixed(drive) and not drive.summary.said.is_deleted]
        # What a driver says of a trip counts for what they deleted within it as well, but not between its pieces.
        deleted, pieces = [drive for drive in of_car if drive.summary.said.is_deleted], [*map(_pieces, fixed)]
        fixed += [part for drive in deleted if (part := _outside(drive, [*chain.from_iterable(pieces)]))]
        outside = [part for drive in of_car if not is_fixed(drive) and (part := _outside(drive, fixed))]
        made += [*fixed, *_one_by_one(sorted(outside, key=_order))]
    return sorted(made, key=_order)


def _outside(drive: Drive, fixed: Sequence[Drive]) -> Drive | None:
    for other in fixed:
        if drive.began_at >= other.ended_at or drive.ended_at <= other.began_at:
            continue
        before, after = other.began_at - drive.began_at, drive.ended_at - other.ended_at
        if max(before, after).total_seconds() <= 0:
            return None
        drive = (
            replace(drive, ended_at=other.began_at, ended_estimated=True)
            if before >= after
            else replace(drive, began_at=other.ended_at, began_estimated=True)
        )
    return drive


def _one_by_one(drives: Sequence[Drive]) -> list[Drive]:
    """Where one begins before the one before is over, that one ended then."""
    return [
        replace(a, ended_at=b.began_at, ended_estimated=True) if b and a.ended_at > b.began_at else a
        for a, b in pairwise([*drives, None])
        if a
    ]
