"""The checks of trips: where they began, which way they went, how they were entered."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from shared.domain.checks.addresses import is_address
from shared.domain.place.places import Place
from tests.domain.checks.years import BREDA, UTRECHT, drive, end, found, year
from tests.rows import at, gap, trip

# --- 4: where the car stood


def north_of(metres: float) -> tuple[float, float]:
    return UTRECHT[0] + metres / 111_195, UTRECHT[1]


@pytest.mark.parametrize(("apart_m", "result"), [(0, "holds"), (249, "holds"), (252, "warns")])
def test_a_trip_begins_within_250_m_of_where_the_car_stood(apart_m: float, result: str) -> None:
    before, after = drive(0, to=end(UTRECHT)), drive(1, from_=end(north_of(apart_m)))
    rows = (before.id, after.id) if result == "warns" else ()
    assert found(4, year(before, after)) == (result, rows)
    assert found(4, year(after, before=before)) == (result, rows)


def test_a_gap_between_two_trips_can_have_brought_the_car_as_far_as_its_kilometres() -> None:
    before, after = drive(0, to=end(UTRECHT)), trip(1_012_000, 1_020_000, at(3), from_=end(north_of(2_000)))
    assert found(4, year(before, gap(1_010_000, 1_012_000, at(1)), after)) == ("holds", ())
    assert found(4, year(before, gap(1_010_000, 1_011_000, at(1)), after))[0] == "warns"


def test_ends_of_one_place_are_the_same_and_unknown_ones_are_not_compared() -> None:
    before, after = drive(0, to=end(UTRECHT, place="Yard")), drive(1, from_=end(north_of(900), place="Yard"))
    assert found(4, year(before, after)) == ("holds", ())
    assert found(4, year(drive(0), drive(1))) == ("not_applicable", ())
    assert found(4, year()) == ("not_applicable", ())


# --- 6: addresses


@pytest.mark.parametrize(
    "text",
    [
        "Dorpsstraat 1, 3500 AA Utrecht",
        "Dorpsstraat 1 Utrecht",
        "Kerkstraat, Breda",
        "12 Main Street, Ely",
        "Rue de l'Été 4 Liège",
    ],
)
def test_an_address_has_street_and_place(text: str) -> None:
    assert is_address(text)


@pytest.mark.parametrize("text", ["", "Home", "customer", "Klant in Breda", "kantoor 3", "3500 AA Utrecht", "A2", ", "])
def test_a_bare_label_is_no_address(text: str) -> None:
    assert not is_address(text)


def test_a_trip_without_an_address_fails_and_one_whose_address_is_sought_warns() -> None:
    assert found(6, year(drive(0))) == ("holds", ())
    bare = drive(1, to=end(address="", place="Home"))
    assert found(6, year(drive(0), bare)) == ("fails", (bare.id,))
    sought = replace(bare, flags=("address_pending",))
    assert found(6, year(drive(0), sought)) == ("warns", (sought.id,))


def test_the_address_of_a_place_is_that_of_the_trips_that_bear_its_name() -> None:
    trip_home = drive(1, to=end(address="Home", place="Home"))
    home = Place("1", "Home", *UTRECHT)
    assert found(6, year(trip_home, places=[home]))[0] == "fails"
    assert found(6, year(trip_home, places=[replace(home, address="Laan 3, Utrecht")])) == ("holds", ())


# --- 7: kinds


def test_a_trip_of_no_kind_fails() -> None:
    assert found(7, year(drive(0), drive(1, kind="private"))) == ("holds", ())
    assert found(7, year(drive(0), unclear := drive(1, kind="unclassified"))) == ("fails", (unclear.id,))


# --- 10: routes


def to_breda(n: int, km: float, **more: Any) -> Any:
    ends = (end(UTRECHT), end(BREDA)) if n % 2 else (end(BREDA), end((UTRECHT[0], UTRECHT[1] + 0.001)))
    fields = {"distance_km": km, "from_": ends[0], "to": ends[1], **more}
    return drive(n, **fields)


USUAL = [to_breda(n, 70.0) for n in range(4)]


@pytest.mark.parametrize(("km", "result"), [(77.0, "holds"), (77.1, "warns"), (60.0, "holds")])
def test_a_trip_over_a_tenth_longer_than_usual_asks_for_its_route(km: float, result: str) -> None:
    longer = to_breda(4, km)
    assert found(10, year(*USUAL, longer)) == (result, (longer.id,) if result == "warns" else ())


def test_a_route_that_is_told_or_private_holds() -> None:
    told, private = to_breda(4, 95.0, deviation="A27 shut, by Tilburg"), to_breda(5, 95.0, kind="private")
    assert found(10, year(*USUAL, told, private)) == ("holds", ())


def test_a_short_trip_is_longer_than_usual_by_three_kilometres() -> None:
    places = {"from_": end(place="Home"), "to": end(place="Work")}
    usual = [drive(n, distance_km=5.0, **places) for n in range(3)]
    assert found(10, year(*usual, drive(3, distance_km=8.0, **places))) == ("holds", ())
    assert found(10, year(*usual, longer := drive(3, distance_km=8.1, **places))) == ("warns", (longer.id,))


def test_without_three_trips_between_two_places_nothing_is_usual() -> None:
    assert found(10, year(*USUAL[:1], to_breda(4, 200.0))) == ("not_applicable", ())
    rounds = [drive(n, distance_km=9.0 * n, from_=end(UTRECHT), to=end(UTRECHT)) for n in range(5)]
    assert found(10, year(*rounds)) == ("not_applicable", ()), "a round has no usual length"
    apart = [drive(n, from_=end(UTRECHT), to=end((UTRECHT[0] + n / 100, 5.0))) for n in range(5)]
    assert found(10, year(*apart)) == ("not_applicable", ())


# --- 11: mixed trips


@pytest.mark.parametrize(
    "wrong", [{"deviation": " "}, {"private_km": 10.1, "business_km": 0.0}, {"private_km": -1.0}, {"business_km": 9.0}]
)
def test_a_mixed_trip_needs_its_route_and_a_detour_within_its_distance(wrong: dict[str, Any]) -> None:
    mixed = drive(0, kind="mixed", business_km=6.0, deviation="By the school")
    assert found(11, year(mixed, drive(1))) == ("holds", ())
    assert found(11, year(replace(mixed, **wrong))) == ("fails", (mixed.id,))
    assert found(11, year(drive(1))) == ("not_applicable", ())


# --- 15: late


def test_a_trip_that_was_entered_late_warns() -> None:
    assert found(15, year(drive(0))) == ("holds", ())
    assert found(15, year(drive(0), late := drive(1, late=True))) == ("warns", (late.id,))


# --- 18: round numbers


def by_hand(*distances_km: float) -> list[Any]:
    return [drive(n, distance_km=km, source="manual") for n, km in enumerate(distances_km)]


def test_round_distances_by_hand_warn_when_they_are_many() -> None:
    rows = by_hand(5.0, 10.0, 12.3, 7.0, 8.8)
    assert found(18, year(*rows)) == ("warns", (rows[0].id, rows[1].id))
    assert found(18, year(*by_hand(5.0, 12.3, 7.0, 8.8, 5.1))) == ("holds", ())
    assert found(18, year(*by_hand(5.0, 10.0, 15.0, 20.0))) == ("not_applicable", ())
    assert found(18, year(*(drive(n) for n in range(9)))) == ("not_applicable", ()), "a car's are what they are"


# --- 20: times and speeds


def test_trips_that_overlap_or_that_no_car_can_drive_warn() -> None:
    first = drive(0)
    assert found(20, year(first, drive(1))) == ("holds", ())
    assert found(20, year()) == ("holds", ())
    within = drive(1, started_at=at(0.2))
    assert found(20, year(first, within)) == ("warns", (first.id, within.id))
    long = drive(0, ended_at=at(20))
    assert found(20, year(long, drive(1), drive(2))) == ("warns", (long.id, drive(1).id, drive(2).id))
    far = drive(0, distance_km=1500.1, ended_at=at(24))
    assert found(20, year(far)) == ("warns", (far.id,))
    assert found(20, year(drive(0, distance_km=110.0))) == ("holds", ())
    fast = drive(0, distance_km=110.1)
    assert found(20, year(fast)) == ("warns", (fast.id,))
    assert found(20, year(drive(0, ended_at=at(0) - timedelta(hours=1))))[0] == "warns"
