"""Owns what a read really cost: the requests that its provider sent, counted where they are sent."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Cost:
    """The requests that a read has sent by now; None where its provider has counted none, so that nobody knows."""

    def __init__(self) -> None:
        self.requests: int | None = None


_cost: ContextVar[Cost | None] = ContextVar("_cost", default=None)


@contextmanager
def counted() -> Iterator[Cost]:
    """The cost of what is read inside, also where that fails."""
    cost = Cost()
    reset = _cost.set(cost)
    try:
        yield cost
    finally:
        _cost.reset(reset)


def sends(requests: int = 1) -> None:
    """Said by a provider before it sends what its cloud counts as so many requests; 0 where it may yet send none."""
    if cost := _cost.get():
        cost.requests = (cost.requests or 0) + requests
