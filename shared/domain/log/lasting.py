"""Owns how long a drive lasted beyond the phone's last word of it: where the car drove on, or no end was heard."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from shared.domain.car.odometer import Reading
from shared.domain.log.standing import Watched, drove_on, has_risen
from shared.domain.thresholds import (
    LONGEST_WAIT,
    REFUTED_WITHIN,
    STOOD_FOR,
    UNHEARD_FOR,
    UNSEEN_KM_H,
    WORD_SLACK,
)


class Lasted(NamedTuple):
    """When a drive was over, and whether that is an estimate: not where the car was seen to stand by then."""

    until: datetime
    is_estimated: bool


def refuted(ended_at: datetime, car: Watched, next_at: datetime | None) -> Lasted | None:
    """When a drive was over whose end the car refutes by driving on; None where it does not. `next_at` is when the
    phone tells of the next drive: later than three minutes before that nothing is of this one."""
    limit = _before(next_at)
    readings = [one for one in car.readings if ended_at < one.at and (limit is None or one.at <= limit)]
    n = _refuting(ended_at, readings, car)
    if n is None:
        return None
    lasted = _rolled(readings[n], readings[n + 1 :], car)
    return lasted if limit is None or lasted.until <= limit else Lasted(limit, True)


def _before(next_at: datetime | None) -> datetime | None:
    return None if next_at is None else next_at - WORD_SLACK


def _refuting(ended_at: datetime, readings: Sequence[Reading], car: Watched) -> int | None:
    """Which of the readings after an end shows first that the car drove on, and had not stood before."""
    stood = [stand.until for stand in car.stands if stand.until - max(stand.since, ended_at) >= STOOD_FOR]
    for n, one in enumerate(readings):
        if car.is_parked(one) or one.at > ended_at + REFUTED_WITHIN or any(until <= one.at for until in stood):
            return None
        if one.driving and one.at > ended_at + WORD_SLACK:
            return n
        if n + 1 < len(readings) and readings[n + 1].at > ended_at + WORD_SLACK and drove_on(one, readings[n + 1]):
            return n + 1
    return None


def unended(heard_at: datetime, car: Watched, next_at: datetime | None) -> Lasted:
    """When a drive was over whose end was never heard: `heard_at` is the last sign of it, `next_at` the next one."""
    before = car.until(heard_at)
    readings = [one for one in car.readings if heard_at < one.at]
    if not readings:
        return Lasted(heard_at, True)
    first = readings[0]
    if before and not before.driving and not has_risen(before, first) and not first.driving:
        return Lasted(heard_at, not car.is_parked(first))
    lasted, limit = _until(heard_at, before, first), _before(next_at)
    if not lasted.is_estimated and not car.is_parked(first) and (limit is None or first.at <= limit):
        lasted = _rolled(first, readings[1:], car)
    return lasted if next_at is None or lasted.until <= next_at else Lasted(next_at, True)


def _rolled(last: Reading, later: Sequence[Reading], car: Watched) -> Lasted:
    """When a car came to stand that was seen to drive: the first reading of the odometer that it stands with."""
    for one in later:
        if not (has_risen(last, one) or one.driving):
            return Lasted(last.at, False)
        if not last.driving and not one.driving and not drove_on(last, one) and one.at - last.at > LONGEST_WAIT:
            break
        lasted = _until(last.at, last, one)
        if lasted.is_estimated or car.is_parked(one):
            return lasted
        last = one
    return Lasted(last.at, True)


def _until(since: datetime, before: Reading | None, one: Reading) -> Lasted:
    """When a car stood that drove at one moment, and showed its next odometer at a much later one perhaps."""
    if one.at - since <= (UNHEARD_FOR if one.driving else LONGEST_WAIT):
        return Lasted(one.at, False)
    drove = timedelta(hours=(one.km - before.km) / UNSEEN_KM_H) if before else timedelta(0)
    until = since + min(max(drove, timedelta(0)), UNHEARD_FOR)
    return Lasted(until, True) if until < one.at else Lasted(one.at, False)
