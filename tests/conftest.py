"""Starts Google's emulators once for a whole test run, before the workers, which inherit where they listen."""

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import settings

from tools import emulators

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
        firestore, pubsub = _emulators.enter_context(emulators.both(logs))
        os.environ |= {"FIRESTORE_EMULATOR_HOST": firestore, "PUBSUB_EMULATOR_HOST": pubsub}
    os.environ["GEOCODERS"] = ""  # no test asks a service on the internet
    os.environ.setdefault("CREDENTIALS_KEYS", Fernet.generate_key().decode())


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stops the emulators that this run started."""
    _emulators.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest test goes first: at the end it would keep one worker busy while the other has nothing to do."""
    items.sort(key=lambda item: "test_migrate_big" not in item.nodeid)
