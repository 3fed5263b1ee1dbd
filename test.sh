#!/usr/bin/env bash
# Checks everything: style, types, arrows, keys in files, known vulnerabilities, behaviour. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
tools/setup.sh dev
bin=.venv/bin
echo "ruff" && $bin/ruff check . && $bin/ruff format --check -q .
echo "shellcheck" && $bin/shellcheck ./*.sh tools/*.sh .ci/run
echo "mypy" && $bin/mypy
echo "import contracts" && $bin/lint-imports
echo "keys in files" && $bin/python -m tools.checks.leaks
echo "known vulnerabilities" && $bin/python -m tools.checks.vulnerabilities
exec $bin/python -m pytest -n 4 --dist worksteal "$@"
