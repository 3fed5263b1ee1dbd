"""Owns how often a car's cloud may be asked: the budget of its provider, and the logins that it would punish.

Both are counted before the cloud is asked. So a process that dies on the way leaves too high a count, never too low.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from shared.domain.thresholds import KEPT_CARS, MOST_REFUSALS, MOST_WINDOWS, ONE_LOOK_IN


class Budget(NamedTuple):
    """How many requests a car's cloud takes in a stretch of time, and how many of them one read needs at most."""

    requests: int
    per: timedelta = timedelta(days=1)
    a_read: int = 1


class Window(msgspec.Struct, frozen=True):
    """So many requests were taken in the stretch of time that is over at `until` (aware UTC)."""

    until: datetime
    requests: int


class Asking(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is remembered of asking a driver's cars.

    `windows` by car and provider; `under_way` has the moments at which the reads of a car that began must be over,
    `lost` those of reads that were not and count as refused, until the car answers or for some hours;
    `looked_at` is when the last daily look began.
    """

    windows: dict[str, Window] = {}
    under_way: dict[str, tuple[datetime, ...]] = {}
    lost: dict[str, tuple[datetime, ...]] = {}
    looked_at: datetime | None = None


def free_again_at(asking: Asking, name: str, budget: Budget, now: datetime) -> datetime | None:
    """When the budget of that name allows a read again; None where it does now.

    A name too many waits for the first window that is over: to forget one that is not would ask its cloud too often.
    """
    windows = _open_windows(asking, now)
    if name not in windows:
        return min(window.until for window in windows.values()) if len(windows) >= MOST_WINDOWS else None
    window = windows[name]
    return None if window.requests + budget.a_read <= budget.requests else window.until


def taken(asking: Asking, name: str, budget: Budget, now: datetime) -> Asking:
    """With one more read in its budget. A window begins with its first request; those that are over are forgotten."""
    windows = _open_windows(asking, now)
    window = windows.get(name) or Window(now + budget.per, 0)
    return replace(asking, windows={**windows, name: Window(window.until, window.requests + budget.a_read)})


def without_lost(asking: Asking, car_id: str, now: datetime) -> tuple[Asking, int]:
    """With the reads of a car given up for lost that should be over and told nothing, and how many these are.

    Whoever made them has died, perhaps after the login was refused: they must count as refusals.
    """
    reads = asking.under_way.get(car_id, ())
    alive = tuple(until for until in reads if until > now)
    dead = tuple(until for until in reads if until <= now)
    if not dead:
        return asking, 0
    lost = (*asking.lost.get(car_id, ()), *dead)[-MOST_REFUSALS:]
    return _with_lost(_with_reads(asking, car_id, alive), car_id, lost), len(dead)


def without_old_lost(asking: Asking, car_id: str, now: datetime, counts_for: timedelta) -> tuple[Asking, int]:
    """Without the lost reads that were to be over so long ago, and how many these are: they count as refused no more.

    Logins this far apart lock no account, and a process that died must not stop a car's readings for good.
    """
    lost = asking.lost.get(car_id, ())
    kept = tuple(until for until in lost if until > now - counts_for)
    return _with_lost(asking, car_id, kept), len(lost) - len(kept)


def may_log_in(asking: Asking, car_id: str, refusals: int) -> bool:
    """Whether one more login can be tried even if all that are under way are refused."""
    return refusals + len(asking.under_way.get(car_id, ())) < MOST_REFUSALS


def is_under_way(asking: Asking, car_id: str, now: datetime) -> bool:
    """Whether somebody reads the car at this moment."""
    return any(until > now for until in asking.under_way.get(car_id, ()))


def begun(asking: Asking, car_id: str, until: datetime) -> Asking:
    """With a read of the car under way, which must be over at a moment."""
    return _with_reads(asking, car_id, (*asking.under_way.get(car_id, ()), until))


def told(asking: Asking, car_id: str, until: datetime | None, answered: bool = False) -> tuple[Asking, bool]:
    """Without the read that told how it went, and whether it counts as refused, having been given up for lost."""
    reads, lost = asking.under_way.get(car_id, ()), asking.lost.get(car_id, ())
    kept = () if answered else tuple(other for other in lost if other != until)
    asking = _with_reads(asking, car_id, tuple(other for other in reads if other != until))
    return _with_lost(asking, car_id, kept), until in lost


def refusals_after(refusals: int, *, answered: bool, refused: bool, was_lost: bool) -> int:
    """The count of refusals once a read told how it went. One that was given up for lost is counted already."""
    return 0 if answered else max(0, refusals + refused - was_lost)


def look_is_due(asking: Asking, now: datetime) -> bool:
    """Whether no daily look began in the last hours."""
    return asking.looked_at is None or now - asking.looked_at >= ONE_LOOK_IN


def _open_windows(asking: Asking, now: datetime) -> dict[str, Window]:
    return {name: window for name, window in asking.windows.items() if window.until > now}


def _with_reads(asking: Asking, car_id: str, reads: tuple[datetime, ...]) -> Asking:
    return replace(asking, under_way=_with(asking.under_way, car_id, reads))


def _with_lost(asking: Asking, car_id: str, lost: tuple[datetime, ...]) -> Asking:
    return replace(asking, lost=_with(asking.lost, car_id, lost))


def _with(
    moments: dict[str, tuple[datetime, ...]], car_id: str, of_car: tuple[datetime, ...]
) -> dict[str, tuple[datetime, ...]]:
    """With the moments of a car; of more cars than a driver can have at a time, those of the latest."""
    others = {other: kept for other, kept in moments.items() if other != car_id}
    if of_car and len(others) >= KEPT_CARS:
        del others[min(others, key=lambda other: max(others[other]))]
    return {**others, car_id: of_car} if of_car else others
