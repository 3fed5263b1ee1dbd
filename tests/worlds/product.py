"""The product's pure fold as the keeper of a world's log: the one module here that knows the product."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from shared.domain.car.odometer import Reading, why_not_believed
from shared.domain.log import trip as logged
from shared.domain.log.comparison import compared
from shared.domain.place.trail import Fix
from shared.domain.tracking.by_eye import seen_by_eye
from shared.domain.tracking.machine import CarRead, CarUnreachable, Ended, Event, LookedAt, Outcome, Started, Tick
from shared.domain.tracking.schedule import car_to_ask, look_begun
from tests.domain.world import MORNING, World
from tests.worlds.log import CarAnswer, Correction, Gap, Log, PhoneEvent, Played, Trip

Ask = Callable[[str], CarAnswer | None]


class Product:
    """Plays to the trip machine what a world tells, and shows its log."""

    def __init__(self, cars: tuple[str, ...]) -> None:
        self._cars, self._fold = cars, World(car=cars[0] if cars else None)
        self._readings: dict[str, list[Reading]] = defaultdict(list)

    def hear(self, event: PhoneEvent, now: datetime) -> None:
        """A message of the phone arrives."""
        fix = Fix(event.at, event.lat, event.lng, event.accuracy_m, event.car)
        self._take(Ended(fix) if event.kind == "end" else Started(fix, self._fold.car), now)

    def due_at(self) -> datetime | None:
        """When the next poll is due."""
        return self._fold.state.next_poll_at

    def poll(self, now: datetime, ask: Ask) -> None:
        """Reads the car whose turn it is."""
        state, idle = self._fold.state, not self.waits()
        car_id = car_to_ask(state)
        if car_id is None or car_id not in self._cars:
            self._take(Tick(has_car=False), now)
            return
        answer = ask(car_id)
        reading = _reading(answer) if answer else None
        if idle:
            self._take(LookedAt(car_id, reading, *self._readings[car_id][-1:]), now)
        else:
            self._take(CarRead(car_id, reading) if answer else CarUnreachable(car_id, timedelta(0)), now)

    def look(self, now: datetime) -> None:
        """A daily look at all cars, where no trip needs a poll."""
        if self._cars and not self.waits():
            self._fold.state = look_begun(self._fold.state, self._cars, now)

    def correct(self, correction: Correction, now: datetime) -> Played:
        """An odometer by eye; all other words live in handlers, out of the pure fold's reach."""
        if correction.kind != "eye":
            return "cannot"
        reading, known = Reading(now, correction.km), self._fold.state.known_readings(correction.car)
        if why_not_believed(reading, known, now):
            return "refused"
        self._settle(seen_by_eye(self._fold.state, correction.car, reading))
        self._readings[correction.car].append(reading)
        return "played"

    def waits(self) -> bool:
        """Whether a trip goes on or waits for its end odometer."""
        return self._fold.state.active or self._fold.state.pending_car_id is not None

    def log(self) -> Log:
        """The log of all cars."""
        linked = {car: list(self._linked(car)) for car in {trip.car_id for trip in self._fold.log}}
        gaps = tuple(_gap(trip) for trips in linked.values() for trip in trips if trip.gap_before_km)
        trips = sorted((_trip(trip) for trips in linked.values() for trip in trips), key=lambda trip: trip.start)
        closed = {car: compared(None, None, (), linked.get(car, ())).closed for car in self._cars}
        return Log(tuple(trips), gaps, closed)

    def _linked(self, car: str | None) -> Iterator[logged.Trip]:
        trips = [trip for trip in self._fold.log if trip.car_id == car]
        yield from (logged.linked(trip, before) for before, trip in pairwise((None, *trips)) if trip)

    def _take(self, event: Event, now: datetime) -> None:
        outcome: Outcome = self._fold.take(event, (now - MORNING) / timedelta(minutes=1))
        if outcome.reading and outcome.car_id:
            self._readings[outcome.car_id].append(outcome.reading)

    def _settle(self, outcome: Outcome) -> None:
        self._fold.state = outcome.state
        if outcome.settlement and (trip := self._fold.trips.get(outcome.settlement.trip_id)):
            self._fold._settle(self._fold._unread_until(trip), outcome.settlement.reading)


def _reading(answer: CarAnswer) -> Reading:
    return Reading(answer.measured_at, answer.odometer_km, answer.state == "driving", answer.lat, answer.lng)


def _trip(trip: logged.Trip) -> Trip:
    return Trip(
        id=trip.id,
        car=trip.car_id,
        start=trip.started_at,
        end=trip.ended_at,
        km=trip.distance_km,
        from_km=trip.start_odometer_km,
        to_km=trip.end_odometer_km,
        pending=trip.has("odometer_pending"),
        source=trip.distance_source,
        flags=trip.flags,
        kind=trip.kind,
    )


def _gap(trip: logged.Trip) -> Gap:
    since = trip.gap.since if trip.gap else None
    from_km = trip.gap.from_odometer_km if trip.gap else None
    return Gap(trip.car_id or "", trip.gap_before_km, from_km, trip.start_odometer_km, since, trip.started_at)
