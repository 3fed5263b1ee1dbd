"""Kilometres that nobody told of: they are a gap, and in no trip."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tests.domain.log.cases.script import Script, gap_km, kms, log_of, only, played
from tests.worlds.product import Product

THERE = "10000@-5 parked H\n start 0 H\n 10027@31 parked O\n end 30 O"


def test_a_trip_has_no_kilometres_that_were_driven_before_it_at_another_place() -> None:
    """leapmotor-mate#244: 79 km in ten minutes."""
    log = log_of(f"{THERE}\n down 40 210.5\n start 200 H\n end 210 H+4n\n 10106@211 parked H+4n")
    first, second = kms(log)
    assert first == 27.0
    assert 4.0 <= second <= 7.0
    assert second + gap_km(log) == pytest.approx(79.0, abs=0.11)
    assert not log.closed["car"]


def test_a_reading_of_hours_later_puts_no_kilometres_of_others_into_a_trip() -> None:
    pings = "\n".join(f"ping {n} H+{0.85 * n:.2f}n" for n in range(1, 12))
    world = played(f"10000@-5 parked H\n down 1 430\n start 0 H\n {pings}\n end 12 H+10.2n\n 10400@430 parked")
    trip = only(world.until(60))
    assert trip.pending
    assert trip.km == pytest.approx(10.4, abs=1.5)
    assert world.says("classify", trip) == "played"
    log = world.rest()
    trip = only(log)
    assert trip.kind == "business"
    assert trip.km == pytest.approx(10.4, abs=1.5)
    assert trip.km + gap_km(log) == pytest.approx(400.0, abs=0.11)
    assert not log.closed["car"]


def test_what_a_car_went_after_its_last_trip_is_a_gap() -> None:
    log = log_of(f"{THERE}\n 10077@600 parked O")
    assert kms(log) == [27.0]
    assert gap_km(log) == pytest.approx(50.0, abs=0.05)
    assert not log.closed["car"]


def test_what_it_went_before_its_first_trip_is_a_gap() -> None:
    log = log_of(f"9900@-3000 parked H\n look -2900\n {THERE}")
    assert kms(log) == [27.0]
    assert gap_km(log) == pytest.approx(100.0, abs=0.05)
    assert not log.closed["car"]


def test_so_is_what_it_went_since_the_odometer_with_which_its_log_begins() -> None:
    log = played(THERE, keeper=Product(("car",), start_odometer_km={"car": 9900.0})).rest()
    assert kms(log) == [27.0]
    assert gap_km(log) == pytest.approx(100.0, abs=0.05)
    assert not log.closed["car"]


NEW_YEAR = datetime(2027, 1, 1, tzinfo=ZoneInfo("Europe/Amsterdam")).astimezone(UTC)
LAST_DAY = datetime(2026, 12, 31, 8, 0, tzinfo=UTC)


def over_new_year(text: str) -> tuple[float, float]:
    """The kilometres of its gaps in the old year, and in the new one."""
    log = Script(begins=LAST_DAY).play(f"{THERE}\n {text}").rest()
    assert len(log.trips) == 2
    assert not log.closed["car"]
    new = sum(gap.km for gap in log.gaps if gap.since and gap.since >= NEW_YEAR)
    return gap_km(log) - new, new


BACK_IN_JANUARY = "start 2000 O\n end 2030 H"


def test_what_was_read_on_the_last_day_of_a_year_is_a_gap_of_that_year() -> None:
    text = f"10127@800 parked O\n look 805\n {BACK_IN_JANUARY}\n 10154@2031 parked H"
    old, new = over_new_year(text)
    assert old == pytest.approx(100.0, abs=0.05)
    assert new == 0


def test_a_gap_over_new_year_is_cut_where_the_car_was_read_last_in_the_old_one() -> None:
    text = f"10087@800 parked O\n look 805\n 10127@1990 parked O\n {BACK_IN_JANUARY}\n 10154@2031 parked H"
    old, new = over_new_year(text)
    assert old == pytest.approx(60.0, abs=0.05)
    assert new == pytest.approx(40.0, abs=0.05)


# --- trips by hand within a gap

APART = """
    100@-5 parked
    start 0
    120@31 parked
    end 30
    160@190 parked
    start 200
    180@231 parked
    end 230
"""


def test_a_trip_by_hand_takes_its_kilometres_out_of_a_gap_and_hides_nothing() -> None:
    """lubelog#636: one kilometre closed a gap of forty."""
    world = played(APART)
    assert gap_km(world.until(300)) == pytest.approx(40.0, abs=0.05)
    assert world.says("manual", car="car", since=100, until=110, km=1.0) == "played"
    log = world.rest()
    assert kms(log) == [20.0, 1.0, 20.0]
    assert gap_km(log) == pytest.approx(39.0, abs=0.05)
    assert not log.closed["car"]


def test_an_odometer_that_is_taken_away_hides_no_gap() -> None:
    """lubelog#636: a trip without a start odometer had no gap before it."""
    world = played(APART)
    last = world.until(300).trips[-1]
    assert world.says("patch", last, fields={"start_odometer_km": None}) == "played"
    log = world.rest()
    assert kms(log) == [20.0, 20.0]
    assert gap_km(log) == pytest.approx(40.0, abs=0.05)
    assert not log.closed["car"]


def test_the_kilometres_of_a_trip_that_is_deleted_are_a_gap() -> None:
    """lubelog#636: the last one took its kilometres along."""
    world = played(APART)
    assert world.says("delete", world.until(300).trips[-1]) == "played"
    log = world.rest()
    assert kms(log) == [20.0]
    assert gap_km(log) == pytest.approx(60.0, abs=0.05)
    assert not log.closed["car"]


def test_the_next_trip_begins_where_the_car_stood_whatever_was_entered_before_it() -> None:
    world = played("""
        1000@-5 parked
        start 0
        1010@31 parked
        end 30
        1070@190 parked
        start 200
        1080@231 parked
        end 230
    """)
    assert world.until(300).trips[-1].to_km == 1080.0
    assert world.says("manual", car="car", since=100, until=115, km=5.0) == "played"
    log = world.play("start 400\n 1090@431 parked\n end 430").rest()
    assert kms(log) == [10.0, 5.0, 10.0, 10.0]
    assert (log.trips[-1].from_km, log.trips[-1].to_km) == (1080.0, 1090.0)
    assert gap_km(log) == pytest.approx(55.0, abs=0.05)
