"""How long a function takes from the start of its process to its first answer, beside a bare function.

The bare one has the same framework and the Google clients that the function needs, and does one trivial thing with
each. The byte code is there already, as after the cloud's build, and the files are in memory.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

import requests
from cryptography.fernet import Fernet
from google.cloud import firestore, pubsub_v1
from msgspec.structs import replace

from shared.domain.driver import Account
from shared.domain.tracking.state import DriverState
from shared.messaging.polls import TOPIC
from shared.repositories.accounts import AccountRepository
from tools.deploy.functions import BY_NAME, PUBLISH
from tools.local import processes
from tools.local.relay import as_event
from tools.measure import instances
from tools.measure.drivers import FIRST_KM, driving, fill_log, put
from tools.measure.instances import Instance, Source
from tools.measure.metering import Message
from tools.measure.playing import TOKEN, VIN, car_cloud, headers_of, register
from tools.measure.table import Table

GOAL = 1.15
ROUNDS, SMALL = 9, ("poller",)
DRIVER, TRIPS, EVERY = "driver@example.com", 40, timedelta(hours=18)
Turn = tuple[tuple[float, float], ...]  # wall and processor ms of the function, and of the bare one
HEAD = ("first answer of", "ms", "bare ms", "ratio", "processor ms", "bare processor ms", "ratio of these")


def measure(small: bool, tell: Callable[[str], None]) -> list[Table]:
    """The least of several starts of each function and of its bare one, in turns."""
    names, rounds = (SMALL, 1) if small else (tuple(BY_NAME), ROUNDS)
    turns: dict[str, list[Turn]] = {name: [] for name in names}
    with starters(names) as started:
        for n in range(rounds + 1):
            for name in names:
                tell(f"{name}, round {n} of {rounds}")
                turns[name].append(started[name].turn())
    rows = [_row(f"`{name}`", each[1:]) for name, each in turns.items()]  # the first start brings files into memory
    worst = max(float(row[3]) for row in rows)
    said = (
        f"Milliseconds from the start of the process to the first answer, least of {rounds} starts in turns with a "
        f"bare function, byte code and files at hand. The goal of {GOAL} times the bare one's is "
        f"{'reached' if worst <= GOAL else 'missed'}: {worst:.2f}."
    )
    return [Table("cold_start", said, HEAD, rows)]


def _row(name: str, turns: Sequence[Turn]) -> list[str]:
    """The least of each: whatever else the machine does only adds."""
    row = [name]
    for own, floor in zip(*(map(min, zip(*starts, strict=True)) for starts in zip(*turns, strict=True)), strict=True):
        row += [f"{own:.0f}", f"{floor:.0f}", f"{own / floor:.2f}"]
    return row


class Starter:
    """Starts a function and its bare one, each in a project where there is something to do."""

    def __init__(self, name: str, folder: Path) -> None:
        self._function = BY_NAME[name]
        self._project = f"{os.environ['GOOGLE_CLOUD_PROJECT']}-{self._function.service}"
        bare = "one_read_and_message" if PUBLISH in self._function.roles else "one_read"
        self._own, self._floor = (instances.placed(name, folder, file) for file in ("", bare))
        db = firestore.Client(project=self._project)
        self._store = register(db, DRIVER)
        AccountRepository(db).change(DRIVER, _used_today)
        fill_log(self._store, TRIPS, datetime.now(UTC), EVERY)
        pubsub_v1.PublisherClient().create_topic(name=f"projects/{self._project}/topics/{TOPIC}")

    def turn(self) -> Turn:
        """One start of each."""
        return self._start(self._own), self._start(self._floor)

    def _start(self, source: Source) -> tuple[float, float]:
        """Milliseconds of one start until the answer to a call that has work to do: on the wall, of the processor."""
        now = datetime.now(UTC)
        put(self._store, self._state(now))
        request = self._request(now)
        began = time.perf_counter()
        instance = Instance(source, {"GOOGLE_CLOUD_PROJECT": self._project})
        try:
            instance.wait()
            connection = HTTPConnection("127.0.0.1", instance.port, timeout=60)
            connection.request(*request)
            response = connection.getresponse()
            answer = response.read()
            took_ms = 1000 * (time.perf_counter() - began), 1000 * instance.processor_s()
            connection.close()
        finally:
            instance.stop()
        if response.status != 200:
            raise RuntimeError(f"{source.target} answered {response.status}: {answer!r}; {instance.log.read_text()}")
        return took_ms

    def _state(self, now: datetime) -> DriverState:
        if self._function.name == "webhook_start":
            return DriverState()
        return driving(now) if self._function.is_public else driving(now, polled_in=timedelta())

    def _request(self, now: datetime) -> tuple[str, str, str, dict[str, str]]:
        """Method, path, body and headers of a call that has work to do."""
        function = self._function
        if function.trigger == "topic":
            data = json.dumps({"user": DRIVER, "reason": "schedule"}).encode()
            headers, event = as_event(Message(data, "1", now), self._project)
            return "POST", "/", json.dumps(event), {**headers, "Content-Type": "application/json"}
        headers = {**headers_of(function.name, DRIVER), "Content-Type": "application/json"}
        if function.schedules:
            return "POST", function.schedules[0].path, "", headers
        if function.name.startswith("webhook"):
            return "POST", "/", json.dumps({"lat": 52.2, "lng": 5.2, "accuracy_m": 8}), headers
        return "GET", "/", "", headers


@contextmanager
def starters(names: Sequence[str]) -> Iterator[dict[str, Starter]]:
    """What starts these functions, with a simulated car cloud."""
    with tempfile.TemporaryDirectory() as folder, car_cloud() as cloud_url:
        car = {"token": TOKEN, "odometer_km": FIRST_KM + 60, "state": "driving"}
        requests.put(f"{cloud_url}/control/cars/{VIN}", json=car, timeout=10).raise_for_status()
        key = Fernet.generate_key().decode()
        with processes.environment({"CAR_CLOUD_URL": cloud_url, "CREDENTIALS_KEYS": key, "GEOCODERS": ""}):
            yield {name: Starter(name, Path(folder)) for name in names}


def _used_today(account: Account) -> Account:
    today = datetime.now(UTC).date().isoformat()
    return replace(account, keys={name: replace(key, last_used_on=today) for name, key in account.keys.items()})
