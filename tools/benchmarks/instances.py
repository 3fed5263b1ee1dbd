"""One instance of a function as the cloud runs it: a process of the framework's own server, from a staged bundle.

What is asked of its processor is asked of Linux, which keeps a clock for each process.
"""

import compileall
import ctypes
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tools.deploy.bundle import stage
from tools.deploy.functions import BY_NAME
from tools.local import emulators, processes

BARE = Path(__file__).parent / "bare"
# Requests are counted at the door as ever; a limit that nobody reaches costs no document.
UNREACHED = {"LIMIT_USER_WEBHOOKS": "1000000", "LIMIT_USER_CALLS": "1000000"}


class Source(NamedTuple):
    """What an instance is started from: a file, the function in it, and the function whose settings it gets."""

    file: Path
    target: str
    like: str


def staged(function: str, folder: Path) -> Source:
    """The function's bundle, staged below the folder with its byte code, as the cloud's build writes it."""
    stage(function, folder / function)
    compileall.compile_dir(folder / function, quiet=2)
    return Source(folder / function / "main.py", function, function)


def bare(file: str, folder: Path, like: str, target: str | None = None) -> Source:
    """A bare function, put below the folder in the same way, to be started with the settings of one of ours.

    It has the name of its file unless said otherwise.
    """
    place = folder / f"bare-{like}" / "main.py"
    place.parent.mkdir()
    shutil.copy(BARE / f"{file}.py", place)
    compileall.compile_dir(place.parent, quiet=2)
    return Source(place, target or file, like)


class Instance:
    """A started process; stop it in the end. `env` is added to what the deployment sets."""

    def __init__(self, source: Source, log: Path, env: Mapping[str, str]) -> None:
        function, self.port = BY_NAME[source.like], processes.free_port()
        # As the deployment and Cloud Run set them; the framework makes gunicorn's worker, threads and timeout of them.
        cloud = {"THREADS": str(function.concurrency), "CLOUD_RUN_TIMEOUT_SECONDS": str(function.timeout_s)}
        kind = function.signature
        # The console script: with -m, Python would look for `shared` in our own folder before that of the bundle.
        framework = Path(sys.executable).with_name("functions-framework")
        command = [str(framework), "--source", str(source.file), "--target", source.target]
        command += ["--signature-type", kind, "--host", "127.0.0.1", "--port", str(self.port)]
        self.url, self._log = f"http://127.0.0.1:{self.port}", log
        self.process = processes.start(command, log, {**os.environ, **cloud, **env})

    def wait(self) -> None:
        """Waits until it listens. Raises RuntimeError where it ended instead."""
        processes.wait_until(
            lambda: self.process.poll() is not None or processes.answers(self.port), "the function", every_s=0.001
        )
        if self.process.poll() is not None:
            raise RuntimeError(f"the function ended with {self.process.returncode}: {self._log.read_text()}")

    def processor_s(self) -> float:
        """Seconds of processor that the server's processes took since they were started."""
        pid = self.process.pid
        return sum(processor_s(one) for one in (pid, *processes.children(pid)))

    def peak_mib(self) -> float:
        """The most memory that the process which answers held, in MiB."""
        (worker,) = processes.children(self.process.pid)
        return processes.peak_mib(worker)

    def stop(self) -> None:
        """Ends it."""
        processes.stop(self.process)


@contextmanager
def running(source: Source, log: Path, env: Mapping[str, str]) -> Iterator[Instance]:
    """An instance that listens."""
    instance = Instance(source, log, env)
    try:
        instance.wait()
        yield instance
    finally:
        instance.stop()


def processor_s(pid: int) -> float:
    """Seconds of processor that a process took, with all its threads."""
    clock = ctypes.c_int()
    if ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock)):
        raise ProcessLookupError(pid)
    return time.clock_gettime(clock.value)


@contextmanager
def emulated(
    logs: Path, java_options: Sequence[str] = emulators.QUICK_START, **settings: str
) -> Iterator[dict[str, str]]:
    """Both emulators, and the environment of who uses them: for instances, and meanwhile for this process too."""
    with emulators.both(logs, java_options=java_options) as (store, bus):
        env = {"FIRESTORE_EMULATOR_HOST": store, "PUBSUB_EMULATOR_HOST": bus, **settings}
        with processes.environment(env):
            yield env
