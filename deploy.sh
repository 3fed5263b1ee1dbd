#!/usr/bin/env bash
# Deploys to Google Cloud, or shows how with --dry-run. See ./deploy.sh --help and docs/deploy.md.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$root/tools/setup.sh" tools
export PYTHONPATH=$root
exec "$root/.venv/bin/python" -m tools.deploy "$@"
