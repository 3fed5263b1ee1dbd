"""Geocoders that ask a server of this process."""

import socket
from collections.abc import Callable, Iterator

import pytest
from pytest_httpserver import HTTPServer

from tests.geocoding.services import settings


@pytest.fixture
def server(httpserver: HTTPServer, set_by_operator: Callable[..., None]) -> HTTPServer:
    """The services, which answer nothing yet."""
    set_by_operator(**settings(httpserver))
    return httpserver


@pytest.fixture
def silent_url() -> Iterator[str]:
    """A service that takes the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
