"""How child processes are started."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tools.local import processes

# What a library does at a fork is done in the process that forks; gRPC stands still there now and then.
STARTS_ONE = """
import os, sys
from pathlib import Path
from tools.local import processes

os.register_at_fork(before=lambda: print("forked", flush=True))
if sys.argv[2] == "fork":
    if os.fork() == 0:
        os._exit(0)
child = processes.start(["echo", "the command"], Path(sys.argv[1]))
print("ended with", child.wait(30))
"""


@pytest.mark.parametrize(("how", "said"), [("start", "ended with 0\n"), ("fork", "forked\nended with 0\n")])
def test_a_child_is_started_without_the_handlers_of_a_fork(how: str, said: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTS_ONE, str(tmp_path / "log"), how]
    done = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == said
    assert (tmp_path / "log").read_text() == "the command\n"


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_waits_until_what_was_started_is_noted(stop: signal.Signals) -> None:
    noted = list[str]()
    former = signal.signal(stop, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), processes.uninterrupted():
            signal.raise_signal(stop)
            noted.append("started")
        assert noted == ["started"]
        assert signal.getsignal(stop) is signal.default_int_handler
    finally:
        signal.signal(stop, former)


def test_a_thread_other_than_the_first_is_never_interrupted_anyway() -> None:
    entered = threading.Event()

    def run() -> None:
        with processes.uninterrupted():
            entered.set()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(10)
    assert entered.is_set()
