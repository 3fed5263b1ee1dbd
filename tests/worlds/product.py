"""The product's pure fold as the keeper of a world's log: the one module here that knows the product.

What a service does between reading and committing is done here as well, by the same functions.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import reduce
from itertools import chain
from typing import Any

from msgspec.structs import replace

from shared.domain.car import asking
from shared.domain.car.asking import Budget
from shared.domain.car.fitting_in import contradicts
from shared.domain.car.odometer import Reading
from shared.domain.fitting import Unfit, unfit
from shared.domain.log import trip as logged
from shared.domain.log.comparison import Comparison, Month, compared
from shared.domain.log.correcting import corrected, entered
from shared.domain.log.drive import Heard
from shared.domain.log.explaining import explained
from shared.domain.log.gap_row import GapRow
from shared.domain.log.logbook import row_behind
from shared.domain.log.sums import Sums, sums_of, sums_of_gap
from shared.domain.log.words import identified
from shared.domain.place.places import Place
from shared.domain.thresholds import POSITION_DECIMALS
from shared.domain.tracking.answers import waits
from shared.domain.tracking.events import CarFailed, CarRead, Dropped, Ended, Event, NotAsked, Started
from shared.domain.tracking.open_stretch import open_stretch
from shared.domain.tracking.schedule import car_to_ask, is_on_the_way, looking
from shared.domain.tracking.spoken import is_open
from shared.repositories.doubts import Doubted
from shared.services.warnings import warnings
from tests.domain.world import MORNING, World
from tests.worlds.log import CarAnswer, Correction, Gap, Log, PhoneEvent, Played, Seen, Trip

Ask = Callable[[str], CarAnswer | None]
NOTHING: Mapping[str, Any] = {}
BESIDE = 12  # readings on each side that a word is held against


class Refused(Exception):
    """What the API answers with 4xx, though nothing is wrong with the value."""


class Cannot(Exception):
    """What is settled lies in a real store only."""


class Product:
    """Plays to the fold what a world tells, and shows its log."""

    def __init__(
        self,
        cars: tuple[str, ...],
        places: Sequence[Place] = (),
        start_odometer_km: Mapping[str, float] = NOTHING,
        budgets: Mapping[str, Budget] = NOTHING,
    ) -> None:
        self._cars, self._budgets = cars, budgets
        self._fold = World(places=places, car=cars[0] if cars else None, cars=cars)
        self._known = [replace(car, start_odometer_km=start_odometer_km.get(car.id)) for car in self._fold.cars]
        self._fold.cars = self._known

    # --- phone and cars

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
        if free_at := self._free_again_at(car_id, now):
            self._take(NotAsked(car_id, not_before=free_at), now)
            return
        answer = ask(car_id)
        if answer is None:
            self._take(CarFailed(car_id, timedelta(0)), now)
            return
        self._take(CarRead(car_id, _reading(answer), not_before=self._next_on_the_way(car_id, now)), now)

    def _free_again_at(self, car_id: str, now: datetime) -> datetime | None:
        """When the car's budget allows a read again; None where it did now, and has one less."""
        if (budget := self._budgets.get(car_id)) is None:
            return None
        state = self._fold.state
        on_the_way = state.of_car(car_id).pending_since is None and self._is_on_the_way(car_id, now)
        if free_at := asking.free_again_at(state.asking, car_id, budget, now, on_the_way):
            return free_at
        self._fold.state = replace(state, asking=asking.taken(state.asking, car_id, budget, now, on_the_way))
        return None

    def _next_on_the_way(self, car_id: str, now: datetime) -> datetime | None:
        if car_id not in self._budgets or not self._is_on_the_way(car_id, now):
            return None
        usual, budget = self._fold.rules.poll_every, self._budgets[car_id]
        return now + asking.way_interval(self._fold.state.asking, car_id, budget, now, usual)

    def _is_on_the_way(self, car_id: str, now: datetime) -> bool:
        return is_on_the_way(self._fold.state, car_id, now, self._fold.rules)

    def look(self, now: datetime) -> None:
        """A daily look at all cars that nothing else has asked."""
        self._fold.state = looking(self._fold.state, self._cars, now)

    def waits(self) -> bool:
        """Whether a drive goes on, or a trip waits for its end odometer."""
        state = self._fold.state
        return state.drive is not None or bool(state.late) or any(waits(state, car_id) for car_id in state.open)

    # --- what the driver says

    def correct(self, correction: Correction, now: datetime) -> Played:
        """What the driver does by hand."""
        self._fold.now = max(self._fold.now, now)
        try:
            self._says(correction, now)
        except (Unfit, Refused):
            return "refused"
        except Cannot:
            return "cannot"
        return "played"

    def _says(self, said: Correction, now: datetime) -> None:
        match said.kind:
            case "eye" | "confirm" | "new_series":
                self._reads(said, now)
            case "withdraw":
                self._withdraws(said)
            case "explain":
                self._explains(said, now)
            case "drop":
                self._drops(now)
            case "manual":
                self._adds(said, now)
            case _:
                self._corrects(said, now)

    def _reads(self, said: Correction, now: datetime) -> None:
        is_series = said.kind == "new_series"
        is_sure = said.kind == "confirm" or is_series
        reading = Reading(now, said.km, source="eye", is_confirmed=is_sure, begins_series=is_series)
        if not is_sure and contradicts(reading, self._beside(said.car, now)):
            raise Refused
        self._fold.read_by_eye(said.car, reading)

    def _beside(self, car_id: str, moment: datetime) -> list[Reading]:
        known = self._believed(car_id)
        before, after = ([one for one in known if (one.at <= moment) is side] for side in (True, False))
        return [*before[-BESIDE:], *after[:BESIDE]]

    def _withdraws(self, said: Correction) -> None:
        kept = self._fold.store.readings
        words = [one for (car, one), why in kept.items() if car == said.car and one.is_word and why != "withdrawn"]
        meant = [one for one in words if one.km == said.km]
        if not meant:
            raise Refused
        self._fold.withdraw(said.car, max(meant, key=lambda one: one.at))

    def _explains(self, said: Correction, now: datetime) -> None:
        former = self._fold.store.gaps_by_id.get(said.gap_id)
        if former is None:
            raise Refused
        gap = explained(former, said.fields or {}, self._sums(former.car_id), now)
        if gap != former:
            self._fold.explain(gap)

    def _drops(self, now: datetime) -> None:
        if self._fold.state.drive is None:
            raise Refused
        self._take(Dropped(), now)

    def _adds(self, said: Correction, now: datetime) -> None:
        trip = entered(self._fold.owner.user, said.car or self._fold.car, "UTC", _manual(said), now)
        id_ = logged.trip_id(trip.user, trip.started_at, "manual", trip.car_id)
        if id_ in self._fold.trips:
            raise Refused
        self._change(None, identified(trip, id_))

    def _corrects(self, said: Correction, now: datetime) -> None:
        former = self._fold.trips.get(said.trip_id)
        if former is None:
            raise Refused
        if said.kind == "delete":
            self._change(former, None)
            return
        fields = _fields(said)
        if fields.get("car_id") and fields["car_id"] not in (*self._cars, former.car_id):
            raise unfit("car_id", "is none of your cars")
        trip = corrected(former, fields, "UTC", now, self._fold.places)
        if trip is not former:
            self._change(former, trip)

    def _change(self, former: logged.Trip | None, trip: logged.Trip | None) -> None:
        if not is_open(self._fold.state, trip or former):
            raise Cannot
        self._fold.change(former, trip)

    # --- the log

    def log(self) -> Log:
        """The log of all cars."""
        stored, behind = [*self._fold.store.gaps_by_id.values()], self._behind()
        rows = sorted([*stored, *behind.values()], key=lambda gap: (gap.since, gap.from_m))
        results = {car: self._compared(car) for car in self._cars}
        return Log(
            trips=tuple(map(_trip, self._fold.log)),
            gaps=tuple(map(_gap, rows)),
            closed={car: result.closed for car, result in results.items()},
            open={car: behind[car].missing_km if car in behind else 0.0 for car in self._cars},
            readings=tuple(self._seen()),
            warnings={car: tuple(self._warnings(car, result)) for car, result in results.items()},
        )

    def _behind(self) -> dict[str, GapRow]:
        owner, found = self._fold.owner, {car: open_stretch(self._fold.state, car) for car in self._cars}
        return {
            car: row_behind(owner.user, car, owner.timezone, (one.from_m, one.to_m), one.since, one.until)
            for car, one in found.items()
            if one
        }

    def _believed(self, car_id: str) -> list[Reading]:
        """The believed readings of a car, by time."""
        found = [one for (car, one), why in self._fold.store.readings.items() if car == car_id and why is None]
        return sorted(found, key=lambda one: one.at)

    def _sums(self, car_id: str) -> Sums:
        trips = (sums_of(trip) for trip in self._fold.log if trip.car_id == car_id)
        gaps = (sums_of_gap(gap) for gap in self._fold.store.gaps_by_id.values() if gap.car_id == car_id)
        return reduce(Sums.plus, chain(trips, gaps), Sums())

    def _compared(self, car_id: str) -> Comparison:
        trips_km = [trip.start_odometer_km for trip in self._fold.log if trip.car_id == car_id][:1]
        gaps = sorted(self._gaps(car_id), key=lambda gap: gap.since)[:1]
        said_km = [car.start_odometer_km for car in self._known if car.id == car_id]
        readings = self._believed(car_id)
        first_km = [one for one in (*trips_km, *(logged.shown_km(gap.from_m) for gap in gaps), *said_km) if one]
        start_km = min(first_km) if first_km else readings[0].km if readings else None
        newest = readings[-1] if readings else None
        return compared(start_km, newest, [Month("", self._sums(car_id))], self._unexplained(car_id))

    def _gaps(self, car_id: str) -> list[GapRow]:
        return [gap for gap in self._fold.store.gaps_by_id.values() if gap.car_id == car_id]

    def _unexplained(self, car_id: str) -> list[GapRow]:
        return [gap for gap in self._gaps(car_id) if not gap.explained_as]

    def _warnings(self, car_id: str, result: Comparison) -> list[str]:
        doubts = [
            (one, why)
            for (car, one), why in self._fold.store.readings.items()
            if car == car_id and why not in (None, "withdrawn")
        ]
        newest = max(doubts, key=lambda doubt: doubt[0].at, default=None)
        doubted = Doubted(len(doubts), newest[0], newest[1] or "") if newest else None
        return warnings(None, result, self._unexplained(car_id), doubted)

    def _seen(self) -> list[Seen]:
        return [
            Seen(car, one.at, one.km, "eye" if one.is_word else "car", why is None, why or "")
            for (car, one), why in self._fold.store.readings.items()
        ]

    def _take(self, event: Event, now: datetime) -> None:
        self._fold.take(event, (now - MORNING) / timedelta(minutes=1))


def _manual(said: Correction) -> dict[str, Any]:
    nowhere = logged.Endpoint()
    times = {name: at.isoformat() if at else "" for name, at in (("started_at", said.since), ("ended_at", said.until))}
    return {**times, "from_": nowhere, "to": nowhere, "distance_km": said.km}


def _fields(said: Correction) -> dict[str, Any]:
    """What is said of a trip, by the names of its fields."""
    if said.kind == "classify":
        return {"kind": "business", "purpose": "a customer"}
    if said.kind == "distance":
        return {"distance_km": said.km}
    fields = {"from_" if name == "from" else name: value for name, value in (said.fields or {}).items()}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in fields.items()}


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
        from_=trip.from_.position,
        to=trip.to.position,
        start_known=trip.start_odometer_known,
        end_known=trip.end_odometer_known,
        purpose=trip.purpose,
        set_by_hand=trip.set_by_hand,
    )


def _gap(gap: GapRow) -> Gap:
    return Gap(
        gap.car_id,
        gap.missing_km,
        logged.shown_km(gap.from_m),
        logged.shown_km(gap.to_m),
        gap.since,
        gap.until,
        gap.id,
        gap.explained_as,
    )
