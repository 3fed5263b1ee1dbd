"""The drivers that the benchmarks of single instances call as: one whose trip goes on, and his log of a month."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from shared.domain.odometer import Reading
from shared.domain.state import Parked, TripState
from shared.domain.trail import Fix
from shared.domain.trip import Endpoint, Trip, classified, dated, trip_id
from shared.repositories.user_store import UserStore

# The state of a long trip has from 10 to 110 fixes: older ones are moved out of it.
FIXES, POLL_EVERY_FIXES = 60, 5
CAR, TRIPS, FIRST_KM = "car", 40, 12345.0


def driving(now: datetime) -> TripState:
    """A trip of an hour: a ping each minute, a reading of the car every five, and no poll due for an hour."""
    minutes = [now - timedelta(minutes=n) for n in range(FIXES, 0, -1)]
    fixes = tuple(Fix(at, 52.0 + n / 1000, 5.0 + n / 1000, 8.0) for n, at in enumerate(minutes))
    readings = tuple(Reading(at, FIRST_KM + n, True) for n, at in enumerate(minutes[::POLL_EVERY_FIXES]))
    left_at = minutes[0] - timedelta(hours=8)
    return TripState(
        active=True,
        started_at=minutes[0],
        car_id=CAR,
        fixes=fixes,
        readings=readings,
        heard_at=now,
        next_poll_at=now + timedelta(hours=1),
        parked={CAR: Parked(left_at, trip_id("", left_at), Reading(left_at, FIRST_KM))},
    )


def put(store: UserStore, state: TripState) -> None:
    """Makes this the driver's state."""
    change = store.change()
    change.put_state(store.state(), state)
    change.commit()


def keep_log(store: UserStore, year: int) -> None:
    """A log of forty trips with an odometer reading after each."""
    for n in range(TRIPS):
        begins, km = datetime(year, 1, 1, 8, tzinfo=UTC) + n * timedelta(hours=18), FIRST_KM + 22 * n
        ends, change = begins + timedelta(minutes=30), store.change()
        trip = Trip(
            id=trip_id(store.email, begins), user=store.email, car_id=CAR, started_at=begins, ended_at=ends,
            timezone="Europe/Amsterdam", date="", year=year, month=1, from_=Endpoint(52.0, 5.0, "Home"),
            to=Endpoint(52.1, 5.1, "", "Voorbeeldstraat 12, 1234AB Voorbeeld"), start_odometer_km=km,
            end_odometer_km=km + 22, distance_km=22.0, distance_source="odometer", kind="business",
            route="_p~iF~ps|U" * 20, created_at=ends, updated_at=ends,
        )  # fmt: skip
        change.put_trip(None, dated(classified(trip)))
        change.add_reading(CAR, Reading(ends, km + 22), ends)
        change.commit()


def due(state: TripState, now: datetime) -> TripState:
    """The state with its poll due."""
    return replace(state, next_poll_at=now)
