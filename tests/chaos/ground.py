"""The real parts that break: functions that are killed, lines that are cut, a bus that delivers as it likes."""

import json
import os
import secrets
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from signal import SIGKILL
from typing import Any

import requests
from google.cloud import firestore

from tests.chaos.lines import Line
from tests.chaos.plan import Kill, Outage, Plan, dice
from tools.local import processes, stack
from tools.local.relay import Relay, as_event

QUICK = {
    "POLL_EVERY_S": "0",
    "POLL_AFTER_END_S": "0",
    "CAR_TIMEOUT_S": "1",
    "LOST_LOGIN_COUNTS_S": "0",  # a killed process must not stop the asking for the rest of the run
    "GEOCODERS": "",
    "USER_CACHE_S": "60",
}
TICK_EVERY_S = 1.5
WATCHDOG_S = 0.1


class Ground:
    """Where a plan is played. `done` counts the drives that are over; faults come when it reaches theirs."""

    def __init__(self, seed: int, db: firestore.Client, url: str, cloud_url: str) -> None:
        self.seed, self.db, self.url, self.cloud_url = seed, db, url, cloud_url
        self.done = 0
        self.seen: Counter[str] = Counter()  # the faults that came, by kind
        self._lock = threading.Lock()

    def one_done(self) -> None:
        """One more drive is over."""
        with self._lock:
            self.done += 1

    def note(self, fault: str) -> None:
        """One more fault of a kind."""
        with self._lock:
            self.seen[fault] += 1


class LooseRelay(Relay):
    """A bus at its worst: messages twice, late, out of order, and some only after they were refused once."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(str(ground.db.project), f"{ground.url}/poller")
        self._ground, self._nth = ground, Counter[str]()

    def _deliver(self, message: Any) -> None:
        rng = dice(self._ground.seed, self._identity(message))
        how = rng.choices(("once", "twice", "late", "refused", "stale"), (60, 15, 15, 5, 5))[0]
        self._ground.note(f"message {how}")
        if how == "refused":
            message.nack()
            return
        if how == "late":
            time.sleep(rng.uniform(0.2, 3))
        if how in ("twice", "stale"):
            self._post_again(message, timedelta(minutes=10) if how == "stale" else timedelta(0))
        super()._deliver(message)

    def _identity(self, message: Any) -> str:
        """Whose message it is, and his how manieth."""
        user = json.loads(message.data)["user"].partition("-")[0]
        with self._ground._lock:
            self._nth[user] += 1
            return f"{user}/{self._nth[user]}"

    def _post_again(self, message: Any, earlier: timedelta) -> None:
        headers, body = as_event(message, str(self._ground.db.project))
        published_at = (message.publish_time - earlier).isoformat()
        body = {**body, "message": {**body["message"], "publishTime": published_at}}
        with suppress(requests.RequestException):  # the first one is still there
            requests.post(self._url, json=body, headers=headers, timeout=60)


@contextmanager
def ground(plan: Plan, folder: Path) -> Iterator[Ground]:
    """The stack with its faults, which run until it is left."""
    port, cloud_port = processes.free_port(), processes.free_port()
    project, url, cloud_url = (
        f"chaos-{secrets.token_hex(6)}",
        f"http://127.0.0.1:{port}",
        f"http://127.0.0.1:{cloud_port}",
    )
    with ExitStack() as opened:
        lines = {
            "store": Line(os.environ["FIRESTORE_EMULATOR_HOST"]),
            "bus": Line(os.environ["PUBSUB_EMULATOR_HOST"]),
        }
        for line in lines.values():
            opened.callback(line.close)
        env = {
            **os.environ,
            **QUICK,
            **plan.settings,
            "GOOGLE_CLOUD_PROJECT": project,
            "CAR_CLOUD_URL": cloud_url,
            "FIRESTORE_EMULATOR_HOST": lines["store"].host,
            "PUBSUB_EMULATOR_HOST": lines["bus"].host,
        }
        cloud = [sys.executable, "-m", "tools.local.car_cloud", "--port", str(cloud_port)]
        opened.callback(processes.stop, processes.start(cloud, folder / "car_cloud.log"))
        functions = processes.start(stack.gunicorn(port), folder / "functions.log", env)
        opened.callback(processes.stop, functions)
        processes.wait_until(lambda: processes.answers(cloud_port), "the car cloud")
        processes.wait_until(lambda: stack.up(url), "the functions")
        made = Ground(plan.seed, firestore.Client(project=project), url, cloud_url)
        with processes.environment({"PUBSUB_EMULATOR_HOST": lines["bus"].host}):
            relay = LooseRelay(made)
            relay.start()
        opened.callback(relay.stop)
        stopping = threading.Event()
        threads = [
            threading.Thread(target=_tick, args=(made, stopping), daemon=True),
            threading.Thread(target=_break, args=(made, plan, lines, functions.pid, stopping), daemon=True),
        ]
        for thread in threads:
            thread.start()
        opened.callback(lambda: [thread.join() for thread in threads])
        opened.callback(stopping.set)
        yield made


def _tick(ground: Ground, stopping: threading.Event) -> None:
    """The cron, and once on the way the daily look at all cars."""
    looked = False
    while not stopping.wait(TICK_EVERY_S):
        path = "poll-all"
        if not looked and ground.done > 100:
            path, looked = "read-odometers", True
        with suppress(requests.RequestException):  # the next tick comes
            requests.post(f"{ground.url}/scheduler/{path}", timeout=30)


def _break(ground: Ground, plan: Plan, lines: Mapping[str, Line], master_pid: int, stopping: threading.Event) -> None:
    """Breaks what the plan says, when it says."""
    for fault in plan.faults:
        while ground.done < fault.done:
            if stopping.wait(WATCHDOG_S):
                return
        if isinstance(fault, Kill):
            ground.note("functions killed")
            _kill_worker(master_pid)
        else:
            _outage(ground, lines[fault.which], fault, stopping)


def _outage(ground: Ground, line: Line, outage: Outage, stopping: threading.Event) -> None:
    ground.note(f"{outage.which} {outage.how} {outage.lasts_s:g} s")
    line.fail(outage.how)
    stopping.wait(outage.lasts_s)
    line.mend()


def _kill_worker(master_pid: int) -> None:
    """Kills the process that serves; its master starts another one."""
    for pid in processes.children(master_pid):
        with suppress(ProcessLookupError):
            os.kill(pid, SIGKILL)
