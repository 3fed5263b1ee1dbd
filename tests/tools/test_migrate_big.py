"""The migration of a large store, killed on its way."""

import os
import secrets
import signal
import subprocess
import sys
from collections import Counter
from typing import Any

from google.cloud import firestore

from shared.repositories.user_store import UserStore
from tests.tools.old_store import BORIS, CARLA, DEWI, OldStore, everything
from tools.processes import wait_until

USERS = (BORIS, CARLA, DEWI)
TRIPS = 20_000
KILLED_AT = (2_000, 9_000, 16_000)


def migrate(project: str, *options: str) -> "subprocess.Popen[str]":
    env = {**os.environ, "GOOGLE_CLOUD_PROJECT": project}
    command = [sys.executable, "-m", "tools.migrate", "--default-user", BORIS, *options]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process: "subprocess.Popen[str]") -> str:
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, out[-2000:] + errors
    return out


def counted(collection: Any) -> int:
    return int(collection.count().get()[0][0].value)


def moved(db: firestore.Client) -> int:
    return sum(counted(db.collection(f"users/{email}/trips")) for email in USERS)


def kill_once(process: "subprocess.Popen[str]", holds: Any, what: str) -> None:
    wait_until(lambda: process.poll() is not None or holds(), what, within_s=120)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL


def test_twenty_thousand_trips_move_once_however_often_the_tool_is_killed() -> None:
    project, old = f"test-{secrets.token_hex(6)}", OldStore(TRIPS)
    db = firestore.Client(project=project)
    old.write(db)
    for count in KILLED_AT:
        kill_once(migrate(project), lambda count=count: moved(db) >= count, f"{count} trips")  # type: ignore[misc]
    told = finished(migrate(project))
    assert "before and after agree" in told
    check_trips(db, old)
    before = everything(db)
    assert finished(migrate(project)) == told.replace("x", "x")
    assert everything(db) == before
    kill_once(migrate(project, "--delete-old"), lambda: counted(db.collection("trips")) < TRIPS, "deletions")
    finished(migrate(project, "--delete-old"))
    left = everything(db)
    assert {path for path in left if not path.startswith("users/")} == old.unreadable
    assert {path: at for path, at in before.items() if path.startswith("users/")} == {
        path: at for path, at in left.items() if path.startswith("users/")
    }


def check_trips(db: firestore.Client, old: OldStore) -> None:
    wanted = Counter(
        (t.user, t.car, t.started_at, t.ended_at, t.tenths, t.kind, t.business, t.private, t.gap, t.year)
        for t in old.truth.values()
    )
    found: Counter[Any] = Counter()
    for email in USERS:
        for snapshot in db.collection(f"users/{email}/trips").stream():
            trip = snapshot.to_dict()
            kms = [round(trip[name] * 10) for name in ("distance_km", "business_km", "private_km", "gap_before_km")]
            about = (trip["user"], trip["car_id"], trip["started_at"], trip["ended_at"], kms[0], trip["kind"])
            assert trip["user"] == email
            assert (trip["gap"] is None) == (kms[3] == 0)
            found[(*about, *kms[1:], trip["year"])] += 1
    assert found == wanted
    for (user, year), (count, *tenths) in old.sums(lambda t: (t.user, t.year)).items():
        months = UserStore(db, user).sums(year)[year]
        sums = [list(sums) for cars in months.values() for sums in cars.values()]
        total = [sum(column) for column in zip(*sums, strict=True)]
        assert total[:4] == [count, *(part * 100 for part in tenths)]
        assert total[4] == sum(t.tenths * 100 for t in old.truth.values()
                               if (t.user, t.year, t.kind) == (user, year, "unclassified"))  # fmt: skip
