#!/usr/bin/env bash
# Makes .venv with what a group of pyproject.toml needs: tools/setup.sh tools|dev. Quick when nothing changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
group=$1
stamp=.venv/stamp-$group
wanted=$(cat requirements.txt pyproject.toml | cksum)

find_python() {
    local python
    for python in python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
        # A version manager's stand-in may be on PATH and not run.
        if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
}

exec 9>.venv.lock
if command -v flock >/dev/null; then flock 9; fi
if [[ -f $stamp && $(cat "$stamp") == "$wanted" ]]; then exit 0; fi
python=$(find_python)
if [[ -z $python && $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    echo "Installing python3-venv …" >&2
    apt-get install -y -qq python3-venv >/dev/null
    python=$(find_python)
fi
if [[ -z $python ]]; then
    echo "Python 3.11 or newer with its venv module is needed: please install it (Debian: apt install python3-venv)." >&2
    exit 1
fi
echo "Setting up .venv ($group) with $("$python" --version) …" >&2
[[ -x .venv/bin/python ]] || "$python" -m venv .venv
# `--group` needs pip 25.1.
.venv/bin/python -m pip install -q --disable-pip-version-check --upgrade 'pip>=25.1' 2> >(grep -v WARNING >&2 || true)
.venv/bin/python -m pip install -q --disable-pip-version-check -r requirements.txt --group "$group" \
    2> >(grep -v WARNING >&2 || true)
echo "$wanted" >"$stamp"
