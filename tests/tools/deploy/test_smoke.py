"""The smoke test of a deployment, against the local stack, whose addresses and key the stand-in for gcloud tells."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.domain.driver import Account, Key
from shared.repositories.accounts import AccountRepository
from tests.system.fixtures import Stack
from tests.tools.deploy.project import ROOT, Project
from tools.deploy.functions import FUNCTIONS


@pytest.fixture
def project(tmp_path: Path, stack: Stack) -> Project:
    """A deployed project whose functions are those of the local stack."""
    made = Project(tmp_path)
    # Locally nothing but the loopback address guards those that are not public; the cloud turns strangers away.
    paths = {function.name: function.paths[0] if function.is_public else "/guarded" for function in FUNCTIONS}
    functions = {name: {"name": f"functions/{name}", "url": stack.url + path} for name, path in paths.items()}
    keys = {"CREDENTIALS_KEYS": [os.environ["CREDENTIALS_KEYS"]]}
    made.state = made.state | {"functions": functions, "secrets": keys}
    return made


def smoke(project: Project, stack: Stack) -> "subprocess.CompletedProcess[str]":
    env = project.env | {"FIRESTORE_EMULATOR_HOST": os.environ["FIRESTORE_EMULATOR_HOST"]}
    command = [sys.executable, "-m", "tools.deploy", "--smoke", "--project", stack.project]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


def drivers(stack: Stack) -> list[str]:
    return AccountRepository(stack.db).emails("smoke-")


def test_it_drives_one_trip_through_every_function_and_leaves_nothing_behind(project: Project, stack: Stack) -> None:
    other = stack.driver()
    done = smoke(project, stack)
    assert done.returncode == 0, done.stdout + done.stderr
    for line in (
        "the poller read the car",
        "it is 18.4 km by odometer",
        "the log is closed",
        "strangers are turned away",
    ):
        assert line in done.stdout
    assert drivers(stack) == []
    groups = ("trips", "odometer_readings", "stats", "cache", "settings")
    left = [row.reference.path for group in groups for row in stack.db.collection_group(group).stream()]
    assert [path for path in left if "smoke-" in path] == []
    assert other.call("GET", "/stats").status_code == 200


def test_a_function_that_does_not_do_its_part_is_told_and_the_driver_deleted(project: Project, stack: Stack) -> None:
    state = project.state
    state["functions"]["webhook_end"]["url"] = f"{stack.url}/guarded"
    project.state = state
    done = smoke(project, stack)
    assert done.returncode == 1
    assert "The smoke test failed: it is not so that the phone ends it" in done.stdout
    assert drivers(stack) == []


def test_a_scheduler_that_anybody_may_call_fails_it(project: Project, stack: Stack) -> None:
    state = project.state
    state["functions"]["scheduler"]["url"] = f"{stack.url}/scheduler"
    project.state = state
    done = smoke(project, stack)
    assert done.returncode == 1
    assert "strangers" in done.stdout


def test_the_drivers_of_tests_that_were_killed_are_deleted_by_the_next_one(project: Project, stack: Stack) -> None:
    users, now = AccountRepository(stack.db), datetime.now(UTC)
    for name, age in (("old", timedelta(hours=2)), ("new", timedelta(minutes=2))):
        key = Key(sha256=name, scope="full", created_at=now - age)
        users.save(Account(email=f"smoke-{name}@smoke.invalid", keys={"smoke": key}))
    users.save(Account(email="smoke-signals@example.com"))
    try:
        assert smoke(project, stack).returncode == 0
        assert drivers(stack) == ["smoke-new@smoke.invalid", "smoke-signals@example.com"]
    finally:
        for email in drivers(stack):
            users.forget(email)


def test_where_nothing_is_deployed_it_says_so(project: Project, stack: Stack) -> None:
    project.state = project.state | {"functions": {}}
    done = smoke(project, stack)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "run `./deploy.sh` first" in done.stderr
