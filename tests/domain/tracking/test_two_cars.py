"""Drivers of two cars: which of them a drive is in, and who is asked."""

import pytest
from msgspec.structs import replace

from shared.domain.log.correcting import corrected
from shared.domain.tracking.events import CarRead, Dropped, Ended, Started
from shared.domain.tracking.schedule import car_to_ask
from tests.domain.world import World, at, fix

TWO = ("car", "b")


def ends(world: World) -> list[tuple[str | None, float, float]]:
    """The car and the minutes of each trip, by time."""
    return [
        (trip.car_id, (trip.started_at - at(0)).total_seconds() / 60, (trip.ended_at - at(0)).total_seconds() / 60)
        for trip in world.log
    ]


def over(world: World) -> World:
    """Both cars are read when all is over."""
    world.read(150, 1010, car_id="car")
    world.read(150, 510, car_id="b")
    world.tick(400)
    return world


def begun() -> World:
    """Both cars were read, and the first one drives."""
    world = World(cars=TWO)
    world.read(-5, 1000, car_id="car")
    world.read(-5, 500, car_id="b")
    world.start(0, 0, "car")
    return world


def test_a_start_that_names_another_car_ends_the_drive_of_the_first() -> None:
    world = begun()
    world.start(5, 4)
    assert world.start(30, 4, "b") == "trip_started"
    assert world.state.drive
    assert world.state.drive.car_id == "b"
    world.end(50, 12, "b")
    assert [car for car, _, _ in ends(over(world))] == ["car", "b"]


def test_who_changes_cars_after_a_trip_that_they_touched_ends_the_former_drive_all_the_same() -> None:
    world = begun()
    world.end(10, 4, "car")
    world.read(11, 1005, car_id="car")
    world.tick(40)
    world.change(world.log[0], corrected(world.log[0], {"purpose": "A customer"}, "UTC", world.now))
    world.start(60, 4, "b")
    world.start(70, 12, "car")
    world.end(70, 12, "b")
    world.end(80, 16, "car")
    assert ends(over(world)) == [("car", 0, 10), ("b", 60, 70), ("car", 70, 80)]


def test_an_end_that_names_the_former_car_is_its_end_however_late_it_comes() -> None:
    world = begun()
    world.start(30, 8, "b")
    assert world.end(29, 8, "car") in ("ending", "end_noted")
    assert world.state.drive
    assert world.state.drive.car_id == "b"
    world.end(50, 0, "b")
    assert ends(over(world)) == [("car", 0, 29), ("b", 30, 50)]


@pytest.mark.parametrize("minutes", [30, 30.5, 31])
def test_an_end_without_a_car_up_to_a_minute_after_a_start_in_another_ends_the_former(minutes: float) -> None:
    world = begun()
    world.start(30, 8, "b")
    assert world.end(minutes, 8) == "ending"
    assert world.state.drive
    assert world.state.drive.car_id == "b"
    world.end(50, 0, "b")
    assert ends(over(world)) == [("car", 0, 30), ("b", 30, 50)]


def test_an_end_without_a_car_later_than_that_is_of_the_new_one() -> None:
    world = begun()
    world.start(30, 8, "b")
    world.end(31.5, 9)
    assert [car for car, _, until in ends(over(world)) if until == 31.5] == ["b"]


@pytest.mark.parametrize("first", ["end", "start"])
def test_an_end_without_a_car_in_the_very_second_of_a_start_in_another_is_of_the_former(first: str) -> None:
    """In whichever order the two arrive."""
    world = begun()
    words = {"end": Ended(fix(30, 8), "car"), "start": Started(fix(30, 8, "b"), "car")}
    for name in (first, *(words.keys() - {first})):
        world.take(words[name], 30)
    assert world.state.drive
    assert world.state.drive.car_id == "b"
    world.end(50, 0, "b")
    assert ends(over(world)) == [("car", 0, 30), ("b", 30, 50)]


def test_starts_of_one_moment_in_two_cars_make_two_drives_and_no_error_ever_after() -> None:
    world = World(cars=TWO)
    for car_id in ("car", "b"):
        world.start(0, 0, car_id)
    for minute in range(1, 10):
        world.start(minute, minute)
    world.end(10, 10)
    world.tick(30)
    assert len({one.id for one in world.state.told}) == len(world.state.told) == 2
    assert {one.car_id for one in world.state.told} == {"car", "b"}
    ids = [id_ for one in world.state.told for id_ in one.trip_ids]
    assert len(set(ids)) == len(ids)


def test_starts_of_one_moment_in_one_car_are_one_drive() -> None:
    world = World()
    world.start(0, 0, "car")
    world.start(0, 0.5, "car")
    world.end(10, 10)
    world.tick(30)
    assert len(world.log) == 1


# --- who is asked


def pending_in_the_first_and_driving_in_b() -> World:
    """The end odometer of the first car's trip is waited for, and a drive in the other one goes on."""
    world = World(cars=TWO)
    world.start(0, 0, "car")
    world.end(10, 10)
    world.tick(26)
    assert world.state.of_car("car").pending_since
    world.start(40, 10, "b")
    return world


def test_a_car_that_waits_for_its_end_odometer_is_asked_whatever_other_cars_do() -> None:
    world = pending_in_the_first_and_driving_in_b()
    world.end(50, 0, "b")
    world.take(CarRead("b", None), 51)
    assert world.state.of_car("car").ask_at
    world.read(52, 1010, now=60)
    assert not world.state.of_car("car").pending_since
    assert next(trip for trip in world.log if trip.car_id == "car").end_odometer_km == 1010.0


def test_so_it_is_after_another_cars_drive_was_dropped() -> None:
    world = pending_in_the_first_and_driving_in_b()
    world.take(Dropped(), 45)
    assert world.next_poll_at == world.state.of_car("car").ask_at is not None


def test_so_it_is_when_the_same_car_drove_again_and_that_is_over() -> None:
    world = World()
    world.start(0, 0)
    world.end(10, 10)
    world.tick(26)
    world.start(40, 10)
    world.tick(400)
    assert world.state.drive is None
    assert world.state.of_car("car").pending_since
    assert world.next_poll_at is not None


def test_where_the_phone_names_no_car_the_others_are_asked_once_when_the_drive_is_over() -> None:
    world = World(cars=TWO)
    world.read(-5, 1000, car_id="car")
    world.read(-5, 500, car_id="b")
    world.start(0, 0)
    world.end(10, 10)
    world.read(-5, 1000, now=25)
    assert car_to_ask(world.state, at(25)) == "b"
    world.read(25.5, 512, now=26, car_id="b")
    assert car_to_ask(world.state, at(26)) is None
    world.tick(120)
    assert [(trip.car_id, trip.distance_km) for trip in world.log] == [("b", 12.0)]


def test_a_drive_whose_car_the_phone_names_only_later_has_that_car_asked() -> None:
    for default in ("car", None):
        world = World(car=default, cars=TWO)
        world.start(0, 0)
        world.start(1, 0, "b")
        assert world.state.of_car("b").ask_at == at(1)
        world.read(1, 500, car_id="b")
        assert [reading.km for reading in world.state.known_readings("b")] == [500.0]


def test_a_driver_who_names_a_new_car_each_time_has_no_car_asked_and_is_remembered_in_no_more_room() -> None:
    world = World()
    for n in range(100):
        stray = replace(fix(n * 30, 0, f"stray-{n}"), is_stray=True)
        world.take(Started(stray, "car"), n * 30)
        world.take(Ended(replace(stray, at=at(n * 30 + 9))), n * 30 + 9)
        world.tick(n * 30 + 25)
    assert set(world.state.open) <= {"car"}
    assert {trip.car_id for trip in world.log} <= {None}
