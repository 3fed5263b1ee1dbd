"""Owns where Google's emulators are on this machine, and how they get there when they are not.

It starts no emulator; it only says with which command one is started.
"""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.processes import StartError

IMAGE = "gcr.io/google.com/cloudsdktool/google-cloud-cli:emulators"
# Quick to start and small, and for what an emulator does also quicker afterwards.
JVM_OPTIONS = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.language=en")


@dataclass(frozen=True)
class Kind:
    """One of the emulators: how the SDK, its installers and its image call it."""

    title: str
    variable: str
    jar: str
    main_class: str
    arguments: tuple[str, ...]
    script: str
    component: str
    package: str
    gcloud: tuple[str, ...]


FIRESTORE = Kind(
    title="Firestore",
    variable="FIRESTORE_EMULATOR_HOST",
    jar="cloud-firestore-emulator/cloud-firestore-emulator*.jar",
    main_class="com.google.cloud.datastore.emulator.firestore.CloudFirestore",
    arguments=("start",),
    script="cloud-firestore-emulator/cloud_firestore_emulator",
    component="cloud-firestore-emulator",
    package="google-cloud-cli-firestore-emulator",
    gcloud=("emulators", "firestore", "start"),
)
PUBSUB = Kind(
    title="Pub/Sub",
    variable="PUBSUB_EMULATOR_HOST",
    jar="pubsub-emulator/lib/cloud-pubsub-emulator*-all.jar",
    main_class="com.google.cloud.pubsub.testing.v1.Main",
    arguments=(),
    script="pubsub-emulator/bin/cloud-pubsub-emulator",
    component="pubsub-emulator",
    package="google-cloud-cli-pubsub-emulator",
    gcloud=("beta", "emulators", "pubsub", "start"),
)


def sdk_roots() -> Iterator[Path]:
    """Every folder that may be a Google Cloud SDK, the likeliest first. Lazy: asking gcloud takes a second."""
    if named := os.environ.get("CLOUDSDK_ROOT_DIR"):
        yield Path(named)
    if gcloud := shutil.which("gcloud"):
        yield Path(gcloud).resolve().parent.parent
        if answer := _root_by_its_own_word(gcloud):
            yield Path(answer)
    yield Path("/usr/lib/google-cloud-sdk")
    yield Path.home() / "google-cloud-sdk"
    yield from (Path("/opt/google-cloud-sdk"), Path("/opt/google-cloud-cli"))
    yield from (Path("/snap/google-cloud-cli/current"), Path("/snap/google-cloud-sdk/current"))


@functools.cache
def _root_by_its_own_word(gcloud: str) -> str:
    return _output([gcloud, "info", "--format=value(installation.sdk_root)"])


def find_command(kind: Kind) -> list[str] | None:
    """The command that starts this emulator on this machine: Java with its jar, so that there is one process to stop."""
    for root in sdk_roots():
        platform = root / "platform"
        if jars := sorted(platform.glob(kind.jar)):
            if java := find_java(jars[-1], kind.main_class):
                return [java, *JVM_OPTIONS, "-cp", str(jars[-1]), kind.main_class, *kind.arguments]
        elif (platform / kind.script).is_file() and find_java():
            return [str(platform / kind.script), *kind.arguments]
    return None


def find_java(jar: Path | None = None, main_class: str = "") -> str | None:
    """The first Java that is new enough for the jar: an SDK of today asks for more than many a system's default."""
    needed = _java_needed(jar, main_class) if jar else 0
    return next((java for java in _javas() if _java_version(java) >= needed), None)


def _javas() -> Iterator[str]:
    if home := os.environ.get("JAVA_HOME"):
        yield from (str(java) for java in [Path(home) / "bin" / "java"] if os.access(java, os.X_OK))
    if java := shutil.which("java"):
        yield java
    yield from sorted(str(java) for java in Path("/usr/lib/jvm").glob("*/bin/java"))
    yield from sorted(str(java) for java in Path("/Library/Java/JavaVirtualMachines").glob("*/Contents/Home/bin/java"))


def _java_version(java: str) -> int:
    """Read from the file beside it, as running it takes a while; one that has no such file is taken on trust."""
    release = Path(java).resolve().parent.parent / "release"
    found = re.search(r'JAVA_VERSION="(?:1\.)?(\d+)', release.read_text()) if release.is_file() else None
    return int(found[1]) if found else sys.maxsize


def _java_needed(jar: Path, main_class: str) -> int:
    """A class file says in its bytes 6 and 7 for which Java it was made: 55 for Java 11, 61 for 17."""
    try:
        with zipfile.ZipFile(jar) as content, content.open(main_class.replace(".", "/") + ".class") as bytecode:
            return int.from_bytes(bytecode.read(8)[6:8], "big") - 44
    except (KeyError, zipfile.BadZipFile):
        return 0


def commands(kinds: Sequence[Kind]) -> list[list[str] | None]:
    """The command of each emulator, set up first if need be. None stands for the official image."""
    if not (missing := _missing(kinds)):
        return [find_command(kind) for kind in kinds]
    for way in (_install_components, _install_packages):
        way(missing)
        if not (missing := _missing(kinds)):
            return [find_command(kind) for kind in kinds]
    if not _pull_image():
        raise StartError(_what_to_do(missing))
    return [find_command(kind) for kind in kinds]


def _missing(kinds: Sequence[Kind]) -> list[Kind]:
    return [kind for kind in kinds if find_command(kind) is None]


def _what_to_do(missing: Sequence[Kind]) -> str:
    absent = [kind.component for kind in missing if not _is_in_sdk(kind)]
    components = f"the Google Cloud SDK with its components {' and '.join(absent)}" if absent else ""
    java = "" if find_java() and absent else "Java 21 or newer"
    wanted = " and ".join(part for part in (components, java) if part)
    return f"Google's emulators cannot be started or set up here: install {wanted}, or start Docker, and try again."


def _is_in_sdk(kind: Kind) -> bool:
    return any((root / "platform" / kind.script).is_file() for root in sdk_roots())


def _install_components(missing: Sequence[Kind]) -> None:
    gcloud = shutil.which("gcloud")
    if gcloud and _may_install_components(Path(gcloud).resolve().parent.parent):
        _announce("gcloud")
        _runs([gcloud, "components", "install", *(kind.component for kind in missing), "--quiet"], timeout_s=900)


def _may_install_components(root: Path) -> bool:
    """An SDK that came from a package manager has its own component manager switched off."""
    config = root / "lib" / "googlecloudsdk" / "core" / "config.json"
    return not (config.is_file() and json.loads(config.read_text()).get("disable_updater"))


def _install_packages(missing: Sequence[Kind]) -> None:
    packages = [kind.package for kind in missing if not _is_in_sdk(kind)]
    if not all(map(_has_candidate, packages)) or (become_root := _become_root()) is None:
        return
    if find_java() is None or not packages:
        packages.append("default-jre-headless")
    _announce("apt-get")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    _runs([*become_root, "apt-get", "install", "--yes", "--quiet", *packages], timeout_s=900, env=quiet)


def _has_candidate(package: str) -> bool:
    policy = _output(["apt-cache", "policy", package])
    return "Candidate:" in policy and "Candidate: (none)" not in policy


def _become_root() -> list[str] | None:
    if not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        return []
    return ["sudo", "--non-interactive"] if _runs(["sudo", "--non-interactive", "true"]) else None


def _pull_image() -> bool:
    if not _runs(["docker", "info"]):
        return False
    _announce("docker")
    return _runs(["docker", "pull", IMAGE], timeout_s=1800)


def image_command(kind: Kind, name: str, port: int, seed: Path | None, shared: Path) -> list[str]:
    """The official image; the shared folder has the same path inside, so that seeds and exports mean the same there."""
    user = ["--user", f"{os.getuid()}:{os.getgid()}", "--env", "HOME=/tmp", "--env", "CLOUDSDK_CONFIG=/tmp/gcloud"]
    run = ["docker", "run", "--rm", "--init", "--name", name, *user]
    folders = ["--volume", f"{shared}:{shared}"]
    start = ["gcloud", *kind.gcloud, f"--host-port=0.0.0.0:{port}"]
    imported = [f"--import-data={seed}"] if seed else []
    return [*run, *folders, "--publish", f"127.0.0.1:{port}:{port}", IMAGE, *start, *imported]


def _announce(installer: str) -> None:
    print(f"Setting up Google's emulators with {installer} …", file=sys.stderr, flush=True)


def _output(command: Sequence[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _runs(command: Sequence[str], timeout_s: float = 20, env: dict[str, str] | None = None) -> bool:
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=timeout_s, check=False, env={**os.environ, **(env or {})}
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
