"""Which trips are commutes: by the roles of the places at both ends."""

from typing import Any

import pytest

from shared.domain.log.commuting import is_commute
from shared.domain.log.trip import Endpoint
from shared.domain.place.places import Place
from tests.rows import at, trip

PLACES = (
    Place("1", "Home", 52.0, 5.0, role="home"),
    Place("2", "Cottage", 52.5, 5.0, role="home"),
    Place("3", "Office", 52.0, 5.5, 500, "business", role="work"),
    Place("4", "Customer beside the office", 52.004, 5.5, kind="business"),
)
HOME, COTTAGE, OFFICE = (Endpoint(place.lat, place.lng, place.name) for place in PLACES[:3])
CUSTOMER = Endpoint(52.0035, 5.5, "Customer beside the office")


def goes(from_: Endpoint, to: Endpoint, **more: Any) -> bool:
    return is_commute(trip(0, 22_000, at(0), from_=from_, to=to, **more), PLACES)


@pytest.mark.parametrize("home", [HOME, COTTAGE])
def test_a_trip_from_any_home_to_work_or_back_is_a_commute_of_whatever_kind_it_is(home: Endpoint) -> None:
    for kind in ("business", "private", "mixed", "unclassified"):
        assert goes(home, OFFICE, kind=kind)
        assert goes(OFFICE, home, kind=kind)


@pytest.mark.parametrize(
    ("from_", "to"),
    [
        (HOME, HOME), (HOME, COTTAGE), (OFFICE, OFFICE), (HOME, CUSTOMER), (OFFICE, CUSTOMER), (HOME, Endpoint()),
        (Endpoint(), Endpoint()), (Endpoint(51.0, 5.0), OFFICE),
    ],
)  # fmt: skip
def test_other_trips_are_none(from_: Endpoint, to: Endpoint) -> None:
    assert not goes(from_, to)


def test_an_end_is_where_its_position_is_and_where_no_place_is_near_it_its_name_tells() -> None:
    assert goes(Endpoint(52.0005, 5.0), Endpoint(52.002, 5.5)), "named or not"
    assert goes(Endpoint(place=" home"), Endpoint(51.0, 5.5, "OFFICE"))
    assert not goes(HOME, Endpoint(CUSTOMER.lat, CUSTOMER.lng, "Office")), "the place that is nearest counts"
    assert not is_commute(trip(0, 1, at(0), from_=HOME, to=OFFICE), ())
