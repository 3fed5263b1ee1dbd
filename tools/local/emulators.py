"""Owns Google's emulators of Firestore and Pub/Sub: finds them, sets them up where they are missing, runs them."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

from tools.local import processes

# What counts is how soon they answer; Java's second compiler costs more than it gives back in all the tests. It pays
# where one of them looks at a hundred thousand documents again and again.
QUICK_START = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
LONG_WORK = ("-XX:+UseParallelGC",)
FIRESTORE_MAIN = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
IMAGE = "gcr.io/google.com/cloudsdktool/google-cloud-cli:emulators"
PACKAGES = ("google-cloud-cli-firestore-emulator", "google-cloud-cli-pubsub-emulator")
COMPONENTS = ("cloud-firestore-emulator", "pubsub-emulator")
EXPORT = Path("store") / "store.overall_export_metadata"
MISSING = (
    "The Firestore and Pub/Sub emulators are missing: install the Google Cloud SDK and run "
    "`gcloud components install cloud-firestore-emulator pubsub-emulator`, with Java 11 or newer."
)


class Missing(Exception):
    """The emulators are not here and cannot be set up."""


@contextmanager
def both(logs: Path, seed: Path | None = None, java_options: Sequence[str] = QUICK_START) -> Iterator[tuple[str, str]]:
    """Host and port of both emulators, started together; those named in the environment are used as they are."""
    with ExitStack() as stack:
        firestore, pubsub = os.environ.get("FIRESTORE_EMULATOR_HOST"), os.environ.get("PUBSUB_EMULATOR_HOST")
        started = []
        for name, host in (("firestore", firestore), ("pubsub", pubsub)):
            if host and not processes.answers(*_address(host)):
                raise Missing(f"{name.upper()}_EMULATOR_HOST names {host}, where nothing answers: unset it.")
            if not host:
                port = processes.free_port()
                started_by = command(name, port, seed, logs.parent.resolve(), java_options)
                process = processes.start(started_by, logs / f"{name}.log")
                stack.callback(processes.stop, process)
                started.append((name, port, process))
        for name, port, process in started:
            processes.wait_until(lambda p=port, q=process: q.poll() is not None or processes.answers(p), name)  # type: ignore[misc]
            if process.poll() is not None:
                raise Missing(f"The {name} emulator does not start; see {logs / f'{name}.log'}.")
        ports = {name: f"127.0.0.1:{port}" for name, port, _ in started}
        yield firestore or ports["firestore"], pubsub or ports["pubsub"]


def _address(host: str) -> tuple[int, str]:
    name, _, port = host.rpartition(":")
    return (int(port) if port.isdigit() else 0), name.strip("[]") or "127.0.0.1"


def command(
    name: str,
    port: int,
    seed: Path | None = None,
    data: Path | None = None,
    java_options: Sequence[str] = QUICK_START,
) -> list[str]:
    """The command that runs an emulator: from its jar, so that it is one process and stops as one."""
    address = ["--host=127.0.0.1", f"--port={port}"]
    seeded = [f"--seed_from_export={seed}"] if seed and name == "firestore" else []
    platform = find_platform() or set_up()
    if platform is None:
        entry = "emulators firestore" if name == "firestore" else "beta emulators pubsub"
        inside = f"gcloud {entry} start --host-port=0.0.0.0:{port}"
        if seeded:
            inside += f" --import-data={seed}"
        # The data folder has the same name inside, so that what is written out there is found here.
        mounted = ["-v", f"{data}:{data}"] if data else []
        ports = ["-p", f"127.0.0.1:{port}:{port}"]
        return ["docker", "run", "--rm", "--init", *ports, *mounted, IMAGE, "sh", "-c", inside]
    if name == "firestore":
        jar = platform / "cloud-firestore-emulator" / "cloud-firestore-emulator.jar"
        if jar.exists():
            return [
                java(),
                *java_options,
                "-Duser.language=en",
                "-cp",
                str(jar),
                FIRESTORE_MAIN,
                "start",
                *address,
                *seeded,
            ]
        return [str(platform / "cloud-firestore-emulator" / "cloud_firestore_emulator"), "start", *address, *seeded]
    jars = sorted((platform / "pubsub-emulator" / "lib").glob("cloud-pubsub-emulator-*-all.jar"))
    if jars:
        return [java(), *java_options, "-jar", str(jars[-1]), *address]
    return [str(platform / "pubsub-emulator" / "bin" / "cloud-pubsub-emulator"), *address]


def find_platform() -> Path | None:
    """The SDK's folder that holds both emulators, or None."""
    for root in sdk_roots():
        platform = root / "platform"
        if all((platform / name).is_dir() for name in COMPONENTS) and shutil.which(java()):
            return platform
    return None


def sdk_roots() -> Iterator[Path]:
    """Where a Google Cloud SDK may be on this machine."""
    if named := os.environ.get("CLOUDSDK_ROOT_DIR"):
        yield Path(named)
    if gcloud := shutil.which("gcloud"):
        yield Path(gcloud).resolve().parent.parent
        told = _output([gcloud, "info", "--format=value(installation.sdk_root)"])
        if told:
            yield Path(told)
    home = Path.home() / "google-cloud-sdk"
    yield from (Path("/usr/lib/google-cloud-sdk"), home, Path("/opt/google-cloud-sdk"))
    yield Path("/snap/google-cloud-cli/current")


def java() -> str:
    """The Java program."""
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / "java") if home else "java"


def set_up() -> Path | None:
    """Installs the emulators in the way this machine offers; None where a Docker engine will run them.

    Raises Missing where it offers none.
    """
    gcloud = shutil.which("gcloud")
    if gcloud and _runs([gcloud, "components", "install", *COMPONENTS, "--quiet"]) and (found := find_platform()):
        return found
    if _apt_offers_them() and _apt_install() and (found := find_platform()):
        return found
    if shutil.which("docker") and _runs(["docker", "info"]):
        return None
    raise Missing(MISSING)


def _apt_offers_them() -> bool:
    return bool(shutil.which("apt-cache")) and "Candidate: " in _output(["apt-cache", "policy", PACKAGES[0]]).replace(
        "Candidate: (none)", ""
    )


def _apt_install() -> bool:
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    wanted = [*PACKAGES] if shutil.which("java") else [*PACKAGES, "default-jre-headless"]
    print("Installing the emulators with apt …", flush=True)
    return _runs([*sudo, "apt-get", "install", "-y", "-qq", *wanted])


def _runs(command: list[str]) -> bool:
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


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
