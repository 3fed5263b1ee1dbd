"""One trip of a simulated car through the deployed functions, by a driver of its own who is deleted afterwards."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from google.cloud import firestore

from shared.domain.car.car import Car
from shared.domain.driver import Account, Key
from shared.repositories.accounts import AccountRepository, hash_key, new_key
from shared.repositories.user_store import UserStore
from tools.deploy.functions import FUNCTIONS, SECRET
from tools.deploy.gcloud import Failed, short
from tools.deploy.target import Target
from tools.local.processes import wait_until

# No mail can ever come from here: the name is reserved (RFC 2606).
DOMAIN = "smoke.invalid"
CAR = Car(id="car", provider="simulated", name="Smoke test", vin="SMOKE000000000001")
BEGIN_KM, END_KM = 1000.0, 1018.4
HOME, WORK = (52.0907, 5.1214), (51.9582, 5.1203)
# Scheduler, bus and a cold poller may each take their time.
WITHIN_S = 240.0
LEFT_OVER_AFTER = timedelta(hours=1)


def smoke(target: Target) -> int:
    """Drives the trip and says what came of it: 0 if it is right, 1 if not. Leaves nothing behind."""
    os.environ[SECRET] = target.gcloud.text("secrets", "versions", "access", "latest", f"--secret={SECRET}").strip()
    urls = _urls(target)
    db = _store(target)
    _sweep(db)
    with _driver(db) as (email, key):
        try:
            _drive(_Caller(urls, email, key), UserStore(db, email))
            _say("strangers are turned away where only the cloud itself may call", _guarded(urls))
        except (Failed, TimeoutError, requests.RequestException) as error:
            print(f"The smoke test failed: {error}")
            return 1
    print("The deployed functions log a trip as they should. The driver of this test is deleted again.")
    return 0


class _Caller:
    """The driver's phone and browser."""

    def __init__(self, urls: dict[str, str], email: str, key: str) -> None:
        self._urls = urls
        self._headers = {"Authorization": f"Bearer {key}", "X-User-Email": email}

    def post(self, function: str, at: datetime, position: tuple[float, float]) -> str:
        """The status that a webhook answers."""
        body = {"lat": position[0], "lng": position[1], "timestamp": at.isoformat()}
        return str(self._answer("POST", function, "", json=body).get("status"))

    def get(self, function: str, path: str = "") -> dict[str, Any]:
        """What a function shows; nothing where there is nothing."""
        return self._answer("GET", function, path)

    def _answer(self, method: str, function: str, path: str, **more: Any) -> dict[str, Any]:
        response = requests.request(method, self._urls[function] + path, headers=self._headers, timeout=60, **more)
        if response.status_code not in (200, 404):
            raise Failed(f"{function} answers {response.status_code}: {response.text[:200]}")
        found: dict[str, Any] = response.json() if response.status_code == 200 else {}
        return found


def _drive(caller: _Caller, store: UserStore) -> None:
    now = datetime.now(UTC)
    _park(store, BEGIN_KM, now - timedelta(minutes=40))
    _say("the phone starts a trip", caller.post("webhook_start", now - timedelta(minutes=30), HOME) == "trip_started")
    _wait("the poller read the car", lambda: caller.get("trips", "/active").get("odometer_km") == BEGIN_KM)
    _park(store, END_KM, now - timedelta(minutes=2))
    _say("the phone ends it", caller.post("webhook_end", now - timedelta(minutes=5), WORK) == "ending")
    _wait("the trip is in the log", lambda: caller.get("trips").get("trips"))
    (trip,) = caller.get("trips")["trips"]
    driven_km = round(END_KM - BEGIN_KM, 1)
    right = (trip["distance_km"], trip["distance_source"], trip["gap_before_km"]) == (driven_km, "odometer", 0.0)
    _say(f"it is {driven_km} km by odometer", right)
    _say("its kilometres are in the sums", caller.get("stats")["total_km"] == driven_km)
    _say("the log is closed", caller.get("compare")["closed"] is True)


def _park(store: UserStore, odometer_km: float, measured_at: datetime) -> None:
    says = {"odometer_km": odometer_km, "state": "parked", "measured_at": measured_at.isoformat()}
    store.cars.save(CAR, {"token": "none is asked for", "says": says})


def _urls(target: Target) -> dict[str, str]:
    rows = target.gcloud.rows("functions", "list", f"--regions={target.region}", "--v2")
    urls = {short(row["name"]): row["url"] for row in rows}
    if missing := [function.name for function in FUNCTIONS if function.name not in urls]:
        raise Failed(f"{', '.join(missing)} not deployed in {target.region}: run `./deploy.sh` first.")
    return urls


def _guarded(urls: dict[str, str]) -> bool:
    guarded = [function for function in FUNCTIONS if not function.is_public]
    paths = [(function.name, schedule.path) for function in guarded for schedule in function.schedules]
    paths += [(function.name, push.path) for function in guarded for push in function.pushes]
    paths += [(function.name, "/") for function in guarded if not function.schedules]
    answers = [requests.post(urls[name] + path, timeout=60).status_code for name, path in paths]
    return all(status in (401, 403, 404) for status in answers)


def _store(target: Target) -> firestore.Client:
    """The store, by the login that gcloud has; an emulator asks for none."""
    if os.environ.get("FIRESTORE_EMULATOR_HOST"):
        return firestore.Client(project=target.project)
    from google.oauth2.credentials import Credentials

    token = target.gcloud.text("auth", "print-access-token").strip()
    return firestore.Client(project=target.project, credentials=Credentials(token))  # type: ignore[no-untyped-call]


@contextmanager
def _driver(db: firestore.Client) -> Iterator[tuple[str, str]]:
    users, key, email = AccountRepository(db), new_key(), f"smoke-{secrets.token_hex(6)}@{DOMAIN}"
    kept = Key(sha256=hash_key(key), scope="full", label="smoke test", created_at=datetime.now(UTC))
    users.save(Account(email=email, default_car_id=CAR.id, keys={"smoke": kept}))
    try:
        yield email, key
    finally:
        users.forget(email)


def _sweep(db: firestore.Client) -> None:
    """Deletes the drivers of smoke tests that were killed before they could do it themselves."""
    users = AccountRepository(db)
    for email in users.emails("smoke-"):
        account = users.find(email) if email.endswith(f"@{DOMAIN}") else None
        made = [key.created_at for key in account.keys.values() if key.created_at] if account else []
        if account and (not made or datetime.now(UTC) - max(made) > LEFT_OVER_AFTER):
            users.forget(email)


def _wait(what: str, holds: Callable[[], object]) -> None:
    wait_until(holds, what, within_s=WITHIN_S, every_s=1.0)
    _say(what, True)


def _say(what: str, holds: bool) -> None:
    if not holds:
        raise Failed(f"it is not so that {what}")
    print(f"  {what}", flush=True)
