"""A maker's cloud on this machine: answers in the maker's shapes, refusals, and silence."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from threading import Event
from typing import Any

import pytest
from pytest_httpserver import RequestHandler
from werkzeug import Request, Response

from shared.cars.cost import counted
from shared.cars.provider import CarUnavailable, provider
from shared.domain.car.car import CarValues
from shared.domain.place.geo import Position

VIN = "TMBJJ7NE1L0000001"
PLACE = (52.0907, 5.1214)
TIMEOUT_S = 5.0


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def is_now(moment: datetime) -> bool:
    """Whether a moment is of this test."""
    return abs((datetime.now(UTC) - moment).total_seconds()) < 30


def read(name: str, credentials: dict[str, Any], tokens: dict[str, Any] | None = None, **more: Any) -> CarValues:
    """One read of the car."""
    wanted = {"vin": VIN, "timeout_s": TIMEOUT_S, **more}
    return provider(name).read(wanted["vin"], credentials, {} if tokens is None else tokens, wanted["timeout_s"])


def cost(name: str, credentials: dict[str, Any], tokens: dict[str, Any] | None = None) -> int | None:
    """How many requests one read of the car costs, be it answered or not."""
    with counted() as sent, suppress(CarUnavailable):
        read(name, credentials, tokens)
    return sent.requests


def failed(
    kind: type[CarUnavailable],
    name: str,
    credentials: dict[str, Any],
    tokens: dict[str, Any] | None = None,
    **more: Any,
) -> CarUnavailable:
    """One read of the car that fails, exactly so and telling no secret; what it raises."""
    tokens = {} if tokens is None else tokens
    secrets = [*credentials.values(), *(value for value in tokens.values() if isinstance(value, str))]
    with pytest.raises(CarUnavailable) as raised:
        read(name, credentials, tokens, **more)
    assert type(raised.value) is kind, raised.value
    tells_nothing(raised.value, [*secrets, *(value for value in tokens.values() if isinstance(value, str))])
    return raised.value


def tells_nothing(error: BaseException, secrets: list[str]) -> None:
    """Neither the error nor one that stands behind it in a traceback has a secret, a body, or a coordinate."""
    told = error
    while told is not None:
        text = f"{told} {told!r}"
        assert [secret for secret in [*secrets, "never-tell", str(PLACE[0])] if secret and secret in text] == []
        if told.__suppress_context__:
            break
        told = told.__context__  # type: ignore[assignment]


def position(values: CarValues) -> Position | None:
    """Where the car is."""
    return values.position.value if values.position else None


@contextmanager
def silence(handler: RequestHandler) -> Iterator[None]:
    """The handler gives no answer in here; what happens inside must end soon after its time limit of half a second."""
    mended = Event()

    def wait(_: Request) -> Response:
        mended.wait(30)
        return Response("", 503)

    handler.respond_with_handler(wait)
    started = time.monotonic()
    try:
        yield
        assert time.monotonic() - started < 3
    finally:
        mended.set()
