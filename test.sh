#!/usr/bin/env bash
# ./test.sh                sets up, runs all tests, and beside them the checks: style (ruff), scripts (shellcheck), types
#                          (mypy), imports (import-linter), keys in files, known vulnerabilities
# ./test.sh ARGUMENTS …    sets up, runs pytest with these and no check: ./test.sh tests/domain, ./test.sh -k "gap and day"
# ./test.sh --help         says this
#
# Google's emulators start when a test first needs them. After it has run once, .venv/bin/pytest, .venv/bin/mypy and
# .venv/bin/ruff work by themselves, also in an editor; .venv/bin/python -m tools.checks runs the checks alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
if [[ ${1-} == -h || ${1-} == --help ]]; then
    sed -n '2,/^set/ { /^set/d; s/^# \{0,1\}//; p; }' test.sh
    exit
fi
pytest=(.venv/bin/python -m pytest -n 4 --dist worksteal)
if (($#)); then exec tools/setup.sh dev "${pytest[@]}" "$@"; fi
exec tools/setup.sh dev .venv/bin/python -m tools.checks "${pytest[@]}"
