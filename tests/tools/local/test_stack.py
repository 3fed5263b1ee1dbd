"""The local stack's own doing: what phones of the network reach, and that Ctrl-C leaves nothing half done."""

import argparse
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from google.cloud import firestore

from shared.domain.driver import Account
from shared.repositories.accounts import AccountRepository, account_document
from shared.settings import LIMITS
from tests.system.fixtures import Stack, ago
from tools.deploy.functions import FUNCTIONS
from tools.local import processes, stack
from tools.local.emulators import export_store

# As good an address of this machine's as one of its network, and on every Linux.
ADDRESS = "127.0.0.2"
WEBHOOKS = ("/webhook/start", "/webhook/end")


@contextmanager
def hang_ups(answered: signal.Handlers) -> Iterator[None]:
    """Has what is started meanwhile answer hang-ups in this way: a child inherits it."""
    former = signal.signal(signal.SIGHUP, answered)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, former)


@pytest.fixture(scope="module")
def reached(emulators: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that phones reach at an address, started with nohup, where a proxy is set that leads nowhere."""
    proxy = "http://127.0.0.1:9"
    running = Stack(tmp_path_factory.mktemp("reached") / "data", http_proxy=proxy, HTTP_PROXY=proxy)
    with hang_ups(signal.SIG_IGN):  # as nohup does
        running.start("--host", ADDRESS)
    yield running
    running.stop()


def test_phones_of_the_network_reach_the_webhooks_and_nothing_else(reached: Stack) -> None:
    driver, url = reached.driver(), f"http://{ADDRESS}:{reached.port}"
    for path, at in zip(WEBHOOKS, (ago(30), ago(10)), strict=True):
        caller = {"user": driver.email, "key": driver.webhook_key}
        answer = requests.post(f"{url}{path}", params=caller, json={"timestamp": at.isoformat()}, timeout=60)
        assert answer.status_code == 200, answer.text
        assert requests.post(f"{url}{path}", timeout=60).status_code == 401
    others = {
        *(path for function in FUNCTIONS for path in function.paths),
        "/scheduler/poll-all",
        "/",
        "/trips/active",
        "/webhook",
        "/webhook/start/../../trips",
    }
    for path in sorted(others - set(WEBHOOKS)):
        for method in ("GET", "POST"):
            asked = requests.Request(method, url, headers={"Authorization": f"Bearer {driver.key}"}).prepare()
            asked.url = f"{url}{path}"
            with requests.Session() as session:
                assert session.send(asked, timeout=60).status_code == 404, path
    assert driver.call("GET", "/trips/active").status_code == 200
    told = reached.operator_env()
    assert [told["WEBHOOK_START_URL"], told["WEBHOOK_END_URL"]] == [f"{url}{path}" for path in WEBHOOKS]
    assert told["FUNCTIONS_URL"] == reached.url
    elsewhere = [reached.cloud_port, *(int(told[f"{name}_EMULATOR_HOST"].rpartition(":")[2]) for name in EMULATORS)]
    for port in elsewhere:
        assert processes.answers(port)
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((ADDRESS, port), timeout=5)
    log = (reached.data.parent / "stack.log").read_text()
    assert f"phones reach {url}/webhook/start and {url}/webhook/end" in log


EMULATORS = ("FIRESTORE", "PUBSUB")


def test_without_a_host_nothing_listens_but_on_loopback(stack: Stack) -> None:
    for port in (stack.port, stack.cloud_port):
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((ADDRESS, port), timeout=5)
    assert stack.operator_env()["WEBHOOK_START_URL"] == f"{stack.url}/webhook/start"


def test_strangers_of_the_network_are_limited_as_in_the_cloud(reached: Stack) -> None:
    url = f"http://{ADDRESS}:{reached.port}/webhook/start"
    allowed = LIMITS["LIMIT_ADDRESS_FAILURES"]
    with requests.Session() as session:
        # Each names another address, which is none of theirs to say.
        told = [
            session.post(url, headers={"X-Forwarded-For": f"203.0.113.{n % 250}"}, timeout=60).status_code
            for n in range(2 * allowed + 2)
        ]
    assert told[0] == 401
    assert 429 in told
    assert requests.post(f"{reached.url}/webhook/start", timeout=60).status_code == 401


def test_only_what_serves_this_machine_alone_has_no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in LIMITS:
        monkeypatch.delenv(name, raising=False)
    wanted = argparse.Namespace(no_demo=True)
    own, of_phones = stack._settings(wanted), stack._settings(wanted, of_phones=True)
    assert {name: own[name] for name in LIMITS} == dict.fromkeys(LIMITS, "0")
    assert not set(LIMITS) & set(of_phones)


@pytest.mark.parametrize(
    ("error", "host", "said"),
    [
        (PermissionError(13, "Permission denied"), stack.LOOPBACK, "Port 80 is for root only on this machine"),
        (OSError(99, "Cannot assign requested address"), "192.0.2.9", "--host 192.0.2.9 is no address of this machine"),
        (OSError(98, "Address already in use"), "192.0.2.9", "Port 80 is in use: choose another one with --port"),
    ],
)
def test_why_nobody_can_listen_is_one_sentence(error: OSError, host: str, said: str) -> None:
    told = stack.why_refused(error, host, 80, "--port")
    assert told.startswith(said)
    assert (told.count("\n"), told[-1]) == (0, ".")


def marked(mark: str) -> list[str]:
    """The command lines of all processes that have inherited a mark."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if f"MARK={mark}".encode() in (place / "environ").read_bytes().split(b"\0"):
                found.append((place / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    ("moment", "own_emulators", "stop"),
    [
        ("lock", False, signal.SIGINT),
        ("logs/car_cloud.log", False, signal.SIGTERM),
        ("logs/firestore.log", True, signal.SIGINT),
        ("logs/functions.log", False, signal.SIGINT),
        ("logs/phones.log", False, signal.SIGHUP),
    ],
)
def test_ctrl_c_at_any_time_leaves_no_process_and_nothing_half_made(
    moment: str, own_emulators: bool, stop: signal.Signals, tmp_path: Path
) -> None:
    mark, data = secrets.token_hex(8), tmp_path / "data"
    ports = ["--port", str(processes.free_port()), "--car-cloud-port", str(processes.free_port())]
    command = [sys.executable, "-m", "tools.local", "--no-demo", "--data", str(data), "--host", ADDRESS, *ports]
    taken = [f"{name}_EMULATOR_HOST" for name in EMULATORS] if own_emulators else []
    env = {name: value for name, value in os.environ.items() if name not in taken} | {"MARK": mark}
    with hang_ups(signal.SIG_DFL):  # whoever runs the tests may ignore them
        running = processes.start(command, tmp_path / "log", env)
    processes.wait_until((data / moment).exists, moment)
    assert marked(mark)
    for _ in range(2):  # a second one breaks nothing
        running.send_signal(stop)
    assert running.wait(30) == 0, (tmp_path / "log").read_text()
    assert marked(mark) == []
    assert (tmp_path / "log").read_text() == ""
    assert list(data.rglob("*.new")) == []
    assert all(file.read_text().strip() for file in data.glob("credentials.keys"))


# --- a store of an earlier version ---------------------------------------------------------------------------------


def an_account(db: firestore.Client) -> None:
    old = account_document(Account("anna@example.com"))
    del old["log_version"]
    db.document("users/anna@example.com").set(old)


def a_state(db: firestore.Client) -> None:
    AccountRepository(db).add(Account("anna@example.com"))
    db.document("users/anna@example.com/cache/trip_start").set({"active": False, "next_poll_at": None})


def refused(data: Path, project: str, *without: str) -> str:
    """What a stack says that does not start, which must be one sentence."""
    ports = ["--port", str(processes.free_port()), "--car-cloud-port", str(processes.free_port())]
    command = [sys.executable, "-m", "tools.local", "--no-demo", "--data", str(data), *ports]
    env = {name: value for name, value in os.environ.items() if name not in without}
    env |= {"GOOGLE_CLOUD_PROJECT": project}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
    return done.stderr.strip()


def test_data_of_an_earlier_version_stay_as_they_are_and_it_is_said_how_to_begin_anew(
    emulators: None, tmp_path: Path
) -> None:
    project, data = f"test-{secrets.token_hex(6)}", tmp_path / "data"
    an_account(firestore.Client(project=project))
    export_store(os.environ["FIRESTORE_EMULATOR_HOST"], project, data / "store")
    before = {file: file.read_bytes() for file in (data / "store").rglob("*") if file.is_file()}
    assert refused(data, project, *(f"{name}_EMULATOR_HOST" for name in EMULATORS)) == (
        f"What --data {data} holds was kept by an earlier version and stays as it is: "
        "the same command with --fresh starts anew, or choose another --data."
    )
    assert {file: file.read_bytes() for file in data.glob("store*/**/*") if file.is_file()} == before
    assert not (data / "env").exists()


@pytest.mark.parametrize("kept", [an_account, a_state])
def test_a_store_that_runs_already_is_refused_alike(
    kept: Callable[[firestore.Client], None], emulators: None, tmp_path: Path
) -> None:
    project = f"test-{secrets.token_hex(6)}"
    kept(firestore.Client(project=project))
    said = refused(tmp_path / "data", project)
    assert said.startswith(f"The store at {os.environ['FIRESTORE_EMULATOR_HOST']} was kept by an earlier version and ")
    assert said.endswith(": name another GOOGLE_CLOUD_PROJECT.")


# --- Ctrl-C before anything ----------------------------------------------------------------------------------------


EARLY = """
import os, runpy, signal, sys

class Impatient:
    def find_spec(self, name, path, target=None):
        if name == "tools.local.stack":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Impatient())
runpy.run_module("tools.local", run_name="__main__")
"""


def test_ctrl_c_before_anything_has_started_ends_it_without_a_word() -> None:
    done = subprocess.run([sys.executable, "-c", EARLY], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_a_hang_up_is_not_heard_where_the_caller_asked_for_that(reached: Stack) -> None:
    assert reached.process
    reached.process.send_signal(signal.SIGHUP)
    assert set(reached.tick()) == {"active", "published"}
    assert reached.process.poll() is None
