"""What a driver can do with a log, each with chance parameters: for a test that does it in any order."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from shared.domain.car.odometer import KeptReading, Reading
from shared.domain.fitting import Conflict, NotFound, Unfit
from shared.domain.log.gap_row import GapRow
from shared.domain.log.trip import Endpoint, Trip
from shared.domain.tracking.events import NotAsked
from shared.services import cars, logbook, odometer, own_settings, reshaping, several_trips, trips
from tests.system.spoken_log import BEGIN, PLACES, SpokenLog, road_km

REFUSED = (Unfit, Conflict, NotFound)
# By the name of what is done how often it is, beside the others.
HOW_OFTEN = {
    "delete": 4, "delete_some": 1, "distance": 2, "end_odometer": 2, "start_odometer": 2, "odometers": 1, "car": 3,
    "no_car": 1, "car_back": 2, "shift": 2, "to_now": 1, "give_back": 2, "kind": 1, "ends": 1, "several": 3, "add": 3,
    "split": 4, "merge": 4,
    "add_odometers": 2, "explain": 3, "take_back": 2, "reading": 3, "withdraw": 2, "begin": 1, "no_begin": 1, "zone": 1,
    "default": 1, "third_car": 1, "drop_car": 1, "drive": 4, "day": 2,
}  # fmt: skip
EXPLANATIONS: tuple[dict[str, Any], ...] = (
    {"explained_as": "private"},
    {"explained_as": "business"},
    {"explained_as": "other", "reason": "x", "business_km": 0.1},
    {"explained_as": "correction", "reason": "y"},
)
OF_SEVERAL: tuple[dict[str, Any], ...] = (
    {"kind": "business"},
    {"distance_km": 23.4},
    {"car_id": "b"},
    {"car_id": ""},
    {"distance_km": None},
    {"started_at": None},
)


class Action(NamedTuple):
    """One thing that is done; the numbers from 0 to 1 say to which row, and how."""

    name: str
    x: float
    y: float
    z: float


def actions(random: Random, count: int) -> list[Action]:
    """So many things that a driver does."""
    names = random.choices([*HOW_OFTEN], [*HOW_OFTEN.values()], k=count)
    return [Action(name, random.random(), random.random(), random.random()) for name in names]


def do(log: SpokenLog, action: Action) -> str:
    """Does one thing; what was done, in words. Raises what is in REFUSED."""
    log.now += timedelta(minutes=3)
    method: Callable[[], Any] = getattr(_Saying(log, action), action.name)
    return f"{action.name} {method()}"


def _at_share(rows: list[Any], share: float, time_of: Callable[[Any], datetime]) -> Any:
    if not rows:
        raise NotFound("There is none.")
    wanted = BEGIN + share * timedelta(days=14)
    return min(rows, key=lambda row: abs(time_of(row) - wanted))


class _Saying:
    def __init__(self, log: SpokenLog, action: Action) -> None:
        self.log, (_, self.x, self.y, self.z) = log, action
        self.cars = sorted(log.store.cars.list_cars())

    def one_of(self, some: Any) -> Any:
        return some[int(self.y * len(some))]

    def trip(self) -> Trip:
        found: Trip = _at_share(self.log.trips(), self.x, lambda trip: trip.started_at)
        return found

    def some_ids(self) -> list[str]:
        found = self.log.trips()
        n = int(self.x * len(found))
        return [trip.id for trip in found[n : n + 2 + int(3 * self.y)]]

    def say(self, **said: Any) -> str:
        trip = self.trip()
        trips.correct(self.log.account, trip.id, said, None, self.log.author)
        return f"{trip.id} in {trip.car_id}: {said}"

    # --- one trip, or some

    def delete(self) -> str:
        trip = self.trip()
        trips.delete(self.log.account, trip.id, self.log.author)
        return f"{trip.id} in {trip.car_id}"

    def delete_some(self) -> list[str]:
        for id_ in (ids := self.some_ids()):
            trips.delete(self.log.account, id_, self.log.author)
        return ids

    def distance(self) -> str:
        return self.say(distance_km=round(self.trip().distance_km * (0.7 + 0.6 * self.y), 1))

    def end_odometer(self) -> str:
        return self.say(end_odometer_km=round((self.trip().end_odometer_km or 12_000.0) + 20 * self.y - 10, 1))

    def start_odometer(self) -> str:
        return self.say(start_odometer_km=round((self.trip().start_odometer_km or 12_000.0) + 20 * self.y - 10, 1))

    def odometers(self) -> str:
        start_km = round((self.trip().start_odometer_km or 12_000.0) + 10 * self.y - 5, 1)
        return self.say(start_odometer_km=start_km, end_odometer_km=round(start_km + 30 * self.z, 1))

    def car(self) -> str:
        return self.say(car_id=self.one_of([car for car in self.cars if car != self.trip().car_id]))

    def no_car(self) -> str:
        return self.say(car_id=None)

    def car_back(self) -> str:
        return self.say(car_id="")

    def shift(self) -> str:
        trip, by = self.trip(), timedelta(minutes=round(240 * self.y - 120))
        begin = trip.started_at + (by if self.z < 0.8 else by / 10)
        return self.say(started_at=begin.isoformat(), ended_at=(trip.ended_at + by).isoformat())

    def to_now(self) -> str:
        begin = self.log.now - timedelta(minutes=60 + 300 * self.y)
        return self.say(started_at=begin.isoformat(), ended_at=(begin + timedelta(minutes=20)).isoformat())

    def give_back(self) -> str:
        field = self.one_of(self.trip().set_by_hand or ("kind",)).replace("from", "from_")
        return self.say(**{field: "" if field == "car_id" else None})

    def kind(self) -> str:
        return self.say(kind=self.one_of(("business", "private", "unclassified")))

    def ends(self) -> str:
        return self.say(to=Endpoint(place="Somewhere"), from_=Endpoint(52.1, 5.1))

    def several(self) -> str:
        ids, said = self.some_ids(), OF_SEVERAL[int(self.z * len(OF_SEVERAL))]
        several_trips.correct(self.log.account, ids, said, self.log.author)
        return f"{ids}: {said}"

    def split(self) -> str:
        trip = self.trip()
        at = trip.started_at + (0.1 + 0.8 * self.y) * (trip.ended_at - trip.started_at)
        parts = reshaping.split(self.log.account, trip.id, at.isoformat(), self.log.author)
        return f"{trip.id} in {trip.car_id} at {at}: {[part.id for part in parts]}"

    def merge(self) -> str:
        first, mine = self.trip(), [trip for trip in self.log.trips() if trip.car_id == self.trip().car_id]
        n = [trip.id for trip in mine].index(first.id)
        ids = [trip.id for trip in mine[n : n + (2 if self.z < 0.7 else 3)]]
        return f"{ids}: {reshaping.merge(self.log.account, ids, self.log.author).id}"

    def add(self, **more: Any) -> str:
        begin = BEGIN + self.x * timedelta(days=13)
        times = {"started_at": begin.isoformat(), "ended_at": (begin + timedelta(minutes=10 + 40 * self.y)).isoformat()}
        said = {**times, "from_": Endpoint(place="A"), "to": Endpoint(place="B"), "car_id": self.one_of(self.cars)}
        said |= more or {"distance_km": round(40 * self.z, 1)}
        return f"{trips.add(self.log.account, said, self.log.author).id}: {said}"

    def add_odometers(self) -> str:
        start_km = round((self.trip().end_odometer_km or 12_000.0) + 10 * self.y - 3, 1)
        return self.add(start_odometer_km=start_km, end_odometer_km=round(start_km + 20 * self.z, 1))

    # --- gaps and readings

    def explain(self) -> str:
        gap: GapRow = _at_share(self.log.gaps(), self.x, lambda gap: gap.since)
        logbook.explain(self.log.account, gap.id, said := self.one_of(EXPLANATIONS), None, self.log.author)
        return f"{gap.id}: {said}"

    def take_back(self) -> str:
        explained = [gap for gap in self.log.gaps() if gap.explained_as]
        gap: GapRow = _at_share(explained, self.x, lambda gap: gap.since)
        logbook.explain(self.log.account, gap.id, {"explained_as": None}, None, self.log.author)
        return gap.id

    def reading(self) -> str:
        at, car_id = min(BEGIN + self.x * timedelta(days=14), self.log.now), "a" if self.z < 0.7 else "b"
        over = [trip for trip in self.log.trips() if trip.car_id == car_id and trip.to_m and trip.ended_at <= at]
        if not over:
            raise NotFound("There is none.")
        km = (over[-1].to_m or 0) / 1000 + (0.0 if self.y < 0.4 else 20 * (self.y - 0.5))
        said = Reading(at, round(km, 1), source="eye", is_confirmed=self.z > 0.5)
        return f"{said}: {odometer.enter(self.log.account, car_id, said, self.log.author)}"

    def withdraw(self) -> str:
        kept = [one for car_id in self.log.km for one in odometer.page(self.log.email, car_id, 200, None, None)[0]]
        words = [one for one in kept if one.reading.is_word and one.standing != "withdrawn"]
        word: KeptReading = _at_share(words, self.x, lambda one: one.reading.at)
        odometer.withdraw(self.log.account, word.id.split(".")[2], word.id, self.log.author)
        return word.id

    # --- settings

    def begin(self) -> float:
        first_m = min(
            (row.from_m for row in self.log.rows() if row.car_id == "a" and row.from_m is not None), default=0
        )
        cars.put(self.log.email, "a", {"start_odometer_km": (start_km := round(first_m / 1000 - 50 * self.y, 1))})
        return start_km

    def no_begin(self) -> None:
        cars.put(self.log.email, "a", {"start_odometer_km": None})

    def zone(self) -> str:
        zone = self.one_of(("Asia/Tokyo", "America/New_York", "Europe/Amsterdam"))
        return own_settings.change(self.log.email, {"timezone": zone}).timezone

    def default(self) -> str | None:
        return own_settings.change(self.log.email, {"default_car_id": self.one_of(self.cars)}).default_car_id

    def third_car(self) -> None:
        if "c" not in self.log.km:
            self.log.add_car("c", 80_000.0)
            self.log.read("c", self.log.now)

    def drop_car(self) -> None:
        if "c" in self.cars:
            cars.delete(self.log.email, "c")

    # --- what phone and cars say meanwhile

    def drive(self) -> str:
        car_id, there = self.one_of(self.cars), PLACES[int(self.z * len(PLACES))]
        at, km = self.log.now + timedelta(minutes=30 + 300 * self.x), round(road_km(self.log.at[car_id], there) + 2, 1)
        told = ("bser", "se", "pser", "bspe")[int(4 * self.x)]
        self.log.drive(car_id, at, there, km, named=self.x < 0.6, told=told)
        return f"{car_id} {at} {km}"

    def day(self) -> None:
        self.log.now += timedelta(hours=20)
        for car_id in self.cars:
            self.log.read(car_id, self.log.now)
        self.log.poll(self.log.now, NotAsked())
