#!/usr/bin/env bash
# Sets up what is missing, starts the local stack and plays the demo. See ./run.sh --help and README.md.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$root/tools/setup.sh" tools
# Not from the root: a folder given with --data is one of the caller's.
export PYTHONPATH=$root
exec "$root/.venv/bin/python" -m tools.local.stack "$@"
