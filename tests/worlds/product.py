"""The product's pure fold as the keeper of a world's log: the one module here that knows the product."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from shared.domain.car.odometer import FINEST_KM, Reading
from shared.domain.fitting import Unfit
from shared.domain.log import trip as logged
from shared.domain.log.correcting import corrected, entered
from shared.domain.log.drive import Heard
from shared.domain.log.gap_row import GapRow
from shared.domain.log.words import identified
from shared.domain.thresholds import POSITION_DECIMALS
from shared.domain.tracking.answers import waits
from shared.domain.tracking.events import CarFailed, CarRead, Ended, Event, NotAsked, Started
from shared.domain.tracking.open_stretch import open_stretch
from shared.domain.tracking.schedule import car_to_ask, looking
from tests.domain.world import MORNING, World
from tests.worlds.log import CarAnswer, Correction, Gap, Log, PhoneEvent, Played, Trip

Ask = Callable[[str], CarAnswer | None]


class Product:
    """Plays to the fold what a world tells, and shows its log."""

    def __init__(self, cars: tuple[str, ...]) -> None:
        self._cars, self._fold = cars, World(car=cars[0] if cars else None, cars=cars)
        self._resolution_km: dict[str, float] = {}

    def hear(self, event: PhoneEvent, now: datetime) -> None:
        """A message of the phone arrives."""
        lat, lng = (None if value is None else round(value, POSITION_DECIMALS) for value in (event.lat, event.lng))
        is_stray = event.car is not None and event.car not in self._cars
        heard = Heard(event.at, lat, lng, event.accuracy_m, event.car, is_stray=is_stray)
        said = Ended(heard, self._fold.car) if event.kind == "end" else Started(heard, self._fold.car)
        self._take(said, now)

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
        self._take(CarRead(car_id, _reading(answer)) if answer else CarFailed(car_id, timedelta(0)), now)

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
        self._fold.now = max(self._fold.now, now)
        if said.kind == "eye":
            self._fold.read_by_eye(said.car, Reading(now, said.km, source="eye"))
            return "played"
        if said.kind == "manual":
            trip = entered(self._fold.owner.user, said.car or self._fold.car, "UTC", _manual(said), now)
            id_ = logged.trip_id(trip.user, trip.started_at, "manual", trip.car_id)
            self._fold.change(None, identified(trip, id_))
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

    def waits(self) -> bool:
        """Whether a drive goes on, or a trip waits for its end odometer."""
        state = self._fold.state
        return state.drive is not None or bool(state.late) or any(waits(state, car_id) for car_id in state.open)

    def log(self) -> Log:
        """The log of all cars."""
        trips, gaps = self._fold.log, [_gap(gap) for gap in self._fold.store.gaps_by_id.values()]
        for car in self._cars:
            if behind := open_stretch(self._fold.state, car):
                gaps.append(
                    Gap(
                        car,
                        (behind.to_m - behind.from_m) / 1000,
                        behind.from_m / 1000,
                        behind.to_m / 1000,
                        behind.since,
                        behind.until,
                    )
                )
        closed = {car: self._is_closed(car, trips, gaps) for car in self._cars}
        return Log(tuple(_trip(trip) for trip in trips), tuple(gaps), closed)

    def _is_closed(self, car: str, trips: list[logged.Trip], gaps: list[Gap]) -> bool:
        of_car = [trip for trip in trips if trip.car_id == car]
        readings = self._fold.state.of_car(car).readings
        resolution_km = max((reading.resolution_km for reading in readings), default=FINEST_KM)
        missing_km = sum(gap.km for gap in gaps if gap.car == car)
        return missing_km <= resolution_km + 0.001 and not any(
            trip.has("odometer_pending") or trip.excess_km for trip in of_car
        )

    def _take(self, event: Event, now: datetime) -> None:
        self._fold.take(event, (now - MORNING) / timedelta(minutes=1))


def _manual(said: Correction) -> dict[str, Any]:
    nowhere = logged.Endpoint()
    times = {name: at.isoformat() if at else "" for name, at in (("started_at", said.since), ("ended_at", said.until))}
    return {**times, "from_": nowhere, "to": nowhere, "distance_km": said.km}


def _reading(answer: CarAnswer) -> Reading:
    reading = Reading(answer.measured_at, answer.odometer_km, answer.state == "driving", answer.lat, answer.lng)
    return replace(reading, resolution_km=answer.resolution_km)


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
        source="manual" if trip.source == "manual" else trip.distance_source,
        flags=trip.flags,
        kind=trip.kind,
        excess_km=trip.excess_km,
    )


def _gap(gap: GapRow) -> Gap:
    return Gap(gap.car_id, gap.missing_m / 1000, gap.from_m / 1000, gap.to_m / 1000, gap.since, gap.until)
