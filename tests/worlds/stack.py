"""A running stack as the keeper of a world's log, by HTTP: the one module here that knows the system's fixtures.

There time is real. So a world's last event is put half an hour before now, all events carry times of the past, and the
keeper is polled at once with what the cloud said at the world's moment.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from cryptography.fernet import Fernet

from tests.system.fixtures import Driver, Stack, running
from tests.worlds.log import CarAnswer, Correction, Gap, Log, PhoneEvent, Played, Seen, Trip
from tests.worlds.plan import MINUTE, moment
from tests.worlds.presets import PRESETS
from tests.worlds.running import Line, Result, result, summed
from tests.worlds.truth import Truth
from tools.local import emulators

PRESETS_PLAYED = ("usual", "switch_off", "by_hand")
LEFT = timedelta(minutes=30)  # of the world after its last event
WAITS_MIN = (1, 5, 10)  # the polls of a world after each event, in minutes: there is no waiting for more
TAKES_S, LOOK_S = 10.0, 0.1  # a poll takes no longer; how often it is looked whether it is over


class OnStack:
    """A new driver of the stack, and the log that comes of what they tell."""

    def __init__(self, stack: Stack, truth: Truth) -> None:
        stack.clear_the_road()
        self._driver: Driver = stack.driver(car=False)
        self._cars = [car.id for car in truth.plan.cars]
        for car in self._cars:
            self._driver.add_car(car, self._vin(car))
        last_s = max([truth.ends_s, *(word.at_s for word in truth.plan.words)]) + MINUTE
        self._later = datetime.now(UTC) - LEFT - moment(last_s)
        self._due: list[datetime] = []
        self._daily = False

    def _vin(self, car: str) -> str:
        return f"{self._driver.email[1:9]}{car}".upper()

    def hear(self, event: PhoneEvent, now: datetime) -> None:
        """The webhook is called."""
        self._driver.phone(
            "end" if event.kind == "end" else "start",
            event.at + self._later,
            None if event.lat is None else (event.lat, event.lng),
            **({"accuracy_m": event.accuracy_m} if event.accuracy_m else {}),
            **({"car_id": event.car} if event.car else {}),
        )
        if event.kind != "ping":
            self._due = [now, *(now + timedelta(minutes=wait) for wait in WAITS_MIN)]

    def due_at(self) -> datetime | None:
        """At once after an event, some minutes later, then at a time that never comes as long as something waits."""
        if self._due and self._due[0] + self._later < datetime.now(UTC):
            return self._due[0]
        return datetime.max.replace(tzinfo=UTC) - timedelta(days=2) if self.waits() else None

    def poll(self, now: datetime, ask: Callable[[str], CarAnswer | None]) -> None:
        """Shows what the clouds say at this moment, and has the scheduler tick until it was asked for."""
        self._due = [due for due in self._due if due > now]
        for car in self._cars:
            self._show(car, ask(car))
        before = self._asked()
        if self._daily:
            self._daily = False
            requests.post(f"{self._driver.stack.url}/scheduler/read-odometers", timeout=30).raise_for_status()
            self._until(lambda: self._asked() >= before + len(self._cars))
        # A second question is only asked once the first one's answer is stored.
        self._until(lambda: self._is_still() or self._asked() >= before + 2)

    def _until(self, holds: Callable[[], bool]) -> None:
        """Waits, but no longer than anything takes: that a car is not asked is for the checker to judge."""
        until = time.monotonic() + TAKES_S
        while not holds() and time.monotonic() < until:
            time.sleep(LOOK_S)

    def _is_still(self) -> bool:
        """Whether no poll is due, nor was one under way a moment ago."""
        before = self._asked()
        first = self._driver.stack.tick()["published"]
        time.sleep(LOOK_S)
        return not first and not self._driver.stack.tick()["published"] and self._asked() == before

    def _show(self, car: str, answer: CarAnswer | None) -> None:
        shown: dict[str, Any] = {"fault": None if answer else "error"}
        if answer:
            place = {"lat": answer.lat, "lng": answer.lng, "state": answer.state}
            shown |= {"odometer_km": answer.odometer_km, "measured_at": answer.measured_at + self._later, **place}
        self._driver.set_car(self._vin(car), **shown)

    def _asked(self) -> int:
        return sum(self._driver.asked(self._vin(car)) for car in self._cars)

    def look(self, now: datetime) -> None:
        """The next poll is a daily reading."""
        self._daily, self._due = True, [now]

    def correct(self, correction: Correction, now: datetime) -> Played:
        """The call that a driver would make."""
        if (call := self._call(correction, now)) is None:
            return "refused"
        method, path, body = call
        status = self._driver.call(method, path, json=body).status_code
        return "played" if status < 300 else "refused"

    def _call(self, said: Correction, now: datetime) -> tuple[str, str, dict[str, Any] | None] | None:
        match said.kind:
            case "manual":
                return "POST", "/trips", self._manual(said)
            case "eye" | "confirm" | "new_series":
                sure: dict[str, Any] = {} if said.kind == "eye" else {said.kind: True}
                return "POST", f"/cars/{said.car}/odometer", {"odometer_km": said.km, "at": self._told(now), **sure}
            case "withdraw":
                found = [one["id"] for one in self._readings(said.car) if _is_meant(one, said.km)]
                return ("DELETE", f"/cars/{said.car}/readings/{found[0]}", None) if found else None
            case "explain":
                return "PATCH", f"/logbook/gaps/{said.gap_id}", dict(said.fields or {})
            case "drop":
                return "DELETE", "/trips/active", None
            case "delete":
                return "DELETE", f"/trips/{said.trip_id}", None
            case _:
                return "PATCH", f"/trips/{said.trip_id}", self._fields(said)

    def _manual(self, said: Correction) -> dict[str, Any]:
        assert said.since
        assert said.until
        times = {"started_at": self._told(said.since), "ended_at": self._told(said.until)}
        return {**times, "car_id": said.car, "distance_km": said.km, "from": {}, "to": {}}

    def _fields(self, said: Correction) -> dict[str, Any]:
        if said.kind == "classify":
            return {"kind": "business", "purpose": "A customer"}
        if said.kind == "distance":
            return {"distance_km": said.km}
        fields = said.fields or {}
        return {name: self._told(value) if isinstance(value, datetime) else value for name, value in fields.items()}

    def _told(self, at: datetime) -> str:
        return (at + self._later).isoformat()

    def waits(self) -> bool:
        """Whether a trip goes on or waits for an odometer."""
        return bool(self._driver.active()) or any("odometer_pending" in trip["flags"] for trip in self._driver.trips())

    def log(self) -> Log:
        """What the calls show."""
        trips = tuple(self._trip(trip) for trip in self._driver.trips())
        compared = {car: self._driver.call("GET", f"/compare?car_id={car}").json() for car in self._cars}
        gaps = tuple(self._gap(car, row) for car in self._cars for row in self._rows(car) if row["row"] == "gap")
        behind = {gap.car: gap.km for gap in gaps if gap.id == f"open-{gap.car}"}
        return Log(
            trips=trips,
            gaps=gaps,
            closed={car: told["closed"] for car, told in compared.items()},
            open={car: behind.get(car, 0.0) for car in self._cars},
            readings=tuple(self._seen(car, one) for car in self._cars for one in self._readings(car)),
            warnings={car: tuple(told["warnings"]) for car, told in compared.items()},
        )

    def _rows(self, car: str) -> list[dict[str, Any]]:
        return self._pages(f"/logbook?car_id={car}&limit=200", "rows")

    def _readings(self, car: str) -> list[dict[str, Any]]:
        """Newest first."""
        return self._pages(f"/cars/{car}/readings?limit=200", "readings")

    def _pages(self, path: str, name: str) -> list[dict[str, Any]]:
        found, cursor = list[dict[str, Any]](), ""
        while True:
            told = self._driver.call("GET", f"{path}{cursor}").json()
            found += told[name]
            if told["next_cursor"] is None:
                return found
            cursor = f"&cursor={told['next_cursor']}"

    def _trip(self, trip: dict[str, Any]) -> Trip:
        return Trip(
            id=trip["id"],
            car=trip["car_id"],
            start=self._at(trip["started_at"]),
            end=self._at(trip["ended_at"]),
            km=trip["distance_km"],
            from_km=trip["start_odometer_km"],
            to_km=trip["end_odometer_km"],
            pending="odometer_pending" in trip["flags"],
            source="manual" if trip["source"] == "manual" else trip["distance_source"],
            flags=tuple(trip["flags"]),
            kind=trip["kind"],
            excess_km=trip["excess_km"],
            from_=_position(trip["from"]),
            to=_position(trip["to"]),
            start_known=trip["start_odometer_known"],
            end_known=trip["end_odometer_known"],
            purpose=trip["purpose"],
            set_by_hand=tuple(trip["set_by_hand"]),
        )

    def _gap(self, car: str, row: dict[str, Any]) -> Gap:
        odometers = (row["from_odometer_km"], row["to_odometer_km"])
        times = (self._at(row["since"]), self._at(row["until"]))
        return Gap(car, row["missing_km"], *odometers, *times, row["id"], row["explained_as"])

    def _seen(self, car: str, one: dict[str, Any]) -> Seen:
        is_car = one["source"] == "car"
        believed = one["standing"] in ("believed", None)
        return Seen(
            car, self._at(one["at"]), one["odometer_km"], "car" if is_car else "eye", believed, one["why"] or ""
        )

    def differences(self) -> list[str]:
        """What the log has that does not follow from its facts."""
        return self._driver.differences()

    def _at(self, told: str) -> datetime:
        return datetime.fromisoformat(told) - self._later


def _position(end: dict[str, Any]) -> tuple[float, float] | None:
    return None if end["lat"] is None else (end["lat"], end["lng"])


def _is_meant(reading: dict[str, Any], km: float) -> bool:
    """Whether a reading is what the driver saw and did not take back yet."""
    return bool(reading["odometer_km"] == km and reading["source"] != "car" and reading["standing"] != "withdrawn")


def stack_lines(seeds: Sequence[int]) -> Iterator[Line]:
    """A line of the table for each preset that is played against the stack."""
    os.environ.setdefault("CREDENTIALS_KEYS", Fernet.generate_key().decode())
    os.environ["GEOCODERS"] = ""  # no world asks a service on the internet
    with tempfile.TemporaryDirectory() as logs, emulators.both(Path(logs)) as (store, bus):
        os.environ |= {"FIRESTORE_EMULATOR_HOST": store, "PUBSUB_EMULATOR_HOST": bus}
        with running() as stack:
            for name in PRESETS_PLAYED:
                yield summed(name, [_result(stack, name, seed) for seed in seeds])


def _result(stack: Stack, name: str, seed: int) -> Result:
    """What came of a seed; what of its log is not as its facts make it is a crash."""
    made = list[OnStack]()

    def make(truth: Truth) -> OnStack:
        made.append(OnStack(stack, truth))
        return made[0]

    found = result(PRESETS[name], seed, make)
    differences = made[0].differences()
    return found._replace(crash=found.crash or "\n".join(differences), counts=found.counts | _crashed(differences))


def _crashed(differences: Sequence[str]) -> dict[str, int]:
    return {"crashed": len(differences)} if differences else {}
