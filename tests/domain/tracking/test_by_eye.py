"""What an odometer that the driver read by eye means for their state."""

from datetime import UTC, datetime, timedelta

from shared.domain.car.odometer import Reading
from shared.domain.thresholds import KEPT_READINGS
from shared.domain.tracking.answers import seen_by_eye
from shared.domain.tracking.state import DriverState, GoingOn, OpenLog

NOON = datetime(2026, 1, 23, 12, tzinfo=UTC)


def at(minutes: float, km: float) -> Reading:
    return Reading(NOON + timedelta(minutes=minutes), km)


def test_of_a_car_that_never_drove_it_is_where_it_stands() -> None:
    outcome = seen_by_eye(DriverState(), "car", at(0, 100))
    assert outcome.state.known_readings("car") == (at(0, 100),)
    assert outcome.settlement is None


def test_an_older_one_than_the_last_known_changes_nothing() -> None:
    for log in (OpenLog(ended_at=NOON, last=at(5, 100)), OpenLog(ended_at=NOON + timedelta(minutes=9))):
        state = DriverState(open={"car": log})
        assert seen_by_eye(state, "car", at(3, 99)).state == state


def test_it_settles_the_trip_that_waits_and_the_same_one_twice_settles_it_once() -> None:
    waiting = OpenLog(ended_at=NOON, trip_id="trip", last=at(-60, 90), pending_since=NOON)
    state = DriverState(open={"car": waiting})
    outcome = seen_by_eye(state, "car", at(3, 100))
    assert outcome.settlement is not None
    assert outcome.settlement.trip_id == "trip"
    again = seen_by_eye(outcome.state, "car", at(3, 100))
    assert (again.settlement, again.state) == (None, outcome.state)


def driving(car_id: str, readings: tuple[Reading, ...]) -> DriverState:
    return DriverState(drive=GoingOn(started_at=NOON, car_id=car_id, heard_at=NOON, readings=readings))


def read_on(state: DriverState) -> tuple[Reading, ...]:
    return state.drive.readings if state.drive else ()


def test_during_a_drive_it_is_one_of_its_readings_in_their_order() -> None:
    state = driving("car", (at(1, 101), at(9, 109)))
    assert read_on(seen_by_eye(state, "car", at(5, 105)).state) == (at(1, 101), at(5, 105), at(9, 109))
    assert read_on(seen_by_eye(state, "car", at(9, 109.4)).state) == (at(1, 101), at(9, 109.4))
    full = driving("car", tuple(at(n, 100 + n) for n in range(KEPT_READINGS)))
    kept = read_on(seen_by_eye(full, "car", at(99, 300)).state)
    assert (len(kept), kept[0], kept[-1]) == (KEPT_READINGS, at(0, 100), at(99, 300))


def test_a_drive_of_another_car_is_left_alone() -> None:
    state = driving("other", (at(1, 5),))
    found = seen_by_eye(state, "car", at(5, 105)).state
    assert found.drive == state.drive
    assert found.known_readings("car") == (at(5, 105),)
