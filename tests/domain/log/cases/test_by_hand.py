"""What the driver said stays said, whatever the cars tell later."""

import pytest

from tests.domain.log.cases.script import Script, gap_km, kms, only, played
from tests.worlds.log import Trip

PENDING = "10000@-5 parked H\n start 0 H\n down 1 100\n end 30 H+21n"  # about 26 km
SHOWN_KM = 0.11  # an odometer that shows tenths hides one
SAID = {"kind": "business", "purpose": "A customer", "distance_km": 24.0}


def said(trip: Trip) -> tuple[str, str, float]:
    """What the driver said of it."""
    return trip.kind, trip.purpose, trip.km


def test_a_trip_that_the_driver_set_stays_when_the_car_says_that_it_never_moved() -> None:
    world = played(PENDING)
    trip = only(world.until(60))
    assert trip.pending
    assert world.says("patch", trip, fields=SAID) == "played"
    log = world.play("10000@100 parked").rest()
    trip = only(log)
    assert said(trip) == ("business", "A customer", 24.0)
    assert trip.excess_km == pytest.approx(24.0, abs=SHOWN_KM)
    assert not log.closed["car"]
    assert log.warnings["car"]
    assert set(trip.set_by_hand) >= {"kind", "purpose", "distance_km"}


@pytest.mark.parametrize(("read", "excess", "missing"), [(10020, 4.0, 0.0), (10024, 0.0, 0.0), (10030, 0.0, 6.0)])
def test_the_difference_to_the_odometer_is_excess_or_a_gap(read: int, excess: float, missing: float) -> None:
    world = played(PENDING)
    assert world.says("patch", only(world.until(60)), fields=SAID) == "played"
    log = world.play(f"{read}@100 parked").rest()
    assert said(only(log)) == ("business", "A customer", 24.0)
    assert only(log).excess_km == pytest.approx(excess, abs=SHOWN_KM)
    assert gap_km(log) == pytest.approx(missing, abs=SHOWN_KM)
    assert log.closed["car"] == (read == 10024)


def test_a_trip_that_the_driver_moved_to_another_car_stays_there() -> None:
    cars = ("a", "b")
    world = Script(cars).play("a: 10000@-5 parked H\n b: down -100 9000\n a: down 1 100\n start 0 H in a\n end 30 O")
    trip = only(world.until(60))
    assert trip.car == "a"
    assert world.says("patch", trip, fields={"car_id": "b"}) == "played"
    moved = only(world.until(61))
    log = world.play("a: 10027@100 parked O").rest()
    trip = only(log)
    assert (trip.car, trip.km, trip.id) == ("b", moved.km, moved.id)
    assert (trip.from_km, trip.to_km) == (moved.from_km, moved.to_km)
    assert gap_km(log, "a") == pytest.approx(27.0, abs=0.05)
    assert not log.closed["a"]


def test_a_field_that_is_given_back_is_the_automations_again() -> None:
    world = played("10000@-5 parked H\n start 0 H\n 10027@31 parked O\n end 30 O")
    assert world.says("patch", only(world.until(60)), fields={"distance_km": 24.0}) == "played"
    assert only(world.until(61)).km == 24.0
    assert world.says("patch", only(world.until(61)), fields={"distance_km": None}) == "played"
    log = world.rest()
    assert (only(log).km, only(log).excess_km, gap_km(log)) == (27.0, 0.0, 0)
    assert "distance_km" not in only(log).set_by_hand


def test_a_typed_odometer_yields_to_the_cars_and_the_typed_distance_stays() -> None:
    world = played(PENDING)
    fields = {"start_odometer_km": 10000.0, "end_odometer_km": 10024.0}
    assert world.says("patch", only(world.until(60)), fields=fields) == "played"
    assert (only(world.until(61)).km, only(world.until(61)).end_known) == (24.0, "typed")
    log = world.play("10020@100 parked").rest()
    trip = only(log)
    assert (trip.km, trip.end_known) == (24.0, "read")
    assert trip.to_km == pytest.approx(10020.0, abs=SHOWN_KM)
    assert trip.excess_km == pytest.approx(4.0, abs=SHOWN_KM)
    assert not log.closed["car"]


def test_what_the_driver_deleted_does_not_come_back() -> None:
    world = played(PENDING)
    assert world.says("delete", only(world.until(60))) == "played"
    log = world.play("10026@100 parked\n ping 20 H+14n arrives 110\n end 30 H+21n arrives 111").rest()
    assert log.trips == ()
    assert gap_km(log) == pytest.approx(26.0, abs=0.05)
    assert not log.closed["car"]


EARLIER = "start 40 H+21n arrives 200\n end 50 H+14n arrives 201"


def test_a_drive_that_is_delivered_later_leaves_what_the_driver_said_of_another() -> None:
    world = played(f"{PENDING}\n 10026@100 parked")
    trip = only(world.until(150))
    assert world.says("patch", trip, fields=SAID) == "played"
    log = world.play(EARLIER).rest()
    kept = next(one for one in log.trips if one.id == trip.id)
    assert said(kept) == ("business", "A customer", 24.0)
    assert (kept.start, kept.end) == (trip.start, trip.end)


# --- gaps that the driver explained

UNTOLD = "10000@-5 parked H\n start 0 H\n 10010@21 parked H\n end 20 H\n 10050@190 parked H\n start 200 H"
UNTIL_HERE = f"{UNTOLD}\n 10060@221 parked H\n end 220 H"


def test_a_gap_that_the_driver_explained_closes_the_log() -> None:
    world = played(UNTIL_HERE)
    log = world.until(300)
    assert not log.closed["car"]
    (gap,) = [gap for gap in log.gaps if gap.km]
    fields = {"explained_as": "private", "reason": "A holiday"}
    assert world.says("explain", gap_id=gap.id, fields=fields) == "played"
    log = world.rest()
    assert log.closed["car"]
    assert [(gap.km, gap.explained_as) for gap in log.gaps if gap.km] == [(40.0, "private")]


def test_a_trip_takes_its_part_of_it_and_the_rest_stays_explained() -> None:
    world = played(UNTIL_HERE)
    (gap,) = [gap for gap in world.until(300).gaps if gap.km]
    assert world.says("explain", gap_id=gap.id, fields={"explained_as": "private"}) == "played"
    assert world.says("manual", car="car", since=100, until=120, km=15.0) == "played"
    log = world.rest()
    assert kms(log) == [10.0, 15.0, 10.0]
    assert gap_km(log) == pytest.approx(25.0, abs=0.05)
    assert {gap.explained_as for gap in log.gaps if gap.km} == {"private"}
    assert log.closed["car"]


def test_a_gap_that_there_is_not_is_not_explained() -> None:
    world = played(UNTIL_HERE)
    world.until(300)
    assert world.says("explain", gap_id="none", fields={"explained_as": "private"}) == "refused"


def test_nothing_that_is_said_again_changes_anything() -> None:
    world = played(f"{PENDING}\n 10026@100 parked")
    trip = only(world.until(150))
    assert world.says("patch", trip, fields=SAID) == "played"
    before = world.until(200)
    assert world.says("patch", trip, fields=SAID) == "played"
    after = world.until(201)
    assert (before.trips, before.gaps, before.closed) == (after.trips, after.gaps, after.closed)


def test_a_trip_by_hand_over_an_untold_drive_is_that_drive() -> None:
    world = played(UNTIL_HERE)
    world.until(300)
    assert world.says("manual", car="car", since=100, until=140, km=40.0) == "played"
    log = world.rest()
    assert kms(log) == [10.0, 40.0, 10.0]
    assert (gap_km(log), log.closed["car"]) == (0, True)
