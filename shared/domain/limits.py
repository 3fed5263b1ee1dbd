"""Owns how many requests of one name get through in a minute: what an instance may serve by itself, and all together.

An instance serves a first block without asking anybody, so that an ordinary driver costs nothing. For each further
block it asks a counter that all instances share, which by then is told of the first one too. So M instances let
through the limit and at most M - 1 blocks more, and an instance alone exactly the limit.
"""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

WINDOW = timedelta(minutes=1)
BLOCKS_OF_A_LIMIT = 10
IPV6_SUBSCRIBER_BITS = 64


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
