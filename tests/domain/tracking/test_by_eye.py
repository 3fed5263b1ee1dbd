"""What an odometer that the driver read by eye, or took back, means for their state."""

from datetime import UTC, datetime, timedelta

from shared.domain.car.odometer import Reading
from shared.domain.log.book import Start
from shared.domain.tracking.answers import taken_in, without
from shared.domain.tracking.state import DriverState, GoingOn, OpenLog
from tests.domain.world import World
from tests.domain.world import at as minute

NOON = datetime(2026, 1, 23, 12, tzinfo=UTC)


def at(minutes: float, km: float) -> Reading:
    return Reading(NOON + timedelta(minutes=minutes), km, source="eye")


def of_car(*readings: Reading) -> DriverState:
    return DriverState(open={"car": OpenLog(readings=readings)})


def test_of_a_car_that_never_drove_it_is_where_it_stands() -> None:
    outcome = taken_in(DriverState(), "car", at(0, 100), NOON)
    assert outcome.state.known_readings("car") == (at(0, 100),)
    assert outcome.told


def test_among_others_it_stands_in_its_place_by_time() -> None:
    outcome = taken_in(of_car(at(1, 101), at(9, 109)), "car", at(5, 105), NOON)
    assert outcome.state.known_readings("car") == (at(1, 101), at(5, 105), at(9, 109))


def test_the_same_twice_is_remembered_once() -> None:
    state = of_car(at(1, 101))
    assert taken_in(state, "car", at(1, 101), NOON).state == state


def test_one_from_before_the_open_part_of_the_book_is_kept_and_changes_nothing() -> None:
    state = DriverState(open={"car": OpenLog(start=Start(NOON, 100_000))})
    outcome = taken_in(state, "car", at(-5, 99), NOON)
    assert outcome.state == state
    assert outcome.told


def test_during_a_drive_one_that_shows_more_says_that_it_goes_on() -> None:
    drive = GoingOn(started_at=NOON, car_id="car", heard_at=NOON)
    later = NOON + timedelta(minutes=30)
    for car_id, km, heard_at in (("car", 105, later), ("car", 100, NOON), ("other", 105, NOON)):
        state = DriverState(drive=drive, open={"car": OpenLog(readings=(at(-5, 100),))})
        found = taken_in(state, car_id, at(20, km), later).state
        assert found.drive
        assert found.drive.heard_at == heard_at


def test_it_ends_the_wait_of_a_trip_for_its_odometer() -> None:
    world = World()
    world.start(0, 0)
    world.read(-1, 1000, now=1)
    world.end(20, 10)
    world.tick(40)
    assert world.log[0].has("odometer_pending")
    world.now = minute(60)
    world.read_by_eye("car", Reading(minute(60), 1012, source="eye"))
    (trip,) = world.log
    assert (trip.distance_km, trip.end_odometer_known, trip.flags) == (12.0, "typed", ())
    assert world.next_poll_at is None


def test_what_is_taken_back_is_out_of_what_is_remembered_and_the_others_stay() -> None:
    typo, others = at(10, 13345), (at(5, 12345), at(20, 12360))
    assert without(of_car(others[0], typo, others[1]), "car", typo).known_readings("car") == others


def test_another_word_than_that_and_one_of_another_car_stay() -> None:
    state = of_car(at(10, 12345))
    assert without(state, "car", at(5, 13345)) == state
    assert without(state, "other", at(10, 12345)).known_readings("car") == (at(10, 12345),)


def test_a_trip_that_had_its_odometer_by_a_word_waits_again_when_that_is_taken_back() -> None:
    world = World()
    world.start(0, 0)
    world.read(-1, 1000, now=1)
    world.end(20, 10)
    world.tick(40)
    word = Reading(minute(60), 1500, source="eye", is_confirmed=True)
    world.now = minute(60)
    world.read_by_eye("car", word)
    world.withdraw("car", word)
    (trip,) = world.log
    assert trip.has("odometer_pending")
    assert world.next_poll_at is not None
