"""A driver of the demo: sets up what is missing, goes on where the last drive ended, tells what phone and car say."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from msgspec.structs import replace

from shared.domain.car.asking import is_under_way
from shared.domain.driver import Account
from shared.domain.place.geo import Position, distance_km
from shared.domain.tracking.state import DriverState
from shared.repositories.accounts import AccountRepository
from shared.repositories.documents import client
from shared.repositories.user_store import UserStore
from shared.services import keys
from tools.local.drives import LASTS, Course, Sample, drive
from tools.local.processes import wait_until

CAR, DEMO = "car", "demo"
CLOUD_LATE = timedelta(minutes=4)
ROOM = timedelta(minutes=6)  # after less, a start resumes the trip before
# Phones may tell of events that are up to 24 h old; a drive takes a while to be played.
OLDEST_BEGIN, OLDEST_RESUMED = timedelta(hours=23), timedelta(hours=23, minutes=50)
AT_A_PLACE_KM = 0.3
OF_CARS = {"make": "Demo", "type": "Estate"}
STREETS = {"Home": "Voorbeeldlaan 1", "Work": "Voorbeeldplein 2"}


class DayFull(Exception):
    """No stretch of the last 24 h is free for a drive. The text says when one is."""


class Driver:
    """One of the two: drives, while phone and car say what they say."""

    def __init__(self, name: str, course: Course, first_odometer_km: float, env: Mapping[str, str]) -> None:
        """Registers the driver where that is not done yet, with a key of this run in place of the former one's."""
        self.name, self.course, self.first_odometer_km = name, course, first_odometer_km
        self.email, self.vin = f"{name.lower()}@example.com", f"DEMO{name.upper():0<13}"
        self.url, self.cloud_url = env["FUNCTIONS_URL"], env["CAR_CLOUD_URL"]
        self.key, self.phone_key = _register(self.email, name)
        self.samples: list[Sample] = []
        self.before: list[dict[str, Any]] = []
        self.odometer_km, self.gap_km = first_odometer_km, 0.0

    # --- before the drive

    def set_up(self) -> None:
        """The driver's car, what opens its cloud, and their places, by their own key: what of it is not there yet."""
        cars = {car["id"]: car for car in self.get("/cars")["cars"]}
        car: dict[str, Any] = {"provider": "simulated", "vin": self.vin, **OF_CARS, "plate": f"DEMO-{self.name[0]}"}
        if CAR not in cars or {**cars[CAR], **car} != cars[CAR]:
            self._send("PUT", f"/cars/{CAR}", name=f"{self.name}'s car", available_from=_last_week(), **car)
        # Also where some are set: logins that were refused before are forgotten with the former ones.
        self._send("PUT", f"/cars/{CAR}/credentials", token=f"token-of-{self.vin}")
        known = {place["name"] for place in self.get("/locations")["locations"]}
        for name, corner, kind in (("Home", 0, "private"), ("Work", -1, "business")):
            lat, lng = self.course.corners[corner]
            if name not in known:
                more: dict[str, Any] = {
                    "radius_m": 300,
                    "role": name.lower(),
                    "address": f"{STREETS[name]}, {self.course.town}",
                }
                self._send("POST", "/locations", name=name, lat=lat, lng=lng, kind=kind, **more)

    def plan(self) -> None:
        """The drive that comes next: from where the last one ended, or the one that was broken off. Raises DayFull."""
        # A stack that was killed while it read the car: until that read is given up nobody reads it anew.
        self._wait_unasked()
        self.before = self._trips()
        last = next((trip for trip in self.before if trip["car_id"] == CAR), None)
        course = self.course.back() if last and self._ended_at_work(last) else self.course
        state = self._state()
        self.samples = drive(course, state.drive.started_at if state.drive else datetime.now(UTC))
        if self._is_being_driven(state):
            self._go_on(state, last)
        else:
            if state.drive:
                self._send("DELETE", "/trips/active")
                self._wait_unasked()  # a read of that drive may be on its way, and tell how far the car got
            self.odometer_km = max(self._end_km(last), self._read_km())
            self.samples = drive(course, self._begin())
        # Kilometres that no trip has: those of a drive that was dropped.
        end_km = last["end_odometer_km"] if last else None
        self.gap_km = 0.0 if end_km is None else round(self.odometer_km - end_km, 1)

    def _go_on(self, state: DriverState, last: dict[str, Any] | None) -> None:
        """With the drive that was broken off: told again from its start, for what is known of it changes nothing."""
        before = [reading.km for reading in state.known_readings(CAR) if reading.at <= self.samples[0].at]
        self.odometer_km = before[-1] if before else self._end_km(last)
        # Heard anew before anybody asks whether the trip is over.
        self._phone("start", self.samples[min(len(state.events), len(self.samples) - 1)])

    def _is_being_driven(self, state: DriverState) -> bool:
        """Whether the trip going on is this drive, broken off, and not something else that was tried meanwhile."""
        first = self.samples[0]
        begun = [(heard.at, heard.lat, heard.lng) for heard in state.events if state.drive]
        return (first.at, first.lat, first.lng) in begun and datetime.now(UTC) - first.at < OLDEST_RESUMED

    def _wait_unasked(self) -> None:
        wait_until(lambda: not is_under_way(self._state().asking, CAR, datetime.now(UTC)), f"{self.name}'s car")

    def _begin(self) -> datetime:
        now, closed_until = datetime.now(UTC).replace(microsecond=0), self._state().told_until
        ends = [datetime.fromisoformat(trip["ended_at"]).astimezone(UTC) for trip in self.before[:1]]
        begin = max([now - OLDEST_BEGIN, *(end + ROOM for end in (*ends, closed_until) if end)])
        if begin + LASTS > now:
            free_at = (begin + LASTS).astimezone()
            raise DayFull(f"{self.name}'s last 24 hours are full of drives: the next one fits from {free_at:%H:%M} on.")
        return begin

    def _read_km(self) -> float:
        read = self.get(f"/cars/{CAR}/data")["odometer"]
        return float(read["km"]) if read else 0.0

    def _end_km(self, last: dict[str, Any] | None) -> float:
        """What the car stood at after its last trip. Where that is still pending, what it says next is its end."""
        if last is None:
            return self.first_odometer_km
        if last["end_odometer_km"] is not None:
            return float(last["end_odometer_km"])
        return round(float(last["start_odometer_km"] or self.first_odometer_km) + float(last["distance_km"]), 1)

    def _ended_at_work(self, last: dict[str, Any]) -> bool:
        end, work = last["to"], Position(*self.course.corners[-1])
        if end["lat"] is None:
            return False
        return distance_km(Position(end["lat"], end["lng"]), work) <= AT_A_PLACE_KM

    # --- the drive

    def drive(self, advance: Any) -> None:
        """Drives from start to end, and waits until the log has it. `advance` is called at each step."""
        self._car(self.samples[0], "parked", odometer_km=self.odometer_km, late=timedelta(minutes=1))
        for n, sample in enumerate(self.samples):
            self._phone("start", sample)
            if n == 0:
                wait_until(self._is_read, f"a read of {self.name}'s car at its start", within_s=40)
            else:
                seen = max(0, n - int(CLOUD_LATE / timedelta(seconds=15)))
                self._car(self.samples[seen], "driving")
            if n == len(self.samples) // 2:
                self._fail_once(sample)
            if n % 8 == 0:
                self._tick()
            advance()
        self._phone("end", self.samples[-1], later=timedelta(seconds=5))
        self._car(self.samples[-1], "parked", late=-timedelta(seconds=20))
        wait_until(self._settled, f"{self.name}'s trip", within_s=40)

    def _is_read(self) -> bool:
        self._tick()
        read_km: float | None = self.get("/trips/active")["odometer_km"]
        return read_km is not None and read_km >= self.odometer_km

    def _fail_once(self, sample: Sample) -> None:
        """The car's cloud breaks down until somebody has noticed."""
        self._car(sample, "driving", fault="error")
        asked = self._asked()

        def noticed() -> bool:
            self._tick()
            return self._asked() > asked

        wait_until(noticed, "a read that fails", within_s=40)

    def _asked(self) -> int:
        count: int = requests.get(f"{self.cloud_url}/control/cars/{self.vin}", timeout=30).json()["requests"]
        return count

    def _tick(self) -> None:
        requests.post(f"{self.url}/scheduler/poll-all", timeout=30).raise_for_status()

    def _settled(self) -> bool:
        self._tick()
        trips = self.new_trips()
        return bool(trips) and "odometer_pending" not in trips[0]["flags"]

    def _phone(self, event: str, sample: Sample, later: timedelta = timedelta(0)) -> None:
        at = (sample.at + later).isoformat()
        body = {"lat": sample.lat, "lng": sample.lng, "timestamp": at, "accuracy_m": 8, "car_id": CAR}
        self._send("POST", f"/webhook/{event}", self.phone_key, **body)

    def _car(
        self,
        sample: Sample,
        state: str,
        odometer_km: float | None = None,
        late: timedelta = timedelta(0),
        fault: str | None = None,
    ) -> None:
        told_km = round(self.odometer_km + sample.driven_km, 1) if odometer_km is None else odometer_km
        body = {
            "odometer_km": told_km,
            "lat": sample.lat,
            "lng": sample.lng,
            "state": state,
            "measured_at": (sample.at - late).isoformat(),
            "token": f"token-of-{self.vin}",
            "fault": fault,
        }
        requests.put(f"{self.cloud_url}/control/cars/{self.vin}", json=body, timeout=30).raise_for_status()

    # --- after the drive

    @property
    def truth_km(self) -> float:
        """How far this drive goes."""
        return round(self.samples[-1].driven_km, 1)

    def new_trips(self) -> list[dict[str, Any]]:
        """The trips that this demo added."""
        known = {trip["id"] for trip in self.before}
        return [trip for trip in self._trips() if trip["id"] not in known]

    def is_right(self) -> bool:
        """Whether the demo added exactly one trip, of the right length, on the right odometer."""
        trips = self.new_trips()
        return len(trips) == 1 and (
            trips[0]["distance_km"],
            trips[0]["start_odometer_km"],
            trips[0]["distance_source"],
            trips[0]["gap_before_km"],
        ) == (self.truth_km, self.odometer_km, "odometer", self.gap_km)

    def get(self, path: str) -> Any:
        """What the driver's own key shows."""
        return self._got(path).json()

    def document(self, folder: Path) -> Path:
        """The log of the year of their last trip as a document, in a folder: what they would hand over."""
        year = self._trips()[0]["date"][:4]
        file = folder / f"{self.name.lower()}-{year}.pdf"
        file.write_bytes(self._got(f"/export?format=pdf&lang=en&year={year}").content)
        return file

    def _got(self, path: str) -> requests.Response:
        response = requests.get(f"{self.url}{path}", headers=self._headers(), timeout=30)
        response.raise_for_status()
        return response

    def _trips(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("/trips?limit=200")["trips"]
        return found

    def _state(self) -> DriverState:
        return UserStore(client(), self.email).state().value

    def _send(self, method: str, path: str, key: str | None = None, **body: Any) -> None:
        url = f"{self.url}{path}"
        requests.request(method, url, json=body, headers=self._headers(key), timeout=30).raise_for_status()

    def _headers(self, key: str | None = None) -> dict[str, str]:
        return {"Authorization": f"Bearer {key or self.key}", "X-User-Email": self.email}


def _last_week() -> str:
    return (datetime.now(UTC) - timedelta(days=7)).date().isoformat()


def _register(email: str, name: str) -> tuple[str, str]:
    """Makes the user where there is none, as the operator does; gives a full key and a phone's of this run."""
    users, now = AccountRepository(client()), datetime.now(UTC)
    full, phone = keys.make("full", DEMO, now), keys.make("webhook", DEMO, now)
    users.add(Account(email=email, name=name))

    def changed(account: Account) -> Account:
        kept = {key_id: known for key_id, known in account.keys.items() if known.label != DEMO}
        return keys.added(keys.added(replace(account, keys=kept), full), phone)

    users.change(email, changed)
    return full.key, phone.key
