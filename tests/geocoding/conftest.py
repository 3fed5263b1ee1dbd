"""Geocoders that ask a server of this process."""

import socket
from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer

from tests.geocoding.services import settings


@pytest.fixture(scope="session")
def serving() -> Iterator[HTTPServer]:
    """One server for all tests: it takes half a second to stop."""
    with HTTPServer(threaded=True) as serving:
        yield serving


@pytest.fixture
def server(serving: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    """The services, which answer nothing yet."""
    for name, value in settings(serving).items():
        monkeypatch.setenv(name, value)
    yield serving
    serving.clear()


@pytest.fixture
def silent_url() -> Iterator[str]:
    """A service that takes the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
