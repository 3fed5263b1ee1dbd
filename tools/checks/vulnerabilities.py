"""Asks PyPI what is known to be wrong with the packages in use: `python -m tools.checks.vulnerabilities`.

The development environment holds what is deployed, and more. What is found fails; what could not be asked for is said
aloud and does not, so that nobody has to be online to test. pip-audit alone says of a package that PyPI has no word of
the same as of a good one. Arguments go to pip-audit.
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

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


class Accepted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A vulnerability that we live with: since when, and why it does no harm here."""

    since: date
    why: str


def accepted(file: Path) -> dict[str, Accepted]:
    """What a pyproject.toml accepts, by the ids of the advisories. Raises ValueError without date or reason."""
    table = tomllib.loads(file.read_text()).get("tool", {}).get("accepted-vulnerabilities", {})
    return msgspec.convert(table, dict[str, Accepted])


def main(arguments: Sequence[str], file: Path = PYPROJECT) -> int:
    """1 where a vulnerability is known that is not accepted, else 0."""
    known = accepted(file)
    command = [sys.executable, "-m", "pip_audit", "--format=json", "--progress-spinner=off", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except ValueError:
        _not_checked("all packages", (done.stderr.strip().splitlines() or ["pip-audit says nothing"])[-1])
        return 0
    if skipped := [package for package in packages if "skip_reason" in package]:
        _not_checked(f"{len(skipped)} of {len(packages)} packages", skipped[0]["skip_reason"])
    return 1 if _told(packages, known) else 0


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
