"""Setting up can be broken off at any moment and then repeated; asking for help sets up nothing."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pip
import pytest

from tests.tools.wheels import put_wheel
from tools.local import processes

ROOT = Path(__file__).parents[2]
# Takes pip a second to compile after it was unpacked, and is half installed meanwhile.
SLOW = "\n".join(f"def f{n}(x: int) -> list[int]:\n    return [x + {n}, x * {n}, x]" for n in range(10_000))
# Makes environments as Python does, but copies the pip that is here: to unpack one takes five seconds of processor.
QUICK_PYTHON = """#!/bin/bash
if [[ $* != "-m venv .venv" ]]; then exec {python} "$@"; fi
{python} -m venv --without-pip .venv
cp -a {packages}/pip {packages}/pip-*.dist-info .venv/lib/python*/site-packages
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A fresh clone that needs two small packages, which lie in a folder beside it."""
    root = tmp_path / "clone"
    for folder in ("tools", "functions/poller", "tests"):
        (root / folder).mkdir(parents=True)
    (tmp_path / "wheels").mkdir()
    shutil.copy(ROOT / "tools" / "setup.sh", root / "tools")
    python = tmp_path / "bin" / "python3"
    python.parent.mkdir()
    python.write_text(QUICK_PYTHON.format(python=sys.executable, packages=Path(pip.__file__).parents[1]))
    python.chmod(0o755)
    lock(root, "1.0")
    (root / "functions" / "poller" / "requirements.txt").touch()
    (root / "tools" / "requirements.txt").touch()
    (root / "tests" / "requirements.txt").write_text(put_wheel(tmp_path / "wheels", "checker", "1.0", {"checker": ""}))
    return root


def lock(root: Path, version: str) -> None:
    """Has a version of the slow package locked."""
    modules = {"slow": f"VERSION = {version!r}", "slow_to_compile": SLOW}
    (root / "requirements.txt").write_text(put_wheel(root.parent / "wheels", "slow", version, modules))


def environment(root: Path, **changed: str) -> dict[str, str]:
    """For set-ups that need no network, however this machine's pip is configured."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    wheels = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(root.parent / "wheels"), "PIP_CONFIG_FILE": os.devnull}
    path = f"{root.parent / 'bin'}:{kept['PATH']}"
    return {**kept, **wheels, "PATH": path, **changed}


def set_up(root: Path, group: str = "dev", *then: str, **changed: str) -> "subprocess.CompletedProcess[str]":
    command, env = [root / "tools" / "setup.sh", group, *then], environment(root, **changed)
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=300)


def break_off(root: Path, when: Callable[[], object], what: str, alone: signal.Signals | None = None) -> None:
    """Sets up and presses Ctrl-C as soon as something is there, or sends the script alone a signal."""
    log = root.parent / "log"
    # Whoever runs the tests in the background has Ctrl-C ignored, and what they start too.
    command = ["env", "--default-signal=INT", str(root / "tools" / "setup.sh"), "dev"]
    process = processes.start(command, log, environment(root))

    def is_there() -> bool:
        # What an earlier run left goes first: it says nothing of this one, which may not have heard of signals yet.
        return "Setting up" in log.read_text() and bool(when())

    try:
        processes.wait_until(lambda: is_there() or process.poll() is not None, what, every_s=0.005)
        if alone:
            process.send_signal(alone)
        else:
            os.killpg(process.pid, signal.SIGINT)
        assert process.wait(60) == 130, log.read_text()
        processes.wait_until(lambda: not left_of(process.pid), "the end of what it had started")
    finally:
        processes.stop(process)
    assert not (root / ".venv" / "stamp").exists()
    assert "Traceback" not in log.read_text()
    assert log.read_text().endswith("Stopped. The same command sets up again what is missing.\n")
    log.unlink()


def left_of(group: int) -> list[str]:
    """What still runs of a process group."""
    listed = subprocess.run(["ps", "-eo", "pgid,stat,args"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=2) for line in listed.splitlines()[1:]]
    return [args for pgid, stat, args in rows if int(pgid) == group and not stat.startswith("Z")]


def installed(root: Path) -> str:
    """What the environment has, where it is whole: the version of the slow package."""
    python = root / ".venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "check"], capture_output=True, check=True)
    code = "import checker, slow, slow_to_compile; print(slow.VERSION)"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def packages(root: Path, name: str) -> list[Path]:
    return list((root / ".venv").glob(f"lib/*/site-packages/{name}"))


def is_set_up_anew(root: Path, name: str) -> bool:
    """Whether the package is there again, after what a former run left was removed."""
    return "Setting up" in (root.parent / "log").read_text() and bool(packages(root, name))


def test_after_ctrl_c_at_any_moment_the_next_run_goes_to_the_end(project: Path) -> None:
    break_off(project, (project / ".venv" / "pyvenv.cfg").exists, "an environment without pip")
    break_off(project, lambda: packages(project, "pip"), "a half-made pip")
    break_off(project, lambda: packages(project, "slow-1.0.dist-info"), "a half-installed package")
    for alone in (signal.SIGTERM, signal.SIGINT):
        break_off(project, lambda: is_set_up_anew(project, "slow-1.0.dist-info"), "a half-installed package", alone)
    done = set_up(project, "dev", "sh", "-c", "echo set up, in $PWD")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"set up, in {Path.cwd()}\n", "it becomes the command, where the caller stands"
    assert installed(project) == "1.0"
    assert "2 packages for dev" in done.stderr
    again = set_up(project)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", ""), "nothing is left to do"
    assert set_up(project, "tools").stderr == "", "what tests need holds what tools need"
    lock(project, "2.0")
    break_off(project, lambda: packages(project, "slow-2.0.dist-info"), "a package half renewed")
    assert set_up(project).returncode == 0
    assert installed(project) == "2.0"


def test_an_environment_without_a_working_pip_or_from_another_folder_is_made_anew(project: Path) -> None:
    assert set_up(project, "tools").returncode == 0
    (broken,) = packages(project, "pip/_internal")
    shutil.rmtree(broken)
    done = set_up(project)
    assert done.returncode == 0, done.stderr
    assert installed(project) == "1.0"
    moved = project.rename(project.with_name("moved"))
    done = set_up(moved)
    assert done.returncode == 0, done.stderr
    assert str(moved / ".venv") in (moved / ".venv" / "bin" / "activate").read_text()
    beside, stamp = Path(shutil.copytree(moved, project, ignore=shutil.ignore_patterns(".venv"))), moved / ".venv/stamp"
    (beside / ".venv").symlink_to(moved / ".venv")
    kept = stamp.read_text()
    assert set_up(beside).returncode == 0
    assert (stamp.read_text(), (beside / ".venv").is_symlink()) == (kept, False), "who links to it leaves it as it is"


def test_without_a_network_one_sentence_says_so(project: Path) -> None:
    nobody = f"http://127.0.0.1:{processes.free_port()}/simple"
    there = {"PATH": os.environ["PATH"], "PIP_NO_INDEX": "", "PIP_FIND_LINKS": ""}  # with Python's own pip
    done = set_up(project, PIP_INDEX_URL=nobody, PIP_RETRIES="1", **there)
    assert done.returncode == 1
    (_, said) = done.stderr.splitlines()
    assert said == (
        "The packages could not be installed: there is no network, or the package index cannot be reached "
        "(.venv/setup.log)."
    )


def test_a_file_that_is_not_the_locked_one_is_refused(project: Path) -> None:
    locked = (project / "requirements.txt").read_text()
    lock(project, "1.0")
    put_wheel(project.parent / "wheels", "slow", "1.0", {"slow": "import something_else"})
    (project / "requirements.txt").write_text(locked)
    done = set_up(project)
    assert done.returncode == 1
    assert done.stderr.splitlines()[1:] == [
        "The packages could not be installed: a file is not the one that is locked (.venv/setup.log)."
    ]
    assert packages(project, "slow.py") == []


@pytest.mark.parametrize("script", ["deploy.sh"])
@pytest.mark.parametrize("asked", [["--help"], ["--dry-run", "-h"]], ids=" ".join)
def test_help_is_there_before_anything_is_installed(script: str, asked: list[str], tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    listing = ["git", "ls-files", "-zco", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, clone / name)
    done = subprocess.run([clone / script, *asked], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"usage: ./{script}" in done.stdout
    assert not (clone / ".venv").exists()
    assert not (clone / ".venv.lock").exists()
