"""Owns where one drive of which the phone told was two: the car stood in between, and the phone's end was lost."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from msgspec.structs import replace

from shared.domain.car.odometer import SAME_KM
from shared.domain.log.evidence import apart_m, seen
from shared.domain.log.standing import Stand, Watched, has_risen, is_coarse, position_of
from shared.domain.log.summary import Drive, Mark, Summary
from shared.domain.place.geo import Position
from shared.domain.thresholds import (
    LAY_STILL_FOR,
    MOST_LATE_M,
    SAME_PLACE_M,
    SLOWEST_M_S,
    STOOD_FOR,
    STOOD_M,
    UNHEARD_FOR,
    WORD_SLACK,
)

Silence = tuple[datetime, datetime]


class Cut(NamedTuple):
    """Between two parts of a drive: the end of the one, the begin of the other, and whether nobody told of either."""

    ended_at: datetime
    began_at: datetime
    ended_estimated: bool = False
    began_estimated: bool = False


def split(drive: Drive, car: Watched | None) -> list[Drive]:
    """The parts of a drive, by time; `car` is what its car said, where it is known which one it was."""
    parts, rest = list[Drive](), drive
    for cut in _cuts(drive, car):
        if rest.began_at <= cut.ended_at and cut.began_at < drive.ended_at:
            parts.append(replace(rest, ended_at=cut.ended_at, ended_estimated=cut.ended_estimated))
            rest = replace(rest, began_at=cut.began_at, began_estimated=cut.began_estimated)
    return [*parts, rest]


def changed_car(drive: Drive, car_of: Callable[[Drive], Drive]) -> list[Drive]:
    """A drive without a named car in parts, where it began in one car and went on in another: the end of the former was
    lost. `car_of` finds the car of a part."""
    for since, until in sorted(drive.summary.silences):
        if not drive.began_at < until < drive.ended_at:
            continue
        former = car_of(replace(drive, ended_at=until, ended_estimated=True))
        rest = car_of(replace(drive, began_at=until))
        if former.car_id != rest.car_id and not (former.is_car_unsure or rest.is_car_unsure):
            return [replace(former, ended_at=max(since, former.began_at)), *changed_car(rest, car_of)]
    return [drive]


def where(summary: Summary, moment: datetime) -> Position | None:
    """Where the phone was at a moment of a drive, to three minutes; None where it did not know."""
    near = [mark for mark in summary.marks if mark.position and abs(mark.at - moment) <= WORD_SLACK]
    return min(near, key=lambda mark: _distance(mark, moment)).position if near else None


def _distance(mark: Mark, moment: datetime) -> tuple[float, datetime]:
    return abs(mark.at - moment).total_seconds(), mark.at


def _cuts(drive: Drive, car: Watched | None) -> Iterator[Cut]:
    """Where it was cut, by time. What the car says goes before what the phone's silence alone lets suppose."""
    silences = [one for one in sorted(drive.summary.silences) if drive.began_at <= one[0] and one[1] <= drive.ended_at]
    if car:
        for silence in silences:
            yield from _by_car(drive, silence, car)
    else:
        yield from (cut for silence in silences if (cut := _by_phone(drive, silence)))


def _by_car(drive: Drive, silence: Silence, car: Watched) -> Iterator[Cut]:
    stands = [stand for stand in (*car.stands, *_lone_stands(drive, silence, car)) if _is_in(stand, silence)]
    found = [stand for stand in _joined(stands) if _is_on_way(drive, stand, car)]
    for stand in found:
        yield _at_stand(drive, stand, silence, car)
    if not found and (cut := _by_phone(drive, silence, car)):
        yield cut


def _joined(stands: Iterable[Stand]) -> list[Stand]:
    """The stands by time; what several readings show, and one with the phone, is one stand."""
    joined: list[Stand] = []
    for stand in sorted(stands):
        if joined and stand.since <= joined[-1].until:
            joined[-1] = joined[-1]._replace(until=max(stand.until, joined[-1].until))
        else:
            joined.append(stand)
    return joined


def _is_in(stand: Stand, silence: Silence) -> bool:
    """Whether the phone said nothing while the car stood; its last word may be late, and its next one early."""
    shared = min(stand.until, silence[1]) - max(stand.since, silence[0])
    return shared >= min(STOOD_FOR, stand.until - stand.since) - WORD_SLACK and shared >= STOOD_FOR - WORD_SLACK


def _lone_stands(drive: Drive, silence: Silence, car: Watched) -> Iterator[Stand]:
    """Stands that one reading shows: where it was measured, the phone spoke again, and the car had not gone on."""
    since, until = silence
    if not _starts_again(drive, silence):
        return
    for reading in car.within(since - WORD_SLACK, until - STOOD_FOR)[-1:]:
        here, then = position_of(reading), where(drive.summary, until)
        is_known = here is not None and then is not None
        is_there = is_known and apart_m(here, then) <= _near_m(until - reading.at)
        is_elsewhere = is_known and not is_there
        if not reading.driving and (is_there or (car.is_parked(reading) and not is_elsewhere)):
            yield Stand(reading.at, until, reading.km)


def _near_m(waited: timedelta) -> float:
    """How far from where a car stood its phone may speak again, some seconds late: so slowly no car drives."""
    return min(SAME_PLACE_M + SLOWEST_M_S * waited.total_seconds(), MOST_LATE_M)


def _is_on_way(drive: Drive, stand: Stand, car: Watched) -> bool:
    """Whether the drive came to a stand and went on from it: else it had not begun yet, or was over."""
    if stand.since <= drive.began_at or stand.until >= drive.ended_at + WORD_SLACK:
        return False
    return _came(drive, stand, car) and _went_on(drive, stand, car)


def _came(drive: Drive, stand: Stand, car: Watched) -> bool:
    before = car.until(drive.began_at + WORD_SLACK)
    if before and before.at < stand.since and not is_coarse(before):
        return before.km < stand.km - SAME_KM
    if before and before.km < stand.km:
        return True
    if moved_m := _moved_m(drive, drive.began_at, stand.since):
        return moved_m > STOOD_M
    return before is None and stand.since - drive.began_at > WORD_SLACK


def _went_on(drive: Drive, stand: Stand, car: Watched) -> bool:
    later = car.within(stand.until, drive.ended_at + WORD_SLACK)
    following = car.since(drive.ended_at)
    if any(one.driving or one.km > stand.km + SAME_KM for one in (*later, *([following] if following else ()))):
        return True
    return _moved_m(drive, stand.until, drive.ended_at) > STOOD_M


def _moved_m(drive: Drive, since: datetime, until: datetime) -> float:
    """How far the phone's trail goes, or its positions are apart, between two moments of a drive."""
    trail_m = seen(drive.summary.marks, since, max(since, until)).trail_m
    return max(trail_m, apart_m(where(drive.summary, since), where(drive.summary, until)))


def _at_stand(drive: Drive, stand: Stand, silence: Silence, car: Watched) -> Cut:
    """The former part ends where the car is known to stand, the other begins with the phone's next word; where the car
    drove before that word, or no start was heard at all, with the last moment that it stood."""
    drove = any(one.driving or one.km > stand.km + SAME_KM for one in car.within(stand.until, silence[1] - WORD_SLACK))
    is_told = _starts_again(drive, silence) and not drove
    began_at = max(silence[1], stand.since) if is_told else stand.until
    return Cut(stand.since, began_at, began_estimated=not is_told)


def _starts_again(drive: Drive, silence: Silence) -> bool:
    """Whether a start broke the silence, not the end of the drive."""
    return silence[1] < drive.ended_at or not drive.summary.ended


def _by_phone(drive: Drive, silence: Silence, car: Watched | None = None) -> Cut | None:
    """A silence that no drive lasts through, as far as nothing shows that the car moved in it; or at both sides of
    which the phone was at one place, and moved before and after it."""
    if not _starts_again(drive, silence):
        return None
    since, until = _last_moved(silence, car), silence[1]
    if until - since <= UNHEARD_FOR and not _lay_still(drive, silence, since):
        return None
    return Cut(since, until, ended_estimated=True)


def _last_moved(silence: Silence, car: Watched | None) -> datetime:
    """When the car was seen to drive last, before the one that the next start is of."""
    if car is None:
        return silence[0]
    inside = car.within(silence[0], silence[1] - WORD_SLACK)
    moved = [b.at for a, b in pairwise(inside) if has_risen(a, b) or b.driving]
    return max([silence[0], *(one.at for one in inside[:1] if one.driving), *moved])


def _lay_still(drive: Drive, silence: Silence, since: datetime) -> bool:
    here, there = where(drive.summary, silence[0]), where(drive.summary, silence[1])
    if here is None or there is None or since > silence[0] or silence[1] - since < LAY_STILL_FOR:
        return False
    moved_m = (_moved_m(drive, drive.began_at, since), _moved_m(drive, silence[1], drive.ended_at))
    return apart_m(here, there) <= STOOD_M and min(moved_m) > STOOD_M
