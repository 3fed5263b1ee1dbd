"""The trip machine, rule by rule, with scripted events."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.log.drive import Heard
from shared.domain.place.geo import Position, distance_km
from shared.domain.place.places import Place
from shared.domain.place.trail import trail_distance_km
from shared.domain.thresholds import Rules
from shared.domain.tracking.events import CarRead, Ended, NotAsked, Started
from shared.domain.tracking.machine import advance
from shared.domain.tracking.schedule import car_to_ask, leased
from shared.domain.tracking.state import GoingOn, leg_of, next_poll_at
from tests.domain.world import HOME, LEASE, World, at, fix

SCHOOL = Place("school", "School", HOME[0] + 5 / 111.195, HOME[1], 150, "pause")


def going(world: World) -> GoingOn:
    assert world.state.drive
    return world.state.drive


def phase(world: World) -> str:
    return leg.phase if (leg := leg_of(world.state, world.rules)) else "none"


def test_a_start_during_a_trip_is_a_ping_and_is_kept() -> None:
    world = World()
    assert world.start(0, 0) == "trip_started"
    assert [world.start(minutes, minutes / 2) for minutes in range(1, 8)] == ["ping_recorded"] * 7
    assert len(world.state.events) == 8
    assert world.drives == []


def test_the_same_ping_twice_is_kept_once() -> None:
    world = World()
    world.start(0, 0)
    world.start(1, 1)
    once = world.state
    world.start(1, 1)
    assert world.state == once


def test_older_fixes_move_to_the_trail_a_hundred_at_a_time_and_count() -> None:
    world = World(car=None)
    for n in range(260):
        world.start(n / 10, n / 10)
    assert len(world.state.events) < 111
    assert going(world).points == len(world.trail) == 200
    world.end(26, 26)
    world.tick(40)
    assert world.distances == [pytest.approx(26 * 1.15, abs=0.3)]


def test_a_start_that_comes_after_its_trip_was_saved_resumes_it_by_the_time_of_the_event() -> None:
    world = World()
    world.start(0, 0)
    world.read(-1, 1000.0, now=1)
    world.end(10, 5)
    world.tick(26)
    assert (world.distances, world.log[0].flags) == ([pytest.approx(6.5)], ("odometer_pending",))
    # The phone had no network from the eleventh minute to the thirtieth.
    assert world.take(Started(fix(12, 5.5), "car"), 30).status == "trip_resumed"
    world.end(20, 9)
    world.read(21, 1010.4, now=31)
    (trip,) = world.log
    assert (trip.started_at, trip.ended_at, trip.flags) == (at(0), at(20), ())
    assert (trip.distance_km, trip.distance_source, trip.start_odometer_km) == (10.4, "odometer", 1000.0)
    assert trip.gps_km == pytest.approx(5 * 1.3 + 0.5 * 1.15 + 3.5 * 1.3, abs=0.1)


def test_a_phone_that_never_says_where_it_is_resumes_a_saved_trip_too() -> None:
    world = World()
    world.start(0)
    world.read(-1, 1000.0, now=1)
    world.end(10)
    world.tick(26)
    assert world.take(Started(fix(12), "car"), 30).status == "trip_resumed"
    world.end(20)
    world.read(21, 1010.4, now=31)
    (trip,) = world.log
    assert (trip.ended_at, trip.distance_km, trip.route) == (at(20), 10.4, "")


def test_a_saved_trip_is_not_resumed_once_the_car_has_confirmed_its_end_or_the_wait_is_over() -> None:
    for confirmed, start in ((True, 12), (False, 15.1)):
        world = World()
        world.start(0, 0)
        world.read(-1, 1000.0, now=1)
        world.end(10, 5)
        world.read(11, 1006.0, now=16) if confirmed else world.tick(26)
        assert world.take(Started(fix(start, 5.5), "car"), 30).status == "trip_started"
        world.end(20, 9)
        world.read(21, 1010.4, now=31)
        assert [trip.started_at for trip in world.log] == [at(0), at(start)]
        assert sum(world.distances) == pytest.approx(10.4)


def test_without_a_car_a_late_start_resumes_a_saved_trip_by_gps() -> None:
    world = World(car=None)
    world.start(0, 0)
    world.end(10, 5)
    world.tick(26)
    world.take(Started(fix(12, 5.5)), 30)
    world.end(13, 5.6)
    world.tick(40)
    (trip,) = world.log
    assert (trip.ended_at, trip.distance_source) == (at(13), "gps")
    assert trip.distance_km == pytest.approx(5 * 1.3 + 0.6 * 1.15, abs=0.1)


def test_a_start_within_the_resume_wait_resumes() -> None:
    world = World()
    world.start(0, 0)
    world.end(10, 5)
    assert world.start(15) == "trip_resumed"
    assert phase(world) == "driving"
    assert world.drives == []


def test_a_later_start_closes_the_old_trip_and_begins_another() -> None:
    world = World()
    world.start(0, 0)
    world.end(10, 8)
    assert world.start(15.1, 8) == "trip_started"
    assert [(drive.started_at, drive.ended_at) for drive in world.drives] == [(at(0), at(10))]
    assert going(world).started_at == at(15.1)


def test_an_end_that_comes_late_still_ends_the_trip_before() -> None:
    world = World()
    world.start(0, 0)
    assert world.start(60, 8) == "ping_recorded"
    assert world.end(20, 8) == "ending"
    assert [(drive.started_at, drive.ended_at) for drive in world.drives] == [(at(0), at(20))]
    assert going(world).started_at == at(60)
    assert phase(world) == "driving"


def test_an_end_that_comes_before_its_start_waits_for_it() -> None:
    world = World()
    assert world.end(20, 8) == "ignored"
    world.take(Started(fix(0, 0), "car"), 21)
    assert phase(world) == "ending"
    world.read(22, 1000)
    assert [(drive.started_at, drive.ended_at) for drive in world.drives] == [(at(0), at(20))]


def test_events_of_a_trip_that_is_closed_start_nothing() -> None:
    world = World()
    world.start(0, 0)
    world.read(-5, 1000, now=1)
    world.end(20, 8)
    world.read(21, 1010, now=22)
    assert world.start(0, 0) == "ignored"
    assert world.end(20, 8) == "ignored"
    assert world.distances == [10.0]
    assert world.state.drive is None


def test_a_reading_from_before_the_start_is_the_start_odometer() -> None:
    world = World()
    world.start(0, 0)
    world.read(-120, 1000, now=5)
    world.read(6, 1006, now=7)
    world.end(20, 12)
    world.read(19, 1014, now=21)
    assert world.drives == []
    world.read(20, 1015, now=36)
    assert (world.log[0].start_odometer_km, world.log[0].end_odometer_km, world.distances) == (1000, 1015, [15.0])


@pytest.mark.parametrize("km", [0, -3, 990, 3005, 9_999_999, float("nan"), float("inf")])
def test_an_odometer_that_cannot_be_true_is_ignored_and_counted(km: float) -> None:
    world = World()
    world.start(0, 0)
    world.read(-1, 1000, now=1)
    outcome = world.read(5, km)
    assert outcome.told is None or outcome.told.why_not
    assert world.state.rejected == 1
    assert [reading.km for reading in going(world).readings] == [1000]


def test_an_answer_without_an_odometer_says_nothing() -> None:
    world = World()
    world.start(0, 0)
    world.take(CarRead("car", None), 5)
    assert going(world).readings == ()
    assert phase(world) == "driving"


def test_a_parked_state_does_not_hide_that_the_odometer_rises() -> None:
    world = World()
    world.start(0, 0)
    for minutes, km in ((1, 1000), (7, 1000.6), (13, 1001.2), (19, 1001.8)):
        world.read(minutes, km)
    assert phase(world) == "driving"


def test_a_car_that_says_it_drives_confirms_no_end() -> None:
    world = World()
    world.start(0, 0)
    world.read(-1, 1000, now=1)
    world.end(10, 8)
    world.read(11, 1010, driving=True)
    assert world.drives == []
    world.read(12, 1010.2)
    assert world.distances == [10.0]


def test_waits_after_failures_double_up_to_half_an_hour_and_keep_what_is_known() -> None:
    world = World()
    world.start(0, 0)
    world.read(-1, 1000, now=0)
    waits = []
    for _ in range(6):
        due = world.next_poll_at
        assert due
        now = (due - at(0)) / timedelta(minutes=1)
        world.start(now, 0)
        world.fail(now)
        assert world.next_poll_at
        waits.append((world.next_poll_at - due) / timedelta(minutes=1))
    assert waits == [5, 10, 20, 30, 30, 30]
    assert [reading.km for reading in going(world).readings] == [1000]


def test_a_clouds_wish_to_wait_is_honoured() -> None:
    world = World()
    world.start(0, 0)
    world.fail(0, retry_after_s=3000)
    assert world.state.of_car("car").retry_at == at(50)
    assert world.next_poll_at == at(50)


def test_three_still_readings_over_ten_minutes_end_the_trip_at_the_first() -> None:
    world = World()
    world.start(0, 0)
    world.read(-1, 1000, now=1)
    for minutes in (20, 25):
        world.read(minutes, 1012)
    assert world.drives == []
    world.read(30, 1012)
    assert [(trip.ended_at, trip.distance_km) for trip in world.log] == [(at(20), 12.0)]


@pytest.mark.parametrize("readings", [(20, 25, 29.9), (20, 30, 30)], ids=["too short", "one of them twice"])
def test_too_little_stillness_is_no_end(readings: tuple[float, ...]) -> None:
    world = World()
    world.start(0, 0)
    for minutes in readings:
        world.read(minutes, 1012)
    assert world.drives == []


def test_a_traffic_jam_is_no_end() -> None:
    driving, moving = World(), World()
    for world in (driving, moving):
        world.start(0, 0)
    for minutes in (20, 25, 30):
        driving.read(minutes, 1012, driving=minutes == 25)
        moving.start(minutes + 1, minutes / 10)
        moving.read(minutes + 2, 1012)
    assert driving.drives == []
    assert moving.state.drive
    moving.start(33, 3.5)
    assert moving.drives == []


def test_a_start_while_the_car_stood_still_is_not_lost() -> None:
    world = World()
    world.start(0, 0)
    world.read(-1, 1000, now=1)
    world.start(19, 12)
    world.read(20, 1012)
    world.read(25, 1012)
    world.start(29, 12)
    world.read(30, 1012, now=30)
    assert [trip.ended_at for trip in world.log] == [at(20)]
    assert world.end(60, 25) == "ending"
    world.read(61, 1030)
    assert [(trip.started_at, trip.distance_km) for trip in world.log] == [(at(0), 12.0), (at(29), 18.0)]


def test_a_trip_of_which_nothing_is_heard_is_closed_with_what_is_known() -> None:
    world = World()
    world.start(0, 0)
    world.read(-1, 1000, now=1)
    world.start(30, 10)
    world.read(31, 1012)
    world.tick(150.9)
    assert world.drives == []
    world.tick(151)
    (trip,) = world.log
    assert (trip.ended_at, trip.distance_km) == (at(31), 12.0)
    assert "end_unknown" in trip.flags


def test_the_car_is_asked_once_more_when_the_grace_after_an_end_is_over() -> None:
    world = World()
    world.start(0, 0)
    world.read(0, 1000)
    world.end(30, 8)
    asked_at = []
    while (due := world.next_poll_at) and due < at(45):
        world.read(0, 1000, now=(due - at(0)) / timedelta(minutes=1))
        asked_at.append((due - at(30)) / timedelta(minutes=1))
    assert asked_at == [0, 1, 3, 7, 12]
    assert car_to_ask(world.state, at(45)) == "car"
    world.read(44, 1010, now=45)
    assert [(trip.distance_km, trip.revision, trip.flags) for trip in world.log] == [(10, 1, ())]


def test_a_car_whose_cloud_fails_delays_no_end_of_a_drive() -> None:
    world = World()
    world.start(0, 0)
    world.end(30, 8)
    world.fail(30, retry_after_s=3600)
    assert (world.next_poll_at, car_to_ask(world.state, at(45))) == (at(45), None)
    world.take(NotAsked(), 45)
    assert [trip.flags for trip in world.log] == [("odometer_pending",)]


def test_after_the_grace_gps_counts_until_a_reading_settles_it() -> None:
    world = World()
    world.start(0, 0)
    world.read(-1, 1000, now=1)
    world.end(20, 10)
    world.fail(34)
    assert world.drives == []
    world.fail(35)
    (trip,) = world.log
    assert (trip.distance_km, trip.distance_source, trip.flags) == (13.0, "gps", ("odometer_pending",))
    world.read(50, 1012)
    (trip,) = world.log
    assert (trip.distance_km, trip.distance_source, trip.flags, trip.end_odometer_km) == (12.0, "odometer", (), 1012)
    assert world.next_poll_at is None or not world.state.of_car("car").pending_since


def test_a_pending_trip_is_settled_by_the_reading_before_the_next_start() -> None:
    world = World()
    world.start(0, 0)
    world.read(-1, 1000, now=1)
    world.end(20, 10)
    world.fail(40)
    world.start(100, 10)
    world.read(90, 1012, now=101)
    world.end(120, 20)
    world.read(121, 1024)
    assert world.distances == [12.0, 12.0]
    assert [trip.gap_before_km for trip in world.log] == [0, 0]


def test_gps_takes_fixes_50_m_apart_and_leaves_out_inaccurate_ones() -> None:
    near = [fix(n, n * 0.5) for n in range(3)]
    assert trail_distance_km(near) == pytest.approx(1.15, abs=0.01)
    assert trail_distance_km([*near, fix(3, 1.02)]) == pytest.approx(1.15, abs=0.01)
    assert trail_distance_km([*near, fix(3, 50, accuracy_m=101)]) == pytest.approx(1.15, abs=0.01)
    assert trail_distance_km([fix(0, 0), fix(20, 10)]) == pytest.approx(13.0, abs=0.01)


def test_at_a_pause_place_neither_an_end_nor_a_parked_car_ends_the_trip() -> None:
    world = World(places=[SCHOOL])
    world.start(0, 0)
    world.read(-1, 1000, now=1)
    assert world.end(10, 5) == "paused"
    for minutes in (11, 20, 30, 40):
        world.read(minutes, 1005)
    assert phase(world) == "paused"
    assert world.drives == []
    world.tick(140)
    assert [trip.ended_at for trip in world.log] == [at(11)]


def test_a_start_after_a_pause_goes_on_with_the_same_trip() -> None:
    world = World(places=[SCHOOL])
    world.start(0, 0)
    world.end(10, 5)
    assert world.start(40, 5) == "trip_resumed"
    assert going(world).started_at == at(0)


@pytest.mark.parametrize(("km", "kept"), [(1000.0, 0), (1000.04, 0), (1000.1, 1)])
def test_under_a_tenth_of_a_km_by_odometer_is_no_trip(km: float, kept: int) -> None:
    world = World()
    world.start(0, 0)
    world.read(-1, 1000, now=1)
    world.end(10, 0.3)
    world.read(11, km)
    assert len(world.log) == kept
    assert len(world.dropped) == 1 - kept


@pytest.mark.parametrize(("km_north", "kept"), [(0.1, 0), (0.2, 1)])
def test_under_a_fifth_of_a_km_by_gps_is_no_trip(km_north: float, kept: int) -> None:
    world = World(car=None)
    world.start(0, 0)
    world.end(10, km_north)
    world.tick(30)
    assert len(world.log) == kept


def test_a_start_with_another_car_closes_the_first_cars_trip() -> None:
    world = World()
    world.start(0, 0, "car")
    world.start(5, 4)
    assert world.start(30, 4, "other") == "trip_started"
    assert [(drive.car_id, drive.ended_at) for drive in world.drives] == [("car", at(5))]
    assert going(world).car_id == "other"


def test_a_car_named_by_a_later_ping_is_the_trips_car() -> None:
    world = World()
    world.start(0, 0)
    world.start(5, 4, "other")
    assert going(world).car_id == "other"


def test_a_start_and_an_end_of_one_moment_and_place_do_not_say_that_the_car_stood() -> None:
    world = World()
    world.start(0, 0)
    world.end(0, 0)
    world.tick(16)
    (trip,) = world.log
    assert trip.flags == ("odometer_pending", "distance_unknown")


def test_a_ping_that_comes_again_when_the_first_lies_in_the_store_makes_the_route_no_longer() -> None:
    routes = []
    for again in (0, 1):
        world = World(car=None)
        for n in range(150):
            world.start(n, n)
        for _ in range(again):
            world.take(Started(replace(fix(7, 7), delay_s=8520.0)), 149)
        world.end(150, 150)
        world.tick(160)
        (trip,) = world.log
        routes.append(trip.route)
    assert routes[0] == routes[1]


def test_a_start_that_was_let_go_and_comes_again_as_a_drive_is_kept_under_another_id() -> None:
    world = World()
    world.start(0, 0, "car")
    world.start(18, 0, "car")
    for minutes in (2, 10, 21):
        world.read(minutes, 1000, now=minutes + 20)
    assert [drive.ended_at for drive in world.drives] == [at(2)]
    world.start(60, 0, "other")
    (alone,) = (record for record in world.store.records.values() if record.began_at == at(18))
    world.start(18, 0, "car")
    again = world.drives[-1]
    assert (again.started_at, again.ended_at, again.car_id) == (at(18), at(18), "car")
    assert again.id != alone.id


def test_the_users_time_zone_decides_the_date() -> None:
    world = World(car=None)
    late = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)  # 00:30 on 1 April in Amsterdam
    world.now = late
    world.take(Started(Heard(late, *HOME), None), 0)
    world.take(Ended(Heard(late + timedelta(minutes=9), HOME[0] + 0.1, HOME[1])), 0)
    world.now = late + timedelta(hours=1)
    world.take(NotAsked(has_car=False), 0)
    assert [(trip.date, trip.year, trip.month) for trip in world.log] == [("2026-04-01", 2026, 4)]


def test_what_gps_does_not_explain_is_a_gap_before_the_trip() -> None:
    world = World()
    world.start(0, 0)
    world.read(-1, 1000, now=1)
    world.end(10, 8)
    world.read(11, 1010)
    for minutes in range(100, 111):
        world.start(minutes, (minutes - 100) * 0.8)
    world.read(105, 1034.6)
    world.end(110, 8)
    world.read(111, 1039.2)
    first, second = world.log
    assert first.distance_km == 10.0
    assert (second.gap_before_km, second.distance_km) == (20.0, 9.2)


def test_without_an_earlier_odometer_the_log_begins_at_the_first_reading_less_what_the_phone_saw() -> None:
    world = World()
    world.start(0, 0)
    world.read(0.01, 1000)
    world.end(0.02, 16)
    world.read(0.03, 1022.4)
    assert [(trip.start_odometer_km, trip.distance_km) for trip in world.log] == [(1000, 22.4)]
    later = World()
    for minutes in range(11):
        later.start(minutes, minutes)
    later.read(5.5, 1000)
    later.end(20, 20)
    later.read(21, 1014.2)
    (trip,) = later.log
    assert (trip.start_odometer_km, trip.flags) == (993.5, ("start_odometer_estimated",))
    assert trip.distance_km == 20.7


def test_what_a_car_says_again_is_kept_once_and_counts_once_a_drive_can_use_it() -> None:
    world = World()
    driving, parked = Reading(at(-0.2), 1000, driving=True), Reading(at(-30), 999)
    for reading in (driving, parked):
        told = [world.take(CarRead("car", reading), 0).told for _ in range(2)]
        assert told[0]
    assert told[1] is None
    world.start(0, 0)
    world.take(CarRead("car", driving), 1)
    assert [reading.km for reading in going(world).readings] == [1000]


def test_a_car_is_asked_by_one_and_again_by_another_when_the_first_died() -> None:
    world = World()
    world.start(0, 0)
    assert car_to_ask(world.state, at(0)) == "car"
    world.state = leased(world.state, "car", at(0) + LEASE)
    assert car_to_ask(world.state, at(0)) is None
    assert world.next_poll_at == at(0) + LEASE
    assert car_to_ask(world.state, at(1)) == "car"


def test_an_end_during_a_poll_is_polled_at_once_however_that_one_ends() -> None:
    world = World()
    world.start(0, 0)
    world.state = leased(world.state, "car", at(0) + LEASE)
    world.end(0.5, 1)
    outcome = advance(world.state, CarRead("car", Reading(at(-1), 1000), at(0) + LEASE), at(0.6), Rules())
    assert next_poll_at(outcome.state, Rules()) == at(0.5)


def test_distance_on_the_earth_is_the_great_circle() -> None:
    assert distance_km(Position(0, 0), Position(0, 1)) == pytest.approx(111.195, abs=0.001)
    assert distance_km(Position(90, 0), Position(-90, 0)) == pytest.approx(20015.1, abs=0.1)
