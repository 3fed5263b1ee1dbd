"""What all tests share: settings, the stack and its drivers. What is heavy is imported by whoever asks for it."""

import os
import secrets
import signal
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import zip_longest
from typing import TYPE_CHECKING

import hypothesis
import pytest

from shared import settings
from tools.local.emulators import sdk_roots
from tools.local.processes import environment

if TYPE_CHECKING:
    from tests.system.fixtures import Driver, Stack

# The same examples in each run; HYPOTHESIS_PROFILE=search looks for new ones.
hypothesis.settings.register_profile("same", max_examples=60, deadline=None, derandomize=True)
hypothesis.settings.register_profile("search", max_examples=3000, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

pytest_plugins = ["tests.emulators"]
# A newcomer has no Google Cloud SDK, and nothing of ours installs one: what it alone can tell is then not asked for.
GCLOUD = next((root for root in sdk_roots() if (root / "lib" / "googlecloudsdk").is_dir()), None)
collect_ignore = [] if GCLOUD else ["tools/deploy/test_real_gcloud.py"]


def pytest_configure() -> None:
    """Runs in the process that starts the workers, and in each worker."""
    os.environ["GEOCODERS"] = ""  # no test asks a service on the internet
    os.environ.setdefault("CREDENTIALS_KEYS", urlsafe_b64encode(secrets.token_bytes(32)).decode())
    settings.read_anew()
    # A job in a script's background ignores Ctrl-C, and so would all that the tests start and stop.
    signal.signal(signal.SIGINT, signal.default_int_handler)


# Tests of half a minute and more, each followed by one that may run beside it: four under faults at once would fail for
# want of a processor.
LONGEST = ("test_chaos.py", "test_migrate_big.py", "test_openapi.py", "test_demo.py", "test_upgrade.py")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says aloud what was not looked at."""
    if GCLOUD is None:
        terminalreporter.write_line("*** NOT CHECKED: whether gcloud takes each call of a deployment: no SDK is here")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Puts the longest tests where they neither meet nor come last: xdist gives each worker a stretch of the list."""
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    longest, others = list[pytest.Item](), list[pytest.Item]()
    for item in items:
        (longest if item.path.name in LONGEST else others).append(item)
    faults = [item for item in longest if item.path.name == LONGEST[0]]
    longest = [one for pair in zip_longest(faults, [item for item in longest if item not in faults]) for one in pair]
    share, items[:] = -(-len(others) // workers), []
    for worker in range(workers):
        stretch = others[worker * share : (worker + 1) * share]
        own = [item for item in longest[worker::workers] if item]
        for n, item in reversed(list(enumerate(own))):
            # One half of the workers begins with its longest, the other comes to it later.
            stretch.insert(len(stretch) * (2 * n + worker % 2) // (2 * len(own) + 1), item)
        items += stretch


@pytest.fixture
def set_by_operator() -> Iterator[Callable[..., None]]:
    """Sets variables that an operator may set, has the settings of this process read anew, and undoes both."""
    with ExitStack() as undone:
        yield lambda **variables: undone.enter_context(environment(variables))


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
