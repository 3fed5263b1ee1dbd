"""The real gcloud understands every call that the deployment makes: it parses each until it asks for a login."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import GCLOUD
from tests.tools.deploy.project import PROJECT, Project

PARSER = Path(__file__).with_name("gcloud_parser.py")
ASKS_FOR_LOGIN = "You do not currently have an active account selected"


@pytest.fixture
def recorded(tmp_path: Path) -> list[list[str]]:
    """The calls of a first deployment, of one that mends everything, of a smoke test's start, and of a destruction."""
    project = Project(tmp_path)
    assert project.deploy().returncode == 0
    state = project.state
    state["databases"][0]["pointInTimeRecoveryEnablement"] = "POINT_IN_TIME_RECOVERY_DISABLED"
    state["backups"][0]["retention"] = "86400s"
    state["jobs"]["poll-all"]["schedule"] = "0 0 * * *"
    state["policies"]["run/services/poller"]["roles/run.invoker"] = ["allUsers"]
    cron = f"serviceAccount:mileage-cron@{PROJECT}.iam.gserviceaccount.com"
    for resource in (f"projects/{PROJECT}", "secrets/CREDENTIALS_KEYS", "pubsub/topics/poll-car"):
        state["policies"][resource]["roles/viewer"] = [cron]
    state["exclusions"]["mileage-keys"]["filter"] = "x"
    project.state = state
    assert project.deploy().returncode == 0
    assert project.deploy("--destroy", answer=f"{PROJECT}\n").returncode == 0
    project.deploy("--smoke")
    return project.calls()


def real_gcloud(calls: list[list[str]], folder: Path) -> list[tuple[Any, str]]:
    """What the SDK's gcloud says to each call, with no configuration and no login."""
    root = GCLOUD
    assert root is not None
    gcloud = [str(root / "bin" / "gcloud")]
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "CLOUDSDK_CONFIG": str(folder / "gcloud")}
    where = [*gcloud, "info", "--format=value(basic.python_location)"]
    python = subprocess.run(where, env=env, capture_output=True, text=True, check=True).stdout.strip()
    paths = f"{root / 'lib'}:{root / 'lib' / 'third_party'}"
    env |= {"PYTHONPATH": paths, "CLOUDSDK_CORE_DISABLE_PROMPTS": "1", "CLOUDSDK_CORE_CHECK_GCE_METADATA": "false"}
    command = [python, "-S", str(PARSER)]
    done = subprocess.run(command, env=env, input=json.dumps(calls), capture_output=True, text=True, check=True)
    found: list[tuple[Any, str]] = json.loads(done.stdout)
    return found


def but_for_its_field(call: list[str]) -> tuple[str, ...]:
    """A call without the name of the field whose index it is about: of these there are more than of all others."""
    is_of_field = call[:4] == ["firestore", "indexes", "fields", "update"]
    return (*call[:4], *call[5:]) if is_of_field else tuple(call)


def test_every_call_is_understood_up_to_the_login(recorded: list[list[str]], tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    wrong = [["pubsub", "topics", "create", "x", "--no-such-flag"], ["pubsub", "topics", "invent", "x"]]
    # Each once: to parse a call takes gcloud a tenth of a second.
    calls = [*{but_for_its_field(call): call for call in recorded if call[:2] != ["auth", "list"]}.values()]
    told = real_gcloud([*calls, *wrong], tmp_path / "home")
    misunderstood = [(call, said) for call, said in zip(calls, told, strict=False) if ASKS_FOR_LOGIN not in said[1]]
    assert misunderstood == []
    # And so the check can fail: what gcloud does not know it says at once.
    assert [(code, ASKS_FOR_LOGIN in said) for code, said in told[-2:]] == [(2, False), (2, False)]
    verbs = {" ".join(word for word in call if not word.startswith("-"))[:30] for call in calls}
    assert len(verbs) > 40
