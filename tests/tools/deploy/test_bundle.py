"""What is deployed of each function starts by itself: from its folder alone, with its own requirements alone."""

import fcntl
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
import requests

from tests.calls import all_calls
from tools.checks.locks import entries, groups, name_of
from tools.deploy import bundle
from tools.deploy.bundle import digest, stage
from tools.deploy.functions import FUNCTIONS, Function
from tools.local import processes

# A call for a poll that is refused as one that cannot be read: it takes the whole way into the handler.
EVENT = {
    "ce-id": "1",
    "ce-source": "//x",
    "ce-type": "google.cloud.pubsub.topic.v1.messagePublished",
    "ce-specversion": "1.0",
}


def cloud_python() -> str:
    """The Python that the cloud runs where this machine has it, else the one that runs the tests."""
    managed = Path.home().glob(".pyenv/versions/3.13*/bin/python3.13")
    for found in filter(None, [shutil.which("python3.13"), *map(str, managed)]):
        # A version manager's stand-in may be on PATH and not run.
        if subprocess.run([found, "-c", "import venv, ensurepip"], capture_output=True, check=False).returncode == 0:
            return found
    return sys.executable


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder for virtual environments that all workers of this run share."""
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "environments"
    shared.mkdir(exist_ok=True)
    return shared


def fresh_environment(requirements: Path, environments: Path) -> Path:
    """A new virtual environment with what a requirements file names and nothing else; one for each different file."""
    place = environments / sha256(requirements.read_bytes()).hexdigest()[:16]
    with (environments / f"{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "done").exists():
            subprocess.run([cloud_python(), "-m", "venv", "--without-pip", str(place)], check=True)
            # As pip in the cloud's build takes them, at a tenth of the work.
            uv = [Path(sys.executable).with_name("uv"), "pip", "install", "-q", f"--python={place}/bin/python"]
            install = [*uv, "--require-hashes", "-r", str(requirements)]
            done = subprocess.run(install, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            (place / "done").touch()
    return place


def first_answer(function: Function) -> int:
    """The status with which it answers a GET of / without a key."""
    if function.topic:
        return 405
    methods = {call.method for call in all_calls() if call.function == function and call.path in function.paths}
    return 401 if "GET" in methods else 405 if methods else 404


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_each_bundle_starts_alone_in_a_fresh_environment(
    function: Function, tmp_path: Path, environments: Path
) -> None:
    name = function.name
    bundle = tmp_path / name
    stage(name, bundle)
    place = fresh_environment(bundle / "requirements.txt", environments)
    port, log = processes.free_port(), tmp_path / "log"
    command = f"cd {bundle} && exec {place}/bin/functions-framework --source main.py --target {name}"
    start = ["sh", "-c", f"{command} --port {port} --signature-type {function.signature}"]
    server = processes.start(start, log, {"PATH": "/usr/bin:/bin", "GOOGLE_CLOUD_PROJECT": "p"})
    try:
        processes.wait_until(lambda: server.poll() is not None or processes.answers(port), name)
        assert server.poll() is None, log.read_text()
        answer = requests.get(f"http://127.0.0.1:{port}/", timeout=30)
        assert answer.status_code == first_answer(function), log.read_text()
        if function.topic:
            told = requests.post(
                f"http://127.0.0.1:{port}/", json={"message": {"data": "x"}}, headers=EVENT, timeout=30
            )
            assert told.status_code == 200, log.read_text()
    finally:
        processes.stop(server)


def test_whoever_asks_cars_has_the_same_libraries_for_it() -> None:
    poller, cars = (bundle.ROOT / "functions" / name / "requirements.txt" for name in ("poller", "cars"))
    assert cars.read_text() == poller.read_text()


@pytest.mark.parametrize("name", [function.name for function in FUNCTIONS])
def test_a_bundle_has_the_version_and_the_hashes_of_everything_it_needs(name: str, tmp_path: Path) -> None:
    stage(name, tmp_path / "b")
    locked = entries((tmp_path / "b" / "requirements.txt").read_text())
    needed = next((group for group in groups(bundle.ROOT) if group.name == name.replace("_", "-")), None)
    pins = {pin for group in groups(bundle.ROOT) if group.name == "core" or group is needed for pin in group.pins}
    assert pins <= {line.split(" ")[0] for line in locked}
    assert all("--hash=sha256:" in block for block in locked.values())
    assert len(locked) == len({name_of(line) for line in locked}), "each package once"


def test_a_bundle_holds_its_function_the_shared_code_and_all_requirements(tmp_path: Path) -> None:
    stage("poller", tmp_path / "b")
    entries = {path.name for path in (tmp_path / "b").iterdir()}
    assert entries == {"main.py", "shared", "requirements.txt"}
    assert not list((tmp_path / "b").rglob("__pycache__"))


def test_a_digest_changes_with_any_file_and_with_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for part in ("functions/stats", "shared"):
        shutil.copytree(bundle.ROOT / part, tmp_path / part)
    shutil.copy(bundle.ROOT / "requirements.txt", tmp_path)
    before = digest("stats")
    monkeypatch.setattr(bundle, "ROOT", tmp_path)
    assert digest("stats") == before
    (tmp_path / "functions" / "stats" / "function.toml").write_text("# what it says are settings, which count anyway")
    assert digest("stats") == before
    (tmp_path / "shared" / "logs.py").write_text("# changed")
    assert digest("stats") != before


def test_a_digest_changes_with_every_locked_package_and_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for part in ("functions/poller", "shared"):
        shutil.copytree(bundle.ROOT / part, tmp_path / part)
    locks = [tmp_path / "requirements.txt", tmp_path / "functions" / "poller" / "requirements.txt"]
    shutil.copy(bundle.ROOT / "requirements.txt", tmp_path)
    monkeypatch.setattr(bundle, "ROOT", tmp_path)
    seen = [digest("poller")]
    for lock in locks:
        first = next(iter(entries(lock.read_text()).values()))
        assert "\n    # via " in first, "a package that another one brings"
        for what, into in (("==", "==1."), ("sha256:", "sha256:0")):
            lock.write_text(lock.read_text().replace(first, first.replace(what, into, 1)))
            first = first.replace(what, into, 1)
            seen.append(digest("poller"))
    assert len(set(seen)) == 5
