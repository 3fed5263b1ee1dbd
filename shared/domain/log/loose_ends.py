"""Owns the drives of which the phone told the end alone: it proves that somebody drove until then."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from shared.domain.car.belief import is_drivable
from shared.domain.car.odometer import SAME_KM, Reading
from shared.domain.log.evidence import apart_m, bounds, seen
from shared.domain.log.splitting import where
from shared.domain.log.standing import Watched, has_risen, position_of
from shared.domain.log.summary import Drive
from shared.domain.thresholds import (
    FREE_KM,
    FREE_SHARE,
    LONGEST_WAIT,
    SAME_PLACE_M,
    STOOD_FOR,
    UNSEEN_KM_H,
    WORD_SLACK,
)


class Free(NamedTuple):
    """Kilometres of a car that no drive has, up to an end: driven after `since`; `beside_km` is what drives have."""

    since: datetime
    km: float
    beside_km: float
    is_all: bool


def repeats(end: Drive, drives: Sequence[Drive]) -> bool:
    """Whether an end is that of a drive which is told already."""
    return any(_ends_with(end, drive) for drive in drives)


def _ends_with(end: Drive, drive: Drive) -> bool:
    if not drive.began_at <= end.ended_at <= drive.ended_at + STOOD_FOR:
        return False
    here, there = where(end.summary, end.ended_at), where(drive.summary, drive.ended_at)
    return end.ended_at <= drive.ended_at or apart_m(here, there) <= SAME_PLACE_M


def begun(end: Drive, car: Watched | None, drives: Sequence[Drive], ends: Sequence[Drive]) -> Drive | None:
    """The drive that ended then, begun where the kilometres say that nobody else has; None where there are none.

    `drives` are those of the car, `ends` are later ones of which no begin is known: they share what was driven since.
    As long as the car said nothing since, the drive is of that one moment, and waits.
    """
    free = free_km(end, car, drives) if car else None
    if free is None:
        return replace(end, began_estimated=True)
    if _is_nothing(end, free, drives):
        return None
    after = _after(end, car) if car else None
    sharing = [one for one in ends if after and free.since < one.ended_at < after.at]
    drove = timedelta(hours=max(free.km, 0.0) / (1 + len(sharing)) / UNSEEN_KM_H)
    began_at = min(max(free.since, end.ended_at - drove), end.ended_at)
    return replace(end, began_at=began_at, began_estimated=True)


def free_km(end: Drive, car: Watched, drives: Sequence[Drive]) -> Free | None:
    """What a car went up to an end and in no drive; None as long as it has not said what it shows since."""
    after = _after(end, car)
    if after is None:
        return None
    last = max((one for one in drives if one.ended_at <= end.ended_at), key=_ended_at, default=None)
    before = _stood(end, car, last, after)
    if before is None or not is_drivable(before, after):
        return None
    beside = [one for one in drives if one.ended_at > before.at and one.began_at < after.at]
    beside_km = sum(_has_km(one, before.at, after.at) for one in beside)
    still = [one.at for one in car.within(before.at, end.ended_at) if not has_risen(before, one)]
    since = max([*still[-1:], *([last.ended_at] if last else [])])
    return Free(since, after.km - before.km - beside_km, beside_km, not beside and not _can_hide(before, after))


def is_enough(free: Free) -> bool:
    """Whether there are more kilometres than trails of other drives can be wrong by."""
    return free.km >= max(FREE_KM, FREE_SHARE * free.beside_km)


def _after(end: Drive, car: Watched) -> Reading | None:
    """What the car showed when that drive was over. It may have said so shortly before its phone."""
    near = car.within(end.ended_at - WORD_SLACK, end.ended_at + WORD_SLACK)
    return near[-1] if near else car.since(end.ended_at)


def _stood(end: Drive, car: Watched, last: Drive | None, after: Reading) -> Reading | None:
    """The last reading that shows with what the car stood before it left. If it has come not long ago, it left before
    that: a phone may stay in a car that stands."""
    left_at = last.ended_at - WORD_SLACK if last else None
    readings = [one for one in car.readings if one.at < after.at and one.at <= end.ended_at - WORD_SLACK]
    came = [one for one in readings if end.ended_at - one.at <= LONGEST_WAIT]
    former = [one for one in readings if has_risen(one, after)]
    if former and all(has_risen(former[-1], one) for one in came) and readings[-1] in (*came, former[-1]):
        readings = former
    for n in range(len(readings) - 1, -1, -1):
        one, earlier = readings[n], readings[n - 1] if n else None
        is_first = earlier is None or (left_at is not None and earlier.at < left_at <= one.at)
        is_still = earlier is not None and not has_risen(earlier, one)
        if not one.driving and (is_first or is_still or car.is_parked(one)):
            return one
    return None


def _can_hide(a: Reading, b: Reading) -> bool:
    """Whether a car that shows the same was somewhere else."""
    return apart_m(position_of(a), position_of(b)) > SAME_PLACE_M


def _has_km(drive: Drive, since: datetime, until: datetime) -> float:
    """About how far a drive went between two moments."""
    since, until = max(since, drive.began_at), min(until, drive.ended_at)
    if not drive.summary.marks:
        return UNSEEN_KM_H * ((until - since) / timedelta(hours=1))
    return bounds(seen(drive.summary.marks, since, until)).best / 1000


def _is_nothing(end: Drive, free: Free, drives: Sequence[Drive]) -> bool:
    if free.is_all:
        return free.km <= SAME_KM
    last = max((one for one in drives if one.ended_at <= end.ended_at), key=_ended_at, default=None)
    if last is None:
        return False
    here, there = where(end.summary, end.ended_at), where(last.summary, last.ended_at)
    is_there = apart_m(here, there) <= SAME_PLACE_M
    return is_there and not is_enough(free)


def _ended_at(drive: Drive) -> tuple[datetime, str]:
    return drive.ended_at, drive.summary.id
