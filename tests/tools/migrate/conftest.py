"""Fixtures of the tools' tests."""

import pytest

from tests.tools.migrate.migration import House
from tests.tools.migrate.old_store import BORIS


@pytest.fixture(autouse=True)
def _on_the_emulator(emulators: None) -> None:
    """Each of these tests has a store."""


@pytest.fixture
def house() -> House:
    """A store with Boris, who gets what has no owner."""
    made = House()
    made.register(BORIS)
    return made
