"""The operator's tool, against the stack."""

import subprocess
import sys

import pytest
import requests

from tests.system.fixtures import Stack


def refused(stack: Stack, *call: str) -> str:
    command = [sys.executable, "-m", "tools.admin", *call]
    done = subprocess.run(command, env=stack.env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode != 0
    return done.stderr


def test_a_user_registered_by_the_operator_can_drive(stack: Stack) -> None:
    told = stack.admin("add-user", "New.Driver@Example.com", "--name", "New", "--timezone", "Europe/Brussels")
    key = told.split("key: ")[-1].strip()
    stack.admin("set-car", "new.driver@example.com", "Audi", "--provider", "simulated", "--vin", "V1",
                "--credentials", '{"token": "t"}')  # fmt: skip
    stack.admin("add-place", "new.driver@example.com", "School", "52.1", "5.1", "--kind", "pause")
    hook = stack.admin("add-key", "new.driver@example.com", "--scope", "webhook", "--label", "phone")
    webhook_key = hook.split("key: ")[-1].strip()
    started = requests.post(f"{stack.url}/webhook/start", params={"key": webhook_key}, timeout=30).json()
    assert (started["status"], started["user"], started["car_id"]) == ("trip_started", "new.driver@example.com", "audi")
    place = {"lat": 52.1, "lng": 5.1}
    ended = requests.post(f"{stack.url}/webhook/end", params={"key": webhook_key}, json=place, timeout=30)
    assert ended.json()["status"] == "paused"
    assert requests.get(f"{stack.url}/trips/active", params={"key": key}, timeout=30).status_code == 200
    listed = stack.admin("list-keys", "new.driver@example.com")
    assert "webhook" in listed
    assert key not in listed
    assert webhook_key not in listed
    credentials = stack.db.document("users/new.driver@example.com/settings/credentials").get().to_dict()
    assert "token" not in str(credentials)
    assert "already" in refused(stack, "add-user", "new.driver@example.com")


@pytest.mark.parametrize(
    "call",
    [
        ("add-user", "no-address"),
        ("add-user", "a@example.com", "--timezone", "Mars/Olympus"),
        ("add-key", "nobody@example.com", "--scope", "full"),
        ("set-car", "nobody@example.com", "car", "--provider", "simulated"),
        ("add-place", "nobody@example.com", "Home", "91", "5"),
        ("revoke-key", "nobody@example.com", "x"),
    ],
)
def test_a_call_that_cannot_be_done_says_why_in_one_line(stack: Stack, call: tuple[str, ...]) -> None:
    assert refused(stack, *call).count("\n") == 1
