"""Plays scripted events to the product's own fold, and keeps what comes of them as the store would."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.log.drive import Drive, Heard, Record
from shared.domain.log.gap import relink
from shared.domain.log.measuring import NotATrip, Owner
from shared.domain.log.rows import Rows
from shared.domain.log.trip import Trip
from shared.domain.place.places import Place
from shared.domain.thresholds import Rules
from shared.domain.tracking.events import CarFailed, CarRead, Ended, Event, NotAsked, Outcome, Started
from shared.domain.tracking.keeping import keep
from shared.domain.tracking.machine import advance, touches_log
from shared.domain.tracking.schedule import leased
from shared.domain.tracking.state import DriverState, next_poll_at

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
    return Heard(at(minutes), HOME[0] + km_north / 111.195, HOME[1], accuracy_m, car_id)


class Store:
    """Where the rows are between two events."""

    def __init__(self) -> None:
        self.trips: dict[str, Trip] = {}
        self.records: dict[str, Record] = {}
        self._blocks: dict[int, Sequence[Heard]] = {}

    @property
    def trail(self) -> list[Heard]:
        return [heard for _, block in sorted(self._blocks.items()) for heard in block]

    def trip(self, trip_id: str) -> Trip | None:
        return self.trips.get(trip_id)

    def trip_before(self, car_id: str | None, moment: datetime) -> Trip | None:
        of_car = [trip for trip in self.trips.values() if trip.car_id == car_id and trip.started_at < moment]
        return max(of_car, key=lambda trip: trip.started_at, default=None)

    def trip_after(self, car_id: str | None, moment: datetime) -> Trip | None:
        of_car = [trip for trip in self.trips.values() if trip.car_id == car_id and trip.started_at > moment]
        return min(of_car, key=lambda trip: trip.started_at, default=None)

    def blocks(self, count: int) -> Sequence[Heard]:
        return [heard for n in range(count) for heard in self._blocks.get(n, ())]

    def record(self, drive_id: str) -> Record | None:
        return self.records.get(drive_id)

    def put(self, rows: Rows) -> None:
        """Stores what was put into the rows."""
        for trip_id, trip in rows.trips.items():
            self.trips.pop(trip_id, None)
            self.trips |= {trip_id: trip} if trip else {}
        self.records |= rows.records
        for n in range(rows.blocks_gone):
            self._blocks.pop(n, None)

    def put_block(self, n: int, block: Sequence[Heard]) -> None:
        """Stores older events of the drive going on."""
        self._blocks[n] = block


class World:
    """One driver with one car, and the log that comes of what they do."""

    def __init__(self, rules: Rules = USUAL, places: Sequence[Place] = (), car: str | None = "car") -> None:
        self.rules, self.places, self.car = rules, places, car
        self.owner = Owner("d@example.com", "Europe/Amsterdam")
        self.state, self.store = DriverState(), Store()
        self.drives: list[Drive] = []
        self.dropped: list[NotATrip] = []
        self.now = MORNING

    def start(self, minutes: float, km_north: float | None = None, car_id: str | None = None) -> str:
        """A start or a ping; what the phone is told."""
        return self.take(Started(fix(minutes, km_north, car_id), self.car), minutes).status

    def end(self, minutes: float, km_north: float | None = None) -> str:
        """An end; what the phone is told."""
        return self.take(Ended(fix(minutes, km_north)), minutes).status

    def read(self, measured: float, km: float, now: float | None = None, driving: bool = False) -> Outcome:
        """The car's cloud answers."""
        return self.take(CarRead("car", Reading(at(measured), km, driving)), measured if now is None else now)

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
        outcome = advance(self.state, event, self.now, self.rules, self.places)
        self.keep(outcome)
        return outcome

    def keep(self, outcome: Outcome) -> None:
        """Stores what came of an event."""
        self.state = outcome.state
        if touches_log(outcome):
            rows = Rows(self.store)
            self.state, made = keep(outcome, rows, self.owner, self.places, self.now, self.rules)
            self.store.put(rows)
            self.drives += [drive for drive, _ in made]
            self.dropped += [came for _, came in made if isinstance(came, NotATrip)]
        if outcome.block and self.state.drive:
            self.store.put_block(self.state.drive.blocks - 1, outcome.block)

    def change(self, former: Trip | None, trip: Trip | None) -> None:
        """A change of the log by hand."""
        rows = Rows(self.store)
        relink(rows, former, trip)
        self.store.put(rows)

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
        return self.store.trips

    @property
    def trail(self) -> list[Heard]:
        """The older events of the drive going on."""
        return self.store.trail

    @property
    def log(self) -> list[Trip]:
        """The trips by time."""
        return sorted(self.trips.values(), key=lambda trip: trip.started_at)

    @property
    def distances(self) -> list[float]:
        """Their distances in km."""
        return [trip.distance_km for trip in self.log]
