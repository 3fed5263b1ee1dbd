"""Carries requests to servers that are not ours: each one once, for so long in all, and no answer that is far too long.

By themselves a time limit of requests holds for each packet, so that a server that drips holds a call for hours, and
an answer is read to its end however long it is, of which many are read in the memory of one instance.
"""

import ssl
from collections.abc import Callable
from contextlib import suppress
from socket import SHUT_RDWR, socket
from threading import Timer
from time import monotonic
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

MOST_BYTES = 1_000_000
AT_ONCE_BYTES = 65_536


class TooLong(requests.RequestException):
    """An answer that is far longer than any that is asked for."""


class Bounded(HTTPAdapter):
    """For one call of a session: `timeout`, in seconds, is what a request with its whole answer may take.

    Not to be used by two threads at once.
    """

    def __init__(self, most_bytes: int = MOST_BYTES, tls: ssl.SSLContext | None = None) -> None:
        self._most_bytes, self._tls = most_bytes, tls
        self._sockets: list[socket] = []
        self._is_over = False
        super().__init__(max_retries=0)

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        """Makes the connections, and remembers what they are on: whoever waits in one hears of no time limit."""
        if self._tls:
            more["ssl_context"] = self._tls
        super().init_poolmanager(*arguments, **more)
        self.poolmanager.pool_classes_by_scheme = {
            "http": _pool(urllib3.HTTPConnectionPool, HTTPConnection, self._note),
            "https": _pool(urllib3.HTTPSConnectionPool, HTTPSConnection, self._note),
        }

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        """Sends a request and reads the whole answer. Raises requests.RequestException, TooLong among them."""
        self._is_over, ends_at = False, monotonic() + options["timeout"]
        watch = Timer(options["timeout"], self._hang_up)
        watch.daemon = True
        watch.start()
        try:
            response = super().send(request, **(options | {"stream": True}))
            self._read(response)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            if isinstance(error, TooLong):
                raise
            # Not chained: the texts hold addresses, with all that is asked for in them.
            raise _failure(error, late=monotonic() >= ends_at) from None
        finally:
            watch.cancel()
            watch.join()
        if monotonic() >= ends_at:  # what was hung up looks like an answer that has ended
            raise requests.Timeout("no answer in time")
        return response

    def _read(self, response: requests.Response) -> None:
        body = bytearray()
        while part := response.raw.read1(AT_ONCE_BYTES, decode_content=True):
            body += part
            if len(body) > self._most_bytes:
                response.close()
                raise TooLong("an answer that is far too long")
        response._content = bytes(body)  # what requests itself does when it reads
        response.raw.release_conn()

    def _note(self, connected: socket) -> None:
        self._sockets.append(connected)
        if self._is_over:  # it took that long to connect
            self._hang_up()

    def _hang_up(self) -> None:
        self._is_over = True
        for one in self._sockets:
            with suppress(OSError):  # it is closed already
                one.shutdown(SHUT_RDWR)


def fetched(method: str, url: str, timeout_s: float, **more: Any) -> requests.Response:
    """The answer to one request, within so many seconds in all. Raises requests.RequestException.

    A redirect is not followed: what is shown to a server is for that one alone, and it must not choose whom we ask.
    """
    with requests.Session() as session:
        for scheme in ("https://", "http://"):
            session.mount(scheme, Bounded())
        return session.request(method, url, timeout=timeout_s, allow_redirects=False, **more)


def _failure(error: Exception, late: bool) -> requests.RequestException:
    if late:
        return requests.Timeout("no answer in time")
    return type(error)() if isinstance(error, requests.RequestException) else requests.ConnectionError("no answer")


def _pool(pool: Any, connection: Any, note: Callable[[socket], None]) -> Any:
    class Watched(connection):  # type: ignore[misc]
        def connect(self) -> None:
            super().connect()
            note(self.sock)

    return type("WatchedPool", (pool,), {"ConnectionCls": Watched})
