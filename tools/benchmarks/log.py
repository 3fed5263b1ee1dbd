"""A driver's log of very many trips of one car, as the repositories write it."""

from datetime import UTC, datetime, timedelta

from shared.domain.geo import Position
from shared.domain.odometer import Reading
from shared.domain.state import Parked, TripState
from shared.domain.trip import Endpoint, Trip, trip_id
from shared.repositories.user_store import UserStore

EVERY, LASTS, KM = timedelta(hours=3), timedelta(minutes=30), 10.0
FIRST_KM = 1000.0
AT_A_TIME = 100


def fill(store: UserStore, car_id: str, trips: int, until: datetime, ends: tuple[Position, Position]) -> float:
    """Gives the driver so many trips between two places, the last one soon before `until`, each with two readings.

    Each begins at the odometer at which the one before ended. Gives the last odometer in km.
    """
    first = until.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - (trips + 1) * EVERY
    for begin in range(0, trips, AT_A_TIME):
        change = store.change()
        for n in range(begin, min(begin + AT_A_TIME, trips)):
            trip = _trip(store.email, car_id, first + n * EVERY, FIRST_KM + n * KM, ends)
            change.put_trip(None, trip)
            for at, km in ((trip.started_at, trip.start_odometer_km), (trip.ended_at, trip.end_odometer_km)):
                change.add_reading(car_id, Reading(at, km or 0.0), at)
        change.commit()
    return FIRST_KM + trips * KM


def park(store: UserStore, car_id: str, odometer_km: float, at: datetime) -> None:
    """Forgets the trip going on, if there is one: the car stands where its last trip left it."""
    last = store.stored_trips({}, 1, None)[0].value
    change = store.change()
    parked = {car_id: Parked(at, last.id, Reading(at, odometer_km))}
    change.put_state(store.state(), TripState(parked=parked, closed_until=at))
    change.commit()


def drop_newest(store: UserStore) -> None:
    """Takes the last trip out of the log again, with its sums."""
    change = store.change()
    change.put_trip(store.stored_trips({}, 1, None)[0], None)
    change.commit()


def _trip(email: str, car_id: str, at: datetime, km: float, ends: tuple[Position, Position]) -> Trip:
    start, end = (Endpoint(position.lat, position.lng) for position in ends)
    return Trip(
        id=trip_id(email, at), user=email, car_id=car_id, started_at=at, ended_at=at + LASTS, timezone="UTC",
        date=at.date().isoformat(), year=at.year, month=at.month, from_=start, to=end, start_odometer_km=km,
        end_odometer_km=km + KM, distance_km=KM, created_at=at, updated_at=at,
    )  # fmt: skip
