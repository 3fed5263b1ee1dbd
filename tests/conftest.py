"""Starts Google's emulators once for a whole test run, before the workers, which inherit where they listen."""

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import settings

from tools.local import emulators

# The same examples in each run; HYPOTHESIS_PROFILE=search looks for new ones.
settings.register_profile("same", max_examples=150, deadline=None, derandomize=True)
settings.register_profile("search", max_examples=3000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

pytest_plugins = ["tests.system.fixtures"]
_emulators = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """Runs in the process that starts the workers, and in each worker."""
    if not hasattr(config, "workerinput"):
        logs = Path(_emulators.enter_context(tempfile.TemporaryDirectory()))
        # One pair for all workers.
        firestore, pubsub = _emulators.enter_context(emulators.both(logs))
        os.environ |= {"FIRESTORE_EMULATOR_HOST": firestore, "PUBSUB_EMULATOR_HOST": pubsub}
    os.environ["GEOCODERS"] = ""  # no test asks a service on the internet
    os.environ.setdefault("CREDENTIALS_KEYS", Fernet.generate_key().decode())


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stops the emulators that this run started."""
    _emulators.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spreads the longest tests evenly: each worker begins with a stretch, and who is done takes from the others."""
    longest = [item for item in items if "test_migrate_big" in item.nodeid or "test_chaos" in item.nodeid]
    others = [item for item in items if item not in longest]
    every = max(1, len(others) // max(1, len(longest)))
    stretches = [others[n * every : (n + 1) * every] for n in range(len(longest))]
    rest = others[len(longest) * every :]
    items[:] = [one for item, stretch in zip(longest, stretches, strict=True) for one in (item, *stretch)] + rest
