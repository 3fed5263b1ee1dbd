#!/usr/bin/env bash
# Sets up what is missing, starts the local stack and plays the demo. See ./run.sh --help and README.md.
set -euo pipefail
trap 'exit 130' INT TERM
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Help, and options that cannot be meant, need nothing that has to be set up: any Python that runs can tell of them.
for python in python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
    if "$python" -I -c 'import sys; sys.exit(sys.version_info < (3, 7))' 2>/dev/null; then break; fi
    python=
done
for option in "$@"; do
    if [[ $option != -h && $option != --help ]]; then continue; fi
    if [[ -n $python ]]; then exec "$python" -I "$root/tools/local/options.py" --help; fi
    echo "Python 3.11 or newer is needed, also for the help: please install it." >&2
    exit 1
done
if [[ -n $python ]]; then "$python" -I "$root/tools/local/options.py" "$@"; fi
# Not from the root: a folder given with --data is one of the caller's.
exec "$root/tools/setup.sh" tools env PYTHONPATH="$root" "$root/.venv/bin/python" -m tools.local "$@"
