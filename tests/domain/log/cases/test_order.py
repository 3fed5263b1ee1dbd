"""Messages that come late or at one time, drivers of two cars, and drivers of none."""

from itertools import permutations

import pytest

from tests.domain.log.cases.script import Script, gap_km, is_near, kms, log_of, only, played

TWO = ("a", "b")


@pytest.mark.parametrize("order", list(permutations(range(2))))
@pytest.mark.parametrize(("begin", "end"), [("", ""), (" H+8n", " H")])
def test_a_drive_that_is_delivered_when_the_next_is_over_is_a_trip_between(
    order: tuple[int, ...], begin: str, end: str
) -> None:
    world = played(f"""
        10000@-5 parked
        start 0 {"H" if begin else ""}
        10010@21 parked
        end 20{begin}
        10020@81 parked
        start 100{end}
        10030@121 parked
        end 120{begin}
    """)
    assert kms(world.until(140)) == [10.0, 10.0]
    late = [f"start 60{begin}", f"end 80{end}"]
    log = world.play("\n".join(f"{late[n]} arrives {150 + place}" for place, n in enumerate(order))).rest()
    assert kms(log) == [10.0, 10.0, 10.0]
    assert gap_km(log) == 0
    assert log.closed["car"]


def test_starts_in_two_cars_at_one_time_stop_nothing() -> None:
    log = log_of(
        """
        a: 10000@-5 parked
        b: 500@-5 parked
        start 0 H in a
        start 0 H in b
        b: 527@31 parked
        end 30 O in b
        start 100 H in a
        a: 10027@131 parked
        end 130 O in a
        """,
        cars=TWO,
    )
    assert kms(log, "b") == [27.0]
    assert sum(kms(log, "a")) == pytest.approx(27.0, abs=0.01)
    assert (gap_km(log, "a"), gap_km(log, "b")) == (0, 0)
    assert len(log.trips) in (2, 3)


@pytest.mark.parametrize("first", ["end", "start"])
def test_who_changes_the_car_within_a_minute_has_a_trip_in_each(first: str) -> None:
    world = Script(TWO).play("a: 10000@-5 parked\n b: 500@-5 parked\n start 0 H in a\n a: 10010@10.2 parked")
    change = ["end 10 H+8n in a", "start 10 H+8n in b"]
    world.play("\n".join(change if first == "end" else change[::-1]))
    log = world.play("b: 510@20.2 parked\n end 20 H in b").rest()
    assert [(trip.car, trip.km) for trip in log.trips] == [("a", 10.0), ("b", 10.0)]
    assert gap_km(log) == 0


def test_an_end_that_names_no_car_just_after_a_start_in_another_ends_the_former() -> None:
    world = Script(TWO).play("a: 10000@-5 parked\n b: 500@-5 parked\n start 0 H in a\n a: 10010@10.2 parked")
    log = world.play("start 10 H+8n in b\n end 10.5 H+8n\n b: 510@20.2 parked\n end 20 H in b").rest()
    assert [(trip.car, trip.km) for trip in log.trips] == [("a", 10.0), ("b", 10.0)]


@pytest.mark.parametrize("named", ["", " in a"])
def test_a_start_in_another_car_ends_a_drive_whose_end_was_lost(named: str) -> None:
    log = log_of(
        f"""
        a: 10000@-5 parked H
        b: 500@-5 parked H+8n
        start 0 H{named}
        a: 10012@20 parked H+8n
        start 60 H+8n in b
        b: 510@81 parked H
        end 80 H in b
        """,
        cars=TWO,
    )
    assert (kms(log, "a"), kms(log, "b")) == ([12.0], [10.0])
    assert (log.trips[0].from_km, log.trips[0].to_km) == (10000.0, 10012.0)
    assert (log.trips[1].from_km, log.trips[1].to_km) == (500.0, 510.0)
    assert gap_km(log) == 0
    assert len(log.trips) == 2


WAITING = """
    a: 10000@-5 parked H
    b: 500@-5 parked O
    start 0 H in a
    a: down 1 199
    end 30 O in a
    start 60 O in b
"""
READ_LATE = "a: 10027@200 parked O"


def test_a_car_that_waits_for_its_end_odometer_is_asked_while_another_is_driven() -> None:
    world = Script(TWO).play(f"{WAITING}\n b: 527@91 parked H\n end 90 H in b\n {READ_LATE}")
    assert only(world.until(150), "a").pending
    log = world.rest()
    assert (kms(log, "a"), kms(log, "b")) == ([27.0], [27.0])
    assert not any(trip.pending for trip in log.trips)
    assert world.stuck == []


def test_so_it_is_when_the_drive_going_on_is_dropped() -> None:
    world = Script(TWO).play(f"{WAITING}\n {READ_LATE}")
    world.until(70)
    assert world.says("drop") == "played"
    log = world.rest()
    assert only(log, "a").km == 27.0
    assert not only(log, "a").pending
    assert world.stuck == []


@pytest.mark.parametrize("down", ["", "down 2 5000", "down 31 5000", "a: down 31 5000\n b: down 31 5000"])
def test_nobody_waits_for_what_is_never_asked(down: str) -> None:
    """Whatever clouds do and however drives overlap, there is always a next poll while something waits."""
    text = f"{WAITING}\n {down}\n start 70 in a\n start 80\n end 100 in b\n end 130"
    world = Script(TWO).play(text)
    world.rest(300)
    world.rest()
    assert world.stuck == []


@pytest.mark.parametrize("other", ["b: 529@31 parked O", "b: 515@15 driving\n b: 529@31 parked O"])
def test_a_drive_in_a_car_that_nobody_named_belongs_to_the_one_that_moved(other: str) -> None:
    text = f"a: 10000@-5.. parked H\n b: 500@-5 parked H\n start 0 H\n {other}\n end 30 O"
    log = log_of(text, cars=TWO)
    trip = only(log)
    assert (trip.car, trip.km) == ("b", 29.0)
    assert is_near(trip.to, "O")
    assert gap_km(log) == 0


def test_who_has_no_car_keeps_a_trip_of_unknown_length() -> None:
    trip = only(log_of("start 0 H\n end 40", cars=()))
    assert trip.car is None
    assert "distance_unknown" in trip.flags
    assert (trip.end - trip.start).total_seconds() == 40 * 60
    assert is_near(trip.from_, "H")
    assert trip.to is None
