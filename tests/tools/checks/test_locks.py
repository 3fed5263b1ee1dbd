"""The locks say what pyproject.toml asks for: a changed pin without a compiled lock is found, without a network."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from tests.tools.wheels import put_wheel
from tools.checks.locks import ROOT, entries, faults, groups, write

LOCKS = [group.lock.relative_to(ROOT) for group in groups(ROOT)]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the pins and the locks of this project."""
    for file in ("pyproject.toml", *LOCKS):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    return tmp_path


def change(file: Path, what: str, into: str) -> None:
    text, count = re.subn(what, into, file.read_text(), count=1, flags=re.MULTILINE)
    assert count == 1
    file.write_text(text)


def test_this_projects_locks_say_what_its_pins_ask_for() -> None:
    assert faults() == [], "`.venv/bin/python -m tools.checks.locks --write` compiles the locks anew"


def test_a_pin_of_another_version_needs_a_new_lock(project: Path) -> None:
    change(project / "pyproject.toml", r'"msgspec==[^"]+"', '"msgspec==0.1.0"')
    assert [fault for fault in faults(project) if "is not locked" in fault] == [
        "requirements.txt: msgspec==0.1.0 of the group core is not locked"
    ]


def test_a_pin_more_needs_a_new_lock(project: Path) -> None:
    change(project / "pyproject.toml", '"segno==', '"another==1.0", "segno==')
    assert faults(project) == ["tools/requirements.txt: another==1.0 of the group tools is not locked"]


def test_a_pin_less_needs_a_new_lock(project: Path) -> None:
    change(project / "pyproject.toml", r' *"geopy==[^"]+",\n', "")
    assert sorted(re.sub(r"==\S+", "", fault) for fault in faults(project)) == [
        f"functions/{name}/requirements.txt: geopy is locked, and the group {name} does not ask for it"
        for name in ("cars", "poller")
    ]


def test_a_pin_is_one_version(project: Path) -> None:
    change(project / "pyproject.toml", r'"rich==[^"]+"', '"rich>=15"')
    assert "tools/requirements.txt: the group tools has rich>=15, which is no exact version" in faults(project)


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_every_package_has_hashes(lock: Path, project: Path) -> None:
    change(project / lock, r"( \\\n    --hash=sha256:[0-9a-f]{64})+", "")
    (fault,) = faults(project)
    assert re.fullmatch(rf"{lock}: \S+==\S+.* has no hash", fault)


def test_functions_that_read_cars_have_the_same_versions(project: Path) -> None:
    change(project / "functions" / "cars" / "requirements.txt", "^aiohttp==", "aiohttp==9.")
    assert faults(project) == ["aiohttp is not the same in all locks"]


def test_a_lock_that_no_group_asks_for_is_found(project: Path) -> None:
    (project / "functions" / "stats").mkdir()
    (project / "functions" / "stats" / "requirements.txt").touch()
    assert faults(project) == ["functions/stats/requirements.txt: pyproject.toml has no group stats"]


def test_compiled_locks_hold_each_package_once_with_all_that_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = tmp_path / "wheels"
    for folder in (wheels, tmp_path / "tools", tmp_path / "tests", tmp_path / "functions" / "stats"):
        folder.mkdir(parents=True)
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    put_wheel(wheels, "common", "1.0", {}, needs=["deep"])
    put_wheel(wheels, "deep", "1.0", {})
    put_wheel(wheels, "own", "1.0", {}, needs=["deep", "deeper; python_version >= '3.13'"])
    put_wheel(wheels, "deeper", "1.0", {})
    put_wheel(wheels, "checker", "1.0", {}, needs=["own", "common"])
    pins = {
        "core": '"common==1.0"',
        "stats": '{include-group = "core"}, "own==1.0"',
        "tools": '{include-group = "stats"}',
        "dev": '{include-group = "tools"}, "checker==1.0"',
    }
    table = "\n".join(f"{name} = [{asked}]" for name, asked in pins.items())
    project = '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.11"\n'
    (tmp_path / "pyproject.toml").write_text(f"{project}[dependency-groups]\n{table}\n")
    write(tmp_path)
    locked = {group.name: list(entries(group.lock.read_text())) for group in groups(tmp_path)}
    assert locked == {
        "core": ["common==1.0", "deep==1.0"],
        "stats": ["deeper==1.0 ; python_full_version >= '3.13'", "own==1.0"],
        "tools": [],
        "dev": ["checker==1.0"],
    }
    assert faults(tmp_path) == []
    put_wheel(wheels, "deep", "1.1", {})
    before = (tmp_path / "requirements.txt").read_text()
    write(tmp_path)
    assert (tmp_path / "requirements.txt").read_text() == before, "what still fits stays"
    write(tmp_path, upgrade=True)
    assert "deep==1.1" in entries((tmp_path / "requirements.txt").read_text())


def test_each_pin_stands_in_one_place() -> None:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    names = [pin.split("==")[0] for group in table.values() for pin in group if isinstance(pin, str)]
    assert len(names) == len(set(names))
