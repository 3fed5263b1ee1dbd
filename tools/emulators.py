"""Owns the running Firestore and Pub/Sub emulators: starting, stopping, and the export that outlives them.

An emulator that the environment names is used as it is: neither started nor stopped here. Where the emulators are
found on a machine is the business of tools.cloud_sdk.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import requests

from tools.cloud_sdk import FIRESTORE, PUBSUB, Kind, commands, image_command
from tools.processes import Child, StartError, answers, free_port, wait_until

METADATA = "store.overall_export_metadata"
READY_WITHIN_S = 60


@dataclass
class Emulator:
    """One emulator: its "host:port", and its process when it is ours."""

    kind: Kind
    host: str
    child: Child | None = None
    container: str | None = None

    @property
    def is_external(self) -> bool:
        return self.child is None

    def wait_ready(self) -> None:
        wait_until(
            lambda: answers(f"http://{self.host}/"), READY_WITHIN_S, f"The {self.kind.title} emulator", self.child
        )

    def stop(self) -> None:
        if self.child:
            self.child.stop()
        if self.container:
            subprocess.run(["docker", "rm", "--force", self.container], capture_output=True, timeout=30, check=False)


def start_emulators(kinds: Sequence[Kind], log_dir: Path, seed: Path | None = None) -> list[Emulator]:
    """Start the emulators, all at once and without waiting. To be called from a thread that outlives them."""
    ours = [kind for kind in kinds if not os.environ.get(kind.variable)]
    command_of = dict(zip(ours, commands(ours), strict=True))
    return [_start(kind, command_of[kind], log_dir, seed) if kind in ours else _named(kind) for kind in kinds]


def _named(kind: Kind) -> Emulator:
    host = os.environ[kind.variable]
    if not answers(f"http://{host}/"):
        raise StartError(f"{kind.variable} names {host}, where nothing answers: start it, or unset the variable.")
    return Emulator(kind, host)


def _start(kind: Kind, command: list[str] | None, log_dir: Path, seed: Path | None) -> Emulator:
    port = free_port()
    seed = seed if kind is FIRESTORE else None
    name = f"{kind.component}-{port}"
    if command is None:
        full = image_command(kind, name, port, seed, shared=log_dir.resolve().parent)
    else:
        seeds = [f"--seed_from_export={seed}"] if seed else []
        full = [*command, "--host=127.0.0.1", f"--port={port}", *seeds]
    child = Child(f"The {kind.title} emulator", full, log_dir / f"{kind.component}.log")
    return Emulator(kind, f"127.0.0.1:{port}", child, container=None if command else name)


@contextlib.contextmanager
def _running(kinds: Sequence[Kind], log_dir: Path, seed: Path | None = None) -> Iterator[list[str]]:
    with contextlib.ExitStack() as stack:
        emulators = start_emulators(kinds, log_dir, seed)
        for emulator in emulators:
            stack.callback(emulator.stop)
        for emulator in emulators:
            emulator.wait_ready()
        yield [emulator.host for emulator in emulators]


@contextlib.contextmanager
def firestore_emulator(log_dir: Path, seed: Path | None = None) -> Iterator[str]:
    """A ready Firestore emulator, as "host:port", holding what the export named as seed holds."""
    with _running([FIRESTORE], log_dir, seed) as (host,):
        yield host


@contextlib.contextmanager
def pubsub_emulator(log_dir: Path) -> Iterator[str]:
    """A ready Pub/Sub emulator, as "host:port"."""
    with _running([PUBSUB], log_dir) as (host,):
        yield host


@contextlib.contextmanager
def both_emulators(log_dir: Path, seed: Path | None = None) -> Iterator[tuple[str, str]]:
    """Both emulators, started at the same time: Firestore's and Pub/Sub's "host:port"."""
    with _running([FIRESTORE, PUBSUB], log_dir, seed) as (firestore_host, pubsub_host):
        yield firestore_host, pubsub_host


def export_store(host: str, project_id: str, directory: Path) -> None:
    """Export the whole store as the newest of numbered folders under the directory, and drop the former ones.

    A folder gets its number, by one rename, when it is complete: whatever happens in between, the newest number is
    an export that can be used.
    """
    directory = directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    former = _numbered(directory)
    unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=directory))
    try:
        _export(host, project_id, unfinished)
        unfinished.rename(directory / f"{_number(former[-1]) + 1 if former else 1:06d}")
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    for old in former:
        shutil.rmtree(old, ignore_errors=True)


def _export(host: str, project_id: str, directory: Path) -> None:
    order = {"database": f"projects/{project_id}/databases/(default)", "export_directory": str(directory)}
    url = f"http://{host}/emulator/v1/projects/{project_id}:export"
    answer = requests.post(url, json={**order, "export_name": "store"}, timeout=120)
    if not answer.ok or not (directory / "store" / METADATA).is_file():
        raise OSError(f"the Firestore emulator did not export its store: {answer.status_code} {answer.text.strip()}")


def export_metadata(directory: Path) -> Path | None:
    """The file to seed an emulator from: that of the newest complete export under the directory."""
    metadata = [folder / "store" / METADATA for folder in _numbered(directory.resolve())]
    return next((path for path in reversed(metadata) if path.is_file()), None)


def empty_store(host: str, project_id: str) -> None:
    """Drop every document of the project from a running emulator."""
    url = f"http://{host}/emulator/v1/projects/{project_id}/databases/(default)/documents"
    requests.delete(url, timeout=60).raise_for_status()


def _numbered(directory: Path) -> list[Path]:
    return sorted((path for path in directory.glob("*") if path.name.isdigit()), key=_number)


def _number(folder: Path) -> int:
    return int(folder.name)
