"""Runs gcloud: reads what is there, and changes what is not right. On a dry run it prints both and does neither."""

import json
import os
import shlex
import subprocess
import time
from collections.abc import Callable
from threading import Lock
from typing import Any

from tools.deploy.functions import ROOT

# What a new project says while accounts, roles and APIs made a moment ago spread through the cloud.
NOT_YET = (
    "does not exist",
    "has not been used in project",
    "Eventarc Service Agent",
    "concurrent policy changes",
    "PERMISSION_DENIED: Permission denied on",
    "UNAVAILABLE",
)
TRIES = 20


class Failed(Exception):
    """A step cannot go on; the text says why and, where that is known, the command that mends it."""


class Gcloud:
    """The program gcloud for one project. Counts the changes that it made."""

    def __init__(self, project: str, dry_run: bool = False) -> None:
        self.project, self.dry_run = project, dry_run
        self.changes = 0
        self._lock = Lock()
        self._wait_s = float(os.environ.get("DEPLOY_WAIT_S", "6"))

    def rows(self, *call: str) -> list[dict[str, Any]]:
        """The entries of a `list` call; none on a dry run, as in an empty project."""
        return self.read(*call) or []

    def read(self, *call: str) -> Any:
        """What a call that changes nothing says, None on a dry run. Raises Failed."""
        command = [*self._command(*call), "--format=json"]
        if self.dry_run:
            self._show(command)
            return None
        done = self._patiently(command)
        return json.loads(done) if done.strip() else None

    def text(self, *call: str) -> str:
        """What a call that changes nothing prints, as it is: for secrets, which are kept out of every line of ours."""
        return self._patiently(self._command(*call))

    def bindings(self, *call: str) -> set[tuple[str, str]]:
        """Role and member of each binding of an IAM policy, but for those with a condition."""
        policy = self.read(*call) or {}
        return {
            (binding["role"], member)
            for binding in policy.get("bindings", [])
            if "condition" not in binding
            for member in binding["members"]
        }

    def change(self, *call: str, stdin: Callable[[], str] | None = None) -> None:
        """Makes a change. What comes by `stdin` is a secret: it is made when needed, and is in no command line."""
        command = [*self._command(*call), "--quiet"]
        if self.dry_run:
            self._show(command, "a new key on standard input" if stdin else "")
        else:
            self._patiently(command, stdin)
        with self._lock:
            self.changes += 1

    def wait(self, holds: Callable[[], bool], tries: int) -> bool:
        """Looks until something holds, so many times at most, a dot for each. On a dry run it looks once."""
        if self.dry_run:
            holds()
            return True
        for _ in range(tries):
            if holds():
                return True
            print(".", end="", flush=True)
            time.sleep(self._wait_s)
        return False

    def _patiently(self, command: list[str], stdin: Callable[[], str] | None = None) -> str:
        for attempt in range(TRIES):
            done = run(command, stdin() if stdin else None)
            if done.returncode == 0:
                return done.stdout
            if attempt + 1 == TRIES or not any(sign in done.stderr for sign in NOT_YET):
                break
            time.sleep(self._wait_s)
        raise Failed(f"{shlex.join(command)}\n{done.stderr.strip()}")

    def _command(self, *call: str) -> list[str]:
        return ["gcloud", *call, f"--project={self.project}"]

    def _show(self, command: list[str], note: str = "") -> None:
        print(shlex.join(command) + (f"  # {note}" if note else ""))


def short(resource: str) -> str:
    """The last part of a resource's full name."""
    return resource.rsplit("/", maxsplit=1)[-1]


def run(command: list[str], stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
    """Runs a command at the project's root and keeps what it prints. Raises Failed where there is no such program."""
    try:
        return subprocess.run(command, input=stdin or "", cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise Failed(
            f"{command[0]} is missing: install the Google Cloud CLI, on Debian by "
            "`sudo apt-get install google-cloud-cli`, elsewhere as https://cloud.google.com/sdk/docs/install says."
        ) from error
