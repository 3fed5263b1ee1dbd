"""Owns child processes: they start in a group of their own, die with us, and leave nothing behind."""

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from shared import settings

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def why_not(port: int, host: str = "127.0.0.1") -> OSError | None:
    """What keeps a server from listening there; None where nothing does."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            return error
        return None


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody listens on the port."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_until(holds: Callable[[], object], what: str, within_s: float = 60.0, every_s: float = 0.05) -> None:
    """Waits for a condition, which is looked at again and again. Raises TimeoutError that names it."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {within_s:g} s for {what}")
        time.sleep(every_s)


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Variables of this process meanwhile, and of those that it starts; its settings are read anew."""
    former = dict(os.environ)
    os.environ.update(variables)
    try:
        settings.read_anew()
        yield
    finally:
        os.environ.clear()
        os.environ.update(former)
        settings.read_anew()


def children(pid: int) -> list[int]:
    """The processes that a process has started and that are still there (Linux)."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def peak_mib(pid: int | str) -> float:
    """The most memory that a process held, in MiB (Linux)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (peak,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(peak.split()[1]) / 1024


def start(command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> "subprocess.Popen[bytes]":
    """Starts a command that dies when we do; what it prints goes to the log file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        return subprocess.Popen(
            [*_dying_with_parent(), *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=env,
            start_new_session=True,
        )


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C waits for the end of this, so that what is started in it is noted as something to stop as well."""
    if threading.current_thread() is not threading.main_thread():
        yield  # no signal breaks in here
        return
    came = list[int]()
    heard = [wanted for wanted in STOPPING if callable(signal.getsignal(wanted))]
    former = {wanted: signal.signal(wanted, lambda number, _: came.append(number)) for wanted in heard}
    try:
        yield
    finally:
        for wanted, handler in former.items():
            signal.signal(wanted, handler)
        for number in came[:1]:
            signal.raise_signal(number)


def stop(process: "subprocess.Popen[bytes]", within_s: float = 5.0) -> None:
    """Asks a process and its children to stop, and ends them if they do not; Ctrl-C does not break this."""
    with uninterrupted():
        for wanted in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, wanted)
            with suppress(subprocess.TimeoutExpired):
                process.wait(within_s)
                break
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what the process itself had started


def _dying_with_parent() -> list[str]:
    """What to put before a command so that it dies with us: Linux's own program, which becomes the command.

    Not a `preexec_fn`: with one, Python forks, and a child of a process that uses gRPC stands still now and then in
    what gRPC does at a fork (grpc/grpc#43055).
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
