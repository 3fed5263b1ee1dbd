"""Owns how often a car's cloud may be asked: the account of its provider's budget, and the logins it would punish.

Both are counted before the cloud is asked, and given back once it is known what a read really cost. So a process that
dies on the way leaves too high a count, never too low.

A log can do without a read on the way, but not without the odometer at an end. So reads on the way never touch a
reserve, and come further apart long before: the last third of a window, or what ends and daily readings are going to
need in the time that is left of it if that is more.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from shared.domain.thresholds import (
    DRIVEN_A_DAY,
    KEPT_CARS,
    KEPT_SHARE,
    LEARNS_FOR,
    LEAST_WAIT,
    MOST_REFUSALS,
    MOST_WINDOWS,
    NEEDED_READS_A_DAY,
    ONE_LOOK_IN,
)

DAY = timedelta(days=1)


class Budget(NamedTuple):
    """How many requests a car's cloud takes in a stretch of time, and how many of them one read needs at most."""

    requests: int
    per: timedelta = timedelta(days=1)
    a_read: int = 1


class Window(msgspec.Struct, frozen=True, omit_defaults=True):
    """So many requests were taken in the stretch of time that is over at `until` (aware UTC).

    `on_the_way` of them by reads on the way, all of them by so many `reads`; a window from before these were counted
    has none.
    """

    until: datetime
    requests: int
    on_the_way: int = 0
    reads: int = 0


class Taken(NamedTuple):
    """What a read took before it was made: so many requests of the window of that name that is over at `until`."""

    name: str
    until: datetime
    requests: int
    on_the_way: bool = False


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


def free_again_at(
    asking: Asking, name: str, budget: Budget, now: datetime, on_the_way: bool = False
) -> datetime | None:
    """When the budget of that name allows a read again, at the latest; None where it does now.

    A read on the way is none for an end, for a trip that waits for its odometer, or for the day: the reserve is not
    for it. A name too many waits for the first window that is over: to forget one that is not would ask its cloud too
    often.
    """
    windows = _open_windows(asking, now)
    if name not in windows and len(windows) >= MOST_WINDOWS:
        return min(window.until for window in windows.values())
    window = windows.get(name) or _new_window(budget, now)
    left = budget.requests - window.requests - budget.a_read
    if left < 0:
        return window.until
    return _out_of_reserve_at(window, budget, left, now) if on_the_way else None


def way_interval(asking: Asking, name: str, budget: Budget, now: datetime, usual: timedelta) -> timedelta:
    """How long to wait between two reads on the way, never shorter than usual.

    What is free beside the reserve lasts for the driving that can be expected until the window is over. So it is the
    usual wait while there is plenty, also where that is none, then longer and longer, at most until the window is over.
    """
    window = _open_windows(asking, now).get(name) or _new_window(budget, now)
    left = window.until - now
    free = budget.requests - window.requests - _reserve(window, budget, now)
    driving = min(left, DRIVEN_A_DAY * (1 + left / DAY))
    share = _cost_of_a_read(window, budget) / free if free > 0 else 1.0
    wait = driving * share if share < 1 else left
    return max(usual, wait) if wait >= LEAST_WAIT else usual


def taken(asking: Asking, name: str, budget: Budget, now: datetime, on_the_way: bool = False) -> Asking:
    """With one more read in its budget, by the most that it may need. `booked` gives back what it did not.

    A window begins with its first request; those that are over are forgotten.
    """
    windows = _open_windows(asking, now)
    window = windows.get(name) or _new_window(budget, now)
    return replace(asking, windows={**windows, name: _with_requests(window, budget.a_read, on_the_way, reads=1)})


def booked(asking: Asking, taken: Taken, cost: int) -> Asking:
    """With what a read cost in place of what it took, in requests; it may be more. A window that is over stays so.

    A read that asked nobody counts as none. To be called once for each read: see `is_open`.
    """
    window = asking.windows.get(taken.name)
    if window is None or window.until != taken.until:
        return asking
    kept = _with_requests(window, cost - taken.requests, taken.on_the_way, reads=0 if cost else -1)
    return replace(asking, windows={**asking.windows, taken.name: kept})


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


def is_open(asking: Asking, car_id: str, until: datetime | None) -> bool:
    """Whether the read of a car that must be over at `until` has not told yet how it went."""
    return until in asking.under_way.get(car_id, ()) or until in asking.lost.get(car_id, ())


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


def _new_window(budget: Budget, now: datetime) -> Window:
    return Window(now + budget.per, 0)


def _with_requests(window: Window, requests: int, on_the_way: bool, reads: int) -> Window:
    return replace(
        window,
        requests=max(0, window.requests + requests),
        on_the_way=max(0, window.on_the_way + requests * on_the_way),
        reads=max(0, window.reads + reads),
    )


def _out_of_reserve_at(window: Window, budget: Budget, left: int, now: datetime) -> datetime | None:
    """When so many requests are left that the reserve stays whole without them, at the latest; None if they do now."""
    if left >= _reserve(window, budget, now):
        return None
    if left < budget.requests * KEPT_SHARE:
        return window.until
    # What is needed a day becomes no more by waiting, so the reserve is no larger by then.
    return window.until - DAY * int(left // _needed_a_day(window, budget, now))


def _reserve(window: Window, budget: Budget, now: datetime) -> float:
    """How many requests are kept for what a log needs. A day that has begun may need all of its own still."""
    left = window.until - now
    days = -(-left // DAY) if budget.per >= DAY else left / DAY
    return min(float(budget.requests), max(budget.requests * KEPT_SHARE, _needed_a_day(window, budget, now) * days))


def _needed_a_day(window: Window, budget: Budget, now: datetime) -> float:
    """How many requests a day ends and daily readings take: those of an ordinary driver, or of this one if more."""
    elapsed = max(now - (window.until - budget.per), LEARNS_FOR)
    seen = (window.requests - window.on_the_way) / (elapsed / DAY)
    return max(NEEDED_READS_A_DAY * _cost_of_a_read(window, budget), seen)


def _cost_of_a_read(window: Window, budget: Budget) -> float:
    """What a read cost by now, in requests: at least one, and at most what the provider says."""
    return min(budget.a_read, max(1.0, window.requests / window.reads)) if window.reads else budget.a_read


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
