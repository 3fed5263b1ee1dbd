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
            subprocess.run([cloud_python(), "-m", "venv", str(place)], check=True)
            install = [place / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r"]
            done = subprocess.run([*install, requirements], capture_output=True, text=True, check=False)
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
    wanted = [bundle.ROOT / "functions" / name / "requirements.txt" for name in ("poller", "cars")]
    poller, cars = (file.read_text() if file.exists() else None for file in wanted)
    assert cars == poller, "functions/cars/requirements.txt must be a copy of the poller's"


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
