"""What is measured runs on the emulators of the tests."""

import pytest


@pytest.fixture(autouse=True)
def _on_the_emulators(emulators: None) -> None:
    """Each of these tests has them."""
