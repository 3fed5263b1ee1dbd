"""A local server that stands where a maker's hosts do, and the guards around each test of these providers."""

import logging
import re
import socket
import subprocess
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
import requests
from pytest_httpserver import HTTPServer
from requests.adapters import HTTPAdapter
from requests.cookies import extract_cookies_to_jar
from werkzeug import Request, Response

import shared.cars.carconnectivity  # noqa: F401  so that the library is silent before the first guard looks
from shared.cars.provider import CarUnavailable

Answer = Response | Callable[[Request], Response]


class Asked(NamedTuple):
    """A request that came: `POST`, `host.example/path`."""

    method: str
    address: str
    request: Request


class Maker:
    """Answers for all hosts of a maker by a table; what is not in it, or is used up, is a 404.

    A key is `GET host/path`; a list of answers is used up one by one, but for its last one.
    """

    def __init__(self, server: HTTPServer) -> None:
        self.asked: list[Asked] = []
        self.closing = threading.Event()
        self._table: dict[str, list[Answer]] = {}
        server.expect_request(re.compile(".*")).respond_with_handler(self._answer)

    def says(self, key: str, *answers: Answer) -> None:
        self._table[key] = list(answers)

    def count(self, words: str = "") -> int:
        """How many requests came whose method and address hold the words."""
        return sum(words in f"{asked.method} {asked.address}" for asked in self.asked)

    def _answer(self, request: Request) -> Response:
        address = request.path.lstrip("/")
        self.asked.append(Asked(request.method, address, request))
        answers = self._table.get(f"{request.method} {address}", [])
        if not answers:
            return Response(status=404)
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer if isinstance(answer, Response) else answer(request)

    def hangs(self, _: Request) -> Response:
        """Gives no answer while the test runs."""
        self.closing.wait(30)
        return Response(status=503)

    def drips(self, _: Request) -> Response:
        """Gives one byte after the other, without end."""

        def body() -> Iterator[bytes]:
            while not self.closing.wait(0.05):
                yield b" "

        return Response(body(), content_type="application/json")


class _Redirect(Response):
    """Sends its address as it is: werkzeug would shorten the one that opens the maker's app."""

    def get_wsgi_headers(self, environ: Any) -> Any:
        headers = super().get_wsgi_headers(environ)
        headers["Location"] = self.headers["Location"]
        return headers


def redirect(location: str, **headers: str) -> Response:
    return _Redirect(status=302, headers={"Location": location, **headers})


@pytest.fixture
def maker(monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer) -> Iterator[Maker]:
    """The server; what any library sends over https by requests goes to it, with the host as first part of the path."""
    found = Maker(httpserver)
    really_send = HTTPAdapter.send

    def send(adapter: HTTPAdapter, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        target = urlsplit(str(request.url))
        assert target.scheme == "https"
        sent = request.copy()
        sent.url = httpserver.url_for(f"/{target.netloc}{target.path}") + (f"?{target.query}" if target.query else "")
        response = really_send(adapter, sent, **options)
        response.url, response.request = str(request.url), request
        response.cookies.clear()
        extract_cookies_to_jar(response.cookies, request, response.raw)
        return response

    monkeypatch.setattr(HTTPAdapter, "send", send)
    yield found
    found.closing.set()


@pytest.fixture(scope="session")
def make_httpserver() -> Iterator[HTTPServer]:
    """One with a thread for each request, so that one that hangs holds up nobody."""
    server = HTTPServer(host="127.0.0.1", port=0, threaded=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """No other host is asked, no program run, no thread left, no log altered, and nothing of it logged."""
    strangers: list[str] = []
    really_ask, really_connect = socket.getaddrinfo, socket.socket.connect

    def look_up(host: Any, *more: Any, **options: Any) -> Any:
        if host not in ("127.0.0.1", "localhost"):
            strangers.append(str(host))
            raise socket.gaierror("no host but this one")
        return really_ask(host, *more, **options)

    def connect(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1"):
            strangers.append(str(address))
            raise OSError("no host but this one")
        really_connect(self, address)

    def run(*command: Any, **_: Any) -> None:
        strangers.append(str(command))

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(subprocess, "run", run)
    log = _Log()
    logging.getLogger().addHandler(log)
    threads, logs = _threads(), _logs()
    yield
    assert strangers == []
    assert _threads() - threads == set()
    assert _logs() == logs
    printed = capfd.readouterr()
    logging.getLogger().removeHandler(log)
    assert [line for line in log.lines if line.startswith("carconnectivity")] == []
    told = "\n".join([*log.lines, printed.out, printed.err])
    assert [word for word in SECRETS if word in told] == []


class _Log(logging.Handler):
    """What the log of a whole program would show."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != "werkzeug":  # the server's own
            self.lines.append(self.format(record))


def _threads() -> set[threading.Thread]:
    """All but the server's own, which has one for each request."""
    return {thread for thread in threading.enumerate() if "process_request_thread" not in thread.name}


def _logs() -> list[Any]:
    """The handlers of the root and of the library with their formatters, but for those that pytest adds by itself."""
    loggers = [logging.getLogger(name) for name in (None, *LOGGERS)]
    handlers = [handler for logger in loggers for handler in logger.handlers]
    own = [handler for handler in handlers if not type(handler).__module__.startswith("_pytest")]
    return [logging.getLogger().level, *((handler, handler.formatter) for handler in own)]


LOGGERS = ("carconnectivity", "carconnectivity.connectors.audi", "carconnectivity.connectors.audi-api-debug")
VIN = "WAUZZZTEST0000001"
USER, PASSWORD = "boris@example.com", "correct-horse-battery"
SECRETS = (USER, PASSWORD, "secret-", "52.0907", "5.1214", VIN)


@contextmanager
def fails_with(kind: type[CarUnavailable]) -> Iterator[list[CarUnavailable]]:
    """The block raises exactly that error, with nothing secret in its text or its trace; it is put into the list."""
    found: list[CarUnavailable] = []
    with pytest.raises(CarUnavailable) as raised:
        yield found
    found.append(raised.value)
    trace = "".join(traceback.format_exception(raised.value))
    assert type(raised.value) is kind, trace
    assert [word for word in SECRETS if word in trace] == []
    assert raised.value.advice
