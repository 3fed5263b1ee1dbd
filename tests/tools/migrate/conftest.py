"""Fixtures of the tools' tests."""

import pytest

from tests.tools.migrate.migration import House
from tests.tools.migrate.old_store import BORIS


@pytest.fixture
def house() -> House:
    """A store with Boris, who gets what has no owner."""
    made = House()
    made.register(BORIS)
    return made
