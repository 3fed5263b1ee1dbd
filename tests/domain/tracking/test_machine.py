"""What the machine makes of each event in each phase, with scripted events."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.log.drive import Heard
from shared.domain.place.geo import Position, distance_km
from shared.domain.place.places import Place
from shared.domain.place.trail import trail_distance_km
from shared.domain.thresholds import Rules
from shared.domain.tracking.events import CarRead, Dropped, Ended, NotAsked, Started
from shared.domain.tracking.machine import advance
from shared.domain.tracking.schedule import car_to_ask, leased
from shared.domain.tracking.state import UNKNOWN_CAR, GoingOn, leg_of, next_poll_at
from tests.domain.world import HOME, LEASE, World, at, fix

SCHOOL = Place("school", "School", HOME[0] + 5 / 111.195, HOME[1], 150, "pause")


def going(world: World) -> GoingOn:
    """The drive going on."""
    assert world.state.drive
    return world.state.drive


def phase(world: World) -> str:
    """The phase of the drive going on, or "none"."""
    return leg.phase if (leg := leg_of(world.state, world.rules)) else "none"


def driving(end_km: float = 8) -> World:
    """A drive of ten minutes that goes on; the car was read before it."""
    world = World()
    world.start(0, 0)
    world.read(-1, 1000, now=1)
    world.start(9, end_km)
    return world


def ending() -> World:
    """The same, and the phone has left the car."""
    world = driving()
    assert world.end(10, 8) == "ending"
    return world


def paused() -> World:
    """A drive that pauses at the school."""
    world = World(places=[SCHOOL])
    world.start(0, 0)
    world.read(-1, 1000, now=1)
    assert world.end(10, 5) == "paused"
    return world


def over() -> World:
    """A drive of ten kilometres that is over."""
    world = ending()
    world.read(11, 1010)
    return world


# --- a start


def test_where_no_drive_goes_on_a_start_begins_one_and_its_car_is_asked() -> None:
    world = World()
    outcome = world.take(Started(fix(0, 0), "car"), 0)
    assert (outcome.status, outcome.poll_now, phase(world)) == ("trip_started", True, "driving")
    assert car_to_ask(world.state, at(0)) == "car"


def test_while_driving_a_start_is_a_ping() -> None:
    world = driving()
    asked_at = world.next_poll_at
    assert [world.start(minutes, minutes) for minutes in range(10, 17)] == ["ping_recorded"] * 7
    assert (len(world.state.events), world.next_poll_at) == (9, asked_at)


def test_while_ending_a_start_within_five_minutes_resumes_the_drive() -> None:
    world = ending()
    assert world.start(15) == "trip_resumed"
    assert (phase(world), going(world).started_at, world.drives) == ("driving", at(0), [])


def test_while_ending_a_later_start_ends_the_drive_and_begins_another() -> None:
    world = ending()
    assert world.start(15.1, 8) == "trip_started"
    assert going(world).started_at == at(15.1)
    world.tick(16.2)
    assert world.drives == [(at(0), at(10))]


def test_while_paused_a_start_drives_on_however_late_it_comes() -> None:
    world = paused()
    assert world.start(100, 5) == "trip_resumed"
    assert (phase(world), going(world).started_at) == ("driving", at(0))


def test_a_start_within_five_minutes_after_an_end_resumes_a_drive_that_is_over_by_now() -> None:
    world = over()
    (trip,) = world.log
    assert world.take(Started(fix(12, 8.5), "car"), 30).status == "trip_resumed"
    world.end(30, 15)
    world.read(31, 1018)
    (resumed,) = world.log
    assert (resumed.id, resumed.started_at, resumed.ended_at) == (trip.id, at(0), at(30))
    assert (resumed.distance_km, resumed.flags) == (18.0, ())


def test_a_start_later_than_that_begins_another_trip() -> None:
    world = over()
    assert world.start(15.1, 8) == "trip_started"
    world.end(30, 15)
    world.read(31, 1018)
    assert [(trip.started_at, trip.distance_km) for trip in world.log] == [(at(0), 10.0), (at(15.1), 8.0)]


def test_without_a_car_a_late_start_resumes_a_drive_by_gps() -> None:
    world = World(car=None)
    world.start(0, 0)
    world.end(10, 5)
    world.tick(26)
    assert world.take(Started(fix(12, 5.5)), 30).status == "trip_resumed"
    world.end(13, 5.6)
    world.tick(50)
    (trip,) = world.log
    assert (trip.started_at, trip.ended_at, trip.distance_source, trip.car_id) == (at(0), at(13), "gps", None)
    assert trip.distance_km > 5.6


def test_a_start_hours_after_the_last_sign_of_a_drive_begins_another_one() -> None:
    world = driving()
    assert world.start(130, 8) == "trip_started"
    world.tick(132)
    assert world.drives == [(at(0), at(9))]
    assert going(world).started_at == at(130)


# --- an end


def test_where_no_drive_goes_on_an_end_is_noted_and_the_car_is_asked_at_once() -> None:
    world = World()
    outcome = world.take(Ended(fix(20, 8), "car"), 20)
    assert (outcome.status, outcome.poll_now) == ("end_noted", True)
    assert car_to_ask(world.state, at(20)) == "car"
    assert world.state.drive is None


def test_where_there_is_no_car_an_end_is_noted_and_nobody_is_asked() -> None:
    world = World(car=None)
    outcome = world.take(Ended(fix(20, 8)), 20)
    assert (outcome.status, outcome.poll_now, world.state.open) == ("end_noted", False, {})
    assert world.next_poll_at is not None


def test_while_driving_an_end_ends_the_drive_and_the_car_is_asked_at_once() -> None:
    world = driving()
    outcome = world.take(Ended(fix(10, 8), "car"), 10)
    assert (outcome.status, outcome.poll_now, phase(world)) == ("ending", True, "ending")


@pytest.mark.parametrize(("minutes", "ended"), [(10, 10), (12, 10), (9.5, 9.5)], ids=["same", "later", "earlier"])
def test_while_ending_the_first_end_counts_and_another_one_asks_nobody_again(minutes: float, ended: float) -> None:
    world = ending()
    outcome = world.take(Ended(fix(minutes, 8), "car"), 13)
    leg = leg_of(world.state, world.rules)
    assert leg
    assert (leg.phase, leg.ended_at, outcome.poll_now) == ("ending", at(ended), False)


def test_at_a_pause_place_neither_an_end_nor_a_parked_car_ends_the_drive() -> None:
    world = paused()
    for minutes in (11, 20, 30, 40):
        world.read(minutes, 1005)
    assert (phase(world), world.drives) == ("paused", [])
    world.tick(200)
    (trip,) = world.log
    assert (trip.ended_at, trip.distance_km) == (at(10), 5.0)


def test_while_paused_an_end_elsewhere_ends_the_drive() -> None:
    world = paused()
    assert world.end(30, 9) == "ending"


def test_an_end_of_before_the_last_ping_changes_nothing() -> None:
    world = driving()
    outcome = world.take(Ended(fix(5, 4), "car"), 10)
    assert (outcome.status, outcome.reason, phase(world)) == ("ignored", "trip_went_on", "driving")


def test_just_after_a_drive_was_over_its_end_again_is_ignored_and_asks_nobody() -> None:
    world = over()
    trips = world.log
    for minutes in (10, 12):
        outcome = world.take(Ended(fix(minutes, 8), "car"), 20)
        assert (outcome.status, outcome.reason, outcome.poll_now) == ("ignored", "no_active_trip", False)
    world.tick(30)
    assert [trip.distance_km for trip in world.log] == [trip.distance_km for trip in trips]


# --- what a car says


def test_a_car_that_parks_after_the_end_confirms_it() -> None:
    world = ending()
    world.read(11, 1010)
    (trip,) = world.log
    assert (trip.start_odometer_km, trip.end_odometer_km, trip.distance_km) == (1000, 1010, 10.0)
    assert (trip.start_odometer_known, trip.end_odometer_known, trip.flags) == ("read", "read", ())
    assert world.next_poll_at is None


def test_a_car_that_says_it_drives_confirms_no_end() -> None:
    world = ending()
    world.read(11, 1010, driving=True)
    assert (phase(world), world.log) == ("ending", [])


def test_a_reading_of_before_the_end_confirms_none() -> None:
    world = driving()
    world.end(20, 12)
    world.read(19, 1014, now=21)
    assert (phase(world), world.log) == ("ending", [])


def test_a_reading_of_hours_before_the_start_is_the_start_odometer() -> None:
    world = World()
    world.start(0, 0)
    world.read(-120, 1000, now=5)
    world.end(20, 12)
    world.read(20, 1015, now=21)
    assert [(trip.start_odometer_km, trip.distance_km) for trip in world.log] == [(1000, 15.0)]


def test_an_answer_without_an_odometer_says_nothing() -> None:
    world = ending()
    outcome = world.take(CarRead("car", None), 11)
    assert (outcome.told, phase(world)) == (None, "ending")
    assert [reading.km for reading in world.state.known_readings("car")] == [1000]


def test_what_a_car_tells_again_is_told_once() -> None:
    world = driving()
    told = [world.read(5, 1005, now=6 + n).told for n in range(3)]
    assert [bool(one) for one in told] == [True, False, False]
    assert [reading.km for reading in world.state.known_readings("car")] == [1000, 1005]


@pytest.mark.parametrize("km", [-3, 9_999_999])
def test_an_odometer_that_no_car_has_is_kept_as_not_believed(km: float) -> None:
    world = driving()
    told = world.read(9, km).told
    assert told
    assert told.why_not == "out of range"
    assert (world.state.rejected, len(world.state.known_readings("car"))) == (1, 1)


@pytest.mark.parametrize("km", [float("nan"), float("inf"), 1e10, 1e306, -1e306])
def test_what_is_no_odometer_at_all_is_not_kept(km: float) -> None:
    world = driving()
    assert world.read(9, km).told is None
    assert (world.state.rejected, len(world.state.known_readings("car"))) == (1, 1)


def test_a_reading_of_the_future_is_not_believed() -> None:
    world = driving()
    told = world.read(30, 1010, now=10).told
    assert told
    assert told.why_not == "measured in the future"


def test_a_value_that_jumps_is_remembered_and_measures_nothing() -> None:
    world = ending()
    world.read(5, 3005, now=10)
    world.read(11, 1010)
    assert world.distances == [10.0]
    assert world.store.readings["car", Reading(at(5), 3005)] is not None
    assert world.store.readings["car", Reading(at(11), 1010)] is None


# --- a car that is silent or fails


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
    assert [reading.km for reading in world.state.known_readings("car")] == [1000]


def test_a_clouds_wish_to_wait_is_honoured() -> None:
    world = World()
    world.start(0, 0)
    world.fail(0, retry_after_s=3000)
    assert (world.state.of_car("car").retry_at, world.next_poll_at) == (at(50), at(50))


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


def test_after_the_grace_gps_counts_until_the_car_speaks_again() -> None:
    world = driving()
    world.end(20, 10)
    world.fail(34)
    assert world.log == []
    world.fail(35)
    (trip,) = world.log
    assert (trip.distance_source, trip.flags, trip.end_odometer_known) == ("gps", ("odometer_pending",), "estimated")
    assert trip.distance_km == pytest.approx(12.5, abs=1)
    world.read(50, 1012)
    (done,) = world.log
    assert (done.id, done.distance_km, done.distance_source, done.flags) == (trip.id, 12.0, "odometer", ())
    assert (done.end_odometer_km, done.revision) == (1012, trip.revision + 1)
    assert world.next_poll_at is None


def test_a_pending_trip_gets_its_odometer_from_the_reading_before_the_next_start() -> None:
    world = driving()
    world.end(20, 10)
    world.fail(40)
    world.start(100, 10)
    world.read(90, 1012, now=101)
    world.end(120, 20)
    world.read(121, 1024)
    assert world.distances == [12.0, 12.0]
    assert [trip.gap_before_km for trip in world.log] == [0, 0]


# --- drives that end by themselves


def test_three_still_readings_over_ten_minutes_end_the_drive_at_the_first() -> None:
    world = World()
    world.start(0, 0)
    world.read(-1, 1000, now=1)
    for minutes in (20, 25):
        world.read(minutes, 1012)
    assert world.log == []
    world.read(30, 1012)
    (trip,) = world.log
    assert (trip.ended_at, trip.distance_km, trip.flags) == (at(20), 12.0, ())


@pytest.mark.parametrize("readings", [(20, 25, 29.9), (20, 30, 30)], ids=["too short", "one of them twice"])
def test_too_little_stillness_is_no_end(readings: tuple[float, ...]) -> None:
    world = World()
    world.start(0, 0)
    for minutes in readings:
        world.read(minutes, 1012)
    assert phase(world) == "driving"


def test_a_traffic_jam_is_no_end() -> None:
    driving, moving = World(), World()
    for world in (driving, moving):
        world.start(0, 0)
    for minutes in (20, 25, 30):
        driving.read(minutes, 1012, driving=minutes == 25)
        moving.start(minutes + 1, minutes / 10)
        moving.read(minutes + 2, 1012)
    moving.start(33, 3.5)
    assert (phase(driving), phase(moving)) == ("driving", "driving")


def test_a_parked_state_does_not_hide_that_the_odometer_rises() -> None:
    world = World()
    world.start(0, 0)
    for minutes, km in ((1, 1000), (7, 1000.6), (13, 1001.2), (19, 1001.8)):
        world.read(minutes, km)
    assert phase(world) == "driving"


def test_a_start_after_the_car_stood_still_begins_the_next_drive() -> None:
    world = World()
    world.start(0, 0)
    world.read(-1, 1000, now=1)
    world.start(19, 12)
    world.read(20, 1012)
    world.read(25, 1012)
    world.start(29, 12)
    world.read(30, 1012, now=30)
    assert world.end(60, 25) in ("ending", "end_noted")
    world.read(61, 1030)
    world.tick(80)
    assert [(trip.started_at, trip.distance_km) for trip in world.log] == [(at(0), 12.0), (at(29), 18.0)]


def test_a_drive_of_which_nothing_is_heard_is_closed_with_what_is_known() -> None:
    world = World()
    world.start(0, 0)
    world.read(-1, 1000, now=1)
    world.start(30, 10)
    world.read(31, 1012)
    world.tick(150.9)
    assert world.log == []
    world.tick(151)
    (trip,) = world.log
    assert (trip.ended_at, trip.distance_km) == (at(31), 12.0)


# --- dropping


@pytest.mark.parametrize("begun", [driving, ending, paused])
def test_a_drive_that_is_dropped_is_no_trip_and_nothing_heard_of_it_later_begins_it_again(begun: object) -> None:
    world = begun()  # type: ignore[operator]
    world.take(Dropped(), 11)
    assert (world.state.drive, world.log) == (None, [])
    (record,) = world.store.records.values()
    assert record.is_dropped
    assert world.take(Started(fix(5, 4), "car"), 12).status == "ping_recorded"
    world.tick(30)
    assert (world.state.drive, world.log) == (None, [])


def test_where_no_drive_goes_on_nothing_is_dropped() -> None:
    world = over()
    before = world.state
    world.take(Dropped(), 12)
    assert world.state == before


def test_the_kilometres_of_a_dropped_drive_are_a_gap() -> None:
    world = ending()
    world.take(Dropped(), 10.5)
    world.read(11, 1010)
    world.start(60, 8)
    world.end(70, 16)
    world.read(71, 1020)
    assert [(trip.started_at, trip.distance_km, trip.gap_before_km) for trip in world.log] == [(at(60), 10.0, 10.0)]


# --- many points


def test_the_same_ping_twice_is_kept_once() -> None:
    world = World()
    world.start(0, 0)
    world.start(1, 1)
    once = world.state
    world.start(1, 1)
    assert world.state == once


def test_older_fixes_move_to_the_store_a_hundred_at_a_time_and_count() -> None:
    world = World(car=None)
    for n in range(260):
        world.start(n / 10, n / 10)
    assert len(world.state.events) < 111
    assert going(world).points == len(world.trail) == 200
    world.end(26, 26)
    world.tick(40)
    assert world.distances == [pytest.approx(26 * 1.02, abs=0.3)]
    (record,) = world.store.records.values()
    assert (len(record.kinds), world.trail) == (261, [])


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


def test_gps_takes_fixes_50_m_apart_and_leaves_out_inaccurate_ones() -> None:
    near = [fix(n, n * 0.5) for n in range(3)]
    assert trail_distance_km(near) == pytest.approx(1.15, abs=0.01)
    assert trail_distance_km([*near, fix(3, 1.02)]) == pytest.approx(1.15, abs=0.01)
    assert trail_distance_km([*near, fix(3, 50, accuracy_m=101)]) == pytest.approx(1.15, abs=0.01)
    assert trail_distance_km([fix(0, 0), fix(20, 10)]) == pytest.approx(13.0, abs=0.01)


def test_distance_on_the_earth_is_the_great_circle() -> None:
    assert distance_km(Position(0, 0), Position(0, 1)) == pytest.approx(111.195, abs=0.001)
    assert distance_km(Position(90, 0), Position(-90, 0)) == pytest.approx(20015.1, abs=0.1)


# --- what is no trip, and what is one


@pytest.mark.parametrize(("km", "kept"), [(1000.0, 0), (1000.04, 0), (1000.5, 1)])
def test_where_odometer_and_positions_say_that_the_car_stood_there_is_no_trip(km: float, kept: int) -> None:
    world = World()
    world.start(0, 0)
    world.read(-1, 1000, now=1)
    world.end(10, 0.05)
    world.read(11, km)
    world.read(40, km)
    assert len(world.log) == kept
    assert len(world.drives) == 1


@pytest.mark.parametrize(("km_north", "kept"), [(0.1, 0), (0.3, 1)])
def test_without_a_car_a_phone_that_lay_still_made_no_trip(km_north: float, kept: int) -> None:
    world = World(car=None)
    for minutes in range(11):
        world.start(minutes, km_north * minutes / 10)
    world.end(10.5, km_north)
    world.tick(30)
    assert len(world.log) == kept


def test_a_start_and_an_end_of_one_moment_and_place_do_not_say_that_the_car_stood() -> None:
    world = World()
    world.start(0, 0)
    world.end(0, 0)
    world.tick(16)
    (trip,) = world.log
    assert set(trip.flags) >= {"odometer_pending", "distance_unknown"}


def test_what_gps_does_not_explain_is_a_gap_before_the_trip() -> None:
    world = driving()
    world.end(10, 8)
    world.read(11, 1010)
    for minutes in range(100, 111):
        world.start(minutes, 8 + (minutes - 100) * 0.8)
    world.end(110.5, 16)
    world.read(111, 1039.2)
    first, second = world.log
    assert first.distance_km == 10.0
    assert second.distance_km == pytest.approx(8.2, abs=0.3)
    assert second.gap_before_km + second.distance_km == pytest.approx(29.2)
    assert [gap.missing_km for gap in world.store.gaps_by_id.values()] == [second.gap_before_km]


def test_without_an_earlier_odometer_a_trip_begins_where_the_phone_says_that_it_did() -> None:
    world = World()
    for minutes in range(20):
        world.start(minutes, minutes)
    world.read(5, 1000, driving=True)
    world.end(20, 20)
    world.read(21, 1015.3)
    (trip,) = world.log
    assert trip.start_odometer_km == pytest.approx(994.9, abs=0.2)
    assert (trip.start_odometer_known, trip.end_odometer_known) == ("estimated", "read")
    assert (trip.distance_km, trip.flags) == (pytest.approx(20.4, abs=0.2), ("start_odometer_estimated",))


def test_the_users_time_zone_decides_the_date() -> None:
    world = World(car=None)
    late = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)  # 00:30 on 1 April in Amsterdam
    world.now = late
    world.take(Started(Heard(late, *HOME), None), 0)
    world.take(Ended(Heard(late + timedelta(minutes=9), HOME[0] + 0.1, HOME[1])), 0)
    world.now = late + timedelta(hours=1)
    world.take(NotAsked(has_car=False), 0)
    assert [(trip.date, trip.year, trip.month) for trip in world.log] == [("2026-04-01", 2026, 4)]


# --- who asks


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


# --- cars


def test_a_car_named_by_a_later_ping_is_the_drives_car() -> None:
    world = World(cars=("car", "other"))
    world.start(0, 0)
    world.start(5, 4, "other")
    assert (going(world).car_id, car_to_ask(world.state, at(5))) == ("other", "other")


def test_a_car_that_the_driver_does_not_have_makes_a_trip_without_a_car_that_says_so() -> None:
    world = World()
    stray = replace(fix(0, 0, "lent"), is_stray=True)
    assert world.take(Started(stray, "car"), 0).status == "trip_started"
    assert (going(world).car_id, going(world).is_asked) == (UNKNOWN_CAR, False)
    world.take(Ended(replace(fix(20, 10, "lent"), is_stray=True), "car"), 20)
    world.tick(40)
    (trip,) = world.log
    assert (trip.car_id, trip.flags) == (None, ("car_unknown",))


def test_a_trip_of_which_nothing_was_heard_any_more_says_that_its_end_is_unknown() -> None:
    world = World()
    world.start(0, 0)
    world.start(10, 8)
    world.tick(200)
    (trip,) = world.log
    assert (trip.ended_at, "end_unknown" in trip.flags) == (at(10), True)
    world.end(12, 9)
    world.tick(300)
    (trip,) = world.log
    assert (trip.ended_at, "end_unknown" in trip.flags) == (at(12), False)


def test_who_folds_is_not_disturbed_by_who_reads_a_car() -> None:
    world = World()
    world.start(0, 0)
    world.state = leased(world.state, None, at(2))
    world.read(-5, 1000, now=1)
    assert world.state.folding_until == at(2)
    world.take(NotAsked(None, lease_until=at(2)), 1)
    assert world.state.folding_until is None
