"""Plays scripted events to the product's own fold, and keeps what comes of them as the store would."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from msgspec.structs import replace

from shared.domain.car.car import Car
from shared.domain.car.odometer import Disbelief, Reading
from shared.domain.log.drive import Heard, Record
from shared.domain.log.explaining import words_with
from shared.domain.log.gap_row import GapRow
from shared.domain.log.laying import Owner
from shared.domain.log.rows import Rows
from shared.domain.log.trip import Trip
from shared.domain.place.places import Place
from shared.domain.thresholds import POSITION_DECIMALS, Rules
from shared.domain.tracking.answers import taken_in, without
from shared.domain.tracking.books import Books, books_of
from shared.domain.tracking.events import Asked, CarFailed, CarRead, Ended, Event, NotAsked, Outcome, Started, Told
from shared.domain.tracking.keeping import keep, why_doubted
from shared.domain.tracking.machine import advance, touches_log
from shared.domain.tracking.schedule import leased, waiting
from shared.domain.tracking.spoken import spoken
from shared.domain.tracking.state import DriverState, next_poll_at, with_cars, with_log

T = TypeVar("T")

USUAL = Rules()
LEASE = timedelta(seconds=45)
MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
HOME = (52.0907, 5.1214)


def at(minutes: float) -> datetime:
    """A moment of the scripted morning."""
    return MORNING + timedelta(minutes=minutes)


def fix(minutes: float, km_north: float | None = None, car_id: str | None = None, accuracy_m: float = 5) -> Heard:
    """Where the phone is at a minute: so many km north of home, or nowhere."""
    if km_north is None:
        return Heard(at(minutes), car_id=car_id)
    return Heard(at(minutes), round(HOME[0] + km_north / 111.195, POSITION_DECIMALS), HOME[1], accuracy_m, car_id)


class Store:
    """Where the rows are between two events."""

    def __init__(self) -> None:
        self.trips_by_id: dict[str, Trip] = {}
        self.gaps_by_id: dict[str, GapRow] = {}
        self.records: dict[str, Record] = {}
        self.readings: dict[tuple[str, Reading], Disbelief | None] = {}
        self._blocks: dict[int, Sequence[Heard]] = {}

    @property
    def trail(self) -> list[Heard]:
        return [heard for _, block in sorted(self._blocks.items()) for heard in block]

    def trips(self, ids: Sequence[str]) -> list[Trip]:
        return [self.trips_by_id[one] for one in ids if one in self.trips_by_id]

    def gaps(self, ids: Sequence[str]) -> list[GapRow]:
        return [self.gaps_by_id[one] for one in ids if one in self.gaps_by_id]

    def blocks(self, count: int) -> Sequence[Heard]:
        return [heard for n in range(count) for heard in self._blocks.get(n, ())]

    def record(self, drive_id: str) -> Record | None:
        return self.records.get(drive_id)

    def put(self, rows: Rows) -> None:
        """Stores what was put into the rows."""
        _put(self.trips_by_id, rows.trips)
        _put(self.gaps_by_id, rows.gaps)
        _put(self.records, rows.records)
        for one in rows.standings:
            self.readings[one.car_id, one.reading] = one.why_not
        for n in range(rows.blocks_gone):
            self._blocks.pop(n, None)

    def put_block(self, n: int, block: Sequence[Heard]) -> None:
        """Stores older events of the drive going on."""
        self._blocks[n] = block


def _put(stored: dict[str, T], put: Mapping[str, T | None]) -> None:
    for id_, row in put.items():
        stored.pop(id_, None)
        if row is not None:
            stored[id_] = row


class World:
    """One driver with one car, and the log that comes of what they do."""

    def __init__(
        self, rules: Rules = USUAL, places: Sequence[Place] = (), car: str | None = "car", cars: Sequence[str] = ()
    ) -> None:
        self.rules, self.places, self.car = rules, places, car
        self.owner = Owner("d@example.com", "Europe/Amsterdam")
        self.cars = [Car(one, "simulated") for one in cars or ([car] if car else [])]
        self.state, self.store = with_cars(DriverState(), self.cars), Store()
        self.now = MORNING

    def start(self, minutes: float, km_north: float | None = None, car_id: str | None = None) -> str:
        """A start or a ping; what the phone is told."""
        return self.take(Started(fix(minutes, km_north, car_id), self.car), minutes).status

    def end(self, minutes: float, km_north: float | None = None, car_id: str | None = None) -> str:
        """An end; what the phone is told."""
        return self.take(Ended(fix(minutes, km_north, car_id), self.car), minutes).status

    def read(
        self, measured: float, km: float, now: float | None = None, driving: bool = False, car_id: str = "car"
    ) -> Outcome:
        """The car's cloud answers."""
        return self.take(CarRead(car_id, Reading(at(measured), km, driving)), measured if now is None else now)

    def fail(self, now: float, retry_after_s: float = 0) -> Outcome:
        """The car's cloud fails."""
        return self.take(CarFailed("car", timedelta(seconds=retry_after_s)), now)

    def tick(self, now: float) -> Outcome:
        """Time passes, and no car is asked."""
        return self.take(NotAsked(self.car, has_car=self.car is not None), now)

    def take(self, event: Event, now: float) -> Outcome:
        """Any event at a minute of arrival; time never runs back."""
        self.now = max(self.now, at(now))
        if isinstance(event, CarRead | CarFailed | NotAsked) and event.car_id:
            self.state, event = self._leased(event, event.car_id)
        known = self.state
        if isinstance(event, CarRead | CarFailed | NotAsked) and event.car_id:
            known = with_cars(known, self.cars)  # a poll of a car looks which of them the driver has
        outcome = advance(known, event, self.now, self.rules, self.places)
        self.keep(outcome)
        return outcome

    def keep(self, outcome: Outcome) -> None:
        """Stores what came of an event."""
        before, self.state = self.state, outcome.state
        if touches_log(outcome):
            rows = Rows(self.store)
            self.state = keep(before, outcome, rows, self._owner, self.now, self.rules)
            self.store.put(rows)
        if outcome.block and self.state.drive:
            self.store.put_block(self.state.drive.blocks - 1, outcome.block)
        if outcome.told:
            self._keep_reading(outcome.told)

    def change(self, former: Trip | None, trip: Trip | None) -> None:
        """A change of the log by hand."""
        rows = Rows(self.store)
        state = spoken(self.state, former, trip, rows, self._owner, self.now).state
        self.state = waiting(state, books_of(state), self.now, self.rules)
        self.store.put(rows)

    def explain(self, gap: GapRow) -> None:
        """What the driver says of a gap."""
        self.store.gaps_by_id[gap.id] = gap
        log = self.state.of_car(gap.car_id)
        self.state = with_log(self.state, gap.car_id, replace(log, explained=words_with(log.explained, gap)))

    def read_by_eye(self, car_id: str, reading: Reading) -> None:
        """The driver looks at the dashboard."""
        self.keep(taken_in(self.state, car_id, reading, self.now))

    def withdraw(self, car_id: str, reading: Reading) -> None:
        """The driver takes back what they said of an odometer."""
        self.keep(Outcome(state=without(self.state, car_id, reading), asked=Asked(car_id)))
        self.store.readings[car_id, reading] = "withdrawn"

    @property
    def _owner(self) -> Owner:
        return replace(self.owner, places=tuple(self.places))

    @property
    def books(self) -> Books:
        """What is open of the log, folded anew."""
        return books_of(self.state)

    def _keep_reading(self, told: Told) -> None:
        is_open = told.reading in self.state.of_car(told.car_id).readings
        why = why_doubted(self.state, told.car_id, told.reading) if is_open else None
        self.store.readings[told.car_id, told.reading] = told.why_not or why

    def _leased(self, event: CarRead | CarFailed | NotAsked, car_id: str) -> tuple[DriverState, Event]:
        """As a poll does that is due: it says first until when it has the car."""
        due_at = self.state.of_car(car_id).due_at
        if due_at is None or due_at > self.now:
            return self.state, event
        until = self.now + LEASE
        return leased(self.state, car_id, until), replace(event, lease_until=until)

    @property
    def next_poll_at(self) -> datetime | None:
        """When somebody has to look at them next."""
        return next_poll_at(self.state, self.rules)

    @property
    def trips(self) -> dict[str, Trip]:
        """The trips by id."""
        return self.store.trips_by_id

    @property
    def trail(self) -> list[Heard]:
        """The older events of the drive going on."""
        return self.store.trail

    @property
    def drives(self) -> list[tuple[datetime, datetime]]:
        """When the drives were that are over, as far as the state remembers them."""
        return [(one.began_at, one.ended_at) for one in self.state.told]

    @property
    def log(self) -> list[Trip]:
        """The trips by time."""
        return sorted(self.trips.values(), key=lambda trip: trip.started_at)

    @property
    def distances(self) -> list[float]:
        """Their distances in km."""
        return [trip.distance_km for trip in self.log]
