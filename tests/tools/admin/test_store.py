"""Where there is no store to work on, the operator's tool says so in one sentence, whatever hangs."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tools.admin import store
from tools.local import processes

NAMED = ("FIRESTORE_EMULATOR_HOST", "GOOGLE_CLOUD_PROJECT", "GOOGLE_APPLICATION_CREDENTIALS", "CREDENTIALS_KEYS")
EVERY_COMMAND = {
    "add-user": ("a@example.com",),
    "list-users": (),
    "show-user": ("a@example.com",),
    "verify": ("a@example.com",),
    "import": ("a@example.com", "trips.csv"),
    "export-user": ("a@example.com", "user.json"),
    "restore": ("a@example.com", "--from", "user.json"),
    "upgrade": ("a@example.com",),
    "add-key": ("a@example.com", "--scope", "full"),
    "revoke-key": ("a@example.com", "x"),
    "list-keys": ("a@example.com",),
    "set-car": ("a@example.com", "car", "--provider", "skoda"),
    "rotate-credentials": (),
    "add-place": ("a@example.com", "Home", "52", "5"),
    "add-shared-place": ("Home", "52", "5"),
}


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of one who takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield listener.getsockname()[1]


def said(home: Path, *call: str, **settings: str) -> str:
    """What the tool says on a machine that has nothing but these settings; it fails with one line."""
    env = {name: value for name, value in os.environ.items() if name not in NAMED}
    # Neither the logins of whoever runs this nor a cloud's own machine.
    env |= {"HOME": str(home), "CLOUDSDK_CONFIG": str(home), "GCE_METADATA_IP": "127.0.0.1:1"}
    env |= {"GCE_METADATA_HOST": "127.0.0.1:1"} | settings
    command = [sys.executable, "-m", "tools.admin", *call]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
    return done.stderr


def test_the_deadlines_leave_room_for_a_start_of_python_in_ten_seconds() -> None:
    assert 0 < store.READ_WITHIN_S < store.LOOK_WITHIN_S <= 7


def test_every_command_says_it(tmp_path: Path) -> None:
    stale = f"127.0.0.1:{processes.free_port()}"
    with ThreadPoolExecutor(4) as pool:
        calls = [(name, *arguments) for name, arguments in EVERY_COMMAND.items()]
        settings = {"FIRESTORE_EMULATOR_HOST": stale, "GOOGLE_CLOUD_PROJECT": "demo"}
        told = set(pool.map(lambda call: said(tmp_path, *call, **settings), calls))
    (sentence,) = told
    assert stale in sentence
    assert "start ./run.sh, then `source .local/env` again" in sentence


@pytest.mark.parametrize("emulator", ["", "127.0.0.1:1"], ids=["nothing sourced", "an emulator and no project"])
def test_without_a_project_it_says_what_to_source(tmp_path: Path, emulator: str) -> None:
    told = said(tmp_path, "list-users", FIRESTORE_EMULATOR_HOST=emulator)
    assert "source .local/env" in told
    assert "source .deploy/env" in told


def test_a_store_that_takes_the_connection_and_never_answers_is_given_up(tmp_path: Path, silent: int) -> None:
    settings = {"FIRESTORE_EMULATOR_HOST": f"127.0.0.1:{silent}", "GOOGLE_CLOUD_PROJECT": "demo"}
    assert f"127.0.0.1:{silent} does not answer" in said(tmp_path, "rotate-credentials", "--dry-run", **settings)


def test_a_project_without_credentials_asks_for_a_login(tmp_path: Path) -> None:
    told = said(tmp_path, "list-users", GOOGLE_CLOUD_PROJECT="somewhere")
    assert "project somewhere" in told
    assert "`gcloud auth application-default login`" in told


def test_neither_a_silent_metadata_server_nor_silent_logins_hold_it_up(tmp_path: Path, silent: int) -> None:
    server = f"127.0.0.1:{silent}"
    token = tmp_path / "token"
    token.write_text("t")
    login = tmp_path / "login.json"
    login.write_text(
        json.dumps(
            {
                "type": "external_account",
                "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "token_url": f"https://{server}/v1/token",
                "credential_source": {"file": str(token)},
            }
        )
    )
    named = {"GOOGLE_CLOUD_PROJECT": "somewhere"}
    for settings in (
        {"GCE_METADATA_IP": server, "GCE_METADATA_HOST": server},
        {"GOOGLE_APPLICATION_CREDENTIALS": str(login)},
    ):
        assert "`gcloud auth application-default login`" in said(tmp_path, "list-users", **named, **settings)
