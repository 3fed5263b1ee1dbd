"""What holds of the trips of one driver for every sequence of events."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.tracking.events import Ended, Started
from tests.domain.world import World, at, fix

minutes = st.integers(0, 240)
places = st.one_of(st.none(), st.floats(0, 40).map(lambda km: round(km, 2)))
phone_events = st.one_of(st.tuples(st.just("start"), minutes, places), st.tuples(st.just("end"), minutes, places))
car_events = st.one_of(
    st.tuples(st.just("read"), minutes, st.floats(-10, 5000)),
    st.tuples(st.just("fail"), minutes, st.floats(0, 100)),
    st.tuples(st.just("tick"), minutes, st.none()),
)
Story = list[tuple[str, int, float | None]]


def play(world: World, events: Story, arrival: float | None = None) -> None:
    for name, minute, value in events:
        now = minute if arrival is None else arrival
        if name in ("start", "end"):
            told = fix(minute, value)
            world.take(Started(told, "car") if name == "start" else Ended(told, "car"), now)
        elif name == "read":
            world.read(minute, value or 0, now=now)
        elif name == "fail":
            world.fail(now, value or 0)
        else:
            world.tick(now)


def check(world: World) -> None:
    """No distance is below zero, and no two trips of the car overlap."""
    trips = world.log
    assert all(trip.distance_km >= 0 and trip.gap_before_km >= 0 for trip in trips)
    assert all(trip.started_at <= trip.ended_at for trip in trips)
    assert all(a.ended_at <= b.started_at for a, b in pairwise(trips))
    assert len({one.id for one in world.state.told}) == len(world.state.told)


@given(st.lists(st.one_of(phone_events, car_events), max_size=25))
def test_no_sequence_makes_a_distance_negative_or_trips_overlap(events: Story) -> None:
    world = World()
    play(world, events)
    check(world)
    world.tick(1000)
    world.tick(1100)
    check(world)
    assert (world.state.drive, world.state.late) == (None, ())


@given(st.lists(st.one_of(phone_events, car_events), max_size=20), st.data())
def test_an_event_that_comes_twice_changes_nothing(events: Story, data: st.DataObject) -> None:
    once, twice = World(), World()
    for event in events:
        play(once, [event])
        play(twice, [event] * (data.draw(st.integers(1, 2)) if event[0] in ("start", "end") else 1))
    assert once.drives == twice.drives
    assert once.log == twice.log
    assert once.store.records == twice.store.records


@given(st.lists(st.tuples(st.sampled_from(["start", "end"]), places), min_size=2, max_size=5), st.randoms())
def test_the_order_in_which_equal_time_events_arrive_does_not_matter(
    events: list[tuple[str, float | None]], random: object
) -> None:
    same_time = [(name, 30, place) for name, place in events]
    shuffled = list(same_time)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    worlds = [World(), World()]
    for world, order in zip(worlds, (same_time, shuffled), strict=True):
        world.start(0, 0)
        play(world, order)
        world.tick(60)
        world.tick(400)
        check(world)
    assert worlds[0].drives == worlds[1].drives
    assert worlds[0].store.records == worlds[1].store.records


@given(st.lists(st.integers(6, 20), min_size=1, max_size=5), st.data())
def test_no_reordering_or_repetition_within_a_drive_loses_it_or_makes_two_of_it(
    lengths: list[int], data: st.DataObject
) -> None:
    world, truth, begin = World(), [], 0
    for length in lengths:
        end = begin + length
        events: Story = [("start", begin, 0.0), ("end", end, length / 2)]
        events += [("start", minute, (minute - begin) / 2) for minute in range(begin + 1, end, 3)]
        repeated = events + data.draw(st.lists(st.sampled_from(events), max_size=4))
        play(world, data.draw(st.permutations(repeated)), arrival=end)
        truth.append((at(begin), at(end)))
        begin = end + 10
    world.tick(begin + 30)
    world.tick(begin + 1000)
    check(world)
    assert world.drives == truth
