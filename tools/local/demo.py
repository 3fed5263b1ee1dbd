"""The demo: two colleagues drive at once, their cars' clouds are late and fail once, both logs come out right."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from msgspec.structs import replace
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from shared.repositories.accounts import Account, AccountRepository, Key, hash_key, new_key
from shared.repositories.documents import client
from tools.local.drives import EINDHOVEN, UTRECHT, Course, Sample, drive
from tools.local.processes import wait_until

CLOUD_LATE = timedelta(minutes=4)
ROOM = timedelta(minutes=3)


class Driver:
    """One of the two: drives, while phone and car say what they say."""

    def __init__(self, name: str, course: Course, first_odometer_km: float, urls: tuple[str, str]) -> None:
        self.name, self.course = name, course
        self.email, self.vin = f"{name.lower()}@example.com", f"DEMO{name.upper():0<13}"
        self.url, self.cloud_url = urls
        self.key = _register(self.email, name)
        if not self.get("/cars")["cars"]:
            self._set_up()
        self.before = self._trips()
        last = self.before[0] if self.before else None
        self.odometer_km = float(last["end_odometer_km"] if last else first_odometer_km)
        self.samples = drive(course, _begin(last))

    @property
    def truth_km(self) -> float:
        """How far this drive goes."""
        return round(self.samples[-1].driven_km, 1)

    def go(self, progress: Progress, bar: TaskID) -> None:
        """Drives from start to end, and waits until the log has it."""
        self._car(self.samples[0], "parked", odometer_km=self.odometer_km, late=timedelta(minutes=1))
        for n, sample in enumerate(self.samples):
            self._phone("start", sample)
            if n:
                seen = max(0, n - int(CLOUD_LATE / timedelta(seconds=15)))
                self._car(self.samples[seen], "driving")
            if n == len(self.samples) // 2:
                self._fail_once(sample)
            if n % 8 == 0:
                self._tick()
            progress.advance(bar)
        self._phone("end", self.samples[-1], later=timedelta(seconds=5))
        self._car(self.samples[-1], "parked", late=-timedelta(seconds=20))
        wait_until(self._settled, f"{self.name}'s trip", within_s=40)

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
        ) == (self.truth_km, self.odometer_km, "odometer", 0.0)

    def get(self, path: str) -> Any:
        """What the driver's own key shows."""
        response = requests.get(f"{self.url}{path}", headers=self._headers(), timeout=30)
        response.raise_for_status()
        return response.json()

    def _set_up(self) -> None:
        """His car, what opens its cloud, and his places: all by his own key."""
        start, work = self.course.corners[0], drive(self.course, datetime.now(UTC))[-1]
        self._send("PUT", "/cars/car", provider="simulated", name=f"{self.name}'s car", vin=self.vin)
        self._send("PUT", "/cars/car/credentials", token=f"token-of-{self.vin}")
        self._send("POST", "/locations", name="Home", lat=start[0], lng=start[1], radius_m=300)
        self._send("POST", "/locations", name="Work", lat=work.lat, lng=work.lng, radius_m=300, kind="business")

    def _send(self, method: str, path: str, **body: Any) -> None:
        url = f"{self.url}{path}"
        requests.request(method, url, json=body, headers=self._headers(), timeout=30).raise_for_status()

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

    def _trips(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("/trips?limit=200")["trips"]
        return found

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", "X-User-Email": self.email}

    def _phone(self, event: str, sample: Sample, later: timedelta = timedelta(0)) -> None:
        at = (sample.at + later).isoformat()
        body = {"lat": sample.lat, "lng": sample.lng, "timestamp": at, "accuracy_m": 8}
        self._send("POST", f"/webhook/{event}", **body)

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


def play_demo(url: str, car_cloud_url: str) -> bool:
    """Plays both drives at once and prints what came of them. True if each added exactly one right trip."""
    console = Console()
    urls = (url, car_cloud_url)
    drivers = [Driver("Boris", UTRECHT, 20_000.0, urls), Driver("Tim", EINDHOVEN, 48_350.0, urls)]
    columns = (TextColumn("{task.description:8}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress, ThreadPoolExecutor() as pool:
        bars = [progress.add_task(driver.name, total=len(driver.samples)) for driver in drivers]
        for done in [pool.submit(driver.go, progress, bar) for driver, bar in zip(drivers, bars, strict=True)]:
            done.result()
    for driver in drivers:
        _show(console, driver)
    right = all(driver.is_right() for driver in drivers)
    console.print("[green]One right trip each." if right else "[red]This is not one right trip each.")
    return right


def _register(email: str, name: str) -> str:
    """Makes the user if he is new, as the operator does; gives a key of this run."""
    users, key = AccountRepository(client()), new_key()
    users.add(Account(email=email, name=name))
    fresh = {secrets.token_hex(4): Key(hash_key(key), "full", label="demo", created_at=datetime.now(UTC))}

    def changed(account: Account) -> Account:
        kept = {key_id: known for key_id, known in account.keys.items() if known.label != "demo"}
        return replace(account, keys=kept | fresh)

    users.change(email, changed)
    return key


def _begin(last: dict[str, Any] | None) -> datetime:
    """A free stretch of the last day: phones may tell of events that are up to 24 h old."""
    first = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=23)
    after = datetime.fromisoformat(last["ended_at"]).astimezone(UTC) + ROOM if last else first
    return max(first, after)


def _show(console: Console, driver: Driver) -> None:
    table = Table(title=f"{driver.name}: trips")
    for column in ("date", "from", "to", "begin km", "end km", "km", "by", "gap"):
        table.add_column(column, no_wrap=True)
    for trip in driver.get("/trips?limit=5")["trips"]:
        begin, end = trip["started_at"][11:16], trip["ended_at"][11:16]
        table.add_row(
            trip["date"][5:],
            f"{begin} {trip['from']['place']}",
            f"{end} {trip['to']['place']}",
            *(f"{trip[name]}" for name in ("start_odometer_km", "end_odometer_km", "distance_km")),
            trip["distance_source"],
            f"{trip['gap_before_km']}",
        )
    console.print(table)
    stats, compare = driver.get("/stats"), driver.get("/compare")
    sums = Table(title=f"{driver.name}: stats and odometer comparison")
    for column in ("trips", "total km", "odometer", "calculated", "difference", "status", "closed"):
        sums.add_column(column)
    held = compare["comparison"]
    sums.add_row(
        f"{stats['trip_count']}",
        f"{stats['total_km']}",
        f"{held['actual_odometer_km']}",
        f"{held['calculated_km']}",
        f"{held['difference_km']}",
        held["status"],
        "yes" if compare["closed"] else "no",
    )
    console.print(sums)
