"""Which trips wait for an address, when they are looked up, and what becomes of them."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from shared.domain.log.addresses import addressed, flagged, given_up, spot, unaddressed_positions
from shared.domain.log.laying import Owner
from shared.domain.log.trip import Endpoint, Trip
from shared.domain.place.geo import Position
from shared.domain.place.places import Place
from shared.domain.thresholds import MOST_LOOK_UPS
from shared.domain.tracking.events import NotAsked
from shared.domain.tracking.look_ups import claimed, forgotten, looked_up, wanted
from shared.domain.tracking.schedule import car_to_ask
from shared.domain.tracking.state import DriverState, GoingOn, LookUps, OpenLog, next_poll_at
from tests.domain.world import HOME, LEASE, USUAL, World, at

HERE, THERE = Position(52.1, 5.1), Position(52.2, 5.2)
NOW = at(0)
IDLE = DriverState()
ASKED = OpenLog(ask_at=at(5))
DRIVING = DriverState(drive=GoingOn(started_at=NOW, car_id="car", heard_at=NOW), open={"car": ASKED})
PENDING = DriverState(open={"car": replace(ASKED, pending_since=NOW)})


BEGIN, END = Endpoint(*HERE), Endpoint(*THERE)


def due(state: DriverState) -> datetime | None:
    return next_poll_at(state, USUAL)


def trip(begin: Endpoint = BEGIN, end: Endpoint = END, flags: tuple[str, ...] = ()) -> Trip:
    return Trip(
        id="t", user="d@example.com", car_id=None, started_at=NOW, ended_at=NOW, timezone="UTC", date="", year=0,
        month=0, from_=begin, to=end, flags=flags, created_at=NOW, updated_at=NOW,
    )  # fmt: skip


PENDING_TRIP = trip(flags=("address_pending",))


def test_a_trip_waits_for_the_addresses_of_positions_and_of_nothing_else() -> None:
    assert unaddressed_positions(trip()) == [HERE, THERE]
    assert unaddressed_positions(trip(Endpoint(place="Home"), Endpoint(*THERE, address="Street 1"))) == []
    assert flagged(trip(flags=("end_unknown",)), looked_up=True).flags == ("end_unknown", "address_pending")
    assert flagged(trip(Endpoint(), Endpoint()), looked_up=True).flags == ()
    assert flagged(PENDING_TRIP, looked_up=False).flags == ()


def test_what_is_found_is_filled_in_as_one_more_revision() -> None:
    done = addressed(PENDING_TRIP, {HERE: "Street 1", THERE: "Street 2"}, at(3))
    assert (done.from_.address, done.to.address, done.flags) == ("Street 1", "Street 2", ())
    assert (done.revision, done.updated_at) == (2, at(3))
    assert (done.from_.position, done.distance_km, done.kind) == (HERE, PENDING_TRIP.distance_km, PENDING_TRIP.kind)


def test_where_only_one_end_is_found_the_other_still_waits() -> None:
    done = addressed(PENDING_TRIP, {HERE: "Street 1"}, at(3))
    assert (done.from_.address, done.to.address, done.flags) == ("Street 1", "", ("address_pending",))
    assert addressed(done, {}, at(4)) == done


def test_where_there_is_no_address_nothing_waits_any_more() -> None:
    done = addressed(PENDING_TRIP, {HERE: "", THERE: ""}, at(3))
    assert (done.from_.address, done.to.address, done.flags) == ("", "", ())


def test_what_the_driver_wrote_stays() -> None:
    own = replace(PENDING_TRIP, to=Endpoint(*THERE, address="At the back"))
    assert addressed(own, {HERE: "Street 1", THERE: "Street 2"}, at(3)).to.address == "At the back"


def test_a_spot_is_about_eleven_metres() -> None:
    assert spot(Position(52.09074, -0.00004)) == Position(52.0907, 0.0)
    assert str(spot(Position(-0.00004, 5.12149)).lat) == "0.0"


def test_a_driver_at_rest_is_due_for_their_addresses_and_a_trip_going_on_is_not_disturbed() -> None:
    assert due(wanted(IDLE, ["a"], NOW)) == NOW
    for busy in (DRIVING, PENDING):
        noted = wanted(busy, ["a"], NOW)
        assert (due(noted), noted.look_ups.trips) == (at(5), ("a",))
        leased = claimed(noted, NOW, LEASE)
        assert leased
        assert due(leased) == at(5)
        assert due(looked_up(leased, ["a"], ["a"], True, at(1), USUAL)) == at(5)
    assert wanted(IDLE, [], NOW) == IDLE


def test_a_trip_waits_once_and_fifty_of_them_at_most() -> None:
    state = wanted(wanted(IDLE, ["a", "b"], NOW), ["a"], NOW)
    assert state.look_ups.trips == ("b", "a")
    many = [str(n) for n in range(60)]
    assert wanted(state, many, NOW).look_ups.trips == tuple(many[-MOST_LOOK_UPS:])


def test_look_ups_are_claimed_by_one_and_again_by_another_when_the_first_died() -> None:
    leased = claimed(wanted(IDLE, ["a"], NOW), NOW, LEASE)
    assert leased
    assert due(leased) == NOW + LEASE
    assert claimed(leased, NOW + LEASE / 2, LEASE) is None
    assert claimed(leased, NOW + LEASE, LEASE)
    assert claimed(IDLE, NOW, LEASE) is None


def test_after_failures_waits_double_up_to_a_day_and_a_success_ends_them() -> None:
    state, waits = wanted(IDLE, ["a"], NOW), []
    for _ in range(12):
        state = looked_up(state, ["a"], ["a"], True, NOW, USUAL)
        due_at = due(state)
        assert due_at
        waits.append((due_at - NOW) / timedelta(minutes=5))
    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == timedelta(days=1) / timedelta(minutes=5)
    assert looked_up(state, ["a"], [], False, NOW, USUAL) == IDLE
    assert looked_up(state, ["a"], ["a"], False, NOW, USUAL).look_ups == LookUps(("a",), due_at=NOW)


def test_a_new_trip_does_not_end_the_wait_after_a_failure() -> None:
    state = looked_up(wanted(IDLE, ["a"], NOW), ["a"], ["a"], True, NOW, USUAL)
    assert due(wanted(state, ["b"], NOW)) == at(5)


def test_those_that_were_not_asked_come_before_those_that_are_left() -> None:
    state = wanted(IDLE, ["a", "b", "c"], NOW)
    assert looked_up(state, ["a", "b"], ["b"], True, NOW, USUAL).look_ups.trips == ("c", "b")


@pytest.mark.parametrize(("hours", "over"), [(47, False), (49, True)])
def test_a_trip_is_given_up_two_days_after_its_last_change(hours: int, over: bool) -> None:
    assert given_up(PENDING_TRIP, NOW + timedelta(hours=hours)) is over


def test_where_addresses_are_not_looked_up_any_more_nobody_is_due_for_them() -> None:
    assert forgotten(wanted(IDLE, ["a"], NOW)) == IDLE
    assert forgotten(wanted(DRIVING, ["a"], NOW)) == DRIVING


def test_a_place_gives_its_address_at_once_and_the_rest_is_flagged() -> None:
    world = World(places=[Place("1", "Home", *HOME, address="Own street 1")])
    world.owner = Owner("d@example.com", "UTC", addresses=True)
    world.start(0, 0)
    world.read(-10, 1000, now=0)
    world.end(20, 10)
    world.read(21, 1010)
    (made,) = world.log
    assert (made.from_.address, made.to.address, made.flags) == ("Own street 1", "", ("address_pending",))


def test_trips_without_an_address_outlive_the_next_trip_and_make_the_driver_due_after_it() -> None:
    world = World()
    world.state = wanted(world.state, ["a"], at(-5))
    world.start(0, 0)
    world.read(-10, 1000, now=0)
    world.end(20, 10)
    world.read(21, 1010)
    assert world.state.look_ups.trips == ("a",)
    assert due(world.state) == at(-5)


def test_an_idle_poll_for_addresses_asks_no_car_and_keeps_the_driver_due_until_they_are_claimed() -> None:
    world = World()
    world.state = wanted(world.state, ["a"], at(0))
    assert car_to_ask(world.state, at(0)) is None
    outcome = world.take(NotAsked(), 0)
    assert (due(outcome.state), outcome.poll_now) == (at(0), False)
