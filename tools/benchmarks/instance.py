"""A function as it is deployed: its bundle in a process of its own, served as the framework does it in the cloud."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tools import processes
from tools.bundle import stage
from tools.deploy.functions import BY_NAME


class Instance:
    """Where an instance listens, and the process that does its work."""

    def __init__(self, url: str, worker: int) -> None:
        self.url, self._worker = url, worker

    def peak_mib(self) -> float:
        """The most memory that its process held, in MiB."""
        return peak_mib(self._worker)

    def processor_s(self) -> float:
        """The processor time of its process since it began, in seconds."""
        fields = Path(f"/proc/{self._worker}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def instance(name: str, settings: Mapping[str, str]) -> Iterator[Instance]:
    """A fresh instance of a function under settings of its own, which serves meanwhile."""
    with TemporaryDirectory() as folder:
        bundle, log, port = Path(folder) / "bundle", Path(folder) / "log", processes.free_port()
        stage(name, bundle)
        framework = [str(Path(sys.executable).with_name("functions-framework")), "--target", name]
        command = [*framework, "--source", str(bundle / "main.py"), "--host", "127.0.0.1", "--port", str(port)]
        threads = {"THREADS": str(BY_NAME[name].concurrency)}
        process = processes.start(command, log, {**os.environ, **threads, **settings})
        try:
            processes.wait_until(lambda: process.poll() is not None or _children(process.pid), f"a worker of {name}")
            processes.wait_until(lambda: process.poll() is not None or processes.answers(port), name)
            if process.poll() is not None:
                raise RuntimeError(f"{name} does not start, it ended with {process.returncode}: {log.read_text()}")
            yield Instance(f"http://127.0.0.1:{port}", _children(process.pid)[0])
        finally:
            processes.stop(process)


@contextmanager
def environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Settings of this process meanwhile."""
    former = dict(os.environ)
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(former)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def peak_mib(pid: int | str) -> float:
    """The most memory that a process held, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (peak,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(peak.split()[1]) / 1024
