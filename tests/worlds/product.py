"""The product's pure fold as the keeper of a world's log: the one module here that knows the product."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from shared.domain.car.odometer import Reading, why_not_believed
from shared.domain.fitting import Unfit
from shared.domain.log import trip as logged
from shared.domain.log.comparison import compared
from shared.domain.log.correcting import corrected, entered
from shared.domain.log.drive import Heard
from shared.domain.thresholds import POSITION_DECIMALS
from shared.domain.tracking.answers import seen_by_eye, waits
from shared.domain.tracking.events import CarFailed, CarRead, Ended, Event, NotAsked, Started
from shared.domain.tracking.schedule import car_to_ask, looking
from tests.domain.world import MORNING, World
from tests.worlds.log import CarAnswer, Correction, Gap, Log, PhoneEvent, Played, Trip

Ask = Callable[[str], CarAnswer | None]


class Product:
    """Plays to the fold what a world tells, and shows its log."""

    def __init__(self, cars: tuple[str, ...]) -> None:
        self._cars, self._fold = cars, World(car=cars[0] if cars else None)
        self._readings: dict[str, list[Reading]] = defaultdict(list)

    def hear(self, event: PhoneEvent, now: datetime) -> None:
        """A message of the phone arrives."""
        lat, lng = (None if value is None else round(value, POSITION_DECIMALS) for value in (event.lat, event.lng))
        is_stray = event.car is not None and event.car not in self._cars
        heard = Heard(event.at, lat, lng, event.accuracy_m, event.car, is_stray=is_stray)
        self._take(Ended(heard) if event.kind == "end" else Started(heard, self._fold.car), now)

    def due_at(self) -> datetime | None:
        """When the next poll is due."""
        return self._fold.next_poll_at

    def poll(self, now: datetime, ask: Ask) -> None:
        """Reads the car whose turn it is, and looks whether the drive going on is over."""
        car_id = car_to_ask(self._fold.state, now)
        if car_id is None or car_id not in self._cars:
            self._take(NotAsked(car_id, has_car=False), now)
            return
        answer = ask(car_id)
        if answer is None:
            self._take(CarFailed(car_id, timedelta(0)), now)
            return
        at_rest = not waits(self._fold.state, car_id)
        known = self._readings[car_id][-1:] if at_rest and not self._fold.state.of_car(car_id).last else []
        self._take(CarRead(car_id, _reading(answer), None, *known), now)

    def look(self, now: datetime) -> None:
        """A daily look at all cars that nothing else has asked."""
        self._fold.state = looking(self._fold.state, self._cars, now)

    def correct(self, correction: Correction, now: datetime) -> Played:
        """What the driver does by hand."""
        try:
            return self._corrected(correction, now)
        except Unfit:
            return "refused"

    def _corrected(self, said: Correction, now: datetime) -> Played:
        if said.kind == "eye":
            return self._by_eye(said, now)
        if said.kind == "manual":
            trip = entered(self._fold.owner.user, said.car or self._fold.car, "UTC", _manual(said), now)
            self._fold.change(None, replace(trip, id=logged.trip_id(trip.user, trip.started_at, "manual", trip.car_id)))
            return "played"
        former = self._fold.trips.get(said.trip_id)
        if former is None:
            return "refused"
        changes: dict[str, dict[str, Any]] = {
            "classify": {"kind": "business", "purpose": "a customer"},
            "distance": {"distance_km": said.km},
        }
        fields = changes.get(said.kind)
        self._fold.change(former, corrected(former, fields, "UTC", now) if fields else None)
        return "played"

    def _by_eye(self, said: Correction, now: datetime) -> Played:
        reading = Reading(now, said.km, source="eye")
        if why_not_believed(reading, self._fold.state.known_readings(said.car), now):
            return "refused"
        self._readings[said.car].append(reading)
        self._fold.keep(seen_by_eye(self._fold.state, said.car, reading))
        return "played"

    def waits(self) -> bool:
        """Whether a drive goes on, or a trip waits for its end odometer."""
        state = self._fold.state
        return state.drive is not None or any(waits(state, car_id) for car_id in state.open)

    def log(self) -> Log:
        """The log of all cars."""
        trips = self._fold.log
        closed = {
            car: compared(None, None, (), [trip for trip in trips if trip.car_id == car]).closed for car in self._cars
        }
        gaps = tuple(_gap(trip) for trip in trips if trip.gap_before_km)
        return Log(tuple(_trip(trip) for trip in trips), gaps, closed)

    def _take(self, event: Event, now: datetime) -> None:
        told = self._fold.take(event, (now - MORNING) / timedelta(minutes=1)).told
        if told and told.is_judged and not told.why_not:
            self._readings[told.car_id].append(told.reading)


def _manual(said: Correction) -> dict[str, Any]:
    nowhere = logged.Endpoint()
    times = {name: at.isoformat() if at else "" for name, at in (("started_at", said.since), ("ended_at", said.until))}
    return {**times, "from_": nowhere, "to": nowhere, "distance_km": said.km}


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
