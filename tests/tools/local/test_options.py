"""./run.sh says what is wrong with its options, and its help, before anything is set up or started."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh clone, as far as ./run.sh goes before it sets anything up."""
    for name in ("run.sh", "tools/setup.sh", "tools/local/options.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def run(clone: Path, *options: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """What it says; a set-up that begins would be seen by what it leaves."""
    before = sorted(clone.rglob("*"))
    command = [str(clone / "run.sh"), *options]
    done = subprocess.run(
        command, cwd="/", env={**os.environ, **env}, capture_output=True, text=True, check=False, timeout=30
    )
    assert sorted(clone.rglob("*")) == before
    return done


@pytest.mark.parametrize("options", [["--help"], ["-h"], ["--once", "--port", "80000", "--help"]])
def test_help_needs_nothing_but_any_python(options: list[str], clone: Path) -> None:
    done = run(clone, *options)
    assert (done.returncode, done.stderr) == (0, "")
    for option in ("--once", "--no-demo", "--port", "--car-cloud-port", "--host", "--data", "--fresh", "--no-cron"):
        assert f"  {option}" in done.stdout


def test_without_any_python_even_the_help_says_so(clone: Path) -> None:
    script = clone / "run.sh"
    script.write_text(script.read_text().replace("/usr/bin/python3", "/nowhere/python3"))
    programs = clone / "bin"
    programs.mkdir()
    for name in ("bash", "dirname"):
        (programs / name).symlink_to(shutil.which(name) or name)
    (programs / "python3").write_text("#!/bin/sh\nexit 127\n")  # as a version manager leaves it
    (programs / "python3").chmod(0o755)
    done = run(clone, "--help", PATH=str(programs))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "Python 3.11 or newer is needed" in done.stderr


def test_the_clone_itself_is_no_folder_for_data(clone: Path) -> None:
    for data in (str(clone), f"{clone}/tools/.."):
        done = run(clone, "--data", data)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "is the project's own folder" in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--port", "80000"], "--port: 80000 is no port: choose a number from 1 to 65535"),
        (["--port", "-1"], "--port: -1 is no port"),
        (["--port", "0"], "--port: 0 is no port"),
        (["--port", "http"], "--port: http is no port"),
        (["--car-cloud-port", "65536"], "--car-cloud-port: 65536 is no port"),
        (["--port", "8090"], "--port and --car-cloud-port are both 8090: choose two that differ"),
        (["--port", "9000", "--car-cloud-port", "9000"], "--port and --car-cloud-port are both 9000"),
        (["--host", "0.0.0.0"], "--host: no phone reaches 0.0.0.0: name this machine's own address"),
        (["--host", "::"], "--host: no phone reaches ::: name this machine's own address"),
        (["--host", "127.0.0.1"], "--host: no phone reaches 127.0.0.1: name this machine's own address"),
        (["--host", "224.0.0.1"], "--host: no phone reaches 224.0.0.1"),
        (["--host", "255.255.255.255"], "--host: no phone reaches 255.255.255.255"),
        (["--host", "localhost"], "--host: localhost is no IP address: name this machine's own"),
        (["--once", "--no-demo"], "--once plays the demo: it does not go with --no-demo"),
        (["--fersh"], "Unrecognized arguments: --fersh"),
        (["--fre"], "Unrecognized arguments: --fre"),
        (["--data"], "--data: expected one argument"),
        (["--data", ""], "--data: it names no folder"),
        (["--host", "::1"], "--host: no phone reaches ::1"),
        (["--host", "::ffff:127.0.0.1"], "--host: no phone reaches ::ffff:127.0.0.1"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence_before_anything_is_set_up(
    options: list[str], said: str, clone: Path
) -> None:
    done = run(clone, *options)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(said)


def start(data: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """A start that must be refused before anything runs."""
    command = [sys.executable, "-m", "tools.local", "--no-demo", "--data", str(data), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert not (data / "logs").exists()
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    return done


@pytest.mark.parametrize("option", ["--port", "--car-cloud-port"])
def test_a_port_in_use_is_one_sentence_that_names_the_option(option: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "credentials.keys").write_text("a key")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = start(tmp_path / "data", "--fresh", option, port)
    assert (tmp_path / "data" / "credentials.keys").read_text() == "a key"
    assert done.stderr == f"Port {port} is in use: choose another one with {option}.\n"


def test_an_address_that_this_machine_does_not_have_is_one_sentence(tmp_path: Path) -> None:
    done = start(tmp_path / "data", "--host", "198.51.100.7", *free_ports())
    assert done.stderr.startswith("--host 198.51.100.7 is no address of this machine")


def free_ports() -> list[str]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return ["--port", str(one.getsockname()[1]), "--car-cloud-port", str(other.getsockname()[1])]
