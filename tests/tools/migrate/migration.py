"""Runs the migration for tests, against a project of its own on the emulator."""

import io
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from datetime import datetime, timedelta
from typing import Any

from google.cloud import firestore
from shared.domain.log.gap import relink

from shared.domain.driver import Account
from shared.domain.log.rows import Rows
from shared.domain.log.sums import Sums, sums_of
from shared.domain.log.trip import Trip, classified, dated, trip_id
from shared.repositories import documents
from shared.repositories.accounts import AccountRepository
from shared.repositories.documents import until_current
from shared.repositories.trips import trip_of
from shared.repositories.user_store import UserStore
from shared.services.by_hand import locked
from shared.services.rows import StoredLog
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
        # Tests that run in the background ignore Ctrl-C, and what they start would inherit that.
        signal.signal(signal.SIGINT, signal.default_int_handler)
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

    def roots(self) -> set[str]:
        """The documents that are below no user."""
        return {path for path in everything(self.db) if not path.startswith("users/")}


def new_trip(email: str, started_at: datetime, start_km: float, km: float = 5.0, car_id: str = "audi") -> Trip:
    """A trip of the new system."""
    return classified(dated(Trip(
        id=trip_id(email, started_at), user=email, car_id=car_id, started_at=started_at,
        ended_at=started_at + timedelta(minutes=5), timezone="Europe/Amsterdam", date="", year=0, month=0,
        start_odometer_km=start_km, end_odometer_km=start_km + km, distance_km=km, created_at=started_at,
        updated_at=started_at)))  # fmt: skip


def add(house: House, trip: Trip) -> None:
    """Adds a trip as the live system does."""

    def attempt() -> None:
        store = house.store(trip.user)
        state, log, change = store.state(), StoredLog(store), store.change()
        rows = Rows(log)
        relink(rows, None, trip)
        locked(change, state)
        log.stage(change, rows)
        change.commit()

    until_current(attempt)()


def sums_of_all(house: House, email: str = BORIS) -> tuple[Sums, Sums]:
    """What the sums say, and what the trips say."""
    stored, made = Sums(), Sums()
    for months in house.store(email).sums(None).values():
        for cars in months.values():
            for sums in cars.values():
                stored = stored.plus(sums)
    for trip in house.trips(email):
        made = made.plus(sums_of(trip))
    return stored, made


WHOLE = {
    "user_id": BORIS,
    "date": "31-01-2024",
    "start_time": "08:12",
    "end_time": "08:41",
    "distance_km": 22.4,
    "trip_type": "B",
    "car_id": "audi",
}
