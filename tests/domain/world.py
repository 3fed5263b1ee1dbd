"""Plays scripted events to the trip machine and keeps what comes of them, as the store would."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.log.drive import Drive
from shared.domain.log.measuring import NotATrip, Owner, begun_earlier, measured, resumed, resumes
from shared.domain.log.settling import goes_on_from, is_unread, settled, settled_by_drive
from shared.domain.log.trip import Trip
from shared.domain.place.places import Place
from shared.domain.place.trail import Fix
from shared.domain.thresholds import Rules
from shared.domain.tracking.machine import (
    CarRead,
    CarUnreachable,
    Ended,
    Event,
    Outcome,
    Started,
    Tick,
    advance,
    remember,
)
from shared.domain.tracking.schedule import claimed
from shared.domain.tracking.state import TripState

USUAL = Rules()
LEASE = timedelta(seconds=45)
MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
HOME = (52.0907, 5.1214)


def at(minutes: float) -> datetime:
    """A moment of the scripted morning."""
    return MORNING + timedelta(minutes=minutes)


def fix(minutes: float, km_north: float | None = None, car_id: str | None = None, accuracy_m: float = 5) -> Fix:
    """Where the phone is at a minute: so many km north of home, or nowhere."""
    if km_north is None:
        return Fix(at(minutes), car_id=car_id)
    return Fix(at(minutes), HOME[0] + km_north / 111.195, HOME[1], accuracy_m, car_id)


class World:
    """One driver with one car, and the log that comes of what he does."""

    def __init__(self, rules: Rules = USUAL, places: Sequence[Place] = (), car: str | None = "car") -> None:
        self.rules, self.places, self.car = rules, places, car
        self.owner = Owner("d@example.com", "Europe/Amsterdam")
        self.state = TripState()
        self.trips: dict[str, Trip] = {}
        self.drives: list[Drive] = []
        self.dropped: list[NotATrip] = []
        self.trail: list[Fix] = []
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
        return self.take(CarUnreachable("car", timedelta(seconds=retry_after_s)), now)

    def tick(self, now: float) -> Outcome:
        """Time passes, and the car is not asked."""
        return self.take(Tick(has_car=self.car is not None), now)

    def take(self, event: Event, now: float) -> Outcome:
        """Any event at a minute of arrival; time never runs back."""
        self.now = max(self.now, at(now))
        if isinstance(event, CarRead | CarUnreachable | Tick) and (leased := claimed(self.state, self.now, LEASE)):
            self.state, event = leased, replace(event, lease_until=leased.next_poll_at)
        outcome = advance(self.state, event, self.now, self.rules, self.places)
        self.trail += outcome.trail_block
        self.state = outcome.state
        if outcome.settlement and outcome.settlement.trip_id in self.trips:
            self._settle(self._unread_until(self.trips[outcome.settlement.trip_id]), outcome.settlement.reading)
        if outcome.earlier_start and (trip := self.trips.get(outcome.earlier_start.trip_id)):
            earlier = begun_earlier(trip, outcome.earlier_start, self.owner, self.places, self.now)
            self.trips[trip.id] = earlier
        for drive in outcome.drives:
            self._log(drive)
        return outcome

    def _log(self, drive: Drive) -> None:
        self.drives.append(drive)
        previous = self._before(drive.car_id, drive.started_at)
        is_rest, unread = resumes(previous, drive, self.rules), self._unread_until(previous)
        by_drive = None if is_rest else settled_by_drive(unread, drive, self.trail, self.now)
        last = by_drive[-1] if by_drive else previous
        made = measured(drive, self.trail, last, self.owner, self.places, self.now, is_rest)
        self.trail = []
        if isinstance(made, NotATrip):
            self.dropped.append(made)
            return
        if previous and is_rest:
            whole = resumed(previous, made, self.owner, self.places, self.now)
            self.trips[whole.id] = whole
            if made.end_odometer_km is not None:
                self._settle([*unread[:-1], whole], Reading(whole.ended_at, made.end_odometer_km))
            made = self.trips[whole.id]
        else:
            self.trips |= {trip.id: trip for trip in by_drive or ()}
            assert made.id not in self.trips, "one trip became two"
            self.trips[made.id] = made
        if drive.car_id:
            self.state = remember(self.state, drive.car_id, made, self.now, self.rules)

    def _settle(self, unread: list[Trip], reading: Reading) -> None:
        for former, trip in zip(unread, settled(unread, reading, self.now), strict=True):
            del self.trips[former.id]
            self.trips |= {trip.id: trip} if trip else {}

    def _unread_until(self, last: Trip | None) -> list[Trip]:
        found: list[Trip] = []
        while last and is_unread(last) and (not found or goes_on_from(found[0], last)):
            found.insert(0, last)
            last = self._before(last.car_id, last.started_at)
        return found

    def _before(self, car_id: str | None, moment: datetime) -> Trip | None:
        earlier = [trip for trip in self.trips.values() if trip.car_id == car_id and trip.started_at < moment]
        return max(earlier, key=lambda trip: trip.started_at, default=None)

    @property
    def log(self) -> list[Trip]:
        """The trips by time."""
        return sorted(self.trips.values(), key=lambda trip: trip.started_at)

    @property
    def distances(self) -> list[float]:
        """Their distances in km."""
        return [trip.distance_km for trip in self.log]
