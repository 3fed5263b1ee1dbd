"""Plays one user's drives: his phone, which sends until it is answered, his car's cloud, and himself in the app."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import requests

from shared.domain.car.car import Car
from shared.domain.driver import Account, Key
from shared.repositories.accounts import AccountRepository, hash_key, new_key
from shared.repositories.user_store import UserStore
from tests.chaos.ground import Ground
from tests.chaos.plan import (
    AddPlace,
    Await,
    Break,
    Drive,
    Edit,
    Late,
    NewCredentials,
    Send,
    Show,
    Step,
    Together,
    User,
)

CALL_S = 12.0  # a phone's patience with one call
FIRST_LOOK_S, LONGEST_LOOK_S = 1.0, 2.0  # an earlier look would be before the next tick of the clock


class NeverCame(Exception):
    """The system did not do what it must have done by then."""


class Player:
    """One user. `journal` gets a line for each thing that happens, for whoever looks for the cause of a failure."""

    def __init__(self, ground: Ground, user: User, deadline: float, journal: Callable[[str], None]) -> None:
        self.user, self.db = user, ground.db
        self._ground, self._deadline, self._journal = ground, deadline, journal
        self.email = f"u{user.number}-{ground.db.project}@example.com"
        self._key = new_key()
        self._local = threading.local()
        self._pool = ThreadPoolExecutor(4)
        self.kinds: dict[str, str] = {}  # of trips that he gave one

    def register(self) -> None:
        """Makes the user known, with his cars."""
        first = self.user.car_ids[0] if self.user.car_ids else None
        keys = {"full": Key(hash_key(self._key), "full")}
        AccountRepository(self._ground.db).add(Account(self.email, keys=keys, default_car_id=first))
        for car_id in self.user.car_ids:
            car = Car(car_id, "simulated", vin=self._vin(car_id))
            UserStore(self._ground.db, self.email).cars.save(car, {"token": "secret"})
            self._control(car_id, token="secret")

    def play(self) -> None:
        """All his drives, one after the other. Raises NeverCame."""
        for number, drive in enumerate(self.user.drives):
            self._note("drive", number, drive.car_id, drive.begins_at, drive.ends_at, drive.start_km, drive.end_km)
            for step in drive.steps:
                self._take(step, drive)
            self._ground.one_done()
        self._pool.shutdown()

    def all_trips(self) -> list[dict[str, Any]]:
        """His log as he sees it, oldest first."""
        return self._pages("/trips?limit=200", "trips")[::-1]

    def rows(self, car_id: str) -> list[dict[str, Any]]:
        """The logbook of one of his cars, trips and gaps, oldest first."""
        return self._pages(f"/logbook?car_id={car_id}&limit=200", "rows")

    def _pages(self, path: str, name: str) -> list[dict[str, Any]]:
        found, cursor = list[dict[str, Any]](), ""
        while True:
            page = self.call("GET", f"{path}{cursor}").json()
            found += page[name]
            if not page["next_cursor"]:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        """A call that is made again until it is answered by anything but a fault."""
        while True:
            try:
                response = self._session().request(method, f"{self._ground.url}{path}", timeout=CALL_S, **more)
                if response.status_code < 500:
                    return response
                self._note("answered", response.status_code, method, path)
            except requests.RequestException as error:
                self._note("no answer", type(error).__name__, method, path)
            self._wait(0.2, f"an answer to {method} {path}")

    # --- steps

    def _take(self, step: Step, drive: Drive) -> None:
        match step:
            case Send():
                self._send(step)
            case Together():
                list(self._pool.map(self._send, step.sends))
            case Show():
                self._show(step)
            case Break():
                self._ground.note(f"car {step.fault}" if step.fault else "car mended")
                self._control(step.car_id, fault=step.fault)
            case Late():
                time.sleep(step.wait_s)
            case Await():
                self._await(step, drive)
            case NewCredentials():
                self.call("PUT", f"/cars/{step.car_id}/credentials", json={"token": "secret"}).raise_for_status()
            case AddPlace():
                lat, lng = step.position
                place = {"name": f"Halt {lat:.4f}", "lat": lat, "lng": lng, "kind": "pause"}
                status = self.call("POST", "/locations", json=place).status_code
                assert status in (201, 409), status  # 409: it was stored, and the answer was lost
            case Edit():
                self._edit(step)

    def _send(self, send: Send) -> None:
        lat, lng = send.position
        body = {"timestamp": send.at.isoformat(), "lat": lat, "lng": lng}
        if send.car_id:
            body["car_id"] = send.car_id
        response = self.call("POST", f"/webhook/{send.event}", json=body)
        self._note("sent", send.event, send.at, response.status_code, response.text)
        if response.status_code != 200:
            raise NeverCame(f"a phone's {send.event} was answered {response.status_code}: {response.text}")

    def _show(self, show: Show) -> None:
        (lat, lng), at = show.position, show.at.isoformat()
        self._control(show.car_id, odometer_km=show.odometer_km, state=show.state, measured_at=at, lat=lat, lng=lng)

    def _control(self, car_id: str, **fields: Any) -> None:
        self._note("cloud", car_id, json.dumps(fields))
        url = f"{self._ground.cloud_url}/control/cars/{self._vin(car_id)}"
        requests.put(url, json=fields, timeout=30).raise_for_status()

    def _edit(self, edit: Edit) -> None:
        """Classifies the newest trip, as of the revision that he sees."""
        while True:
            trip = self._newest()
            change = {"kind": edit.kind, "revision": trip["revision"]}
            if self.call("PATCH", f"/trips/{trip['id']}", json=change).status_code != 409:
                self.kinds[trip["id"]] = edit.kind
                return
            self._wait(0.2, "an edit")

    def _await(self, wanted: Await, drive: Drive) -> None:
        conditions: dict[str, Callable[[], bool]] = {
            "read": lambda: self._is_read(wanted),
            "settled": lambda: self._is_settled(drive),
            "closed": lambda: not self.active() and self._newest_since(drive) is not None,
            "stopped": lambda: self._is_stopped(wanted),
            "over": lambda: self._is_over(drive),
            "measured": lambda: self._is_measured(wanted),
            "all measured": lambda: not self.active() and not any(map(_is_pending, self.all_trips())),
        }
        look_s = FIRST_LOOK_S
        while not conditions[wanted.what]():
            self._wait(look_s, f"{self.email}: {wanted.what} {wanted.car_id} {wanted.at}")
            look_s = min(1.5 * look_s, LONGEST_LOOK_S)
        self._note("came", wanted.what)

    def _is_read(self, wanted: Await) -> bool:
        known_at = self.active().get("odometer_at")
        return bool(known_at) and known_at >= f"{wanted.at:%Y-%m-%dT%H:%M:%S}"

    def _is_settled(self, drive: Drive) -> bool:
        if self.active():  # asked first, for it costs a document and not a query
            return False
        trip = self._newest_since(drive)
        return trip is not None and not _is_pending(trip)

    def _is_over(self, drive: Drive) -> bool:
        if self.active():
            return False
        trip = self._newest()
        return bool(trip) and _timestamp(trip["ended_at"]) >= drive.ends_at.timestamp() and not _is_pending(trip)

    def _is_measured(self, wanted: Await) -> bool:
        trips = self.call("GET", f"/trips?limit=5&car_id={wanted.car_id}").json()["trips"]
        return any(_timestamp(trip["started_at"]) == wanted.at.timestamp() and not _is_pending(trip) for trip in trips)

    def _is_stopped(self, wanted: Await) -> bool:
        cars = self.call("GET", "/cars").json()["cars"]
        return any(car["id"] == wanted.car_id and car["stopped"] for car in cars)

    def _newest(self) -> dict[str, Any]:
        trips = self.call("GET", "/trips?limit=1").json()["trips"]
        return trips[0] if trips else {}

    def _newest_since(self, drive: Drive) -> dict[str, Any] | None:
        trip = self._newest()
        began = drive.begins_at.timestamp()
        return trip if trip and _timestamp(trip["started_at"]) >= began - 1 else None

    def active(self) -> dict[str, Any]:
        """His trip going on, or nothing."""
        response = self.call("GET", "/trips/active")
        told: dict[str, Any] = response.json() if response.status_code == 200 else {}
        return told

    # --- ways and means

    def _wait(self, wait_s: float, what: str) -> None:
        if time.monotonic() > self._deadline:
            raise NeverCame(what)
        time.sleep(wait_s)

    def _session(self) -> requests.Session:
        """One for each thread, with its connections kept."""
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.headers.update({"Authorization": f"Bearer {self._key}", "X-User-Email": self.email})
        session: requests.Session = self._local.session
        return session

    def _vin(self, car_id: str) -> str:
        return f"CHAOS{self.user.number:04d}{car_id.upper()}"

    def _note(self, *words: object) -> None:
        self._journal(" ".join(map(str, (f"{time.monotonic():.3f}", f"u{self.user.number}", *words))))


def _is_pending(trip: dict[str, Any]) -> bool:
    return "odometer_pending" in trip["flags"]


def _timestamp(told: str) -> float:
    return datetime.fromisoformat(told).timestamp()
