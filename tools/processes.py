"""Owns child processes: each has a log, a session of its own, dies with us, and is stopped with all it started.

It knows nothing of what the processes are for.
"""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parent.parent
TETHER = Path(__file__).with_name("tether.py")


class StartError(RuntimeError):
    """Something could not be started. The message is one sentence for whoever typed the command."""


class Child:
    """A running child process.

    On Linux it lives no longer than the thread that started it, so it must be started from one that stays.
    """

    def __init__(self, name: str, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        # Isolated and without site packages the tether costs some 25 ms.
        tied = [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), *command]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                tied,
                cwd=ROOT,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def last_words(self) -> str:
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1][:300] if lines else "it said nothing"

    def stop(self, grace_s: float = 5) -> None:
        """Ask it to end, and after the grace kill it; either way nothing of its group remains."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(grace_s)
        self.kill()

    def kill(self) -> None:
        # The process leads its group, so the group's id is its own.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on.

    Taken from below the range that the system hands out by itself: no outgoing connection can take it before its
    server does.
    """
    for port in random.sample(range(20000, 32000), 200):
        if is_free(port):
            return port
    raise StartError("No free port was found between 20000 and 32000 on 127.0.0.1.")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def answers(url: str) -> bool:
    """Whether an HTTP server is there; what it answers does not matter."""
    try:
        requests.get(url, timeout=2).close()
    except requests.RequestException:
        return False
    return True


def wait_until(condition: Callable[[], bool], timeout_s: float, what: str, child: Child | None = None) -> None:
    """Wait for a condition. Give up when the time is over, or at once when the child that it depends on has ended."""
    give_up_at = time.monotonic() + timeout_s
    while not condition():
        if child and not child.is_running:
            raise StartError(f"{what} ended while starting: {child.last_words()} (see {child.log})")
        if time.monotonic() > give_up_at:
            raise StartError(
                f"{what} was not ready within {timeout_s:.0f} s." + (f" (see {child.log})" if child else "")
            )
        time.sleep(0.03)
