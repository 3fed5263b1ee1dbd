"""What an odometer that the driver read himself means for his state."""

from datetime import UTC, datetime, timedelta

from shared.domain.car.odometer import Reading
from shared.domain.tracking.by_eye import seen_by_eye
from shared.domain.tracking.state import KEPT_READINGS, Parked, TripState

NOON = datetime(2026, 1, 23, 12, tzinfo=UTC)


def at(minutes: float, km: float) -> Reading:
    return Reading(NOON + timedelta(minutes=minutes), km)


def test_of_a_car_that_never_drove_it_is_where_it_stands() -> None:
    outcome = seen_by_eye(TripState(), "car", at(0, 100))
    assert outcome.state.known_readings("car") == (at(0, 100),)
    assert outcome.settlement is None


def test_an_older_one_than_the_last_known_changes_nothing() -> None:
    for parked in (Parked(NOON, "t", at(5, 100)), Parked(NOON + timedelta(minutes=9), "t")):
        state = TripState(parked={"car": parked})
        assert seen_by_eye(state, "car", at(3, 99)).state == state


def test_it_settles_the_trip_that_waits_and_the_same_one_twice_settles_it_once() -> None:
    state = TripState(parked={"car": Parked(NOON, "trip", at(-60, 90), NOON)})
    outcome = seen_by_eye(state, "car", at(3, 100))
    assert outcome.settlement is not None
    assert outcome.settlement.trip_id == "trip"
    again = seen_by_eye(outcome.state, "car", at(3, 100))
    assert (again.settlement, again.state) == (None, outcome.state)


def test_during_a_trip_it_is_one_of_its_readings_in_their_order() -> None:
    readings = (at(1, 101), at(9, 109))
    state = TripState(active=True, started_at=NOON, car_id="car", readings=readings)
    assert seen_by_eye(state, "car", at(5, 105)).state.readings == (at(1, 101), at(5, 105), at(9, 109))
    assert seen_by_eye(state, "car", at(9, 109.4)).state.readings == (at(1, 101), at(9, 109.4))
    full = TripState(active=True, car_id="car", readings=tuple(at(n, 100 + n) for n in range(KEPT_READINGS)))
    kept = seen_by_eye(full, "car", at(99, 300)).state.readings
    assert (len(kept), kept[0], kept[-1]) == (KEPT_READINGS, at(0, 100), at(99, 300))


def test_a_trip_of_another_car_is_left_alone() -> None:
    state = TripState(active=True, started_at=NOON, car_id="other", readings=(at(1, 5),))
    found = seen_by_eye(state, "car", at(5, 105)).state
    assert found.readings == state.readings
    assert found.known_readings("car") == (at(5, 105),)
