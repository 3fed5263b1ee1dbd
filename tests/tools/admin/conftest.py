"""The operator's tool in the process of the test: a start of Python for each call would take most of its time."""

from collections.abc import Callable, Iterator

import pytest

from shared.repositories.documents import client
from tests.system.fixtures import Stack
from tools.admin.__main__ import main
from tools.local.processes import environment


class Operator:
    """Whoever has sourced the stack's env and calls the tool."""

    def __init__(self, stack: Stack, heard: Callable[[], tuple[str, str]]) -> None:
        self._settings, self._heard = stack.operator_env(), heard

    def call(self, *call: str, **settings: str) -> str:
        """What the tool prints of a call that is done."""
        done, out, err = self._call(call, settings)
        assert (done, err) == (0, ""), err
        return out

    def refused(self, *call: str, **settings: str) -> str:
        """The one line in which a call is refused."""
        out, err = self.stopped(*call, **settings)
        assert out == ""
        return err

    def stopped(self, *call: str, **settings: str) -> tuple[str, str]:
        """What the tool prints of a call that is not done, and the one line in which it says why."""
        done, out, err = self._call(call, settings)
        assert (done, err.count("\n")) == (1, 1), err
        return out, err.strip()

    def _call(self, call: tuple[str, ...], settings: dict[str, str]) -> tuple[int, str, str]:
        with environment({**self._settings, **settings}):
            return main(call), *self._heard()


@pytest.fixture
def operator(stack: Stack, capsys: pytest.CaptureFixture[str]) -> Iterator[Operator]:
    """An operator of the stack."""
    client.cache_clear()  # it is of one project
    yield Operator(stack, lambda: tuple(capsys.readouterr()))
    client.cache_clear()
