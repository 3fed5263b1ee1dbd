#!/usr/bin/env bash
# Makes .venv with what is locked: tools/setup.sh tools|dev [COMMAND …], and becomes the command. Quick when nothing
# changed, and repeatable after any break. `tools/setup.sh python` makes nothing and prints a Python that will do.
set -euo pipefail
trap stop INT TERM
group=${1-} caller=$PWD child=
if (($#)); then shift; fi
cd "$(dirname "${BASH_SOURCE[0]}")/.."
stamp=.venv/stamp
log=.venv/setup.log
tools=(requirements.txt functions/*/requirements.txt tools/requirements.txt)
dev=("${tools[@]}" tests/requirements.txt)

# What the stamp says once all of a group is there: where (an environment cannot be moved), the group, its locks.
finished() {
    echo "$PWD $1 $(cat "${@:2}" | cksum)"
}

# What takes long runs beside this shell, which would else hear of no signal until it is over.
attended() {
    local code=0
    "$@" >>"$log" 2>&1 &
    child=$!
    wait "$child" || code=$?
    child=
    return "$code"
}

stop() {
    if [[ -n $child ]]; then
        kill "$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    fi
    echo "Stopped. The same command sets up again what is missing." >&2
    exit 130
}

become() {
    if ((!$#)); then exit 0; fi
    cd "$caller"
    exec 9>&-
    exec "$@"
}

find_python() {
    local python
    for python in python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
        # A version manager's stand-in may be on PATH and not run.
        if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
    echo "Python 3.11 or newer with its venv module is needed: please install it (Debian: apt install python3-venv)." >&2
    exit 1
}

install() {
    attended .venv/bin/python -m pip install --disable-pip-version-check --no-input --retries 2 --require-hashes \
        "${@/#/-r}" || fail "The packages could not be installed"
}

# One sentence; what the programs said is in the log.
fail() {
    local why
    why=$(grep '^ERROR' "$log" | tail -n 1 || true)
    if grep -q 'DO NOT MATCH THE HASHES' "$log"; then
        why="a file is not the one that is locked"
    elif grep -qE 'Retry\(total=0|Max retries exceeded|ReadTimeoutError|IncompleteRead|ProtocolError' "$log"; then
        why="there is no network, or the package index cannot be reached"
    elif grep -q 'No space left on device' "$log"; then
        why="the disk is full"
    fi
    echo "$1: ${why:-see what pip says} ($log)." >&2
    exit 1
}

if [[ $group == python ]]; then
    find_python
    exit
fi

exec 9>.venv.lock
if command -v flock >/dev/null; then flock 9; fi
there=$(cat "$stamp" 2>/dev/null || true)
all=$(finished dev "${dev[@]}")
case $group in
    tools) wanted=$(finished tools "${tools[@]}") locks=("${tools[@]}") ;;
    dev) wanted=$all locks=("${dev[@]}") ;;
    *) echo "tools/setup.sh tools|dev|python" >&2 && exit 2 ;;
esac
# What tests need holds what the tools need.
if [[ -x .venv/bin/python && ($there == "$wanted" || $there == "$all") ]]; then become "$@"; fi

python=$(find_python)
# A link to the environment of another folder goes, and that one stays whole, its stamp as well.
if [[ -L .venv && $there != "$PWD "* ]]; then rm .venv; fi
# Only a stamp counts, which is written last: what was broken off may lack anything, and is made anew.
rm -f "$stamp"
if [[ $there != "$PWD "* ]] || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    rm -rf .venv
fi
packages=$(cat "${locks[@]}" | grep '==' | sort -u | wc -l)
echo "Setting up .venv with $("$python" --version), $((packages)) packages for $group …" >&2
if [[ ! -d .venv ]]; then
    mkdir .venv
    attended "$python" -m venv .venv || fail "No virtual environment could be made by $python"
fi
# The newest pip first: it installs the rest in half the time.
awk '/^pip==/, !/\\$/' tools/requirements.txt >.venv/pip.txt
if [[ -s .venv/pip.txt ]]; then install .venv/pip.txt; fi
install "${locks[@]}"
echo "$wanted" >"$stamp"
become "$@"
