"""Runs the migration for tests, against a project of its own on the emulator."""

import io
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from typing import Any

from google.cloud import firestore

from shared.domain.car.car import Car
from shared.domain.driver import Account
from shared.domain.log.gap_row import GapRow
from shared.domain.log.history import Author
from shared.domain.log.sums import Sums, sums_of, sums_of_gap
from shared.domain.log.tiling import Row, along
from shared.domain.log.trip import Endpoint, Trip
from shared.repositories import documents
from shared.repositories.accounts import AccountRepository
from shared.repositories.documents import from_document
from shared.repositories.trips import trip_of
from shared.repositories.user_store import UserStore
from shared.services import trips
from shared.services.verification import verified
from tests.tools.migrate.old_store import BORIS, everything
from tools.local import processes
from tools.local.processes import wait_until
from tools.migrate.__main__ import main


class House:
    """A store of its own, and the tool run against it."""

    def __init__(self) -> None:
        self.project = f"test-{secrets.token_hex(6)}"
        self.db = firestore.Client(project=self.project)

    def register(self, email: str, **fields: Any) -> None:
        """A user of the new system."""
        AccountRepository(self.db).save(Account(email=email, **fields))

    def put(self, **rows: dict[str, Any]) -> None:
        """Old trips by id, of Boris and whole but for what is said."""
        for name, fields in rows.items():
            self.db.document(f"trips/{name}").set({**WHOLE, **fields})

    def start(self, *options: str, **env: str) -> "subprocess.Popen[str]":
        """The tool, under way."""
        command = [sys.executable, "-m", "tools.migrate", "--default-user", BORIS, *options]
        env = {**os.environ, "GOOGLE_CLOUD_PROJECT": self.project, **env}
        return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *options: str, code: int = 0, **env: str) -> str:
        """What the tool prints, progress and all. In this process: a new one costs as much as a small store."""
        told, settings = io.StringIO(), {"GOOGLE_CLOUD_PROJECT": self.project, **env}
        documents.client.cache_clear()
        with processes.environment(settings), redirect_stdout(told), redirect_stderr(told):
            returned = main(["--default-user", BORIS, *options])
        documents.client.cache_clear()
        assert returned == code, told.getvalue()[-4000:]
        return told.getvalue()

    def kill(self, process: "subprocess.Popen[str]", holds: Callable[[], Any], what: str) -> None:
        """Kills the tool as soon as something holds."""
        wait_until(lambda: process.poll() is not None or holds(), what, within_s=300)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        assert process.returncode == -signal.SIGKILL

    def store(self, email: str = BORIS) -> UserStore:
        """A user's store."""
        return UserStore(self.db, email)

    def trips(self, email: str = BORIS) -> list[Trip]:
        """A user's trips, by start."""
        found = self.db.collection(f"users/{email}/trips").stream()
        trips = [trip_of(snapshot.to_dict()) for snapshot in found]
        return sorted(trips, key=lambda trip: (trip.started_at, trip.id))

    def gaps(self, email: str = BORIS) -> list[GapRow]:
        """A user's gaps, by time."""
        found = self.db.collection(f"users/{email}/gaps").stream()
        return sorted((from_document(one.to_dict(), GapRow) for one in found), key=lambda gap: gap.since)

    def differences(self, email: str = BORIS) -> list[str]:
        """What of a user's log does not follow from its facts."""
        documents.client.cache_clear()
        with processes.environment({"GOOGLE_CLOUD_PROJECT": self.project}):
            found = verified(email)
        documents.client.cache_clear()
        return [str(one) for one in found.differences]

    def roots(self) -> set[str]:
        """The documents that are below no user."""
        return {path for path in everything(self.db) if not path.startswith("users/")}


def add(
    house: House, started_at: datetime, start_km: float, km: float = 5.0, email: str = BORIS, car_id: str = "audi"
) -> Trip:
    """A trip that its driver adds to the log that the new system keeps meanwhile, with a car if they have none."""
    store = house.store(email)
    if car_id not in store.cars.list_cars():
        store.cars.save(Car(car_id, "simulated"), {"token": "t"})
    with processes.environment({"GOOGLE_CLOUD_PROJECT": house.project}):
        documents.client.cache_clear()
        try:
            return trips.add(Account(email=email), {
                "started_at": started_at.isoformat(), "ended_at": (started_at + timedelta(minutes=5)).isoformat(),
                "car_id": car_id,
                "from_": Endpoint(52.0, 5.0), "to": Endpoint(52.0, 5.0), "start_odometer_km": start_km,
                "end_odometer_km": start_km + km,
            }, Author("test", datetime.now(UTC)))  # fmt: skip
        finally:
            documents.client.cache_clear()


def sums_of_all(house: House, email: str = BORIS) -> tuple[Sums, Sums]:
    """What the sums say, and what the rows say."""
    stored, made = Sums(), Sums()
    for months in house.store(email).sums(None).values():
        for cars in months.values():
            for sums in cars.values():
                stored = stored.plus(sums)
    for row in (*house.trips(email), *house.gaps(email)):
        made = made.plus(sums_of_gap(row) if isinstance(row, GapRow) else sums_of(row))
    return stored, made


def rows_of(house: House, email: str = BORIS, car_id: str = "audi") -> list[Row]:
    """The rows of a car with a stretch of its odometer, by time."""
    rows: list[Row] = [row for row in (*house.trips(email), *house.gaps(email)) if row.car_id == car_id]
    return sorted((row for row in rows if row.from_m is not None), key=along)


WHOLE = {
    "user_id": BORIS,
    "date": "31-01-2024",
    "start_time": "08:12",
    "end_time": "08:41",
    "distance_km": 22.4,
    "trip_type": "B",
    "car_id": "audi",
}
