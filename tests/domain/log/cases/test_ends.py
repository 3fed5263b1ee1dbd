"""Where trips began and ended: where phone or car was then, never the other end of the trip."""

import pytest

from shared.domain.place.places import Place
from tests.domain.log.cases.script import gap_km, is_near, log_of, only, place, played
from tests.worlds.product import Product

THERE = "10000@-5 parked\n start 0 O\n 10027@31 parked\n end 30 H"


def test_a_trip_without_a_position_begins_where_the_car_stood() -> None:
    """teslamate#2928: a start in a garage was shown as a trip from its own destination."""
    log = log_of(f"{THERE}\n start 100\n 10054@131 parked\n end 130 O")
    assert [trip.km for trip in log.trips] == [27.0, 27.0]
    back = log.trips[1]
    assert is_near(back.from_, "H")
    assert is_near(back.to, "O")


def test_its_kind_is_that_of_a_trip_from_there() -> None:
    """teslamate#2928: a trip from home to a customer stayed without a kind."""
    home = Place("home", "Home", *place("H"), 150, "private")
    customer = Place("customer", "A customer", *place("O"), 150, "business")
    known, unknown = (
        played(
            f"{THERE}\n start 100{begin}\n 10054@131 parked\n end 130 O",
            keeper=Product(("car",), places=(home, customer)),
        ).rest()
        for begin in (" H", "")
    )
    assert unknown.trips[1].kind == known.trips[1].kind != "unclassified"


def test_a_trip_without_a_position_at_its_end_ends_where_the_car_says_that_it_stands() -> None:
    """saic-python-mqtt-gateway#278: no trip had an end."""
    trip = only(log_of("10000@-5 parked H\n start 0 H\n 10027@31 parked O\n end 30"))
    assert (trip.km, trip.pending) == (27.0, False)
    assert is_near(trip.from_, "H")
    assert is_near(trip.to, "O")


def test_a_car_that_never_says_where_it_is_begins_where_its_trip_before_ended() -> None:
    text = "10000@-5 parked\n start 0 H\n 10027@31 parked\n end 30 O\n start 100\n 10054@131 parked\n end 130"
    first, second = log_of(text).trips
    assert is_near(first.to, "O")
    assert is_near(second.from_, "O")
    assert second.to is None  # nobody knows


def test_the_first_trip_ever_begins_where_its_car_has_stood_for_hours() -> None:
    trip = only(log_of("10000@-600 parked H\n start 0\n 10027@31 parked O\n end 30 O"))
    assert is_near(trip.from_, "H")
    assert trip.km == 27.0


def test_where_the_car_stands_is_not_where_it_was_when_it_stood_elsewhere() -> None:
    there = "10000@-5 parked H\n start 0\n 10027@31 parked O\n end 30"
    log = log_of(f"{there}\n 10054@295 parked H\n start 300\n 10081@331 parked O\n end 330")
    first, second = log.trips
    assert [first.km, second.km, gap_km(log)] == [27.0, 27.0, 27.0]
    assert [is_near(first.from_, "H"), is_near(first.to, "O")] == [True, True]
    assert [is_near(second.from_, "H"), is_near(second.to, "O")] == [True, True]


@pytest.mark.parametrize("begin", ["start 0 H", "start 0"])
def test_a_drive_of_hours_of_which_nothing_is_heard_is_one_trip(begin: str) -> None:
    """hyundai_kia_connect_api#298: two stubs of no minutes, and an end that nobody knew."""
    trip = only(log_of(f"10000@-5 parked H\n down 1 240\n {begin}\n 10421@241 parked F\n end 240 F"))
    assert trip.km == 421.0
    assert not trip.pending
    assert is_near(trip.from_, "H")
    assert is_near(trip.to, "F")
    assert (trip.end - trip.start).total_seconds() == pytest.approx(4 * 3600, abs=180)
