#!/usr/bin/env bash
# Deploys to Google Cloud, or shows how with --dry-run. See ./deploy.sh --help and docs/deploy.md.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PYTHONPATH=$root
for argument in "$@"; do
    if [[ $argument == -h || $argument == --help ]]; then
        python=$("$root/tools/setup.sh" python)
        exec "$python" -m tools.deploy.options --help
    fi
done
exec "$root/tools/setup.sh" tools "$root/.venv/bin/python" -m tools.deploy "$@"
