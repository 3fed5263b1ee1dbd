"""How long a function takes from the start of its process to its first answer, beside a bare function.

The bare one has the same framework and the Google clients that the function needs, and does one trivial thing with
each. The byte code is there already, as after the cloud's build, and the files are in memory.
"""

import json
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

import requests
from cryptography.fernet import Fernet
from google.cloud import firestore, pubsub_v1
from msgspec.structs import replace

from shared.cars.provider import PROVIDERS
from shared.domain.state import TripState
from shared.messaging.polls import TOPIC
from shared.repositories.accounts import Account, AccountRepository
from tools.benchmarks import instances
from tools.benchmarks.drivers import FIRST_KM, driving, due, keep_log, put
from tools.benchmarks.instances import Instance, Source
from tools.benchmarks.table import Table
from tools.costs.playing import KEYS, TOKEN, VIN, car_cloud, register
from tools.deploy.functions import BY_NAME, PUBLISH
from tools.local.relay import as_event
from tools.measure.metering import Message

GOAL = 1.15
ROUNDS, SMALL = 9, ("webhook_start",)
DRIVER, YEAR = "driver@example.com", 2026
HEAD = ("first answer of", "ms", "bare ms", "ratio", "processor ms", "bare processor ms", "ratio of these")
PATHS = {"scheduler": "/poll-all", "stats": f"/?year={YEAR}"}


class Start(NamedTuple):
    """What one start took until the first answer: milliseconds on the wall and of the processor."""

    wall_ms: float
    processor_ms: float


class Pair(NamedTuple):
    """The least of several starts of a function and of its bare one."""

    own: Start
    floor: Start

    @property
    def ratios(self) -> tuple[float, float]:
        """On the wall and by processor."""
        return self.own.wall_ms / self.floor.wall_ms, self.own.processor_ms / self.floor.processor_ms


def measure(small: bool, tell: Callable[[str], None]) -> Table:
    """The least of several starts of each function and of its bare one, in turns; and what car libraries add."""
    functions, rounds = (SMALL, 1) if small else (tuple(BY_NAME), ROUNDS)
    with starters(functions) as started:
        for name in functions:
            tell(f"{name}, first start")
            started[name].warm()
        turns: dict[str, list[Pair]] = {name: [] for name in functions}
        for n in range(rounds):
            for name in functions:
                tell(f"{name}, round {n + 1} of {rounds}")
                turns[name].append(started[name].turn())
        found = {name: least(each) for name, each in turns.items()}
        libraries = {} if small else _libraries(started["poller"].source.file.parent, rounds, tell)
    worst = max(pair.ratios[0] for pair in found.values())
    summary = (
        f"milliseconds from the start of the process to the first answer, least of {rounds} starts in turns with a bare"
        f" function, byte code and files at hand. The goal of {GOAL} times the bare one's is"
        f" {'reached' if worst <= GOAL else 'missed'}: {worst:.2f}. Libraries of cars are imported when a poll"
        " first needs them."
    )
    rows = [_row(f"`{name}`", *pair) for name, pair in found.items()]
    rows += [[f"`poller`: a library, of `{name}`", *_own(start)] for name, start in libraries.items()]
    return Table("cold_start", summary, HEAD, rows, worst <= GOAL)


def _row(name: str, own: Start, floor: Start) -> list[str]:
    wall, processor = Pair(own, floor).ratios
    return [
        name,
        *(f"{own.wall_ms:.0f}", f"{floor.wall_ms:.0f}", f"{wall:.2f}"),
        *(f"{own.processor_ms:.0f}", f"{floor.processor_ms:.0f}", f"{processor:.2f}"),
    ]


def _own(start: Start) -> list[str]:
    return [f"+{start.wall_ms:.0f}", "", "", f"+{start.processor_ms:.0f}", "", ""]


class Starter:
    """Starts a function and its bare one, each in a project where there is something to do."""

    def __init__(self, name: str, folder: Path, env: Mapping[str, str]) -> None:
        project = f"cold-{secrets.token_hex(6)}"
        self.name, self.source, self._floor = name, instances.staged(name, folder), _bare(name, folder)
        self._log, self._env = folder / f"{name}.log", {**env, "GOOGLE_CLOUD_PROJECT": project}
        db = firestore.Client(project=project)
        self._store = register(db, DRIVER)
        AccountRepository(db).change(DRIVER, _used_today)
        keep_log(self._store, YEAR)
        pubsub_v1.PublisherClient().create_topic(name=f"projects/{project}/topics/{TOPIC}")

    def warm(self) -> None:
        """Starts both once, so that their files are in memory."""
        self.turn()

    def turn(self) -> Pair:
        """One start of each."""
        return Pair(self.start(self.source), self.start(self._floor))

    def start(self, source: Source) -> Start:
        """One start, until the answer to a call that has work to do."""
        now = datetime.now(UTC)
        put(self._store, self._state(now))
        request = _request(self.name, self._env["GOOGLE_CLOUD_PROJECT"], now)
        began = time.perf_counter()
        instance = Instance(source, self._log, self._env)
        try:
            status, answer = _first_answer(instance, *request)
            took = Start(1000 * (time.perf_counter() - began), 1000 * instance.processor_s())
        finally:
            instance.stop()
        if status != 200:
            raise RuntimeError(f"{source.target} answered {status}: {answer!r}; {self._log.read_text()}")
        return took

    def _state(self, now: datetime) -> TripState:
        if self.name == "webhook_start":
            return TripState()
        state = driving(now)
        return due(state, now) if not BY_NAME[self.name].is_public else state


@contextmanager
def starters(names: Sequence[str]) -> Iterator[dict[str, Starter]]:
    """What starts these functions, on emulators and with a simulated car cloud."""
    with tempfile.TemporaryDirectory() as name, car_cloud() as cloud_url:
        folder, key = Path(name), Fernet.generate_key().decode()
        settings = {"CAR_CLOUD_URL": cloud_url, "CREDENTIALS_KEYS": key, "GEOCODERS": ""}
        with instances.emulated(folder / "logs", **settings) as env:
            car = {"token": TOKEN, "odometer_km": FIRST_KM + 60, "state": "driving"}
            requests.put(f"{cloud_url}/control/cars/{VIN}", json=car, timeout=10).raise_for_status()
            yield {name: Starter(name, folder, env) for name in names}


def _bare(name: str, folder: Path) -> Source:
    function = BY_NAME[name]
    if PUBLISH in function.roles:
        return instances.bare("one_read_and_message", folder, name)
    return instances.bare("one_read", folder, name, "one_read_of_event" if function.trigger == "topic" else None)


def _used_today(account: Account) -> Account:
    today = datetime.now(UTC).date().isoformat()
    return replace(account, keys={name: replace(key, last_used_on=today) for name, key in account.keys.items()})


def _request(name: str, project: str, now: datetime) -> tuple[str, str, str, dict[str, str]]:
    """Method, path, body and headers of a call that has work to do."""
    if BY_NAME[name].trigger == "topic":
        data = json.dumps({"user": DRIVER, "reason": "schedule"}).encode()
        headers, event = as_event(Message(data, "1", now), project)
        return "POST", "/", json.dumps(event), {**headers, "Content-Type": "application/json"}
    key = KEYS["webhook" if name.startswith("webhook") else "full"]
    headers = {"Authorization": f"Bearer {key}", "X-User-Email": DRIVER, "Content-Type": "application/json"}
    where = json.dumps({"lat": 52.2, "lng": 5.2, "accuracy_m": 8})
    called = BY_NAME[name].callers == "scheduler" or name.startswith("webhook")
    return "POST" if called else "GET", PATHS.get(name, "/"), where if called else "", headers


def _first_answer(instance: Instance, method: str, path: str, body: str, headers: dict[str, str]) -> tuple[int, bytes]:
    instance.wait()
    connection = HTTPConnection("127.0.0.1", instance.port, timeout=60)
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    return response.status, answer


def least(turns: Sequence[Pair]) -> Pair:
    """The least of each: whatever else the machine does only adds."""
    return Pair(_least([turn.own for turn in turns]), _least([turn.floor for turn in turns]))


def _least(starts: Sequence[Start]) -> Start:
    return Start(min(each.wall_ms for each in starts), min(each.processor_ms for each in starts))


def _libraries(bundle: Path, rounds: int, tell: Callable[[str], None]) -> dict[str, Start]:
    """What the import of each real provider costs a poller that has its own modules already."""
    found = {}
    for name in sorted(set(PROVIDERS) - {"simulated"}):
        tell(f"the library of {name}")
        found[name] = _least([_import(bundle, name) for _ in range(rounds)])
    return found


def _import(bundle: Path, provider: str) -> Start:
    code = (
        f"import sys; sys.path.insert(0, {str(bundle)!r})\n"
        "import main, time, shared.cars.provider as cars\n"
        "began, used = time.perf_counter(), time.process_time()\n"
        f"cars.provider({provider!r})\n"
        "print(time.perf_counter() - began, time.process_time() - used)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    return Start(*(1000 * float(took_s) for took_s in done.stdout.split()))
