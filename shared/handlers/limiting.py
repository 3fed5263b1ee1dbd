"""Owns whether a caller is served or told to wait: all calls of a user, and those without a valid key of an address.

An instance serves a first block of a minute's requests without asking anybody, so that an ordinary driver costs
nothing. For each further block it asks a counter that all instances share, which by then is told of the first one too.
So M instances let through the limit and at most M - 1 blocks more, and an instance alone exactly the limit.
"""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address, ip_address
from threading import Lock
from typing import NamedTuple

import msgspec
from flask import Request
from msgspec.structs import replace

from shared import logs, settings
from shared.domain.driver import Caller, Scope
from shared.handlers.problems import Problem
from shared.repositories.documents import client
from shared.repositories.limits import RequestCounters

WINDOW = timedelta(minutes=1)
BLOCKS_OF_A_LIMIT = 10
IPV6_SUBSCRIBER_BITS = 64
# Of each kind an instance remembers so many names at most, a few MiB: whoever has more addresses fills no memory.
MOST_NAMES = 10_000

# --- counting: what one instance may serve of one name in one minute


class Limit(NamedTuple):
    """So many requests of a name a window."""

    requests: int

    @property
    def block(self) -> int:
        """How many are served, or taken from the shared counter, at once."""
        return max(1, self.requests // BLOCKS_OF_A_LIMIT)


class Count(msgspec.Struct, frozen=True):
    """What an instance knows of one name in one window: served here, allowed here, and told to the shared counter.

    `is_last` says that nothing more will be allowed in this window.
    """

    served: int
    allowed: int
    told: int = 0
    is_last: bool = False

    @property
    def is_spent(self) -> bool:
        """Whether all that is allowed was served."""
        return self.served >= self.allowed

    @property
    def is_used_up(self) -> bool:
        """Whether the limit is used up: every other request of this window is refused."""
        return self.is_last and self.is_spent


def window_end(now: datetime) -> datetime:
    """When the window of a moment is over (aware UTC). All instances have the same windows, by the clock."""
    since_epoch = now - datetime.fromtimestamp(0, UTC)
    return now - since_epoch % WINDOW + WINDOW


def first_block(limit: Limit) -> Count:
    """The count of a name that the instance did not see in this window."""
    return Count(served=0, allowed=limit.block)


def to_tell(count: Count, limit: Limit) -> int:
    """How much to add to the shared counter: one more block, and what it was not told of."""
    return limit.block + count.allowed - count.told


def after_answer(count: Count, limit: Limit, sum_of_all: int) -> Count:
    """With what of one more block is left, by the shared counter's sum after `to_tell` was added to it."""
    left = limit.requests - (sum_of_all - limit.block)
    more = min(max(left, 0), limit.block)
    allowed = count.allowed + more
    return replace(count, allowed=allowed, told=allowed, is_last=more < limit.block)


def after_fault(count: Count, limit: Limit) -> Count:
    """With one more block where the shared counter cannot be reached: a fault refuses nobody."""
    return replace(count, allowed=count.allowed + limit.block)


def served(count: Count) -> Count:
    """With one more request served."""
    return replace(count, served=count.served + 1)


# --- what an instance remembers of the minute going on


class _Name:
    """One name's count; who holds the lock may ask the shared counter, and the others of this name wait for it."""

    def __init__(self, limit: Limit, end: datetime) -> None:
        self.so_far, self.window_end, self.lock = first_block(limit), end, Lock()


class Door:
    """Counts one kind of names against the limit of a setting, of which 0 means none. Safe for threads."""

    def __init__(self, setting: str, counters: Callable[[], RequestCounters]) -> None:
        self._setting, self._counters = setting, counters
        self._lock, self._window_end = Lock(), datetime.fromtimestamp(0, UTC)
        self._names: dict[str, _Name] = {}

    def __len__(self) -> int:
        return len(self._names)

    def is_shut(self, name: str, now: datetime) -> bool:
        """Whether this instance knows that the name's limit is used up. Counts nothing and asks nobody."""
        with self._lock:
            self._begin_window(now)
            known = self._names.get(name)
        return known is not None and known.so_far.is_used_up

    def lets_in(self, name: str, now: datetime) -> bool:
        """Whether one more request of the name is served, which is counted with this."""
        limit = Limit(settings.current.limits[self._setting])
        if not limit.requests:
            return True
        known = self._known(name, limit, now)
        with known.lock:
            if known.so_far.is_spent and not known.so_far.is_last:
                self._ask(known, name, limit)
            if known.so_far.is_used_up:
                return False
            known.so_far = served(known.so_far)
            return True

    def _known(self, name: str, limit: Limit, now: datetime) -> _Name:
        with self._lock:
            self._begin_window(now)
            known = self._names.pop(name, None) or _Name(limit, self._window_end)
            self._names[name] = known  # the last one in the order: the one unheard for longest is forgotten
            if len(self._names) > MOST_NAMES:
                del self._names[next(iter(self._names))]
            return known

    def _begin_window(self, now: datetime) -> None:
        if (end := window_end(now)) > self._window_end:
            self._window_end, self._names = end, {}

    def _ask(self, known: _Name, name: str, limit: Limit) -> None:
        try:
            told = self._counters().add(f"{self._setting} {name}", known.window_end, to_tell(known.so_far, limit))
        except Exception:  # noqa: BLE001 - whatever the store has: a fault refuses nobody
            logs.log().warning("requests not counted", exc_info=True, extra={"limit": self._setting})
            known.so_far = after_fault(known.so_far, limit)
        else:
            known.so_far = after_answer(known.so_far, limit, told)


# --- the calls


def _counters() -> RequestCounters:
    return RequestCounters(client())


# A door each for a user's events and for their other calls: a dashboard in a loop does not stop their phone.
WEBHOOKS, CALLS = Door("LIMIT_USER_WEBHOOKS", _counters), Door("LIMIT_USER_CALLS", _counters)
FAILURES = Door("LIMIT_ADDRESS_FAILURES", _counters)


def refuse_early(request: Request, scope: Scope, known: Caller | None, now: datetime) -> None:
    """Raises 429 where this instance knows that the call will not be served, before the store is asked for anything.

    `known` is the caller as far as the instance remembers them. What a phone sends goes on: it has no second chance,
    and others behind the same address of its network may be to blame.
    """
    if known:
        if _users(scope).is_shut(known.account.email, now):
            raise _wait(now)
    elif scope != "webhook" and FAILURES.is_shut(address(request), now):
        raise _wait(now)


def count_call(request: Request, scope: Scope, caller: Caller | None, now: datetime) -> None:
    """Counts a call once it is known whose it is, None for nobody's. Raises 429 where it is one too many."""
    lets_in = _users(scope).lets_in(caller.account.email, now) if caller else FAILURES.lets_in(address(request), now)
    if not lets_in:
        raise _wait(now)


def address(request: Request) -> str:
    """Where a request comes from, as the front end before us says: what callers write themselves stands further left.

    Behind PROXIES_IN_FRONT of the operator's own, each of which added an entry, it is so many entries before the last.
    """
    entries = request.headers.get("X-Forwarded-For", "").split(",")
    told = entries[max(len(entries) - 1 - settings.current.proxies_in_front, 0)]
    return subscriber(told) or subscriber(request.remote_addr or "") or "unknown"


def subscriber(address: str) -> str | None:
    """Whom an IP address stands for: IPv4 itself, of IPv6 the /64, which is one subscriber's. None if it is none."""
    try:
        found = ip_address(address.strip())
    except ValueError:
        return None
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    network = int(found) >> (128 - IPV6_SUBSCRIBER_BITS) << (128 - IPV6_SUBSCRIBER_BITS)
    return f"{IPv6Address(network)}/{IPV6_SUBSCRIBER_BITS}"


def _users(scope: Scope) -> Door:
    return WEBHOOKS if scope == "webhook" else CALLS


def _wait(now: datetime) -> Problem:
    """The same words for everybody: nobody can find out who is registered."""
    wait_s = max(1, math.ceil((window_end(now) - now).total_seconds()))
    return Problem(429, "Too many requests. Please wait.", headers={"Retry-After": str(wait_s)})
