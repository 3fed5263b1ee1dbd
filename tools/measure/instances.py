"""One instance of a function as the cloud runs it: a process of the framework's own server, from a staged bundle.

What is asked of its processor is asked of Linux, which keeps a clock for each process.
"""

import compileall
import ctypes
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tools.deploy.bundle import stage
from tools.deploy.functions import BY_NAME
from tools.local import processes

BARE = Path(__file__).with_name("bare.py")
# Requests are counted at the door as ever; a limit that nobody reaches costs no document.
UNREACHED = {"LIMIT_USER_WEBHOOKS": "1000000", "LIMIT_USER_CALLS": "1000000"}


class Source(NamedTuple):
    """What an instance is started from: a file, the function in it, and the function whose settings it gets."""

    file: Path
    target: str
    like: str


def placed(function: str, folder: Path, bare: str = "") -> Source:
    """A function's bundle below the folder with its byte code, as the cloud's build writes it; or a bare one's."""
    place = folder / f"{function}-{bare}"
    if bare:
        place.mkdir()
        shutil.copy(BARE, place / "main.py")
    else:
        stage(function, place)
    compileall.compile_dir(place, quiet=2)
    return Source(place / "main.py", bare or function, function)


class Instance:
    """A started process; stop it in the end. `env` is added to what the deployment sets."""

    def __init__(self, source: Source, env: Mapping[str, str]) -> None:
        function, self.port = BY_NAME[source.like], processes.free_port()
        # As the deployment and Cloud Run set them; the framework makes gunicorn's worker, threads and timeout of them.
        cloud = {"THREADS": str(function.concurrency), "CLOUD_RUN_TIMEOUT_SECONDS": str(function.timeout_s)}
        kind = function.signature
        # The console script: with -m, Python would look for `shared` in our own folder before that of the bundle.
        framework = Path(sys.executable).with_name("functions-framework")
        command = [str(framework), "--source", str(source.file), "--target", source.target]
        command += ["--signature-type", kind, "--host", "127.0.0.1", "--port", str(self.port)]
        self.url, self.log = f"http://127.0.0.1:{self.port}", source.file.with_name("log")
        self.process = processes.start(command, self.log, {**os.environ, **cloud, **env})

    def wait(self) -> None:
        """Waits until it listens. Raises RuntimeError where it ended instead."""
        processes.wait_until(
            lambda: self.process.poll() is not None or processes.answers(self.port), "the function", every_s=0.001
        )
        if self.process.poll() is not None:
            raise RuntimeError(f"the function ended with {self.process.returncode}: {self.log.read_text()}")

    def processor_s(self) -> float:
        """Seconds of processor that the server's processes took since they were started."""
        pid = self.process.pid
        return sum(_processor_s(one) for one in (pid, *processes.children(pid)))

    def peak_mib(self) -> float:
        """The most memory that the process which answers held, in MiB."""
        (worker,) = processes.children(self.process.pid)
        return processes.peak_mib(worker)

    def stop(self) -> None:
        """Ends it."""
        processes.stop(self.process)


@contextmanager
def running(source: Source, env: Mapping[str, str]) -> Iterator[Instance]:
    """An instance that listens."""
    instance = Instance(source, env)
    try:
        instance.wait()
        yield instance
    finally:
        instance.stop()


def _processor_s(pid: int) -> float:
    clock = ctypes.c_int()
    if ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock)):
        raise ProcessLookupError(pid)
    return time.clock_gettime(clock.value)
