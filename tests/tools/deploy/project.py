"""A Google Cloud project as the stand-in for gcloud keeps it, and ./deploy.sh's program run against it."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.tools.deploy.stand_in import EMPTY, put_program

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
            "PYTHONPATH": str(ROOT),
            "DEPLOY_WAIT_S": "0",
            "HOME": str(folder),
        }
        self.state = EMPTY
        self.fail()

    @property
    def state(self) -> dict[str, Any]:
        """What is in the project."""
        found: dict[str, Any] = json.loads((self.folder / "project").read_text())
        return found

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        (self.folder / "project").write_text(json.dumps(state))

    def fail(self, call: str = "", says: str = "INTERNAL: broken", times: int = 1) -> None:
        """Makes calls that hold some words fail, so many times; without words none fails any more."""
        faults = [{"call": call, "says": says, "times": times}] if call else []
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
        """Runs the deployment, one function at a time, with settings of its own alone."""
        settings = self.folder / "deploy.env"
        once = [] if {"--destroy", "--smoke"} & set(options) else ["--at-once=1"]
        command = [sys.executable, "-m", "tools.deploy", "--project", PROJECT, "--settings", str(settings), *once]
        return subprocess.run(
            [*command, "--folder", str(self.folder / "deploy"), *options],
            env={**self.env, **env},
            cwd=ROOT,
            input=answer,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


def anywhere(call: str) -> str:
    """A call as it is whatever the source files hold, and wherever the bundles are put together."""
    placed = re.sub(r"--source=\S+/bundles/", "--source=.deploy/bundles/", call)
    return re.sub(r"VERSION=[0-9a-f]{32}", "VERSION=…", placed)
