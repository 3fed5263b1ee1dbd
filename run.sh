#!/usr/bin/env bash
# Sets up what is missing, starts the local stack and plays the demo. See ./run.sh --help and README.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
tools/setup.sh tools
exec .venv/bin/python -m tools.stack "$@"
