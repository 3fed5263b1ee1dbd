"""./run.sh as a newcomer runs it: the demo is right, also twice, keeps its data, and leaves no process behind."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.docs.pages import ROOT, boxes, in_order
from tests.formats.read import pages_of
from tools.local import processes

# What the first page shows of it.
(SHOWN,) = (box.text for box in boxes(ROOT / "README.md") if box.text.startswith("ready "))


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    ports = ["--port", str(processes.free_port()), "--car-cloud-port", str(processes.free_port())]
    return [sys.executable, "-m", "tools.local", "--data", str(tmp_path / "data"), *ports]


@pytest.fixture
def env() -> dict[str, str]:
    """Without the emulators of the tests: the stack starts its own."""
    taken = ("FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST", "CREDENTIALS_KEYS", "GOOGLE_CLOUD_PROJECT")
    return {name: value for name, value in os.environ.items() if name not in taken}


def left_behind(data: Path) -> list[str]:
    """Processes whose command line or open log names the data folder or that listen for it."""
    found = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return [line for line in found.splitlines() if str(data) in line]


def option(command: list[str], name: str) -> str:
    return command[command.index(name) + 1]


def is_driving(command: list[str]) -> bool:
    """Whether Boris is under way, by what the car says."""
    try:
        url = f"http://127.0.0.1:{option(command, '--car-cloud-port')}/control/cars/DEMOBORIS00000000"
        return bool(requests.get(url, timeout=5).json().get("state") == "driving")
    except requests.RequestException:
        return False


def printed(told: str, words: str) -> str:
    """The command printed that has these words."""
    (found,) = [line.strip() for line in told.splitlines() if words in line]
    return found


def in_a_shell(line: str, env: dict[str, str]) -> str:
    done = subprocess.run(["bash", "-c", line], env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_demo_goes_on_where_it_was_broken_off_and_what_it_prints_works(
    command: list[str], env: dict[str, str], tmp_path: Path
) -> None:
    broken_off = processes.start([*command, "--once"], tmp_path / "first", env)
    processes.wait_until(lambda: is_driving(command), "the first drive")
    broken_off.send_signal(signal.SIGINT)
    assert broken_off.wait(30) == 1, "a demo that was broken off was not right"
    assert "Traceback" not in (tmp_path / "first").read_text()
    assert left_behind(tmp_path / "data") == []

    done = subprocess.run([*command, "--once"], env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "One right trip each." in done.stdout
    assert in_order(SHOWN, done.stdout), done.stdout
    for name in ("Boris", "Tim"):
        text = "".join(pages_of(Path(printed(done.stdout, f"{name}'s log, as").split(": ")[1]).read_bytes()))
        assert (f"DEMO-{name[0]}" in text, "Voorbeeldlaan 1" in text, "11.1" in text) == (True, True, True)
    assert done.stdout.count("Boris: trips") == 1
    assert "What to do next" not in done.stdout, "nobody serves it any more"
    former_key = printed(done.stdout, "Boris: boris@example.com, key: ").split()[-1]
    assert left_behind(tmp_path / "data") == []
    assert oct((tmp_path / "data" / "credentials.keys").stat().st_mode)[-3:] == "600"

    log = tmp_path / "third"
    serving = processes.start(command, log, env)
    processes.wait_until(lambda: "serving at" in log.read_text(), "the third run")
    told = log.read_text()
    assert "One right trip each." in told
    (trip,) = json.loads(in_a_shell(printed(told, "curl "), env))["trips"]
    assert (trip["from"]["place"], trip["to"]["place"], trip["gap_before_km"]) == ("Work", "Home", 0.0)
    assert trip["start_odometer_km"] == 20011.1
    users = in_a_shell(printed(told, "list-users"), env)
    assert ("2 users" in users, users.count("wrong: nothing")) == (True, 2)
    assert "No phone reaches 127.0.0.1" in in_a_shell(printed(told, "add-key"), env)
    assert printed(told, "--host").endswith(f"--data {tmp_path / 'data'} --host ADDRESS")
    url = f"http://127.0.0.1:{option(command, '--port')}/stats"
    keys = [former_key, *(printed(told, f"{name}@example.com, key: ").split()[-1] for name in ("boris", "tim"))]
    assert [requests.get(url, params={"key": key}, timeout=30).status_code for key in keys] == [401, 200, 200]
    serving.send_signal(signal.SIGINT)
    assert serving.wait(30) == 0


def test_a_second_stack_on_the_same_data_or_port_is_refused_and_one_that_is_killed_takes_everything_with_it(
    command: list[str], env: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    stack = processes.start([*command, "--no-demo"], log, env)
    processes.wait_until(lambda: "ready http://127.0.0.1:" in log.read_text(), "the stack")
    url = log.read_text().split("ready ")[1].split()[0]
    assert requests.get(f"{url}/trips", timeout=10).status_code == 401
    elsewhere = [*command, "--data", str(tmp_path / "other")]
    for again, said in ((command, "Another stack"), (elsewhere, "is in use")):
        done = subprocess.run([*again, "--no-demo"], env=env, cwd=ROOT, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert said in done.stderr
    children = subprocess.run(
        ["pgrep", "-P", str(stack.pid)], capture_output=True, text=True, check=True
    ).stdout.split()
    assert len(children) >= 4
    os.kill(stack.pid, signal.SIGKILL)
    stack.wait()
    processes.wait_until(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in children), "the children")
