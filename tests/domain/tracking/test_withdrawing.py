"""What a driver took back is out of what is remembered: the car stands where the others say."""

from datetime import UTC, datetime, timedelta

from shared.domain.tracking.withdrawing import without

from shared.domain.car.odometer import Reading
from shared.domain.tracking.state import DriverState, GoingOn, OpenLog

NOON = datetime(2026, 1, 23, 12, tzinfo=UTC)


def reading(minutes: float, km: float, driving: bool = False) -> Reading:
    return Reading(NOON + timedelta(minutes=minutes), km, driving)


def standing_at(last: Reading | None) -> DriverState:
    return DriverState(open={"car": OpenLog(ended_at=NOON, last=last)})


def test_the_car_stands_where_it_did_before_the_word_was_said() -> None:
    typo, earlier = reading(10, 13345.0), reading(5, 12345.0)
    on_the_way, later = reading(7, 12350.0, driving=True), reading(20, 12360.0)
    left = without(standing_at(typo), "car", typo, [earlier, on_the_way, typo, later])
    assert left.of_car("car").last == earlier
    assert without(standing_at(typo), "car", typo, []).of_car("car").last is None


def test_another_word_than_the_last_one_and_that_of_another_car_change_nothing() -> None:
    state = standing_at(reading(10, 12345.0))
    assert without(state, "car", reading(5, 13345.0), []) == state
    assert without(state, "other", reading(10, 12345.0), []) == state


def test_the_drive_going_on_is_measured_by_the_others() -> None:
    typo, others = reading(10, 13345.0), (reading(0, 12345.0), reading(20, 12360.0))
    drive = GoingOn(started_at=NOON, car_id="car", heard_at=NOON, readings=(others[0], typo, others[1]))
    left = without(DriverState(drive=drive), "car", typo, [])
    assert left.drive is not None
    assert left.drive.readings == others
