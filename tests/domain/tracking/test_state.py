"""What a driver's state is, whatever happens: bounded, readable, due for all that waits; and nothing heard is lost."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
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
    KEPT_EVENTS,
    KEPT_READINGS,
    LONGEST_WAIT,
    MOST_LATE,
    MOST_WINDOWS,
)
from shared.domain.tracking import blocks, machine
from shared.domain.tracking.events import CarFailed, CarRead, Dropped, Ended, Event, NotAsked, Started
from shared.domain.tracking.look_ups import wanted
from shared.domain.tracking.schedule import given_back, leased
from shared.domain.tracking.state import DriverState, OpenLog, leg_of, next_poll_at, with_log
from tests.domain.world import HOME, LEASE, USUAL, World, at, fix

CARS = ("car", "b", None)
MOST_BYTES = 200_000  # of the mebibyte that a document has

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
    words(is_end=True).map(lambda heard: Ended(heard, "car")),
    readings,
    st.sampled_from(["car", "b"]).map(CarFailed),
    st.sampled_from(["car", "b", None]).map(NotAsked),
    st.just(Dropped()),
)
arrivals = st.lists(st.tuples(events, st.integers(0, 30)), max_size=30)


def play(story: Iterable[tuple[Event, int]]) -> tuple[World, list[Heard]]:
    """A world in which so many minutes pass before each event, and all that the phone said in it."""
    world, said, now = World(cars=("car", "b")), list[Heard](), 0.0
    for event, wait in story:
        now += wait
        world.take(event, now)
        said += [event.heard] if isinstance(event, Started | Ended) else []
        check(world)
    return world, said


def check(world: World) -> None:
    """What holds of every state that can come about."""
    state = world.state
    encoded = msgspec.json.encode(state)
    assert msgspec.json.decode(encoded, type=DriverState) == state
    assert len(encoded) < MOST_BYTES
    assert len(state.events) < EVENTS_A_BLOCK + KEPT_EVENTS
    assert len(state.late) < MOST_LATE + EVENTS_A_BLOCK
    assert len(state.open) <= KEPT_CARS
    assert all(len(log.readings) <= KEPT_READINGS for log in state.open.values())
    if state.drive:
        leg = leg_of(state, USUAL)
        assert leg
        assert leg.started_at == state.drive.started_at
    ids = [id_ for one in state.told for id_ in one.trip_ids]
    assert len(set(ids)) == len(ids)
    check_due(state)


def check_due(state: DriverState) -> None:
    """Whatever waits, somebody will look; but a car that nobody can ask is not asked."""
    if state.drive or state.late or state.look_ups.trips:
        assert next_poll_at(state, USUAL)
    for log in state.open.values():
        assert log.due_at or log.is_mute or not log.pending_since


def everything(world: World) -> list[Heard]:
    """All words that are kept, wherever."""
    kept = [*world.state.events, *world.state.late, *world.trail]
    return [*kept, *(heard for record in world.store.records.values() for heard in events_of(record))]


def told(heard: Heard) -> Heard:
    """What was said, without what we make of it."""
    return replace(heard.word, is_pause=False)


@given(arrivals)
def test_no_sequence_makes_a_state_that_is_too_big_or_cannot_be_read_or_waits_for_nobody(
    story: list[tuple[Event, int]],
) -> None:
    world, _ = play(story)
    for now in (5000, 5100):
        world.take(NotAsked(), now)
        check(world)
    assert (world.state.drive, world.state.events, world.state.late) == (None, (), ())


@given(arrivals)
def test_no_word_of_the_phone_is_lost_and_none_is_kept_that_it_did_not_say(story: list[tuple[Event, int]]) -> None:
    world, said = play(story)
    for record in world.store.records.values():
        assert max(Counter(map(told, events_of(record))).values()) == 1
    assert {told(heard) for heard in everything(world)} == {told(heard) for heard in said}


@given(arrivals)
def test_no_word_is_lost_where_blocks_move_often(story: list[tuple[Event, int]]) -> None:
    with pytest.MonkeyPatch.context() as patched:
        for module in (machine, blocks):
            patched.setattr(module, "EVENTS_A_BLOCK", 3)
            patched.setattr(module, "KEPT_EVENTS", 2)
        world, said = play(story)
    assert {told(heard) for heard in everything(world)} == {told(heard) for heard in said}


def test_of_more_cars_than_a_driver_can_have_the_one_left_longest_ago_is_forgotten_but_none_that_waits() -> None:
    state = with_log(DriverState(), "waits", OpenLog(readings=(Reading(at(0), 1),), pending_since=at(0)))
    for n in range(200):
        state = with_log(state, f"car-{n}", OpenLog(readings=(Reading(at(n + 1), 1),)))
    assert len(state.open) == KEPT_CARS
    assert {"waits", "car-199"} <= set(state.open)
    assert "car-100" not in state.open


def test_a_phone_that_says_nothing_but_ends_is_remembered_in_bounds_and_nothing_it_said_is_lost() -> None:
    world = World()
    for n in range(250):
        world.take(Ended(Heard(at(n / 2), *HOME), "car"), n / 2)
        assert len(world.state.late) < MOST_LATE
    world.tick(300)
    assert len(everything(world)) == 250
    check(world)


def test_a_month_of_drives_without_a_word_of_the_car_is_remembered_in_bounds() -> None:
    world = World()
    world.read(-5, 1000, now=-4)
    for n in range(120):
        begin = n * 360
        world.start(begin, 0)
        world.end(begin + 20, 10)
        world.fail(begin + 40)
        world.fail(begin + 60)
    check(world)
    assert len(world.log) == 120


def test_a_month_of_drives_that_the_car_measures_leaves_a_day_or_two_in_the_state() -> None:
    world = World()
    world.read(-5, 1000, now=-4)
    for n in range(120):
        begin = n * 360
        world.start(begin, 0 if n % 2 else 10)
        world.end(begin + 20, 10 if n % 2 else 0)
        world.read(begin + 21, 1012 + 12 * n)
        world.read(begin + 200, 1012 + 12 * n)
    assert world.distances == [12.0] * 120
    assert len(world.state.told) <= 20
    assert len(world.state.known_readings("car")) <= 40
    assert len(msgspec.json.encode(world.state)) < 20_000


# --- every bound ---------------------------------------------------------------------------------------------------


def test_a_car_that_says_something_new_each_minute_of_a_day_is_remembered_in_bounds() -> None:
    world = World()
    world.start(0, 0)
    for n in range(3 * KEPT_READINGS):
        world.read(n + 1, 1000.0 + n, driving=True)
    kept = world.state.known_readings("car")
    assert len(kept) <= KEPT_READINGS
    assert (kept[0].km, kept[-1].km) == (1000.0, 999.0 + 3 * KEPT_READINGS)


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


# --- who is asked --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [25, 200])
def test_a_car_that_says_nothing_for_long_is_asked_twice_a_day(hours: int) -> None:
    world = World()
    world.start(0, 0)
    world.end(10, 10)
    world.tick(26)
    world.tick(hours * 60)
    assert world.next_poll_at == at(hours * 60) + timedelta(hours=12)


def test_a_car_that_nobody_can_ask_is_not_due_and_its_trip_stays_pending() -> None:
    world = World()
    world.start(0, 0)
    world.end(10, 10)
    for now in (10, 26):
        world.take(NotAsked("car", has_car=False), now)
    (trip,) = world.log
    assert trip.has("odometer_pending")
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
