"""The drivers that are measured with, as the repositories write them: one on the way, one with a long log, a crowd."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice

from google.cloud import firestore
from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.log.book import Start
from shared.domain.log.drive import Heard
from shared.domain.log.trip import Endpoint, Trip, trip_id
from shared.domain.place.geo import Position
from shared.domain.tracking.state import DriverState, GoingOn, OpenLog
from shared.repositories.user_store import UserStore, state_document

CAR, FIRST_KM, TRIP_KM = "car", 12345.0, 12.3
HOME, WORK = Position(52.0907, 5.1214), Position(52.0056, 5.1203)
LASTS = timedelta(minutes=30)
# The state of a long drive has from 10 to 110 events: older ones are moved out of it.
PINGS, POLL_EVERY_PINGS = 60, 5
AT_A_TIME = 400  # writes in one commit; a trip is four


def driving(now: datetime, polled_in: timedelta = timedelta(hours=1)) -> DriverState:
    """A drive of an hour: a ping each minute, a reading of the car every five, and when its car is asked next."""
    minutes = [now - timedelta(minutes=n) for n in range(PINGS, 0, -1)]
    pings = tuple(Heard(at, 52.0 + n / 1000, 5.0 + n / 1000, 8.0) for n, at in enumerate(minutes))
    readings = tuple(Reading(at, FIRST_KM + n, True) for n, at in enumerate(minutes[::POLL_EVERY_PINGS]))
    drive = GoingOn(started_at=minutes[0], car_id=CAR, heard_at=now)
    left = _left(minutes[0] - timedelta(hours=8))
    left = replace(left, readings=(*left.readings, *readings), ask_at=now + polled_in)
    return DriverState(drive=drive, events=pings, open={CAR: left})


def _left(at: datetime, odometer_km: float = FIRST_KM) -> OpenLog:
    """What is open of the log of a car that was left at a moment: its book is settled until then."""
    anchor = Reading(at, odometer_km, is_confirmed=True)
    return OpenLog(start=Start(at, round(1000 * odometer_km)), readings=(anchor,))


def put(store: UserStore, state: DriverState) -> None:
    """Makes this the driver's state."""
    change = store.change()
    change.put_state(store.state(), state)
    change.commit()


def fill_log(store: UserStore, trips: int, until: datetime, every: timedelta) -> float:
    """Gives the driver so many trips, the last one soon before `until`, each with two readings.

    Each begins at the odometer at which the one before ended. Gives the last odometer in km.
    """
    first = until.replace(minute=0, second=0, microsecond=0) - trips * every
    numbers = iter(range(trips))
    while group := list(islice(numbers, AT_A_TIME // 4)):
        change = store.change()
        for n in group:
            trip = _trip(store.email, first + n * every, FIRST_KM + n * TRIP_KM)
            change.put_trip(None, trip)
            for at, km in ((trip.started_at, trip.start_odometer_km), (trip.ended_at, trip.end_odometer_km)):
                change.add_reading(CAR, Reading(at, km or 0.0), at)
        change.commit()
    return FIRST_KM + trips * TRIP_KM


def _trip(email: str, at: datetime, km: float) -> Trip:
    return Trip(
        id=trip_id(email, at), user=email, car_id=CAR, started_at=at, ended_at=at + LASTS, timezone="UTC",
        date=at.date().isoformat(), year=at.year, month=at.month, from_=Endpoint(HOME.lat, HOME.lng, "Home"),
        to=Endpoint(WORK.lat, WORK.lng, "Work", "Voorbeeldstraat 12, 1234AB Voorbeeld"), start_odometer_km=km,
        end_odometer_km=km + TRIP_KM, distance_km=TRIP_KM, distance_source="odometer", route="_p~iF~ps|U" * 10,
        created_at=at, updated_at=at,
    )  # fmt: skip


def park(store: UserStore, odometer_km: float, at: datetime) -> None:
    """Forgets what was driven since: the car stands where the last trip of before left it."""
    change = store.change()
    newest = store.trips.newest_stored({}, 2, None)
    if newest[0].value.ended_at > at:
        gone = newest.pop(0)
        change.tile(CAR, [gone.value], [])
        change.put_trip(gone, None)
    change.put_state(store.state(), DriverState(open={CAR: _left(at, odometer_km)}))
    change.commit()


def put_crowd(db: firestore.Client, numbers: Iterable[int], due: bool, tell: Callable[[str], None]) -> None:
    """The states of these drivers of a crowd: on the way with a poll that is due, or parked."""
    at = datetime.now(UTC) - timedelta(minutes=10)
    parked = DriverState(open={CAR: _left(at)})
    drive = GoingOn(started_at=at, car_id=CAR, heard_at=at)
    driven = DriverState(drive=drive, events=(Heard(at),), open={CAR: OpenLog(ask_at=at)})
    emails = (f"driver-{n:06}@example.com" for n in numbers)
    while group := list(islice(emails, AT_A_TIME)):
        batch = db.batch()
        for email in group:
            state = db.collection("users").document(email).collection("cache").document("trip_start")
            batch.set(state, state_document(email, driven if due else parked))
        batch.commit()
        tell(f"the store has {group[-1]}")
