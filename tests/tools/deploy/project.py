"""A Google Cloud project as the stand-in for gcloud keeps it, and ./deploy.sh's program run against it."""

import io
import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from tests.tools.deploy.stand_in import EMPTY, put_program
from tools.deploy.__main__ import main

ROOT = Path(__file__).parents[3]
PROJECT = "log-of-boris"


class Project:
    """One project; each test has its own."""

    def __init__(self, folder: Path) -> None:
        """An empty project."""
        self.folder, self.calls_file = folder, folder / "calls"
        program = folder / "bin" / "gcloud"
        program.parent.mkdir()
        put_program(program, folder)
        self.env = {
            "PATH": f"{program.parent}:/usr/bin:/bin",
            "DEPLOY_WAIT_S": "0",
            "HOME": str(folder),
        }
        self.state = EMPTY
        self.fail({})

    @property
    def state(self) -> dict[str, Any]:
        """What is in the project."""
        found: dict[str, Any] = json.loads((self.folder / "project").read_text())
        return found

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        (self.folder / "project").write_text(json.dumps(state))

    def fail(self, says: Mapping[str, str], times: int = 1) -> None:
        """Makes calls fail that hold some words, so many times, with what each says then; all others are as usual."""
        faults = [{"call": call, "says": said, "times": times} for call, said in says.items()]
        (self.folder / "failing").write_text(json.dumps(faults))

    def calls(self) -> list[list[str]]:
        """The calls since the last look."""
        lines = self.calls_file.read_text().splitlines() if self.calls_file.exists() else []
        self.calls_file.unlink(missing_ok=True)
        return [json.loads(line) for line in lines]

    def changes(self) -> list[str]:
        """The calls since the last look that change something."""
        return [" ".join(call) for call in self.calls() if "--quiet" in call]

    def deploy(self, *options: str, answer: str = "", **env: str) -> "subprocess.CompletedProcess[str]":
        """Runs the deployment, one function at a time, with settings of its own alone.

        In the process of the test: a start of Python for each of them would take half of their time.
        """
        settings = self.folder / "deploy.env"
        once = [] if {"--destroy", "--smoke"} & set(options) else ["--at-once=1"]
        command = ["tools.deploy", "--project", PROJECT, "--settings", str(settings), *once]
        command += ["--folder", str(self.folder / "deploy"), *options]
        out, errors = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as started, redirect_stdout(out), redirect_stderr(errors):
            started.setattr("sys.argv", command)
            started.setattr("sys.stdin", io.StringIO(answer))
            for name in os.environ:
                started.delenv(name)
            for name, value in {**self.env, **env}.items():
                started.setenv(name, value)
            code = _left_by(main)
        return subprocess.CompletedProcess(command, code, out.getvalue(), errors.getvalue())


def _left_by(program: Callable[[], int]) -> int:
    try:
        return program()
    except SystemExit as left:  # of a command line that is none
        return int(left.code or 0)


def anywhere(call: str) -> str:
    """A call as it is whatever the source files hold, and wherever the bundles are put together."""
    placed = re.sub(r"--source=\S+/bundles/", "--source=.deploy/bundles/", call)
    return re.sub(r"VERSION=[0-9a-f]{32}", "VERSION=…", placed)
