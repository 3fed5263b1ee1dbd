"""The real stack for tests: its own process, functions by HTTP, emulators, relay and car cloud."""

import os
import secrets
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import requests
from google.cloud import firestore
from msgspec.structs import replace

from shared.domain.car.car import Car
from shared.domain.driver import Account, Key, Scope
from shared.domain.place.places import Place
from shared.domain.tracking.state import DriverState, with_log
from shared.repositories.accounts import AccountRepository, hash_key, new_key
from shared.repositories.documents import client, until_current
from shared.repositories.user_store import UserStore
from shared.services.verification import verified
from tools.local import processes

QUICK = {"POLL_EVERY_S": "0", "POLL_AFTER_END_S": "0", "CAR_TIMEOUT_S": "5"}
UTRECHT = (52.0907, 5.1214)


def ago(minutes: float) -> datetime:
    """A moment of the last hours."""
    return datetime.now(UTC) - timedelta(minutes=minutes)


class Stack:
    """A running stack with a project, ports and data of its own."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.data, self.project = data, f"test-{secrets.token_hex(6)}"
        self.port, self.cloud_port = processes.free_port(), processes.free_port()
        self.url, self.cloud_url = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.cloud_port}"
        self.env = {**os.environ, **QUICK, **settings, "GOOGLE_CLOUD_PROJECT": self.project}
        self.db = firestore.Client(project=self.project)
        self.process: subprocess.Popen[bytes] | None = None
        self._drivers = list[Driver]()

    def start(self, *options: str) -> None:
        """Starts it and waits until it is ready."""
        ports = ["--port", str(self.port), "--car-cloud-port", str(self.cloud_port), "--data", str(self.data)]
        command = [sys.executable, "-m", "tools.local", "--no-demo", "--no-cron", *ports, *options]
        (self.data / "env").unlink(missing_ok=True)
        log = self.data.parent / "stack.log"  # not in the folder, in which a stack wants to be alone
        self.process = processes.start(command, log, self.env)
        running = self.process
        processes.wait_until(lambda: running.poll() is not None or (self.data / "env").exists(), "the stack")
        assert running.poll() is None, log.read_text()

    def stop(self) -> None:
        """Stops it as Ctrl-C does."""
        if self.process:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)

    def kill_functions(self) -> None:
        """Kills the process that serves the functions, and waits until its master has started another."""
        pid = self._serving()
        os.kill(pid, signal.SIGKILL)
        processes.wait_until(lambda: self._serving() != pid and self._answers(), "a new worker")

    def _serving(self) -> int:
        log = (self.data / "logs" / "functions.log").read_text()
        return int(log.rsplit("Booting worker with pid: ", 1)[1].split()[0])

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/stats", timeout=10).status_code == 401
        except requests.RequestException:
            return False

    def tick(self) -> dict[str, int]:
        """The cron's call."""
        response = requests.post(f"{self.url}/scheduler/poll-all", timeout=30)
        response.raise_for_status()
        told: dict[str, int] = response.json()
        return told

    def operator_env(self) -> dict[str, str]:
        """What an operator has after `source DIR/env`."""
        words = (shlex.split(line) for line in (self.data / "env").read_text().splitlines())
        return {**self.env, **dict(word.split("=", 1) for _, word in words)}

    def admin(self, *call: str) -> str:
        """Runs the operator's tool against this stack; what it prints."""
        command = [sys.executable, "-m", "tools.admin", *call]
        done = subprocess.run(command, env=self.operator_env(), capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def driver(self, car: bool = True, timezone: str = "Europe/Amsterdam") -> "Driver":
        """A new user, with a simulated car unless told otherwise."""
        self._drivers.append(Driver(self, car, timezone))
        return self._drivers[-1]

    def clear_the_road(self) -> None:
        """Ends what its drivers have under way: a tick has a poll follow for each of them, also in other tests."""
        batch = self.db.batch()
        for driver in self._drivers:
            batch.delete(self.db.document(f"users/{driver.email}/cache/trip_start"))
            batch.delete(self.db.document(f"users/{driver.email}"))  # who has an old log is told of in every list
        batch.commit()
        self._drivers.clear()

    def empty(self) -> None:
        """Takes everything out of its store: for a test that counts all users, and not those of former tests."""
        url = f"http://{os.environ['FIRESTORE_EMULATOR_HOST']}/emulator/v1/projects/{self.project}"
        requests.delete(f"{url}/databases/(default)/documents", timeout=30).raise_for_status()


class Driver:
    """One user of the stack, their phone and their car."""

    def __init__(self, stack: Stack, car: bool, timezone: str) -> None:
        self.stack = stack
        self.email = f"d{secrets.token_hex(6)}@example.com"
        self.key, self.webhook_key, self.vin = new_key(), new_key(), secrets.token_hex(8).upper()
        self.store = UserStore(stack.db, self.email)
        self._root = stack.db.document(f"users/{self.email}")
        keys = {
            "full": Key(sha256=hash_key(self.key), scope="full", last_used_on=datetime.now(UTC).date().isoformat()),
            "hook": Key(sha256=hash_key(self.webhook_key), scope="webhook"),
        }
        self.account = Account(email=self.email, timezone=timezone, keys=keys)
        AccountRepository(stack.db).save(self.account)
        if car:
            self.add_car("car", self.vin)

    def add_car(self, car_id: str, vin: str) -> None:
        """One more car; the first one is the default."""
        self.store.cars.save(Car(id=car_id, provider="simulated", vin=vin), {"token": f"t-{vin}"})
        self.account = replace(self.account, default_car_id=self.account.default_car_id or car_id)
        AccountRepository(self.stack.db).save(self.account)
        self.set_car(vin=vin, odometer_km=12345.0, measured_at=ago(600).isoformat(), state="parked")

    def add_place(self, lat: float, lng: float, kind: Any, radius_m: float = 150) -> None:
        """A place of theirs."""
        self.store.save_place(Place(secrets.token_hex(4), f"A {kind} place", lat, lng, radius_m, kind))

    def set_car(self, vin: str | None = None, **fields: Any) -> None:
        """What the car's cloud says from now on, also of a car that they do not have."""
        name = vin or self.vin
        if isinstance(fields.get("measured_at"), datetime):
            fields["measured_at"] = fields["measured_at"].isoformat()
        body = {"token": f"t-{name}", **fields}
        requests.put(f"{self.stack.cloud_url}/control/cars/{name}", json=body, timeout=10).raise_for_status()

    def put_state(self, **fields: Any) -> None:
        """Alters what is remembered of them, as if it had come so."""
        self._alter(lambda state: replace(state, **fields))

    def put_log(self, car_id: str, **fields: Any) -> None:
        """Alters what is open of the log of one of their cars, as if it had come so."""
        self._alter(lambda state: with_log(state, car_id, replace(state.of_car(car_id), **fields)))

    def _alter(self, altered: Callable[[DriverState], DriverState]) -> None:
        """A poll may write at the same moment."""

        @until_current
        def put() -> None:
            read, change = self.store.state(), self.store.change()
            change.put_state(read, altered(read.value))
            change.commit()

        put()

    @property
    def next_poll_at(self) -> datetime | None:
        """When the scheduler finds them due."""
        state = self._root.collection("cache").document("trip_start").get()
        stored: datetime | None = state.get("next_poll_at") if state.exists else None
        return stored

    def kept(self, collection: str) -> dict[str, dict[str, Any]]:
        """All documents of one of their collections, by id: what no call shows is kept too."""
        return {snapshot.id: snapshot.to_dict() for snapshot in self._root.collection(collection).stream()}

    def differences(self) -> list[str]:
        """What of their log does not follow from its facts."""
        with processes.environment({"GOOGLE_CLOUD_PROJECT": self.stack.project}):
            client.cache_clear()
            found = [str(one) for one in verified(self.email).differences]
            client.cache_clear()
        return found

    def size_of(self, path: str) -> int:
        """The bytes of one of their documents, as the store sends it; the path begins below the user."""
        name = f"{self.stack.db._database_string}/documents/{self._root.path}/{path}"
        document = self.stack.db._firestore_api.get_document(request={"name": name})
        return len(type(document).serialize(document))

    def asked(self, vin: str | None = None) -> int:
        """How often the car's cloud was asked."""
        url = f"{self.stack.cloud_url}/control/cars/{vin or self.vin}"
        count: int = requests.get(url, timeout=10).json()["requests"]
        return count

    def call(self, method: str, path: str, key: str | None = None, **more: Any) -> requests.Response:
        """A call as this user."""
        headers = {"Authorization": f"Bearer {key or self.key}", "X-User-Email": self.email}
        return requests.request(method, f"{self.stack.url}{path}", headers=headers, timeout=60, **more)

    def new_key(self, scope: Scope, label: str = "") -> str:
        """One more key of theirs."""
        key: str = self.call("POST", "/settings/keys", json={"scope": scope, "label": label}).json()["key"]
        return key

    def phone(self, event: str, at: datetime | None = None, position: Any = None, **more: Any) -> dict[str, Any]:
        """The phone's start or end; the answer."""
        body = dict(more)
        if at:
            body["timestamp"] = at.isoformat()
        if position:
            body |= {"lat": position[0], "lng": position[1]}
        response = self.call("POST", f"/webhook/{event}", json=body)
        assert response.status_code == 200, response.text
        told: dict[str, Any] = response.json()
        return told

    def arrive(self, at: datetime, position: Any, odometer_km: float, car_id: str | None = None, **of_car: Any) -> None:
        """The end of a drive. The car's cloud knows of it before the phone tells: where the end is longer ago than its
        grace, the first poll that comes back closes the trip with what it was told, also one from before."""
        self.set_car(odometer_km=odometer_km, measured_at=at + timedelta(seconds=30), **of_car)
        self.wait_unasked()
        self.phone("end", at, position, **({"car_id": car_id} if car_id else {}))

    def trips(self) -> list[dict[str, Any]]:
        """Their log, oldest first."""
        found: list[dict[str, Any]] = self.call("GET", "/trips?limit=200").json()["trips"]
        return found[::-1]

    def active(self) -> dict[str, Any]:
        """Their trip going on, or nothing."""
        response = self.call("GET", "/trips/active")
        told: dict[str, Any] = response.json() if response.status_code == 200 else {}
        return told

    def wait(self, holds: Callable[[], Any], what: str) -> Any:
        """Ticks until something holds, and gives it."""
        found: list[Any] = []

        def ticked() -> bool:
            self.stack.tick()
            found[:] = [holds()]
            return bool(found[0])

        # Not oftener: a tick has polls follow, and who waits would take the time of what they wait for.
        processes.wait_until(ticked, what, every_s=0.15)
        return found[0]

    def wait_unasked(self) -> None:
        """Waits until no read of their cars is on its way: it may bring what a car's cloud said before."""
        processes.wait_until(lambda: not self.store.state().value.asking.under_way, "the end of all reads")

    def wait_read(self, odometer_km: float) -> None:
        """Waits until the trip going on knows an odometer."""
        self.wait(lambda: self.active().get("odometer_km") == odometer_km, f"an odometer of {odometer_km}")

    def wait_trips(self, count: int) -> list[dict[str, Any]]:
        """Waits until the log has so many trips and none goes on."""
        found: list[dict[str, Any]] = self.wait(
            lambda: not self.active() and len(self.trips()) == count and self.trips(), f"{count} trips"
        )
        return found


@contextmanager
def running(**settings: str) -> Iterator[Stack]:
    """A stack that runs meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder) / "data", **settings)
        stack.start()
        try:
            yield stack
        finally:
            stack.stop()


class Stacks:
    """Running stacks by their settings. Not more than a few: each holds a quarter of a gigabyte."""

    KEPT = 2

    def __init__(self) -> None:
        self._kept: dict[frozenset[tuple[str, str]], tuple[Stack, ExitStack]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self._kept:
            self._stop_oldest()

    def running(self, **settings: str) -> Stack:
        """A stack with these settings; the one that was wanted least lately makes room for it."""
        wanted = frozenset(settings.items())
        if wanted in self._kept:
            self._kept[wanted] = self._kept.pop(wanted)
        else:
            if len(self._kept) == self.KEPT:
                self._stop_oldest()
            opened = ExitStack()
            self._kept[wanted] = (opened.enter_context(running(**settings)), opened)
        return self._kept[wanted][0]

    def _stop_oldest(self) -> None:
        _, opened = self._kept.pop(next(iter(self._kept)))
        opened.close()
