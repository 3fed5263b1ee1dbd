"""The checks beside a command: each is shown, any that fails fails the run, and Ctrl-C leaves nothing behind."""

import signal
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest

from tools.checks.__main__ import CHECKS
from tools.local import processes

ROOT = Path(__file__).parents[3]
RUNS = "import sys; from tools.checks.beside import run; sys.exit(run({}, {}))"
RIGHT = {"quick": ["echo", "all is well"], "second": ["true"]}
WRONG = {"quick": ["sh", "-c", "echo this is wrong; exit 3"], "second": ["echo", "after it"]}


def start(checks: dict[str, list[str]], beside: list[str]) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", RUNS.format(checks, beside)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ran(checks: dict[str, list[str]], beside: list[str]) -> tuple[int, str]:
    process = start(checks, beside)
    told, _ = process.communicate(timeout=60)
    return process.returncode, told


@pytest.mark.parametrize(
    ("checks", "beside", "code"),
    [
        (RIGHT, ["true"], 0),
        (RIGHT, [], 0),
        (RIGHT, ["sh", "-c", "exit 5"], 5),
        (WRONG, ["true"], 1),
        (WRONG, [], 1),
        ({"missing": ["/nowhere/program"]}, ["true"], 1),
    ],
)
def test_it_is_right_only_where_all_is_right(checks: dict[str, list[str]], beside: list[str], code: int) -> None:
    assert ran(checks, beside)[0] == code


def test_what_each_check_says_is_shown_and_who_failed_stands_at_the_end() -> None:
    _, told = ran(WRONG, ["echo", "tests"])
    assert "quick: FAILED, 0 s\nthis is wrong" in told
    assert "second: right, 0 s\nafter it" in told
    assert told.splitlines()[-1] == "failed: quick"


def test_the_checks_run_beside_the_command_and_not_before_it(tmp_path: Path) -> None:
    # Each waits for what the other makes.
    waits = "echo > {0}/{1}; while [ ! -e {0}/{2} ]; do sleep 0.05; done"
    checks = {"one": ["sh", "-c", waits.format(tmp_path, "check", "command")]}
    assert ran(checks, ["sh", "-c", waits.format(tmp_path, "command", "check")])[0] == 0


def alive(groups: Collection[str]) -> list[str]:
    """What runs of these process groups; not what is over and not yet buried."""
    listed = subprocess.run(["ps", "-eo", "pgid,stat,args"], capture_output=True, text=True, check=True).stdout
    rows = [line for line in listed.splitlines()[1:] if line.split()[0] in groups]
    return [line for line in rows if not line.split()[1].startswith("Z")]


@pytest.mark.parametrize("wanted", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_both_and_leaves_no_process(wanted: signal.Signals, tmp_path: Path) -> None:
    waits = f"echo $$ > {tmp_path}/{{}}; sleep 600 & wait"
    # The command cleans up when it is told to stop, as pytest does.
    cleans = f"trap 'touch {tmp_path}/cleaned; exit 2' INT; echo $$ > {tmp_path}/command; while :; do sleep 0.05; done"
    process = start({"one": ["sh", "-c", waits.format("check")]}, ["bash", "-c", cleans])
    pids = [tmp_path / name for name in ("check", "command")]
    processes.wait_until(lambda: all(pid.exists() and pid.read_text().strip() for pid in pids), "both")
    process.send_signal(wanted)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert (tmp_path / "cleaned").exists()
    assert alive([pid.read_text().strip() for pid in pids]) == []


def test_a_second_ctrl_c_while_a_check_is_stopped_still_stops_the_command(tmp_path: Path) -> None:
    ends = f"trap 'touch {tmp_path}/stopping; sleep 1; exit' TERM"
    slow = f"{ends}; echo $$ > {tmp_path}/check; while :; do sleep 0.05; done"
    process = start({"one": ["bash", "-c", slow]}, ["bash", "-c", f"echo $$ > {tmp_path}/command; sleep 600 & wait"])
    pids = [tmp_path / name for name in ("check", "command")]
    processes.wait_until(lambda: all(pid.exists() and pid.read_text().strip() for pid in pids), "both")
    process.send_signal(signal.SIGINT)
    processes.wait_until((tmp_path / "stopping").exists, "the check's end")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert alive([pid.read_text().strip() for pid in pids]) == []


def test_nothing_is_left_out_of_the_checks() -> None:
    commands = [" ".join(command).replace(f"{Path(sys.executable).parent}/", "") for command in CHECKS.values()]
    for start_of in ("ruff check", "ruff format --check", "mypy", "lint-imports"):
        assert sum(command.startswith(start_of) for command in commands) == 1
    (shellcheck,) = [command for command in commands if command.startswith("shellcheck")]
    for script in ("run.sh", "test.sh", "deploy.sh", "tools/setup.sh", ".ci/run"):
        assert f"/{script}" in shellcheck
    assert [command for command in commands if command.endswith(("checks.leaks", "checks.vulnerabilities"))] != []


def test_the_continuous_run_calls_nothing_weaker_than_the_script() -> None:
    script = (ROOT / "test.sh").read_text()
    assert "exec tools/setup.sh dev .venv/bin/python -m tools.checks" in script
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "./test.sh"


def test_help_says_what_it_does_and_installs_nothing(tmp_path: Path) -> None:
    (tmp_path / "test.sh").write_text((ROOT / "test.sh").read_text())
    command = ["bash", "test.sh", "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) < 12
    assert "./test.sh tests/domain" in done.stdout
    assert [file.name for file in tmp_path.iterdir()] == ["test.sh"]
