"""A server that is not ours can neither hold a call, nor fill the memory, nor send it elsewhere with its key."""

import socket
import threading
from collections.abc import Callable, Iterator
from threading import Event, Thread
from time import monotonic
from typing import Any

import pytest
import requests
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from shared.wire import MOST_BYTES, TooLong, fetched

HEAD = b"HTTP/1.1 200 OK\r\n"
WAYS = {
    "says nothing": [b""],
    "drips its headers": [HEAD, *[b"X-More: 1\r\n"] * 50],
    "drips one header": [HEAD + b"X-More: ", *[b"1"] * 50],
    "drips its body": [HEAD + b"Content-Length: 5000\r\n\r\n", *[b"1"] * 50],
    "drips a body of no length": [HEAD + b"\r\n", *[b"1"] * 50],
    "drips a body in chunks": [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\n1\r\n"] * 50],
}


@pytest.fixture
def says() -> Iterator[Callable[[list[bytes]], str]]:
    """Servers that say something piece by piece, ten a second, and then keep the line; where they are."""
    over, listening = Event(), list[socket.socket]()

    def talk(server: socket.socket, pieces: list[bytes]) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65_536)
            for piece in pieces:
                try:
                    connection.sendall(piece)
                except OSError:
                    return
                if over.wait(0.1):
                    return
            over.wait(30)

    def start(pieces: list[bytes]) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        listening.append(server)
        Thread(target=talk, args=(server, pieces), daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}/secret?key=secret"

    yield start
    over.set()
    for server in listening:
        server.close()


@pytest.mark.parametrize("way", WAYS)
def test_the_time_limit_is_for_the_whole_answer(says: Callable[[list[bytes]], str], way: str) -> None:
    url, threads, started_s = says(WAYS[way]), set(threading.enumerate()), monotonic()
    with pytest.raises(requests.Timeout) as raised:
        fetched("GET", url, 0.5)
    # The pieces would take five seconds.
    assert monotonic() - started_s < 3
    assert "secret" not in str(raised.value)
    assert set(threading.enumerate()) <= threads  # those of other tests may still be ending


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_that_is_far_too_long_is_not_read_to_its_end(httpserver: HTTPServer, packed: bool) -> None:
    given = 0

    def endless(_: Request) -> Response:
        def parts() -> Iterator[bytes]:
            nonlocal given
            yield b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" if packed else b""
            for _ in range(200):
                given += 1
                # Packed: blocks of a deflated stream that are not compressed.
                yield b"\x00\xff\xff\x00\x00" + b"x" * 65_535 if packed else b"x" * 65_535

        return Response(parts(), headers={"Content-Encoding": "gzip"} if packed else {})

    httpserver.expect_request("/").respond_with_handler(endless)
    with pytest.raises(TooLong):
        fetched("GET", httpserver.url_for("/"), 20)
    assert given < 150


def test_an_answer_of_ordinary_length_is_given_as_it_is(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/", query_string={"q": "a b"}, headers={"X-Own": "1"}).respond_with_data(
        b"y" * MOST_BYTES
    )
    answer = fetched("GET", httpserver.url_for("/"), 20, params={"q": "a b"}, headers={"X-Own": "1"})
    assert (answer.status_code, len(answer.content)) == (200, MOST_BYTES)


def test_a_redirect_is_not_followed(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_response(Response("", 302, {"Location": httpserver.url_for("/other")}))
    answer = fetched("GET", httpserver.url_for("/"), 20, headers={"Authorization": "Bearer secret"})
    assert answer.status_code == 302
    assert [request.path for request, _ in httpserver.log] == ["/"]


def test_whoever_is_not_there_is_no_answer_and_the_error_does_not_tell_what_was_asked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(requests.ConnectionError) as raised:
        fetched("GET", f"http://127.0.0.1:{port}/?key=secret", 5)
    error: Any = raised.value
    while error is not None:
        assert "secret" not in f"{error} {error!r}"
        error = None if error.__suppress_context__ else error.__context__
