"""Asks PyPI what is known to be wrong with the packages in the locks: `python -m tools.checks.vulnerabilities`.

The locks say what is deployed and what is installed, whatever this machine happens to have. What is found fails; what
could not be asked for is said aloud and does not, so that nobody has to be online to test. pip-audit alone says of a
package that PyPI has no word of the same as of a good one. Arguments go to pip-audit.
"""

import json
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from tools.checks.locks import ROOT, entries, groups, name_of


class Accepted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A vulnerability that we live with: since when, and why it does no harm here."""

    since: date
    why: str


def accepted(file: Path) -> dict[str, Accepted]:
    """What a pyproject.toml accepts, by the ids of the advisories. Raises ValueError without date or reason."""
    table = tomllib.loads(file.read_text()).get("tool", {}).get("accepted-vulnerabilities", {})
    return msgspec.convert(table, dict[str, Accepted])


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """1 where a vulnerability is known that is not accepted, else 0."""
    known = accepted(root / "pyproject.toml")
    # Two functions that need the same have the same lock.
    locks = {group.lock.read_text(): group.lock for group in groups(root)}
    files = [f"--requirement={file}" for file in locks.values()]
    # All is in the locks: nothing is resolved, and no pip is asked.
    command = [sys.executable, "-m", "pip_audit", "--format=json", "--progress-spinner=off", "--disable-pip"]
    command += ["--require-hashes", *files, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except ValueError:
        _not_checked("all packages", (done.stderr.strip().splitlines() or ["pip-audit says nothing"])[-1])
        return 0
    for text, file in locks.items():
        names = {name_of(requirement) for requirement in entries(text)}
        _tell_skipped(str(file.relative_to(root)), [package for package in packages if package["name"] in names])
    return 1 if _told(packages, known) else 0


def _tell_skipped(lock: str, packages: Sequence[Mapping[str, Any]]) -> None:
    """Says in one line which packages of a lock could not be asked for, if any, and why the first could not."""
    skipped = [package for package in packages if "skip_reason" in package]
    if skipped:
        few = ", ".join(package["name"] for package in skipped)
        what = f"all {len(skipped)} packages" if len(skipped) == len(packages) > 1 else few
        _not_checked(f"{what} in {lock}", skipped[0]["skip_reason"].partition(":")[0])


def _told(packages: Sequence[Mapping[str, Any]], known: Mapping[str, Accepted]) -> int:
    """Prints what is wrong with the packages; how much of it is not accepted."""
    count = 0
    for package in packages:
        for found in package.get("vulns", []):
            names = sorted({found["id"], *found.get("aliases", [])})
            what = f"{package['name']} {package['version']}: {', '.join(names)}"
            if reason := next((known[name] for name in names if name in known), None):
                print(f"accepted since {reason.since}: {what}: {reason.why}")
                continue
            count += 1
            fixed = ", ".join(found.get("fix_versions", [])) or "no version yet"
            print(f"VULNERABLE: {what}; mended in {fixed}", file=sys.stderr)
    return count


def _not_checked(what: str, why: str) -> None:
    print(f"*** NOT CHECKED for known vulnerabilities: {what} ({why})", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
