"""What a driver's state is, whatever happens: bounded, readable, due for all that waits; and nothing heard is lost."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.domain.car import asking
from shared.domain.car.asking import Asking
from shared.domain.car.odometer import Reading
from shared.domain.log.drive import Heard, Record
from shared.domain.log.record import events_of, recorded
from shared.domain.thresholds import (
    EVENTS_A_BLOCK,
    KEPT_CARS,
    KEPT_DRIVES,
    KEPT_EVENTS,
    KEPT_LOOSE_ENDS,
    KEPT_READINGS,
    LONGEST_WAIT,
    MOST_BLOCKS,
    MOST_WINDOWS,
)
from shared.domain.tracking import leaving, machine
from shared.domain.tracking.events import CarFailed, CarRead, Dropped, Ended, Event, NotAsked, Started
from shared.domain.tracking.look_ups import wanted
from shared.domain.tracking.schedule import given_back, leased
from shared.domain.tracking.state import DriverState, GoingOn, OpenLog, leg_of, next_poll_at, with_log
from tests.domain.world import HOME, LEASE, USUAL, World, at, fix

CARS = ("car", "b", None)
MOST_BYTES = 60_000

minutes = st.integers(0, 600)
positions = st.one_of(st.none(), st.floats(0, 40).map(lambda km: (round(HOME[0] + km / 111.195, 6), HOME[1])))


@st.composite
def words(draw: st.DrawFn, is_end: bool) -> Heard:
    where = draw(positions)
    lat, lng = where or (None, None)
    accuracy_m = draw(st.sampled_from([None, 0.0, 5.0, 250.0]))
    car_id = draw(st.sampled_from([*CARS, "stray"]))
    by = draw(st.sampled_from(["", "Anna", "Bram, de jonge *"]))
    return Heard(at(draw(minutes)), lat, lng, accuracy_m, car_id, is_end=is_end, is_stray=car_id == "stray", by=by)


readings = st.builds(
    lambda car, minute, km, driving: CarRead(car, Reading(at(minute), km, driving)),
    st.sampled_from(["car", "b"]),
    minutes,
    st.floats(-10, 5000),
    st.booleans(),
)
events = st.one_of(
    words(is_end=False).map(lambda heard: Started(heard, "car")),
    words(is_end=True).map(Ended),
    readings,
    st.sampled_from(["car", "b"]).map(CarFailed),
    st.sampled_from(["car", "b", None]).map(NotAsked),
    st.just(Dropped()),
)
arrivals = st.lists(st.tuples(events, st.integers(0, 30)), max_size=40)


def play(story: Iterable[tuple[Event, int]]) -> tuple[World, list[Heard]]:
    """A world in which so many minutes pass before each event, and all that the phone said in it."""
    world, said, now = World(), list[Heard](), 0.0
    for event, wait in story:
        now += wait
        world.take(event, now)
        said += [event.heard] if isinstance(event, Started | Ended) else []
        check(world.state)
    return world, said


def check(state: DriverState) -> None:
    """What holds of every state that can come about."""
    encoded = msgspec.json.encode(state)
    assert msgspec.json.decode(encoded, type=DriverState) == state
    assert len(encoded) < MOST_BYTES
    assert len(state.events) < EVENTS_A_BLOCK + KEPT_EVENTS + KEPT_LOOSE_ENDS
    assert len(state.recent) <= KEPT_DRIVES
    assert len(state.open) <= KEPT_CARS
    if state.drive:
        leg = leg_of(state, USUAL)
        assert leg
        assert leg.started_at == state.drive.started_at
        assert len(state.drive.readings) <= KEPT_READINGS
    for car_id, log in state.open.items():
        is_driven = state.drive is not None and state.drive.car_id == car_id
        assert log.pending_since is None or is_driven or log.due_at
    waiting = state.drive or state.look_ups.trips or any(log.pending_since for log in state.open.values())
    assert bool(waiting) <= (next_poll_at(state, USUAL) is not None)


@given(arrivals)
def test_no_sequence_makes_a_state_that_is_too_big_or_cannot_be_read_or_waits_for_nobody(
    story: list[tuple[Event, int]],
) -> None:
    world, _ = play(story)
    world.take(NotAsked(), 5000)
    assert world.state.drive is None


@given(arrivals)
def test_no_word_of_the_phone_is_lost_and_none_is_kept_that_it_did_not_say(story: list[tuple[Event, int]]) -> None:
    world, said = play(story)
    records = [events_of(record) for record in world.store.records.values()]
    for kept in ([*world.state.events, *world.trail], *records):
        assert max(Counter(map(told, kept)).values(), default=1) == 1
    everywhere = [*world.state.events, *world.trail, *(heard for record in records for heard in record)]
    assert {told(heard) for heard in everywhere} == {told(heard) for heard in said}


@given(arrivals)
def test_no_word_is_lost_where_blocks_move_often(story: list[tuple[Event, int]]) -> None:
    with pytest.MonkeyPatch.context() as patched:
        for module in (machine, leaving):
            patched.setattr(module, "EVENTS_A_BLOCK", 3)
            patched.setattr(module, "KEPT_EVENTS", 2)
        world, said = play(story)
    records = [events_of(record) for record in world.store.records.values()]
    everywhere = [*world.state.events, *world.trail, *(heard for record in records for heard in record)]
    assert {told(heard) for heard in everywhere} == {told(heard) for heard in said}


def told(heard: Heard) -> Heard:
    """What was said, without what we make of it."""
    return replace(heard.word, is_pause=False)


facts = st.lists(st.one_of(words(is_end=False), words(is_end=True)), max_size=12)
going = st.builds(
    lambda car, minute, read: GoingOn(
        started_at=at(minute),
        car_id=car,
        heard_at=at(minute),
        readings=tuple(Reading(at(m), km) for m, km in sorted(read)),
    ),
    st.sampled_from([*CARS, "-"]),
    minutes,
    st.lists(st.tuples(minutes, st.floats(1, 5000)), max_size=4, unique_by=lambda pair: pair[0]),
)
logs = st.builds(
    lambda ended, trip, pending: OpenLog(
        ended_at=at(ended),
        trip_id="20260302T080000Z-0a1b2c" if trip else None,
        pending_since=at(ended) if pending else None,
    ),
    minutes,
    st.booleans(),
    st.booleans(),
)
states = st.builds(
    lambda drive, heard, closed, open_logs: DriverState(
        drive=drive, events=tuple(heard), closed_until=None if closed is None else at(closed), open=open_logs
    ),
    st.one_of(st.none(), going),
    facts,
    st.one_of(st.none(), minutes),
    st.dictionaries(st.sampled_from(["car", "b"]), logs),
)


@given(states, arrivals)
@settings(max_examples=300)
def test_whatever_state_there_is_every_event_can_be_folded_into_it(
    state: DriverState, story: list[tuple[Event, int]]
) -> None:
    world = World()
    world.state = state
    next_poll_at(state, USUAL)
    now = 0.0
    for event, wait in story:
        now += wait
        world.take(event, now)
        leg_of(world.state, USUAL)
    world.take(NotAsked(), 5000)
    assert world.state.drive is None


def test_a_driver_who_names_a_new_car_each_time_is_remembered_in_no_more_room() -> None:
    world = World()
    for n in range(1000):
        stray = Heard(at(n), *HOME, 5.0, f"stray-{n}", is_stray=True)
        world.take(Started(stray, "car"), n)
        world.take(Ended(replace(stray, at=at(n + 0.5), is_stray=False)), n + 0.5)
    assert set(world.state.open) == set()
    check(world.state)


def test_of_more_cars_than_a_driver_can_have_the_one_left_longest_ago_is_forgotten_but_none_that_waits() -> None:
    state = with_log(DriverState(), "waits", OpenLog(ended_at=at(0), trip_id="t", pending_since=at(0)))
    for n in range(200):
        state = with_log(state, f"car-{n}", OpenLog(ended_at=at(n + 1)))
    assert len(state.open) == KEPT_CARS
    assert {"waits", "car-199"} <= set(state.open)
    assert "car-100" not in state.open


def test_a_phone_that_says_nothing_but_ends_is_remembered_in_no_more_room_and_nothing_it_said_is_lost() -> None:
    world = World()
    for n in range(100):
        world.take(Ended(Heard(at(n * 6), *HOME)), n * 6)
    assert len(world.state.events) == KEPT_LOOSE_ENDS
    kept = sum(len(record.kinds) for record in world.store.records.values())
    assert kept + len(world.state.events) == 100


def test_a_drive_of_more_points_than_fit_into_a_document_becomes_two() -> None:
    world = World(car=None)
    full = GoingOn(started_at=at(0), car_id=None, heard_at=at(0), blocks=MOST_BLOCKS, last=Heard(at(9), *HOME))
    world.state = DriverState(drive=full, events=(Heard(at(10), *HOME),))
    assert world.start(11, 0.1) == "trip_resumed"
    assert world.state.drive
    assert (world.state.drive.started_at, world.state.drive.blocks) == (at(11), 0)
    assert [drive.ended_at for drive in world.drives] == [at(10)]


# --- wrong values at the door --------------------------------------------------------------------------------------


def test_starts_of_one_moment_in_two_cars_make_two_drives_and_no_error_ever_after() -> None:
    world = World()
    for car_id in ("car", "b"):
        world.start(0, 0, car_id)
    for minute in range(1, 10):
        world.start(minute, minute)
    world.end(10, 10)
    world.tick(30)
    world.take(NotAsked("b", has_car=False), 31)
    assert {drive.car_id for drive in world.drives} == {"car", "b"}
    assert len({drive.id for drive in world.drives}) == len(world.drives) == 2


def test_starts_of_one_moment_in_one_car_are_one_drive() -> None:
    world = World()
    world.start(0, 0, "car")
    world.start(0, 0.5, "car")
    world.end(10, 10)
    world.tick(30)
    assert len(world.log) == 1


def test_a_trip_whose_id_is_taken_gets_another_one() -> None:
    world = World()
    world.start(0, 0)
    world.end(10, 10)
    world.tick(30)
    (moved,) = world.log
    world.store.trips = {moved.id: replace(moved, car_id="b", started_at=at(-60))}
    world.state = DriverState()
    world.start(0, 0)
    world.end(10, 10)
    world.tick(60)
    assert len(world.log) == 2


def test_a_word_that_comes_again_is_kept_with_the_drive_of_its_car_and_nowhere_else() -> None:
    world = World()
    for car_id in ("car", "b"):
        world.start(0, 0, car_id)
    world.take(Dropped(), 1)
    for car_id in ("b", "car", "b"):
        assert world.start(0, 0, car_id) == "ignored"
    kept = [heard for record in world.store.records.values() for heard in events_of(record)]
    assert sorted(heard.car_id or "" for heard in kept) == ["b", "car"]


@pytest.mark.parametrize("km", [1e10, 1e306, -1e306])
def test_what_is_no_odometer_at_all_is_not_kept(km: float) -> None:
    world = World()
    world.start(0, 0)
    assert world.take(CarRead("car", Reading(at(1), km)), 1).told is None
    assert world.state.rejected == 1


# --- every bound ---------------------------------------------------------------------------------------------------


def test_of_drives_that_are_over_the_newest_are_remembered() -> None:
    world = World(car=None)
    for n in range(2 * KEPT_DRIVES):
        world.start(20 * n, n)
        world.end(20 * n + 5, n + 1)
        world.tick(20 * n + 11)
    assert len(world.state.recent) == KEPT_DRIVES
    assert world.state.recent[-1].began_at == at(20 * (2 * KEPT_DRIVES - 1))


def test_of_a_drives_readings_the_first_and_the_newest_are_remembered() -> None:
    world = World()
    world.start(0, 0)
    for n in range(2 * KEPT_READINGS):
        world.read(n + 1, 1000.0 + n, driving=True)
    assert world.state.drive
    kept = world.state.drive.readings
    assert (len(kept), kept[0].km, kept[-1].km) == (KEPT_READINGS, 1000.0, 999.0 + 2 * KEPT_READINGS)


def test_what_is_counted_of_cars_that_were_asked_is_bounded_and_no_budget_is_forgotten() -> None:
    one, kept = asking.Budget(1), Asking()
    for n in range(MOST_WINDOWS):
        assert asking.free_again_at(kept, f"car-{n} p", one, at(0)) is None
        kept = asking.taken(kept, f"car-{n} p", one, at(0))
    assert asking.free_again_at(kept, "one-more p", one, at(1)) == at(24 * 60)
    assert asking.free_again_at(kept, "one-more p", one, at(24 * 60)) is None
    for n in range(2 * KEPT_CARS):
        kept = asking.begun(kept, f"car-{n}", at(n))
    assert len(kept.under_way) == KEPT_CARS
    for n in range(2 * KEPT_CARS):
        kept, _ = asking.without_lost(asking.begun(kept, f"car-{n}", at(n)), f"car-{n}", at(3 * KEPT_CARS))
    assert len(kept.lost) == KEPT_CARS


def test_a_lease_is_given_back_by_who_has_it() -> None:
    state = leased(DriverState(), "car", at(9))
    assert given_back(state, "car", at(5)) == state
    assert given_back(state, "car", at(9)).of_car("car").leased_until is None


def test_what_a_car_at_rest_says_of_earlier_is_kept_unjudged() -> None:
    world = World()
    world.read(0, 1000.0)
    told = world.read(-30, 990.0, now=1).told
    assert told
    assert not told.is_judged


# --- who is asked --------------------------------------------------------------------------------------------------


def pending_in_a_and_driving_in_b() -> World:
    world = World()
    world.start(0, 0)
    world.end(10, 10)
    world.tick(26)
    assert world.state.of_car("car").pending_since
    world.take(Started(Heard(at(40), *HOME, 5.0, "b"), "car"), 40)
    return world


def test_a_car_that_waits_for_its_end_odometer_is_asked_whatever_other_cars_do() -> None:
    world = pending_in_a_and_driving_in_b()
    world.take(Ended(Heard(at(50), HOME[0] + 0.09, HOME[1])), 50)
    world.take(CarRead("b", Reading(at(51), 500.0)), 51)
    assert world.state.drive is None
    due_at = world.next_poll_at
    assert due_at
    assert due_at == world.state.of_car("car").ask_at
    world.take(CarRead("car", Reading(due_at, 1010.0)), 60)
    assert not world.state.of_car("car").pending_since
    settled = next(trip for trip in world.log if trip.car_id == "car")
    assert settled.end_odometer_km == 1010.0


def test_a_drive_whose_car_the_phone_names_only_later_has_that_car_asked() -> None:
    for default in ("car", None):
        world = World(car=default)
        world.start(0, 0)
        world.take(Started(Heard(at(1), *HOME, 5.0, "b"), default), 1)
        assert world.state.of_car("b").ask_at == at(1)
        world.take(CarRead("b", Reading(at(1), 500.0)), 1)
        assert world.state.drive
        assert [reading.km for reading in world.state.drive.readings] == [500.0]


def test_a_car_that_waits_is_asked_after_another_cars_drive_was_dropped() -> None:
    world = pending_in_a_and_driving_in_b()
    world.take(Dropped(), 45)
    assert world.next_poll_at == world.state.of_car("car").ask_at is not None


@pytest.mark.parametrize("hours", [25, 200])
def test_a_car_that_says_nothing_is_given_up_and_then_nobody_is_due(hours: int) -> None:
    world = World()
    world.start(0, 0)
    world.end(10, 10)
    world.tick(26)
    world.tick(hours * 60)
    assert world.next_poll_at is None


def test_while_a_car_is_being_asked_nobody_is_due_but_for_what_came_meanwhile() -> None:
    state = DriverState(open={"car": OpenLog(leased_until=at(0) + LEASE), "b": OpenLog(ask_at=at(9))})
    assert next_poll_at(state, USUAL) == at(0) + LEASE
    assert next_poll_at(wanted(state, ["t"], at(0)), USUAL) == at(0) + LEASE
    assert next_poll_at(wanted(DriverState(), ["t"], at(3)), USUAL) == at(3)


def test_addresses_do_not_wait_for_a_car_whose_budget_is_used_up_for_weeks() -> None:
    waiting = wanted(DriverState(open={"car": OpenLog(ask_at=at(30 * 24 * 60), pending_since=at(0))}), ["t"], at(0))
    assert next_poll_at(waiting, USUAL) == at(0) + LONGEST_WAIT


def test_a_drive_in_no_car_is_due_when_it_is_over_by_itself() -> None:
    world = World(car=None)
    world.start(0, 0)
    assert world.next_poll_at == at(0) + USUAL.stale_after
    world.end(10, 10)
    assert world.next_poll_at == at(10) + USUAL.resume_within


# --- records -------------------------------------------------------------------------------------------------------


@given(st.lists(st.one_of(words(is_end=False), words(is_end=True)), min_size=1, max_size=30, unique_by=told), st.data())
def test_a_record_tells_each_event_as_it_was_heard(said: list[Heard], data: st.DataObject) -> None:
    delays_ms = [data.draw(st.integers(-300_000, 86_400_000)) for _ in said]
    heard = [replace(one, delay_s=ms / 1000) for one, ms in zip(said, delays_ms, strict=True)]
    assert Counter(events_of(recorded("id", heard))) == Counter(heard)


def test_a_record_names_whose_key_it_was_once_and_nobody_where_no_key_has_a_label() -> None:
    pings = [Heard(at(n), delay_s=0.5) for n in range(60)]
    nobodys = recorded("id", pings)
    annas = recorded("id", [replace(ping, by="Anna") for ping in pings])
    assert (nobodys.drivers, nobodys.said_by) == ((), "")
    assert (annas.drivers, annas.said_by) == (("Anna",), "0*")
    assert len(msgspec.json.encode(annas)) - len(msgspec.json.encode(nobodys)) < 50


def test_a_record_of_before_it_named_drivers_tells_its_events() -> None:
    old = {"id": "id", "began_at": at(0), "kinds": "SE", "seconds": ",60", "delays_s": "0.5*", "named": ""}
    told = events_of(msgspec.convert(old, Record))
    assert told == [Heard(at(0), delay_s=0.5), Heard(at(1), delay_s=0.5, is_end=True)]


def test_a_word_that_comes_again_by_another_key_is_the_one_that_came_first() -> None:
    first = replace(fix(0, 0), delay_s=1.0, by="Anna")
    again = replace(first, delay_s=9.0, by="Bram")
    assert events_of(recorded("id", [again, first])) == [first]
    world = World()
    assert [world.take(Started(one, "car"), 0).status for one in (first, again)] == ["trip_started", "ping_recorded"]
    assert world.state.events == (first,)


def test_a_drive_of_sixty_pings_is_kept_in_less_than_two_kilobytes() -> None:
    pings = [
        Heard(
            at(n) + timedelta(milliseconds=137 * n),
            52.090737 + n * 0.008123,
            5.121421 + n * 0.0071,
            4.0 + n % 7,
            delay_s=0.3 + n / 100,
        )
        for n in range(60)
    ]
    end = replace(pings[-1], at=at(61), is_end=True)
    assert len(msgspec.json.encode(recorded("20260302T080000Z-0a1b2c3d4e5f", [*pings, end]))) < 2000


def test_what_was_said_beside_drives_is_kept_with_the_one_it_is_near_to() -> None:
    world = World()
    world.start(0, 0)
    world.end(10, 10)
    world.tick(26)
    (record,) = world.store.records.values()
    for _ in range(2):
        world.start(5, 5)
    (grown,) = world.store.records.values()
    assert (len(record.kinds), len(grown.kinds)) == (2, 3)
    world.start(-200, 3)
    assert len(world.store.records) == 2


def test_a_dropped_drive_is_kept_with_all_that_was_said() -> None:
    world = World()
    for minute in range(150):
        world.start(minute, minute / 10)
    world.take(Dropped(), 150)
    (record,) = world.store.records.values()
    assert (len(record.kinds), record.is_dropped, world.log) == (150, True, [])
    assert world.start(149, 1) == "ignored"
