"""The rules of the book one by one, where no complaint shows them: each with what was true."""

import pytest

from tests.domain.log.cases.script import gap_km, is_near, kms, log_of, only, played

# --- what a reading near two ends stands for


@pytest.mark.parametrize(("read_at", "shown", "later"), [(2, 10003, 10003), (1, 10000, 10003), (2.5, 10000, 10003)])
def test_in_a_drive_of_minutes_a_reading_is_its_begin_where_nothing_has_changed_and_else_its_end(
    read_at: float, shown: int, later: int
) -> None:
    text = f"10000@-5 parked H\n start 0 H\n {shown}@{read_at} parked\n end 4 H+2.4n\n {later}@20 parked H+2.4n"
    log = log_of(text)
    assert (only(log).km, only(log).pending) == (3.0, False)
    assert gap_km(log) == 0


def test_what_was_read_after_a_stand_is_not_what_was_driven_before_it() -> None:
    """A reading 2 min before the next start, after an untold drive, is the begin of that and not the end of this."""
    log = log_of("""
        10000@-5 parked
        start 0
        10010@21 parked
        end 20
        10060@118 parked
        start 120
        10070@141 parked
        end 140
    """)
    assert kms(log) == [10.0, 10.0]
    assert gap_km(log) == 50.0


# --- how far a drive may have gone


def test_a_phone_that_is_late_makes_no_gap_before_its_drive() -> None:
    log = log_of("10000@-5 parked H\n start 0 H+3n\n end 30 H+23n\n 10028@31 parked H+23n")
    assert (only(log).km, gap_km(log)) == (28.0, 0)


def test_a_drive_that_begins_elsewhere_leaves_the_way_there_to_a_gap() -> None:
    log = log_of("10000@-60 parked H\n look -50\n start 0 H+8n\n end 30 H+28n\n 10036@31 parked H+28n")
    assert gap_km(log) >= 8.0
    assert 19.6 <= only(log).km <= 28.1
    assert only(log).km + gap_km(log) == pytest.approx(36.0, abs=0.05)
    assert not log.closed["car"]


TWO_DRIVES = "start 0 H\n end 30 H+10n\n start 60 H+10n\n end 90 H+30n"


def test_drives_between_two_readings_share_what_the_odometer_says_by_what_is_known_of_each() -> None:
    log = log_of(f"10000@-5 parked H\n down 1 90\n {TWO_DRIVES}\n 10040@91 parked H+30n")
    first, second = kms(log)
    assert 11.0 <= first <= 17.0
    assert first + second == pytest.approx(40.0, abs=0.05)
    assert gap_km(log) == 0
    assert not any(trip.pending or trip.excess_km for trip in log.trips)
    assert log.trips[0].end_known == log.trips[1].start_known == "estimated"
    assert log.closed["car"]


def test_what_is_more_than_all_of_them_can_have_gone_is_a_gap() -> None:
    pings = "\n".join(f"ping {n} H+{n / 3:.2f}n" for n in range(2, 30, 2))
    log = log_of(f"10000@-5 parked H\n start 0 H\n {pings}\n end 30 H+10n\n down 1 400\n 10100@401 parked H+10n")
    assert only(log).km == pytest.approx(10.2, abs=0.6)
    assert only(log).km + gap_km(log) == pytest.approx(100.0, abs=0.05)


def test_what_is_less_than_all_of_them_must_have_gone_is_told_and_closes_nothing() -> None:
    """The positions say 70 km at least, and the car says 40 for good: nothing is averaged away silently."""
    there = "10000@-5 parked H\n start 0 H\n end 40 H+35n\n 10020@41 parked H+35n"
    log = log_of(f"{there}\n start 100 H+35n\n end 140 H\n 10040@141 parked H\n 10040@1000 parked H")
    assert len([trip for trip in log.trips if trip.km >= 15]) == 2
    assert not log.closed["car"]
    assert log.warnings["car"]


# --- another car, and no car


def test_drives_while_the_car_stood_at_home_were_driven_in_another() -> None:
    """Its cloud says live that it stands; the phone names none."""
    log = log_of("""
        10000@-5.. parked H
        start 0 H
        end 30 O
        start 60 O
        end 90 H
        start 120 H
        10001@121.. driving
        10013@135.. driving
        10027@150.. parked O
        end 150 O
    """)
    assert [trip.car for trip in log.trips] == [None, None, "car"]
    assert kms(log)[:2] == pytest.approx([28, 28], abs=5)
    assert kms(log, "car") == [27.0]
    assert gap_km(log) == 0


def test_an_unnamed_drive_belongs_to_the_car_that_stood_where_it_began() -> None:
    text = """
        a: 10000@-5 parked H
        b: 500@-5 parked H
        start 0 H in b
        b: 527@31 parked O
        end 30 O in b
        a: down 40 5000
        b: down 40 5000
        start 100 O
        end 130 H
    """
    log = log_of(text, cars=("a", "b"))
    assert [trip.car for trip in log.trips] == ["b", "b"]


# --- what is no trip, and what stays one


def test_there_is_no_trip_where_odometer_and_positions_say_that_the_car_stood() -> None:
    world = played("10000@-5.. parked H\n start 0 H\n end 10 H+0.05n")
    log = world.rest()
    assert log.trips == ()
    assert (gap_km(log), log.closed["car"]) == (0, True)
    assert not world.keeper.waits()


def test_a_drive_of_which_nothing_is_known_is_pending() -> None:
    world = played("10000@-5 parked\n down 1 5000\n start 0\n end 30")
    trip = only(world.until(600))
    assert trip.pending
    assert "distance_unknown" in trip.flags
    assert trip.km == 0.0


def test_what_was_no_trip_is_one_when_there_are_kilometres_that_nothing_else_explains() -> None:
    """A round trip, and a driver who read the odometer of before it as that of after it; then they see their fault."""
    world = played("10000@-5 parked H\n start 0 H\n down 1 399\n end 60 H+0.05n\n 10040@400 parked H")
    world.until(70)
    assert world.says("eye", car="car", km=10000.0) == "played"
    assert world.until(120).trips == ()
    assert world.says("withdraw", car="car", km=10000.0) == "played"
    assert only(world.until(150)).pending
    assert world.keeper.waits()
    log = world.rest()
    assert (kms(log), gap_km(log)) == ([40.0], 0)
    assert not only(log).pending


# --- whether a car drove on


def test_a_car_that_says_that_it_stands_refutes_no_end_however_fast_it_goes_later() -> None:
    text = "10000@-5 parked H\n start 0 H\n 10013@15 driving\n end 30 O\n 10027@31 parked O\n 10054@60 parked H"
    log = log_of(f"{text}\n look 62")
    assert (kms(log), gap_km(log)) == ([27.0], 27.0)
    assert not log.closed["car"]


def test_another_odometer_is_no_way_that_a_car_went_after_an_end() -> None:
    log = log_of(
        "10000@-5 parked H\n start 0 H\n 10027@31 parked O\n end 30 O\n 125027@45 parked O\n 125028@900 parked O"
    )
    trip = only(log)
    assert (trip.km, trip.pending) == (27.0, False)
    assert (trip.end - trip.start).total_seconds() == 30 * 60


# --- ends without starts


def test_an_end_without_a_start_is_the_end_of_what_the_odometer_says() -> None:
    log = log_of("10000@-20 parked H\n look -15\n end 30 O\n 10027@31 parked O")
    trip = only(log)
    assert (trip.km, gap_km(log)) == (27.0, 0)
    assert (trip.end - trip.start).total_seconds() == pytest.approx(40.5 * 60, abs=11 * 60)
    assert is_near(trip.from_, "H")
    assert is_near(trip.to, "O")


def test_an_end_without_a_start_and_without_kilometres_is_nothing() -> None:
    log = log_of("10000@-20.. parked H\n look -15\n end 30 H")
    assert log.trips == ()
    assert log.closed["car"]


@pytest.mark.parametrize("again", ["end 31 O", "end 35 O arrives 36", "end 30 O arrives 90"])
def test_an_end_just_after_a_trip_ended_there_is_nothing_new(again: str) -> None:
    log = log_of(f"10000@-5 parked H\n start 0 H\n 10027@31 parked O\n end 30 O\n {again}")
    assert (only(log).km, gap_km(log), log.closed["car"]) == (27.0, 0, True)


def test_a_start_that_comes_late_gives_an_end_its_drive() -> None:
    log = log_of("10000@-20 parked H\n look -15\n start 0 H arrives 200\n end 30 O\n 10027@31 parked O")
    trip = only(log)
    assert (trip.km, gap_km(log)) == (27.0, 0)
    assert (trip.end - trip.start).total_seconds() == 30 * 60


# --- ends


def test_where_the_phone_was_minutes_before_is_not_where_a_trip_ended() -> None:
    trip = only(log_of("10000@-5 parked\n start 0 H\n ping 20 H+15n\n 10027@31 parked\n end 30"))
    assert is_near(trip.from_, "H")
    assert trip.to is None


def test_where_it_was_a_minute_before_is() -> None:
    trip = only(log_of("10000@-5 parked\n start 0 H\n ping 28.5 H+20n\n 10027@31 parked\n end 30"))
    assert is_near(trip.to, "H+20n", within_km=1.5)
