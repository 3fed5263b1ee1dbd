"""The short loop: what needs no emulators starts none, who needs them shares one pair, and nothing is left."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.emulators import NAMES
from tools.local import processes

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
# Nothing answers there: whoever asked for emulators with these named would be told so.
NOBODY = dict.fromkeys(NAMES, "127.0.0.1:1")
# As an editor starts a program: with nothing of what a shell may have set.
BARE = {"PATH": "/usr/bin:/bin", "HOME": str(Path.home())}
TESTS = """
import os, signal
from pathlib import Path

import pytest

HERE = Path(__file__).parent

@pytest.mark.parametrize("number", range(6))
def test_one(number, emulators):
    hosts = " ".join(os.environ[name] for name in ("FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST"))
    (HERE / f"{os.getpid()}-{number}.told").write_text(hosts)
    if number == 3 and "PYTEST_XDIST_WORKER" in os.environ:
        os.kill(os.getpid(), signal.SIGKILL)

def test_who_does_not_ask_does_not_see_them():
    assert "FIRESTORE_EMULATOR_HOST" not in os.environ
"""


def pytest_run(*arguments: object, **env: str) -> "subprocess.CompletedProcess[str]":
    command = [f"{BIN}/pytest", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env={**BARE, **env}, capture_output=True, text=True, check=False)


def test_a_test_of_the_domain_runs_from_an_editor_and_starts_no_emulator() -> None:
    done = pytest_run("tests/domain/car/test_car.py", **NOBODY)
    assert done.returncode == 0, done.stdout + done.stderr


WITHOUT_SDK = """
import sys
import pytest
from tools.local import emulators
emulators.sdk_roots = lambda: iter(())
sys.exit(pytest.main(["--collect-only", "-p", "no:cacheprovider", "tests/tools/deploy"]))
"""


def test_without_a_google_cloud_sdk_the_run_says_what_it_does_not_check() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_SDK], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "*** NOT CHECKED: whether gcloud takes each call" in done.stdout
    assert "test_smoke.py" in done.stdout
    assert "test_every_call_is_understood" not in done.stdout


@pytest.mark.parametrize("workers", [0, 2])
def test_emulators_that_do_not_start_end_the_run_with_one_sentence(workers: int) -> None:
    done = pytest_run("-n", workers, "tests/system/test_tenancy.py", **NOBODY)
    assert done.returncode != 0
    said = [line for line in (done.stdout + done.stderr).splitlines() if "127.0.0.1:1" in line]
    assert len(said) == 1, done.stdout + done.stderr
    assert "FIRESTORE_EMULATOR_HOST names 127.0.0.1:1, where nothing answers" in said[0]
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize("workers", [0, 2])
def test_all_workers_share_one_pair_which_outlives_a_worker_and_not_the_run(workers: int, tmp_path: Path) -> None:
    (tmp_path / "test_them.py").write_text(TESTS)
    done = pytest_run("-n", workers, "-p", "tests.emulators", "--rootdir", tmp_path, tmp_path, PYTHONPATH=str(ROOT))
    told = [file.read_text() for file in tmp_path.glob("*.told")]
    assert len(told) == 6, done.stdout + done.stderr
    (pair,) = set(told)
    assert [host for host in pair.split() if processes.answers(int(host.rpartition(":")[2]))] == []
    crashed = "1 failed, 6 passed" if workers else "7 passed"
    assert crashed in done.stdout, done.stdout


def test_emulators_that_are_named_from_outside_are_used_as_they_are(emulators: None, tmp_path: Path) -> None:
    (tmp_path / "test_them.py").write_text(TESTS)
    named = {name: os.environ[name] for name in NAMES}
    done = pytest_run("-n", 0, "-p", "tests.emulators", tmp_path, PYTHONPATH=str(ROOT), **named)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {file.read_text() for file in tmp_path.glob("*.told")} == {" ".join(named[name] for name in NAMES)}
    assert processes.answers(int(named["FIRESTORE_EMULATOR_HOST"].rpartition(":")[2]))


@pytest.mark.parametrize("tool", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]])
def test_ruff_and_mypy_run_from_an_editor_on_one_file(tool: list[str]) -> None:
    command = [f"{BIN}/{tool[0]}", *tool[1:], "shared/domain/log/kinds.py"]
    done = subprocess.run(command, cwd=ROOT, env=BARE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
