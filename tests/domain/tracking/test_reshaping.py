"""Trips that their driver makes two or one: no kilometre more or less, and the log still follows from its facts."""

from itertools import count
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.domain.fitting import Conflict, Unfit
from shared.domain.log.correcting import corrected
from shared.domain.log.dividing import divided, mixed
from shared.domain.log.explaining import explained
from shared.domain.log.gap_row import GapRow
from shared.domain.log.joining import joined
from shared.domain.log.record import events_of
from shared.domain.log.rows import Rows
from shared.domain.log.sums import Sums
from shared.domain.log.tiling import Row, along, why_not_tiled
from shared.domain.log.trip import Flag, Trip
from shared.domain.tracking.open_stretch import open_stretch
from shared.domain.tracking.recount import Counted, Facts, recounted
from shared.domain.tracking.spoken import reshaped, words_of
from tests.domain.world import World, at

NUMBERS = count()
RESHAPING = ("split", "merge", "merge three")
# Where these are, what a trip shows is no more than an estimate, or says more than the odometer.
UNSURE: tuple[Flag, ...] = ("odometer_pending", "contradicted")


def split(world: World, trip: Trip, minutes: float) -> list[Trip]:
    """The driver says that it was two from a minute on."""
    rows, id_ = Rows(world.store), f"20260302T090000Z-{next(NUMBERS):06x}"
    readings = world.state.known_readings(trip.car_id or "")
    parts = divided(trip, at(minutes), words_of(trip, rows), readings, id_, world.now)
    world.state = reshaped(world.state, [trip], parts, rows, world.owner, world.now)
    if trip.kind == "mixed":
        found = rows.find_trips([trip.id, id_])
        for part in mixed(found[trip.id], found[id_], trip.business_km):
            rows.put(part)
    world.store.put(rows)
    return [world.trips[trip.id], world.trips[id_]]


def merge(world: World, *trips: Trip) -> Trip:
    """The driver says that they were one."""
    rows = Rows(world.store)
    made = joined(trips, between(world, *trips), world.now)
    world.state = reshaped(world.state, trips, [made], rows, world.owner, world.now)
    world.store.put(rows)
    return world.trips[made.id]


def between(world: World, *trips: Trip) -> list[GapRow]:
    found = [gap for gap in world.store.gaps_by_id.values() if trips[0].ended_at <= gap.since <= trips[-1].started_at]
    return sorted(found, key=lambda gap: gap.from_m)


def gaps(world: World) -> list[tuple[int, int, str | None]]:
    found = sorted(world.store.gaps_by_id.values(), key=lambda gap: gap.from_m)
    return [(gap.from_m, gap.to_m, gap.explained_as) for gap in found]


def drive(
    world: World, since: int, until: int, km: tuple[float, float], north: tuple[float, float], by: int = 2
) -> None:
    """A drive of which the car tells begin and end, the phone every so many minutes where it is."""
    world.read(since - 1, km[0], now=since - 0.5)
    for minute in range(since, until, by):
        share = (minute - since) / (until - since)
        world.start(minute, north[0] + share * (north[1] - north[0]))
    world.end(until, north[1])
    world.read(until + 1, km[1])


def there_and_back(gap_km: float = 0.0) -> World:
    """Twenty kilometres there and twenty back, with so many of nobody between them, and a third drive behind."""
    world = World()
    drive(world, 0, 20, (1000, 1020), (0, 18))
    drive(world, 60, 80, (1020 + gap_km, 1040 + gap_km), (18, 0))
    drive(world, 200, 220, (1040 + gap_km, 1060 + gap_km), (0, 18))
    return world


# --- one becomes two


def test_a_trip_is_two_from_a_moment_on_and_each_has_its_way_its_words_and_its_place() -> None:
    world = there_and_back()
    whole = world.log[0]
    first, second = split(world, whole, 5)
    assert (first.id, first.started_at, first.ended_at) == (whole.id, at(0), at(5))
    assert (second.started_at, second.ended_at) == (at(5), at(20))
    assert (first.from_m, second.to_m) == (1_000_000, 1_020_000)
    assert first.to_m == second.from_m == pytest.approx(1_005_000, abs=600)
    assert first.to == second.from_
    assert first.to.position == pytest.approx((52.0907 + 4.5 / 111.195, 5.1214), abs=0.0001)
    assert (first.from_, second.to) == (whole.from_, whole.to)
    assert (first.set_by_hand, second.set_by_hand) == (("ended_at",), ("started_at",))
    words = [events_of(world.store.records[trip.summary.id]) for trip in (first, second) if trip.summary]
    assert [len(one) for one in words] == [3, 8]
    assert first.route and second.route and first.route != second.route
    assert (first.revision, second.revision) == (whole.revision + 1, 1)


def test_a_reading_near_the_moment_says_where_one_ends_and_the_other_begins() -> None:
    world = World()
    drive(world, 0, 20, (1000, 1020), (0, 18))
    world.read(300, 1020)
    world.read_by_eye("car", replace(next(iter(world.store.readings))[1], at=at(10), km=1009.0, source="eye"))
    first, second = split(world, world.log[0], 10)
    assert (first.distance_km, second.distance_km) == (9.0, 11.0)
    assert (first.end_odometer_known, second.start_odometer_known) == ("estimated", "estimated"), "nobody saw it stand"


@pytest.mark.parametrize("minutes", [-5, 0, 0.9, 19.1, 20, 25])
def test_a_moment_outside_of_a_trip_divides_nothing(minutes: float) -> None:
    world = there_and_back()
    with pytest.raises(Unfit, match="a minute after the start"):
        split(world, world.log[0], minutes)


def test_a_mixed_trip_divides_its_business_kilometres_by_the_distances() -> None:
    world = there_and_back()
    whole = says(world, world.log[0], kind="mixed", business_km=12.0)
    first, second = split(world, whole, 5)
    assert first.business_km + second.business_km == pytest.approx(12.0)
    assert first.business_km == pytest.approx(12 * first.distance_km / 20, abs=0.1)
    assert {first.kind, second.kind} == {"mixed"}


def test_a_distance_that_the_driver_said_is_theirs_together() -> None:
    world = there_and_back()
    whole = says(world, world.log[0], distance_km=24.0)
    first, second = split(world, whole, 5)
    assert first.distance_km + second.distance_km == pytest.approx(24.0)
    assert first.excess_km + second.excess_km == pytest.approx(4.0)
    assert {"distance_km"} <= {*first.set_by_hand} & {*second.set_by_hand}


# --- several become one


def test_neighbours_are_one_trip_as_the_odometer_has_it() -> None:
    world = there_and_back()
    first, second, _ = world.log
    one = merge(world, first, second)
    assert (one.id, one.started_at, one.ended_at, one.distance_km) == (first.id, at(0), at(80), 40.0)
    assert (one.distance_source, one.start_odometer_known, one.end_odometer_known) == ("odometer", "read", "read")
    assert (one.from_, one.to) == (first.from_, second.to)
    assert one.set_by_hand == ()
    assert len(world.log) == 2
    assert one.summary
    assert len(events_of(world.store.records[one.summary.id])) == 22
    assert len(world.store.records) == 2


def test_a_gap_between_stays_one_as_the_row_behind_the_trip_with_what_was_said_of_it() -> None:
    world = there_and_back(9)
    first, second, _ = world.log
    explains(world, 0, explained_as="other", reason="The garage")
    one = merge(world, first, second)
    assert (one.from_m, one.to_m, one.distance_km) == (1_000_000, 1_040_000, 40.0)
    assert gaps(world) == [(1_040_000, 1_049_000, "other")]
    (behind,) = world.store.gaps_by_id.values()
    assert (behind.after_trip, behind.before_trip, behind.reason) == (one.id, world.log[1].id, "The garage")
    assert world.log[1].gap_before_km == 9.0
    back, again = split(world, one, 40)
    assert (back.ended_at, again.started_at) == (first.ended_at, second.started_at), "it stood between the two"
    assert (back.distance_km, again.distance_km) == (first.distance_km, second.distance_km)
    assert gaps(world) == [(1_020_000, 1_029_000, "other")]


def test_what_becomes_known_of_one_of_them_later_is_known_of_the_trip() -> None:
    world = World()
    drive(world, 0, 20, (1000, 1020), (0, 18))
    for minute in range(60, 80, 2):
        world.start(minute, 18 - 0.9 * (minute - 60))
    world.end(80, 0)
    world.tick(130)
    one = merge(world, *world.log)
    assert one.has("odometer_pending")
    world.read(135, 1043.5)
    (trip,) = world.log
    assert (trip.id, trip.distance_km, trip.has("odometer_pending")) == (one.id, 43.5, False)


def test_of_business_and_private_comes_mixed_and_of_what_is_of_no_kind_yet_nothing_else() -> None:
    world = there_and_back()
    first = says(world, world.log[0], kind="business", purpose="A customer", notes="one")
    second = says(world, world.log[1], kind="private", purpose="Home", notes="one")
    one = merge(world, first, second)
    assert (one.kind, one.business_km, one.private_km) == ("mixed", 20.0, 20.0)
    assert (one.purpose, one.notes) == ("A customer; Home", "one")
    assert merge(world, *world.log).kind == "unclassified"


def test_trips_of_two_odometers_or_too_long_words_are_no_one() -> None:
    world = there_and_back()
    first, second, third = world.log
    with pytest.raises(Conflict, match="not all in one car"):
        joined([first, replace(second, car_id="other")], [], world.now)
    with pytest.raises(Conflict, match="another odometer"):
        joined([first, third], [], world.now)
    with pytest.raises(Conflict, match="no odometer"):
        joined([first, replace(second, from_m=None, to_m=None)], [], world.now)
    with pytest.raises(Conflict, match="letters"):
        joined([replace(first, notes="x" * 1500), replace(second, notes="y" * 1500)], [], world.now)


def test_what_is_told_between_trips_that_are_one_changes_nothing_of_it() -> None:
    world = there_and_back()
    one = merge(world, *world.log[:2])
    world.start(30, 18)
    world.end(40, 18)
    world.tick(300)
    assert world.trips[one.id].distance_km == 40.0
    assert len(world.log) == 2


def says(world: World, trip: Trip, **fields: Any) -> Trip:
    world.change(trip, corrected(trip, fields, "UTC", world.now))
    return world.trips[trip.id]


def explains(world: World, n: int, **said: Any) -> None:
    found = sorted(world.store.gaps_by_id.values(), key=lambda gap: gap.from_m)
    if found:
        gap = found[n % len(found)]
        world.explain(explained(gap, said, Sums(), world.now))


# --- whatever is done

kilometres = st.integers(0, 12)
drives = st.lists(
    st.tuples(
        st.integers(10, 40), kilometres, st.sampled_from([0, 0, 0, 3, 9]), st.booleans(), st.sampled_from([2, 7])
    ),
    min_size=2,
    max_size=5,
)
acts = st.lists(
    st.tuples(
        st.sampled_from(["split", "merge", "merge three", "say", "delete", "explain"]),
        st.integers(0, 9),
        st.integers(1, 99),
    ),
    min_size=1,
    max_size=6,
)


def played(told: list[tuple[int, int, int, bool, int]]) -> World:
    """Drives with kilometres of nobody between them; of some of them the car says nothing."""
    world, minute, odometer, north = World(), 0, 1000.0, 0.0
    for length, km, gap_km, is_read, by in told:
        odometer += gap_km
        if is_read:
            world.read(minute - 1, round(odometer, 1), now=minute - 0.5)
        for step in range(minute, minute + length, by):
            world.start(step, north + km * (step - minute) / length)
        north, odometer = north + km, odometer + 1.05 * km
        world.end(minute + length, north)
        if is_read:
            world.read(minute + length + 1, round(odometer, 1))
        world.tick(minute + length + 40)
        minute += length + 60
    world.read(minute, round(odometer, 1))
    world.read(minute + 300, round(odometer, 1))
    return world


class Kept(NamedTuple):
    """What trips show together, and what is nobody's and explained of it, in metres."""

    shown_m: int
    excess_m: int
    nobodys_m: int
    explained_m: int


def kept(world: World) -> Kept:
    behind, found = open_stretch(world.state, "car"), world.store.gaps_by_id.values()
    return Kept(
        sum(round(1000 * trip.distance_km) for trip in world.log),
        sum(round(1000 * trip.excess_km) for trip in world.log),
        sum(gap.missing_m for gap in found) + (behind.to_m - behind.from_m if behind else 0),
        sum(gap.missing_m for gap in found if gap.explained_as),
    )


def act(world: World, name: str, n: int, percent: int) -> None:
    log = world.log
    trip = log[n % len(log)]
    minutes, length = (
        (b - a).total_seconds() / 60 for a, b in ((at(0), trip.started_at), (trip.started_at, trip.ended_at))
    )
    if name == "split" and length > 2.5:
        split(world, trip, minutes + 1 + (length - 2) * percent / 100)
    elif name.startswith("merge"):
        several = log[n % len(log) :][: 3 if name == "merge three" else 2]
        if len(several) > 1:
            merge(world, *several)
    elif name == "say":
        says(world, trip, **({"distance_km": percent / 4} if percent % 2 else {"kind": "business"}))
    elif name == "delete" and len(log) > 2:
        world.change(trip, None)
    elif name == "explain":
        explains(world, n, explained_as="private")


def facts_of(world: World) -> Facts:
    """All that the log follows from; as long as nothing is settled the state has it all."""
    log = world.state.of_car("car")
    assert not log.start
    readings = [reading for _, reading in world.store.readings]
    return Facts(world.state.told, {"car": readings}, {"car": log.explained}, world.cars, "car")


def follows(world: World) -> set[tuple[Any, ...]]:
    counted = [one.says for one in recounted(facts_of(world), world.owner, world.now) if isinstance(one, Counted)]
    gaps = {(row.id, row.to_m, row.since, row.explained_as) for row in counted if isinstance(row, GapRow)}
    trips = ((row.drive.summary.id, row.from_m, row.to_m, row.flags) for row in counted if not isinstance(row, GapRow))
    return gaps | {*trips}


def stored(world: World) -> set[tuple[Any, ...]]:
    gaps = {(gap.id, gap.to_m, gap.since, gap.explained_as) for gap in world.store.gaps_by_id.values()}
    flags = ({flag for flag in trip.flags if flag != "address_pending"} for trip in world.log)
    trips = (
        (
            trip.summary.id if trip.summary else "",
            trip.from_m,
            trip.to_m,
            tuple(one for one in trip.flags if one in mine),
        )
        for trip, mine in zip(world.log, flags, strict=True)
    )
    return gaps | {*trips}


@settings(max_examples=100, deadline=None)
@given(drives, acts)
def test_whatever_is_done_no_kilometre_comes_or_goes_and_the_log_follows_from_its_facts(
    told: list[tuple[int, int, int, bool, int]], done: list[tuple[str, int, int]]
) -> None:
    world = played(told)
    for name, n, percent in done:
        if not world.log:
            break
        before, is_known = kept(world), not any(trip.has(*UNSURE) for trip in world.log)
        act(world, name, n, percent)
        rows: list[Row] = [*world.log, *world.store.gaps_by_id.values()]
        assert not why_not_tiled(sorted((row for row in rows if row.from_m is not None), key=along))
        if name in RESHAPING and is_known:
            after = kept(world)
            assert after == pytest.approx(before, abs=450), "estimates before the first reading, each shown to 0.1 km"
            assert after.nobodys_m == pytest.approx(before.nobodys_m, abs=3)
            assert after.explained_m == pytest.approx(before.explained_m, abs=3)
        assert follows(world) == stored(world)
