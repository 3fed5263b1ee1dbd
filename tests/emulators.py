"""Google's emulators for tests: started when a test first asks, one pair for a whole run, stopped at its end.

They belong to the process that the run was started as: each worker asks it, and a worker that dies takes nothing along.
"""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from socketserver import StreamRequestHandler, TCPServer
from threading import Thread
from typing import Any

import pytest

from tools.local import emulators as google
from tools.local import processes

NAMES = ("FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST")
PORT = "emulators_port"


class Pair:
    """Both emulators, from the first question on. Where they do not start, every question gets the same answer."""

    def __init__(self) -> None:
        self._running, self._told = ExitStack(), dict[str, str]()

    def hosts(self, logs: Path) -> dict[str, str]:
        """Their hosts by the names of the environment, or under `missing` why there are none."""
        if not self._told:
            logs.mkdir(parents=True, exist_ok=True)
            try:
                self._told = dict(zip(NAMES, self._running.enter_context(google.both(logs)), strict=True))
            except (google.Missing, TimeoutError, OSError) as error:
                self._told = {"missing": str(error)}
        return self._told

    def stop(self) -> None:
        """Stops those that were started here."""
        self._running.close()


class Desk(TCPServer):
    """Where workers ask for the pair: a line with the folder for logs, answered by what `hosts` says.

    One after the other in one thread, which lives as long as the run does: Linux ends a process that is to die with its
    parent when the thread that started it ends.
    """

    def __init__(self, pair: Pair) -> None:
        class Answer(StreamRequestHandler):
            def handle(self) -> None:
                logs = Path(self.rfile.readline().decode().rstrip("\n"))
                self.wfile.write(json.dumps(pair.hosts(logs)).encode())

        super().__init__(("127.0.0.1", 0), Answer)
        Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        """The port of the loopback interface."""
        port: int = self.server_address[1]
        return port


def ask(port: int, logs: Path) -> dict[str, str]:
    """What a desk answers."""
    with socket.create_connection(("127.0.0.1", port)) as line, line.makefile("rwb") as both_ways:
        both_ways.write(f"{logs}\n".encode())
        both_ways.flush()
        hosts: dict[str, str] = json.loads(both_ways.read())
        return hosts


class OfTheRun:
    """The pair of a run, in the process that it was started as."""

    def __init__(self) -> None:
        self.pair, self._desk = Pair(), None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tells a new worker where to ask."""
        self._desk = self._desk or Desk(self.pair)
        node.workerinput[PORT] = self._desk.port

    def pytest_unconfigure(self) -> None:
        """The run is over."""
        if self._desk:
            self._desk.shutdown()
            self._desk.server_close()
        self.pair.stop()


OF_THE_RUN = pytest.StashKey[OfTheRun]()


def pytest_configure(config: pytest.Config) -> None:
    """Runs in the process of the run, and in each worker."""
    if not hasattr(config, "workerinput"):
        config.stash[OF_THE_RUN] = OfTheRun()
        config.pluginmanager.register(config.stash[OF_THE_RUN])


@pytest.fixture(scope="session")
def emulators(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Has both emulators run, and names them in the environment."""
    config, logs = request.config, tmp_path_factory.getbasetemp() / "emulators"
    is_worker = hasattr(config, "workerinput")
    told = ask(config.workerinput[PORT], logs) if is_worker else config.stash[OF_THE_RUN].pair.hosts(logs)
    if "missing" in told:
        # Said once, and not by each of a thousand tests. Who started the worker stops the run for what it says here.
        if is_worker:
            request.session.shouldstop = told["missing"]
        pytest.exit(told["missing"], returncode=1)
    with processes.environment(told):
        yield


@pytest.fixture(autouse=True)
def _for_those_who_ask(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hides them from a test that does not ask: alone it would not have them either."""
    if "emulators" not in request.fixturenames:
        for name in NAMES:
            monkeypatch.delenv(name, raising=False)
