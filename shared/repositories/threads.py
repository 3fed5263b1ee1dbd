"""Owns how the store is asked several things at once: what a call waits for is then the slowest and not the sum."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

T = TypeVar("T")
MOST = 64  # of an instance at a time; what is more waits


def later(call: Callable[[], T]) -> Callable[[], T]:
    """Begins a call now, on a thread of its own; what is given waits for it, and gives or raises what it does.

    The client of the store is safe for threads, a batch of it is not. A call must not wait for another such call.
    """
    return _threads().submit(call).result


@cache
def _threads() -> ThreadPoolExecutor:
    """Made at the first use: a process that was forked has none of its parent's threads."""
    return ThreadPoolExecutor(MOST, thread_name_prefix="store")
