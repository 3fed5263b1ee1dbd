"""What all tests share: settings, the stack and its drivers. What is heavy is imported by whoever asks for it."""

import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.system.fixtures import Driver, Stack

# The same examples in each run; HYPOTHESIS_PROFILE=search looks for new ones.
settings.register_profile("same", max_examples=150, deadline=None, derandomize=True)
settings.register_profile("search", max_examples=3000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

pytest_plugins = ["tests.emulators"]


def pytest_configure() -> None:
    """Runs in the process that starts the workers, and in each worker."""
    os.environ["GEOCODERS"] = ""  # no test asks a service on the internet
    os.environ.setdefault("CREDENTIALS_KEYS", urlsafe_b64encode(secrets.token_bytes(32)).decode())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spreads the longest tests evenly: each worker begins with a stretch, and who is done takes from the others."""
    longest = [item for item in items if "test_migrate_big" in item.nodeid or "test_chaos" in item.nodeid]
    others = [item for item in items if item not in longest]
    every = max(1, len(others) // max(1, len(longest)))
    stretches = [others[n * every : (n + 1) * every] for n in range(len(longest))]
    rest = others[len(longest) * every :]
    items[:] = [one for item, stretch in zip(longest, stretches, strict=True) for one in (item, *stretch)] + rest


@pytest.fixture(scope="session")
def running_stack(emulators: None) -> "Iterator[Stack]":
    """One stack for all tests of a worker."""
    from tests.system.fixtures import running

    with running() as stack:
        yield stack


@pytest.fixture
def stack(running_stack: "Stack") -> "Iterator[Stack]":
    """The stack of the worker; each test has users of its own."""
    yield running_stack
    running_stack.clear_the_road()


@pytest.fixture
def driver(stack: "Stack") -> "Driver":
    """A new user with a simulated car at 12,345.0 km."""
    return stack.driver()


@pytest.fixture(scope="session")
def _stacks(emulators: None) -> "Iterator[Callable[..., Stack]]":
    """Stacks with settings of their own, the last few of which go on running for tests that want the same."""
    from tests.system.fixtures import Stacks

    with Stacks() as stacks:
        yield stacks.running


@pytest.fixture
def start_stack(_stacks: "Callable[..., Stack]") -> "Iterator[Callable[..., Stack]]":
    """Starts stacks with settings of their own; each test has users of its own."""
    taken = []

    def start(**settings: str) -> "Stack":
        taken.append(_stacks(**settings))
        return taken[-1]

    yield start
    for stack in taken:
        stack.clear_the_road()
