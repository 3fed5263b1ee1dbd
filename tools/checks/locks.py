"""Whether the lock files say what pyproject.toml asks for: `python -m tools.checks.locks`, which needs no network.

With `--write`, uv compiles them anew and keeps what still fits; with `--write --upgrade` it takes the newest of what no
pin holds. A lock has every package with the hashes of its files. It leaves out what stands in the locks that are always
installed with it: a function's bundle is the common lock and its own, and each package stands once.
"""

import argparse
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
# The groups that are no function's, and the folder of each one's lock.
FOLDERS = {"core": ".", "tools": "tools", "dev": "tests"}
HEADER = (
    "# Compiled from pyproject.toml by `python -m tools.checks.locks --write`: change versions there and not here.\n"
)
PIN = re.compile(r"[a-z0-9-]+(\[[a-z0-9,-]+\])?==[a-z0-9.]+")
# How uv says that a group asks for a package itself: `mileage-log (pyproject.toml:core)`.
ASKED = re.compile(r"\S+ \(pyproject\.toml:\S+\)")
# By requirement (`colorama==0.4.6 ; sys_platform == 'win32'`) the lines of a lock that say it, hashes and all.
Entries = dict[str, str]


class Group(NamedTuple):
    """A dependency group: the pins that are its own, the groups on whose locks its lock stands, and where that is."""

    name: str
    pins: tuple[str, ...]
    stands_on: tuple[str, ...]
    lock: Path


def groups(root: Path) -> list[Group]:
    """The dependency groups of the pyproject.toml in a folder, each after those that it includes."""
    table = tomllib.loads((root / "pyproject.toml").read_text())["dependency-groups"]
    includes = {name: _included(table, name) for name in table}
    return [_group(table, name, includes[name], root) for name in sorted(table, key=lambda name: len(includes[name]))]


def _group(table: Mapping[str, list[str | dict[str, str]]], name: str, includes: list[str], root: Path) -> Group:
    # Of all others, only the common lock is in a function's bundle.
    stands_on = includes if name in FOLDERS else ["core"]
    held = [name, *(included for included in includes if included not in stands_on)]
    pins = tuple(pin for each in held for pin in table[each] if isinstance(pin, str))
    folder = root / FOLDERS.get(name, f"functions/{name.replace('-', '_')}")
    return Group(name, pins, tuple(stands_on), folder / "requirements.txt")


def _included(table: Mapping[str, list[str | dict[str, str]]], name: str) -> list[str]:
    direct = [entry["include-group"] for entry in table[name] if isinstance(entry, dict)]
    return list(dict.fromkeys(chain(direct, *(_included(table, each) for each in direct))))


def entries(lock: str) -> Entries:
    """The entries of a lock file."""
    blocks = re.findall(r"^[a-z0-9].*(?:\n .*)*\n?", lock, re.MULTILINE)
    return {block.splitlines()[0].removesuffix("\\").strip(): block for block in blocks}


def name_of(requirement: str) -> str:
    """The package that a requirement names."""
    return re.split(r"[=\[ ]", requirement, maxsplit=1)[0]


def faults(root: Path = ROOT) -> list[str]:
    """What is not right about the locks in a folder, a sentence each."""
    found, wanted = [], groups(root)
    locks = {group.name: entries(group.lock.read_text()) if group.lock.exists() else {} for group in wanted}
    for group in wanted:
        below = chain.from_iterable(locks[each] for each in group.stands_on)
        where = group.lock.relative_to(root)
        found += [f"{where}: {fault}" for fault in _faults(group, locks[group.name], below)]
    known = {group.lock for group in wanted}
    strays = [file for file in sorted(root.glob("functions/*/requirements.txt")) if file not in known]
    found += [f"{file.relative_to(root)}: pyproject.toml has no group {file.parent.name}" for file in strays]
    return found + _differences(locks)


def _faults(group: Group, lock: Entries, below: Iterable[str]) -> list[str]:
    there = {requirement.split(" ")[0] for requirement in chain(lock, below)}
    pins = {re.sub(r"\[.*\]", "", pin) for pin in group.pins}
    asked = {
        line.split(" ")[0] for line, block in lock.items() if re.search(r"\bpyproject\.toml$", block, re.MULTILINE)
    }
    return [
        *(f"the group {group.name} has {pin}, which is no exact version" for pin in pins if not PIN.fullmatch(pin)),
        *(f"{pin} of the group {group.name} is not locked" for pin in sorted(pins - there)),
        *(f"{one} is locked, and the group {group.name} does not ask for it" for one in sorted(asked - pins)),
        *(f"{line} has no hash" for line, block in lock.items() if "--hash=sha256:" not in block),
    ]


def _differences(locks: Mapping[str, Entries]) -> list[str]:
    """The packages that are of another version, or for other machines, in one lock than in another."""
    said: dict[str, set[tuple[str, ...]]] = {}
    for lock in locks.values():
        for name in {name_of(requirement) for requirement in lock}:
            said.setdefault(name, set()).add(tuple(sorted(each for each in lock if name_of(each) == name)))
    return [f"{name} is not the same in all locks" for name, versions in said.items() if len(versions) > 1]


def write(root: Path = ROOT, upgrade: bool = False) -> None:
    """Compiles the locks. Raises CalledProcessError where no versions fit the pins, or PyPI cannot be reached."""
    wanted = groups(root)
    there = [group.lock.read_text() for group in wanted if group.lock.exists()]
    # All at once first: what each group gets is what they can have together.
    whole = compiled(root, "dev", "" if upgrade else "".join(there))
    written: dict[str, Entries] = {}
    for group in wanted:
        below = set(chain.from_iterable(written[each] for each in group.stands_on))
        found = entries(compiled(root, group.name, whole))
        written[group.name] = {line: block for line, block in found.items() if line not in below}
        group.lock.write_text(HEADER + "".join(written[group.name].values()))


def compiled(root: Path, group: str, preferred: str) -> str:
    """The lock of a group with all that it includes, of the versions of another lock where they fit."""
    python = tomllib.loads((root / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")
    options = ["--universal", "--generate-hashes", f"--python-version={python}", "--no-header", "--quiet"]
    with TemporaryDirectory() as folder:
        lock = Path(folder) / "lock.txt"
        lock.write_text(preferred)
        command = [sys.executable, "-m", "uv", "pip", "compile", *options, f"--group=pyproject.toml:{group}"]
        subprocess.run([*command, f"--output-file={lock}"], cwd=root, check=True, stdout=subprocess.DEVNULL)
        return ASKED.sub("pyproject.toml", lock.read_text())


def main() -> int:
    """1 where something is not right, else 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="compile the locks anew, and keep what still fits")
    parser.add_argument("--upgrade", action="store_true", help="with --write: the newest of what no pin holds")
    asked = parser.parse_args()
    if asked.write:
        write(upgrade=asked.upgrade)
    found = faults()
    for fault in found:
        print(fault, file=sys.stderr)
    if found:
        print("`.venv/bin/python -m tools.checks.locks --write` compiles the locks anew.", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
