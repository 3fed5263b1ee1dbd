"""Owns Google's emulators of Firestore and Pub/Sub: named by the environment, of an installed SDK, or fetched."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tools.local import download, java, processes
from tools.local.download import Download

# What counts is how soon they answer; Java's second compiler costs more than it gives back in all the tests. It pays
# where one of them looks at a hundred thousand documents again and again.
QUICK_START = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
LONG_WORK = ("-XX:+UseParallelGC",)
EXPORT = Path("store") / "store.overall_export_metadata"
# Addresses, sizes and sums are those in downloadableEmulatorInfo.json of the npm package firebase-tools 15.34.
GOOGLE = "https://storage.googleapis.com/firebase-preview-drop/emulator"
Missing = download.Missing
TOO_OLD_A_JAVA = "UnsupportedClassVersionError"


@dataclass(frozen=True)
class Emulator:
    """One of the two: its jar in an SDK, what is fetched where there is none, and the jar in that."""

    name: str
    sdk_jar: str
    sdk_main: str  # what Java runs of the SDK's jar, where the jar does not say it itself
    download: Download
    jar: str

    @property
    def variable(self) -> str:
        """What names one that runs already."""
        return f"{self.name.upper()}_EMULATOR_HOST"

    def option(self, name: str, text: str) -> list[str]:
        """An option of its command line, as Google's own tools write it."""
        return [f"--{name}={text}"] if self.name == "pubsub" else [f"--{name}", text]


FIRESTORE = Emulator(
    name="firestore",
    sdk_jar="cloud-firestore-emulator/cloud-firestore-emulator.jar",
    sdk_main="com.google.cloud.datastore.emulator.firestore.CloudFirestore",
    download=Download(
        "the Firestore emulator (137 MB)",
        f"{GOOGLE}/cloud-firestore-emulator-v1.22.0.jar",
        136_707_194,
        "9b6498b7f62714d67f48f59b3818883cd682dbcd46b9f59511de81c97bb5166c",
    ),
    jar="",
)
PUBSUB = Emulator(
    name="pubsub",
    sdk_jar="pubsub-emulator/lib/cloud-pubsub-emulator-*.jar",
    sdk_main="",
    download=Download(
        "the Pub/Sub emulator (53 MB)",
        f"{GOOGLE}/pubsub-emulator-0.8.37.zip",
        53_029_797,
        "c83383e0c71633e58abad6fdc9c0312c7d0f6a5a34236c42e3f92eb24ded1c26",
    ),
    jar="pubsub-emulator/lib/cloud-pubsub-emulator-*.jar",
)


@contextmanager
def both(logs: Path, seed: Path | None = None, java_options: Sequence[str] = QUICK_START) -> Iterator[tuple[str, str]]:
    """Host and port of both emulators, started together; those named in the environment are used as they are.

    Raises Missing where one does not answer, is not here and cannot be fetched, or does not start.
    """
    named = {one: os.environ.get(one.variable, "") for one in (FIRESTORE, PUBSUB)}
    for one, host in named.items():
        if host and not processes.answers(*_address(host)):
            unset = " ".join(other.variable for other, name in named.items() if name)
            raise Missing(f"{one.variable} names {host}, where nothing answers: first `unset {unset}`.")
    commands = {one: _command(one, seed, java_options) for one, host in named.items() if not host}
    with ExitStack() as stack:
        program = java.program() if commands else ""
        started = [_Started(stack, one, program, command, logs) for one, command in commands.items()]
        hosts = named | {one.emulator: one.host() for one in started}
        yield hosts[FIRESTORE], hosts[PUBSUB]


def _address(host: str) -> tuple[int, str]:
    name, _, port = host.rpartition(":")
    return (int(port) if port.isdigit() else 0), name.strip("[]") or "127.0.0.1"


def _command(one: Emulator, seed: Path | None, java_options: Sequence[str]) -> list[str]:
    """What Java is asked to run, but for the port: one process, which stops as one."""
    seeded = ["--seed_from_export", str(seed)] if seed and one is FIRESTORE else []
    return [*java_options, "-Duser.language=en", *entry(one), *one.option("host", "127.0.0.1"), *seeded]


class _Started:
    """An emulator that is being started."""

    def __init__(self, stack: ExitStack, emulator: Emulator, program: str, command: list[str], logs: Path) -> None:
        self.emulator, self._stack, self._log = emulator, stack, logs / f"{emulator.name}.log"
        self._port = processes.free_port()
        self._command = [*command, *emulator.option("port", str(self._port))]
        self._start(program)

    def host(self) -> str:
        """Where it answers, once it does. Raises Missing where it ends instead."""
        if not self._comes_up() and TOO_OLD_A_JAVA in self._log.read_text()[-4000:]:
            # Google says of no emulator which Java it wants, and what runs on 11 today may not tomorrow.
            self._start(java.packaged())
        if not self._comes_up():
            raise Missing(f"The {self.emulator.name} emulator does not start; see {self._log}.")
        return f"127.0.0.1:{self._port}"

    def _start(self, program: str) -> None:
        with processes.uninterrupted():
            self._process = processes.start([program, *self._command], self._log)
            self._stack.callback(processes.stop, self._process)

    def _comes_up(self) -> bool:
        name, process = self.emulator.name, self._process
        processes.wait_until(lambda: process.poll() is not None or processes.answers(self._port), name)
        return process.poll() is None


def entry(one: Emulator) -> list[str]:
    """How Java is told what to run: an SDK's, else one that is fetched where the cache has none. Raises Missing."""
    for root in sdk_roots():
        if jars := sorted((root / "platform").glob(one.sdk_jar)):
            return ["-cp", str(jars[-1]), one.sdk_main] if one.sdk_main else ["-jar", str(jars[-1])]
    place = download.fetched(one.download)
    jars = sorted(place.glob(one.jar)) if one.jar else [place]
    if not jars:
        raise Missing(f"There is no {one.jar} in {place}: remove that folder and run the same command again.")
    return ["-jar", str(jars[-1])]


def sdk_roots() -> Iterator[Path]:
    """Where a Google Cloud SDK may be on this machine."""
    if named := os.environ.get("CLOUDSDK_ROOT_DIR"):
        yield Path(named)
    if gcloud := shutil.which("gcloud"):
        yield Path(gcloud).resolve().parent.parent
    yield from (Path("/usr/lib/google-cloud-sdk"), Path.home() / "google-cloud-sdk", Path("/opt/google-cloud-sdk"))
    yield Path("/snap/google-cloud-cli/current")


def export_store(host: str, project_id: str, directory: Path) -> None:
    """Writes the Firestore emulator's data out; the former export stays whole until the new one is."""
    fresh, former = directory.with_name(directory.name + ".new"), directory.with_name(directory.name + ".old")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    asked = {
        "database": f"projects/{project_id}/databases/(default)",
        "export_directory": str(fresh.resolve()),
        "export_name": EXPORT.parts[0],
    }
    requests.post(f"http://{host}/emulator/v1/projects/{project_id}:export", json=asked, timeout=60).raise_for_status()
    shutil.rmtree(former, ignore_errors=True)
    if directory.exists():
        directory.rename(former)
    fresh.rename(directory)
    shutil.rmtree(former, ignore_errors=True)


def exported(directory: Path) -> Path | None:
    """What a Firestore emulator can be seeded from: the last whole export, or None."""
    for place in (directory, directory.with_name(directory.name + ".old")):
        if (place / EXPORT).exists():
            return (place / EXPORT).resolve()
    return None
