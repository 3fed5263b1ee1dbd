"""Runs all checks, and beside them a command where one is given: `python -m tools.checks [COMMAND …]`."""

import sys
from pathlib import Path

from tools.checks.beside import run

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SCRIPTS = [str(file) for pattern in ("*.sh", "tools/*.sh", ".ci/run") for file in sorted(ROOT.glob(pattern))]
CHECKS = {
    "ruff": [f"{BIN}/ruff", "check"],
    "ruff format": [f"{BIN}/ruff", "format", "--check"],
    "shellcheck": [f"{BIN}/shellcheck", *SCRIPTS],
    "mypy": [f"{BIN}/mypy"],
    "import contracts": [f"{BIN}/lint-imports", "--no-logo"],
    "keys in files": [sys.executable, "-m", "tools.checks.leaks"],
    "known vulnerabilities": [sys.executable, "-m", "tools.checks.vulnerabilities"],
}

if __name__ == "__main__":
    command = sys.argv[1:]
    if command and command[0].startswith("-"):
        print(__doc__)
        sys.exit()
    sys.exit(run(CHECKS, command))
