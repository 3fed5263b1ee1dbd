"""Runs checks one after the other, and a command beside them; what a check says is shown when it is done."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock, Thread

from tools.local import processes

STOPPED = 130  # the exit code of what Ctrl-C ended
# A run of tests that is told to stop has its workers finish the tests that they are at, for at most ten seconds.
STOP_WITHIN_S = 30.0


def run(checks: Mapping[str, Sequence[str]], beside: Sequence[str] = ()) -> int:
    """Runs the checks, by their names, and a command; 1 where a check fails, else the exit code of the command.

    Ctrl-C and SIGTERM stop all of it and leave no process behind.
    """
    for wanted in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wanted, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder:
        # A group of its own: Ctrl-C comes to this process alone, which passes it on once.
        checking = Checking(checks, Path(folder))
        command = None
        try:
            checking.start()
            with processes.uninterrupted():
                command = subprocess.Popen(beside, start_new_session=True) if beside else None
            code = command.wait() if command else 0
            checking.join()
        except KeyboardInterrupt:
            try:
                checking.stop()
            finally:  # also where Ctrl-C is pressed again meanwhile
                if command:
                    _stop(command)
            return STOPPED
    if checking.failed:
        print(f"failed: {', '.join(checking.failed)}", flush=True)
    return 1 if checking.failed else code


class Checking(Thread):
    """The checks, one after the other: all at once they would take the processors from what runs beside them."""

    def __init__(self, checks: Mapping[str, Sequence[str]], folder: Path) -> None:
        super().__init__()
        self.failed = [*checks]  # each until it was right
        self._checks, self._folder = checks, folder
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped, self._lock = False, Lock()

    def run(self) -> None:
        """Runs each, and says how it went."""
        for name, command in self._checks.items():
            log, began = self._folder / name, time.monotonic()
            with self._lock:
                if self._stopped:
                    return
                self._process = processes.start(command, log)
            code = self._process.wait()
            if self._stopped:
                return
            if code == 0:
                self.failed.remove(name)
            how = "right" if code == 0 else "FAILED"
            print(f"\n{name}: {how}, {time.monotonic() - began:.0f} s\n{log.read_text().strip()}", flush=True)

    def stop(self) -> None:
        """Stops the one that is running, and begins no other."""
        with self._lock:
            self._stopped = True
            if self._process:
                processes.stop(self._process)
        self.join()


def _stop(command: "subprocess.Popen[bytes]") -> None:
    """Stops a command as Ctrl-C does; one that does not stop, or a second Ctrl-C, ends it at once."""
    with suppress(KeyboardInterrupt, subprocess.TimeoutExpired):
        command.send_signal(signal.SIGINT)
        command.wait(STOP_WITHIN_S)
    with suppress(ProcessLookupError):
        os.killpg(command.pid, signal.SIGKILL)
    command.wait()
