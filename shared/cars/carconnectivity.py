"""What the providers on CarConnectivity share: the wire that its requests take, and its silence in the log."""

import logging
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import requests

from shared.cars.cost import sends
from shared.cars.provider import CarUnavailable, CarUnknown, NotUnderstood, TooManyRequests
from shared.wire import Bounded, TooLong

VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
# Where a cloud says "too often" and not how long to wait.
WAIT = timedelta(minutes=15)
MOST_BYTES = 5_000_000  # sixteen reads share the memory of an instance


def silence() -> None:
    """Keeps the library's lines out of every log: they hold addresses of pages, payloads, and answers with tokens."""
    library = logging.getLogger("carconnectivity")
    if library.propagate:
        library.addHandler(logging.NullHandler())
        library.propagate = False


def known_vin(vin: str) -> str:
    """The VIN in capitals. Raises CarUnknown where it is none: it becomes part of addresses."""
    if not VIN.fullmatch(vin.strip().upper()):
        raise CarUnknown("the car has no VIN of 17 characters")
    return vin.strip().upper()


class Wire(Bounded):
    """Carries a library's requests, each once, to the hosts that it may speak to, for `timeout_s` in all.

    A cloud that is down, slow or asked too often raises one of our errors at once, which the libraries do not catch.
    Left alone they would answer it with more requests, and some of those are logins.
    """

    def __init__(self, hosts: Iterable[str], timeout_s: float) -> None:
        super().__init__(MOST_BYTES)
        self._hosts = frozenset(hosts)
        self._deadline_s = monotonic() + timeout_s

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        """Sends a request and reads the whole answer. Raises CarUnavailable or one of its kinds."""
        target = urlsplit(request.url or "")
        if target.scheme != "https" or target.hostname not in self._hosts:
            raise NotUnderstood("the maker's service points to another host")
        sends()
        try:
            response = super().send(request, **(options | {"timeout": self._left_s()}))
        except TooLong:
            raise NotUnderstood("an answer that is far too long") from None
        except requests.RequestException as error:
            # Not chained: the library's texts hold addresses of pages.
            raise CarUnavailable(f"no answer: {type(error).__name__}") from None
        _refuse(response)
        return response

    def _left_s(self) -> float:
        left_s = self._deadline_s - monotonic()
        if left_s <= 0:
            raise CarUnavailable("no answer in time")
        return left_s


def _refuse(response: requests.Response) -> None:
    if response.status_code == 429:
        raise TooManyRequests("too many requests", _retry_after(response) or WAIT)
    if response.status_code >= 500:
        raise CarUnavailable(f"status {response.status_code}", _retry_after(response))


def _retry_after(response: requests.Response) -> timedelta:
    """How long the answer says to wait, in seconds or as a date; nothing where it says nothing."""
    said = response.headers.get("Retry-After", "").strip()
    if said.isdigit():
        return timedelta(seconds=min(int(said), 86_400))
    try:
        until = parsedate_to_datetime(said)
        return max(until - datetime.now(until.tzinfo), timedelta(0))
    except (TypeError, ValueError):
        return timedelta(0)


silence()
