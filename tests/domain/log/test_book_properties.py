"""What holds of the log of a car for every small set of facts, in whatever order they arrive.

Facts are drawn from a truth: drives with stands between them, what the phone says of each, the driver's own look at the
odometer while the car stands, and one answer of the car's cloud when all is over. Before and after that the cloud is
silent, so that whoever keeps the log can learn the same in every order.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.domain.log.cases.script import Script, place
from tests.worlds.log import Gap, Log, Trip

FIRST_KM = 10_000.0
ALL_OVER_MIN = 1_000  # when everything of a day has happened
ALL_HERE_MIN = 1_060  # when the last message has arrived
SHOWN_KM = 0.11  # an odometer that shows tenths hides one
# Each example is a whole day; what is not explained is the shorter to wait for where one fails.
few = settings(max_examples=max(10, settings.default.max_examples // 3), phases=tuple(set(Phase) - {Phase.explain}))


class Fact(NamedTuple):
    """A word of the phone with its own minute, or the odometer as the driver reads it then."""

    minute: float
    kind: str
    km: float = 0.0
    where: str | None = None
    car: str | None = None


class Day(NamedTuple):
    """What is said of a day, and where the odometers of the cars are at its end."""

    facts: tuple[Fact, ...]
    last_km: dict[str, float]

    @property
    def cars(self) -> tuple[str, ...]:
        """The cars of the driver."""
        return tuple(self.last_km)


@st.composite
def days(draw: st.DrawFn, cars: Sequence[str] = ("a",), most: int = 5) -> Day:
    """Some drives, each told whole, in part or not at all. All positions lie north or south of home."""
    now, facts = 0, list[Fact]()
    odometers, north = dict.fromkeys(cars, FIRST_KM), dict.fromkeys(cars, 0.0)
    for _ in range(draw(st.integers(1, most))):
        car = draw(st.sampled_from(cars))
        begin, minutes = now + draw(st.integers(15, 90)), draw(st.integers(8, 50))
        km = round(minutes * draw(st.sampled_from([0.4, 0.7, 1.1])), 1)
        left, north[car] = north[car], north[car] + draw(st.sampled_from([-0.8, 0.8])) * km
        told = draw(st.sampled_from(["whole", "whole", "no end", "no start", "nothing"]))
        names = car if len(cars) > 1 else draw(st.sampled_from([None, car]))
        ends = [("start", begin, left)] * (told in ("whole", "no end")) + [("end", begin + minutes, north[car])] * (
            told in ("whole", "no start")
        )
        is_placed = draw(st.booleans())
        facts += [Fact(at, kind, where=f"H{to:+.2f}n" if is_placed else None, car=names) for kind, at, to in ends]
        if told == "whole" and is_placed and draw(st.booleans()):
            way = range(2, minutes, 2)
            facts += [Fact(begin + n, "ping", where=_on(left, north[car], n / minutes), car=names) for n in way]
        now, odometers[car] = begin + minutes, round(odometers[car] + km, 1)
        if draw(st.integers(0, 2)) == 0:
            facts.append(Fact(now + 6, "eye", odometers[car], car=car))
    return Day(tuple(facts), odometers)


def _on(left: float, to: float, share: float) -> str:
    return f"H{left + share * (to - left):+.2f}n"


def begun(day: Day) -> Script:
    """Each car is read once before the day, and then its cloud is silent until all messages are here."""
    script = Script(day.cars)
    for car in day.cars:
        script.play(f"{car}: {FIRST_KM}@-40 parked H\n {car}: down -20 {ALL_HERE_MIN}")
    script.play("look -30").until(-10)
    return script


def told(script: Script, fact: Fact) -> None:
    """The fact arrives now."""
    if fact.kind == "eye":
        assert script.says("eye", car=fact.car, km=fact.km) == "played"
    else:
        where = place(fact.where) if fact.where else None
        script.tell(fact.kind, fact.minute, where, fact.car)


def arriving(day: Day, at: Sequence[tuple[float, Fact]]) -> Script:
    """A day whose facts arrive at these minutes, in this order, and which is over; the cars were read again."""
    script = begun(day)
    for minute, fact in sorted(at, key=lambda one: one[0]):
        script.until(minute)
        told(script, fact)
    return over(script, day)


def over(script: Script, day: Day) -> Script:
    """All messages are here, and each car is read once more."""
    script.until(ALL_HERE_MIN)
    for car in day.cars:
        script.play(f"{car}: {day.last_km[car]}@{ALL_HERE_MIN} parked")
    script.play(f"look {ALL_HERE_MIN + 30}")
    script.rest()
    return script


def in_time(day: Day) -> list[tuple[float, Fact]]:
    """Each fact arrives when it happens."""
    return [(fact.minute, fact) for fact in day.facts]


Row = Trip | Gap


def rows(log: Log, car: str) -> list[Row]:
    """Trips and gaps of a car by its odometer."""
    found = [row for row in (*log.trips, *log.gaps) if row.car == car and row.km >= 0]
    return sorted((row for row in found if row.from_km is not None), key=lambda row: (row.from_km, row.to_km))


def told_of(log: Log) -> list[tuple[object, ...]]:
    """All that a log says but ids."""
    trips = [trip._replace(id="") for trip in log.trips]
    gaps = [gap._replace(id="") for gap in log.gaps if gap.km]
    return [*sorted([*trips, *gaps], key=repr), dict(log.closed)]


def check_tiles(log: Log, day: Day) -> None:
    """Rows of each car follow each other from its first reading to its last, and its kilometres are all there."""
    for car, last_km in day.last_km.items():
        of_car = rows(log, car)
        assert all(trip.from_km is not None for trip in log.trips if trip.car == car)
        for before, after in pairwise(of_car):
            assert before.to_km == pytest.approx(after.from_km, abs=0.001)
        for row in of_car:
            excess = row.excess_km if isinstance(row, Trip) else 0.0
            assert row.to_km - row.from_km == pytest.approx(row.km - excess, abs=0.001)
        if last_km > FIRST_KM:
            assert of_car[0].from_km == pytest.approx(FIRST_KM, abs=SHOWN_KM)
            assert of_car[-1].to_km == pytest.approx(last_km, abs=SHOWN_KM)
        if log.closed[car]:
            assert not any(trip.pending or trip.excess_km for trip in log.trips if trip.car == car)
            assert sum(gap.km for gap in log.gaps if gap.car == car) <= 0.1


def check_asked(script: Script) -> None:
    """Nothing ever waited for what nobody would ask."""
    assert script.stuck == []


@few
@given(days())
def test_rows_tile_the_odometer_from_the_first_reading_to_the_last(day: Day) -> None:
    script = arriving(day, in_time(day))
    check_tiles(script.keeper.log(), day)
    check_asked(script)


@few
@given(days(cars=("a", "b"), most=4))
def test_so_do_those_of_each_of_two_cars(day: Day) -> None:
    script = arriving(day, in_time(day))
    check_tiles(script.keeper.log(), day)
    check_asked(script)


@few
@given(days(most=4), st.data())
def test_facts_that_arrive_twice_change_nothing(day: Day, data: st.DataObject) -> None:
    again = [fact for fact in day.facts if fact.kind != "eye"]
    twice = in_time(day)
    for fact in again:
        minute = max(fact.minute, data.draw(st.one_of(st.just(fact.minute), st.integers(0, ALL_OVER_MIN))))
        twice.append((minute, fact))
    once, told_twice = arriving(day, in_time(day)), arriving(day, twice)
    assert told_of(once.keeper.log()) == told_of(told_twice.keeper.log())
    check_asked(told_twice)


@few
@given(days(most=4), st.data())
def test_any_order_of_arrival_of_the_same_facts_gives_the_same_rows(day: Day, data: st.DataObject) -> None:
    late = st.one_of(st.just(0), st.integers(0, 400))
    delayed = [(fact.minute + (0 if fact.kind == "eye" else data.draw(late)), fact) for fact in day.facts]
    in_order, shuffled = arriving(day, in_time(day)), arriving(day, delayed)
    assert told_of(in_order.keeper.log()) == told_of(shuffled.keeper.log())
    check_tiles(shuffled.keeper.log(), day)
    check_asked(shuffled)


@few
@given(days(cars=("a", "b"), most=4), st.data())
def test_so_it_does_for_two_cars(day: Day, data: st.DataObject) -> None:
    late = st.one_of(st.just(0), st.integers(0, 400))
    delayed = [(fact.minute + (0 if fact.kind == "eye" else data.draw(late)), fact) for fact in day.facts]
    in_order, shuffled = arriving(day, in_time(day)), arriving(day, delayed)
    assert told_of(in_order.keeper.log()) == told_of(shuffled.keeper.log())


WORDS = {
    "business": {"kind": "business", "purpose": "A customer"},
    "distance": {"distance_km": 12.3},
    "both": {"kind": "private", "distance_km": 40.0},
    "mixed": {"kind": "mixed", "business_km": 0.1},
}


@few
@given(days(most=4), st.data())
def test_what_the_driver_set_is_never_changed_by_what_is_told_later(day: Day, data: st.DataObject) -> None:
    """They speak in the middle of the day; later, earlier and repeated facts follow, and the car's last reading."""
    script, spoken_at = begun(day), data.draw(st.integers(60, 500))
    early, late = list[tuple[float, Fact]](), list[tuple[float, Fact]]()
    for fact in day.facts:
        comes_late = fact.kind != "eye" and data.draw(st.integers(0, 3)) == 0
        minute = fact.minute + (data.draw(st.integers(0, 400)) if comes_late else 0)
        (early if minute <= spoken_at else late).append((minute, fact))
    for minute, fact in sorted(early, key=lambda one: one[0]):
        script.until(minute)
        told(script, fact)
    trips = script.until(spoken_at).trips
    if not trips:
        return
    trip, word = data.draw(st.sampled_from(trips)), WORDS[data.draw(st.sampled_from(sorted(WORDS)))]
    if script.says("patch", trip, fields=word) != "played":
        return  # a mixed trip of no kilometres
    for minute, fact in sorted(late, key=lambda one: one[0]):
        script.until(minute)
        told(script, fact)
    log = over(script, day).keeper.log()
    (kept,) = [one for one in log.trips if one.id == trip.id]
    names = {"distance_km": "km"}
    shown = {name: getattr(kept, names.get(name, name)) for name in word if name != "business_km"}
    assert shown == {name: value for name, value in word.items() if name != "business_km"}
    assert set(kept.set_by_hand) >= set(word)
    check_tiles(log, day)


@few
@given(days(most=4), st.data())
def test_a_trip_that_was_deleted_never_comes_back_and_its_kilometres_are_a_gap(day: Day, data: st.DataObject) -> None:
    script = begun(day)
    for fact in sorted(day.facts):
        script.until(fact.minute)
        told(script, fact)
    trips = script.until(ALL_OVER_MIN).trips
    if not trips:
        return
    trip = data.draw(st.sampled_from(trips))
    assert script.says("delete", trip) == "played"
    for fact in data.draw(st.permutations(day.facts)):
        if fact.kind != "eye":
            told(script, fact)
    log = over(script, day).keeper.log()
    assert trip.id not in [one.id for one in log.trips]
    assert not [one for one in log.trips if one.start < trip.end and one.end > trip.start]
    check_tiles(log, day)


@few
@given(days(most=3), st.integers(20, 900), st.integers(5, 60), st.integers(1, 300).map(lambda tenths: tenths / 10))
def test_a_trip_by_hand_between_others_is_kept_as_it_was_said(day: Day, since: int, minutes: int, km: float) -> None:
    script = begun(day)
    for fact in sorted(day.facts):
        script.until(fact.minute)
        told(script, fact)
    begin, end = script.at(since), script.at(since + minutes)
    if any(trip.start < end and trip.end > begin for trip in script.until(ALL_OVER_MIN).trips):
        return
    assert script.says("manual", car="a", since=since, until=since + minutes, km=km) == "played"
    log = over(script, day).keeper.log()
    by_hand = [trip for trip in log.trips if (trip.start, trip.end) == (begin, end)]
    assert [trip.km for trip in by_hand] == [km]
    check_tiles(log, day)
