"""How rows of the old system are read: what each of them becomes, or why it cannot be read."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from shared.domain.log.correcting import corrected
from shared.domain.log.drive import Heard
from shared.domain.log.summary import Said
from shared.domain.log.trip import TRIP_ID, Trip
from shared.domain.log.words import summary_of
from shared.domain.place.places import Place
from shared.domain.thresholds import Rules
from shared.domain.tracking.state import GoingOn, next_poll_at
from tools.migrate.old_cars import new_cars, old_cars
from tools.migrate.old_rows import place_of, reading_keys, reading_of, state_of
from tools.migrate.old_trips import Converted, Owner, trip_of
from tools.migrate.values import Unreadable

HOME = Place("p1", "Home", 52.0907, 5.1214)
BORIS = Owner("boris@example.com", "Europe/Amsterdam", "audi", (HOME,))
ROW = {
    "user_id": "boris@example.com",
    "date": "31-01-2024",
    "start_time": "08:12",
    "end_time": "08:41",
    "from_address": "Dorpsstraat 1",
    "from_lat": 52.0907,
    "from_lon": 5.1214,
    "to_lat": 51.9582,
    "to_lon": 5.1203,
    "distance_km": 22.4,
    "trip_type": "B",
    "start_odo": 12345.0,
    "end_odo": 12367.4,
    "car_id": "Audi",
}


def converted(old_id: str = "a", **fields: Any) -> Converted:
    return trip_of(old_id, {**ROW, **fields}, BORIS)


def trip(old_id: str = "a", **fields: Any) -> Trip:
    return converted(old_id, **fields).trip


def why_not(**fields: Any) -> str:
    with pytest.raises(Unreadable) as raised:
        trip(**fields)
    return str(raised.value)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def span(date: str, start: str, end: str) -> tuple[datetime, datetime]:
    made = trip(date=date, start_time=start, end_time=end)
    return made.started_at, made.ended_at


def test_a_whole_row_becomes_a_whole_trip() -> None:
    made = trip(created_at="2024-01-31T07:45:00")
    assert (made.user, made.car_id, made.kind, made.revision) == ("boris@example.com", "audi", "business", 1)
    assert (made.started_at, made.ended_at) == (utc("2024-01-31T07:12"), utc("2024-01-31T07:41"))
    assert (made.date, made.year, made.month, made.timezone) == ("2024-01-31", 2024, 1, "Europe/Amsterdam")
    assert (made.distance_km, made.business_km, made.private_km) == (22.4, 22.4, 0.0)
    assert (made.start_odometer_km, made.end_odometer_km, made.distance_source) == (12345.0, 12367.4, "odometer")
    assert (made.from_.place, made.from_.address, made.from_.lat) == ("Home", "Dorpsstraat 1", 52.0907)
    assert (made.to.place, made.to.address, made.to.lng) == ("", "", 5.1203)
    assert made.created_at == made.updated_at == utc("2024-01-31T07:45")


def test_a_trip_that_is_moved_is_a_fact_of_its_own_kind() -> None:
    """What the book knows of it: as it was, and as if its driver had said so, though they set no field by hand."""
    made = trip(distance_km=22.5, end_odo=None)
    summary = summary_of(made)
    assert (summary.began_at, summary.ended_at, summary.trip_ids) == (made.started_at, made.ended_at, (made.id,))
    assert summary.said == summary.moved
    assert summary.said == Said(has_car=True, car_id="audi", from_m=12_345_000, distance_m=22_500)
    assert (made.set_by_hand, made.source) == ((), "automatic")


def test_what_a_driver_gives_back_of_a_moved_trip_is_what_was_moved() -> None:
    made, now = trip(), utc("2026-01-23T08:00")
    typed = corrected(made, {"distance_km": 30.0, "purpose": "client"}, made.timezone, now)
    assert (summary_of(typed).said.distance_m, summary_of(typed).said.to_m) == (30_000, None)
    back = corrected(typed, {"distance_km": None}, made.timezone, now)
    assert replace(summary_of(back).said, is_touched=False) == summary_of(made).moved


def test_odometers_that_a_driver_types_of_a_moved_trip_say_its_distance() -> None:
    made = trip()
    typed = corrected(made, {"end_odometer_km": 12_377.4}, made.timezone, utc("2026-01-23T08:00"))
    said = summary_of(typed).said
    assert (said.from_m, said.to_m, said.distance_m) == (12_345_000, 12_377_400, None)


def test_the_id_follows_from_start_and_old_id_and_is_one_of_the_new_system() -> None:
    assert TRIP_ID.fullmatch(trip().id)
    assert trip("a").id == trip("a", distance_km=20, end_odo=None).id
    assert trip("a").id != trip("b").id
    assert trip("a").id.startswith("20240131T071200Z-")


def test_the_same_row_is_the_same_trip_at_any_time() -> None:
    assert trip(created_at=None) == trip(created_at=None)
    assert trip(created_at="nonsense").created_at == trip().ended_at


@pytest.mark.parametrize(
    ("date", "start", "end", "started_at", "ended_at"),
    [
        ("31-12-2023", "23:50", "00:10", "2023-12-31T22:50", "2023-12-31T23:10"),
        ("29-10-2023", "02:50", "02:10", "2023-10-29T00:50", "2023-10-29T01:10"),
        ("29-10-2023", "01:50", "02:10", "2023-10-28T23:50", "2023-10-29T00:10"),
        ("29-10-2023", "02:50", "03:10", "2023-10-29T00:50", "2023-10-29T02:10"),
        ("26-03-2023", "01:50", "03:10", "2023-03-26T00:50", "2023-03-26T01:10"),
        ("26-03-2023", "01:50", "02:10", "2023-03-26T00:50", "2023-03-26T01:10"),
        ("26-03-2023", "02:10", "03:30", "2023-03-26T01:10", "2023-03-26T01:30"),
        ("26-03-2023", "02:50", "03:10", "2023-03-26T00:50", "2023-03-26T01:10"),
        ("1-7-2023", "8:05", "08:05", "2023-07-01T06:05", "2023-07-01T06:05"),
        ("28-10-2023", "02:50", "02:10", "2023-10-28T00:50", "2023-10-29T00:10"),
    ],
)
def test_times_on_the_wall_become_moments(date: str, start: str, end: str, started_at: str, ended_at: str) -> None:
    assert span(date, start, end) == (utc(started_at), utc(ended_at))


def test_the_zone_of_the_user_decides() -> None:
    made = trip_of("a", ROW, Owner("a@example.com", "America/New_York")).trip
    assert made.started_at == utc("2024-01-31T13:12")


@pytest.mark.parametrize(
    ("fields", "kind", "parts"),
    [
        ({"trip_type": "B"}, "business", (22.4, 0.0)),
        ({"trip_type": "p"}, "private", (0.0, 22.4)),
        ({"trip_type": "M", "business_km": "10,4"}, "mixed", (10.4, 12.0)),
        ({"trip_type": "M", "private_km": 12}, "mixed", (10.4, 12.0)),
        ({"trip_type": "M", "business_km": 10.4, "private_km": 12.0}, "mixed", (10.4, 12.0)),
        ({"trip_type": "B", "business_km": 22.4, "private_km": 0}, "business", (22.4, 0.0)),
        ({"trip_type": ""}, "unclassified", (0.0, 0.0)),
        ({"trip_type": None}, "unclassified", (0.0, 0.0)),
    ],
)
def test_kinds_and_their_kilometres_are_kept(fields: dict[str, Any], kind: str, parts: tuple[float, float]) -> None:
    made = trip(**fields)
    assert (made.kind, (made.business_km, made.private_km)) == (kind, parts)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"date": "2024-01-31"}, "date is not dd-mm-yyyy"),
        ({"date": "31-02-2024"}, "date is not on the calendar"),
        ({"date": "31-01-1999"}, "date is not in a year"),
        ({"date": None}, "date is not dd-mm-yyyy"),
        ({"start_time": "25:00"}, "start_time is not HH:MM"),
        ({"end_time": "noon"}, "end_time is not HH:MM"),
        ({"distance_km": "far"}, "distance_km is not a number"),
        ({"distance_km": True}, "distance_km is not a number"),
        ({"distance_km": float("nan")}, "distance_km is not a number"),
        ({"distance_km": -1}, "the distance is not from 0 to 5000 km"),
        ({"distance_km": 5001}, "the distance is not from 0 to 5000 km"),
        ({"distance_km": None, "start_odo": 0}, "distance_km is missing"),
        ({"trip_type": "X"}, "trip_type is not"),
        ({"trip_type": "B", "business_km": 10}, "contradict"),
        ({"trip_type": "B", "private_km": 1}, "contradict"),
        ({"trip_type": "P", "business_km": 22.4}, "contradict"),
        ({"trip_type": None, "business_km": 22.4}, "contradict"),
        ({"trip_type": "M"}, "both business_km and private_km are missing"),
        ({"trip_type": "M", "business_km": 10, "private_km": 10}, "contradict"),
        ({"trip_type": "M", "business_km": 30}, "above distance_km"),
        ({"trip_type": "M", "private_km": -3}, "above distance_km"),
        ({"end_odo": 12000}, "end_odo is below start_odo"),
        ({"car_id": "no such car!"}, "car_id is not letters"),
        ({"car_id": 7}, "car_id is not letters"),
    ],
)
def test_a_row_that_cannot_be_read_says_why(fields: dict[str, Any], why: str) -> None:
    assert why in why_not(**fields)


@pytest.mark.parametrize("lost", [0, None, "", "?", -5, 3_000_000])
def test_a_lost_odometer_does_not_lose_the_trip(lost: Any) -> None:
    made = trip(start_odo=lost)
    assert (made.start_odometer_km, made.end_odometer_km, made.distance_km) == (None, 12367.4, 22.4)
    assert made.distance_source == "manual"


def test_a_missing_distance_is_that_of_the_odometers() -> None:
    assert trip(distance_km=None).distance_km == 22.4


def test_odometers_that_say_another_distance_do_not_prove_it() -> None:
    assert trip(distance_km=22.5).distance_source == "odometer"
    assert trip(distance_km=22.6).distance_source == "manual"


def test_a_trail_becomes_a_route_without_the_points_that_cannot_be_read() -> None:
    good = [{"lat": 52.0 + n / 100, "lng": 5.1, "timestamp": f"2024-01-31T07:1{n}:00Z"} for n in range(3)]
    bad: list[Any] = [{"lat": 0, "lng": 0, "timestamp": "2024-01-31T07:15:00"}, "?", {"lat": 52.0, "lng": 5.1}]
    made = converted(gps_trail=[*good, *bad], start_odo=None, distance_km="2,9")
    assert made.trip == trip(gps_trail=good, start_odo=None, distance_km=2.9)
    assert (made.trip.distance_source, made.trip.source, made.trip.gps_km) == ("gps", "automatic", 2.9)
    assert made.trip.route
    assert made.remarks == ("points of gps_trail that cannot be read: left out",)


def test_a_trip_with_neither_trail_nor_odometer_was_made_by_hand() -> None:
    made = trip(start_odo=None, end_odo=None)
    assert (made.source, made.gps_km, made.route) == ("manual", None, "")


@pytest.mark.parametrize("position", [(0, 0), (91, 5), (None, 5.1), ("north", 5.1)])
def test_a_position_that_is_none_is_left_out(position: tuple[Any, Any]) -> None:
    made = trip(from_lat=position[0], from_lon=position[1])
    assert (made.from_.lat, made.from_.lng, made.from_.place, made.from_.address) == (None, None, "", "Dorpsstraat 1")


def test_a_row_that_names_no_car_is_of_its_users_car() -> None:
    assert trip(car_id=None).car_id == "audi"
    assert trip_of("a", {**ROW, "car_id": ""}, Owner("a@example.com", "UTC")).trip.car_id is None


def test_fields_that_nobody_knows_are_told() -> None:
    assert converted(weather="rain").remarks == ("fields without a place in the new system: weather",)


@pytest.mark.parametrize(
    "fields",
    [
        {"fetched_at": "2024-01-31T07:00:00"},
        {"fetched_at": "2024-01-31T08:00:00+01:00", "created_at": "2023-01-01T00:00:00Z"},
        {"created_at": utc("2024-01-31T07:00:00")},
        {"created_at": 1706684400},
        {"fetched_at": "nonsense", "created_at": 1706684400000},
    ],
)
def test_a_reading_is_of_the_moment_it_was_fetched_else_made(fields: dict[str, Any]) -> None:
    made = reading_of({"odometer_km": "12345,6", **fields}, BORIS)
    assert (made.at, made.km, made.car_id) == (utc("2024-01-31T07:00:00"), 12345.6, "audi")
    assert made.id == "20240131T070000.000000Z.audi.car.12345600"


def test_a_reading_is_known_again_whichever_car_it_is_of_now_if_its_row_names_none() -> None:
    row = {"odometer_km": 5, "fetched_at": "2024-01-31T07:00:00"}
    then, now = (reading_of(row, Owner("a@example.com", "UTC", car)) for car in ("audi", "polo"))
    named = reading_of({**row, "car_id": "polo"}, BORIS)
    assert now.key in reading_keys([then.id])
    assert named.key not in reading_keys([then.id])
    assert named.key in reading_keys([named.id])


@pytest.mark.parametrize("fields", [{"odometer_km": 0}, {"odometer_km": -1}, {"odometer_km": 2_000_001}, {},
                                    {"odometer_km": 5, "fetched_at": None}])  # fmt: skip
def test_a_reading_without_moment_or_odometer_cannot_be_read(fields: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        reading_of({"fetched_at": "2024-01-31T07:00:00", **fields}, BORIS)


def test_a_reading_of_nobodys_car_cannot_be_read() -> None:
    with pytest.raises(Unreadable, match="no car"):
        reading_of({"fetched_at": "2024-01-31T07:00:00", "odometer_km": 5}, Owner("a@example.com", "UTC"))


def test_a_location_is_a_place_named_by_its_id() -> None:
    made = place_of("Home", {"lat": "52,09", "lon": 5.1})
    assert (made.name, made.lat, made.lng, made.radius_m, made.kind) == ("Home", 52.09, 5.1, 150.0, "private")
    assert (len(made.id), made.id) == (12, place_of("Home", {"lat": 1, "lng": 2}).id)
    named = place_of("x", {"name": "Customer", "lat": 52, "lng": 5, "radius_m": 300, "kind": "business"})
    assert (named.name, named.radius_m, named.kind) == ("Customer", 300.0, "business")


@pytest.mark.parametrize("fields", [{"lat": 52}, {"lat": 95, "lng": 5}, {"lat": 52, "lng": 5, "radius_m": 90_000}])
def test_a_location_without_a_position_or_with_an_odd_radius_cannot_be_read(fields: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        place_of("Home", fields)


def test_a_trip_going_on_keeps_its_points_and_is_to_be_polled_at_once() -> None:
    events = [{"lat": 52.1, "lng": 5.0, "timestamp": "2024-01-31T07:20:00Z"}, {"lat": None}]
    old = {"active": True, "start_time": "2024-01-31T07:12:00", "lat": 52.0, "lng": 5.0, "gps_events": events}
    now = utc("2024-01-31T07:30:00")
    made = state_of(old, BORIS, now)
    first = Heard(utc("2024-01-31T07:12:00"), 52.0, 5.0, car_id="audi")
    assert made.events == (first, Heard(utc("2024-01-31T07:20:00"), 52.1, 5.0))
    assert made.drive == GoingOn(started_at=first.at, car_id="audi", heard_at=utc("2024-01-31T07:20:00"))
    assert next_poll_at(made, Rules()) == now


def test_a_trip_going_on_in_no_car_asks_none_and_is_over_by_itself() -> None:
    old = {"active": True, "start_time": "2024-01-31T07:12:00", "lat": 52.00000049, "lng": 5.0}
    made = state_of(old, Owner("a@example.com", "UTC"), utc("2024-01-31T07:30:00"))
    assert made.events == (Heard(utc("2024-01-31T07:12:00"), 52.0, 5.0),)
    assert (made.drive and made.drive.is_asked, made.open) == (False, {})
    assert next_poll_at(made, Rules()) == utc("2024-01-31T09:12:00")


@pytest.mark.parametrize("fields", [{"active": True}, {"start_time": "2024-01-31T07:12:00"}])
def test_a_trip_going_on_without_a_start_or_that_may_be_none_cannot_be_read(fields: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        state_of(fields, BORIS, utc("2024-01-31T07:30:00"))


def test_what_does_not_describe_a_car_is_secret() -> None:
    [old] = old_cars({"brand": "Audi", "vin": "V1", "license_plate": "AB-1", "username": "u", "unforeseen": "s"})
    assert (old.car.id, old.car.provider, old.car.brand, old.car.vin, old.car.plate) == (
        "audi", "audi", "Audi", "V1", "AB-1")  # fmt: skip
    assert old.credentials == {"username": "u", "unforeseen": "s"}
    assert "unforeseen" not in repr(old)


def test_a_map_of_cars_is_several_cars() -> None:
    found = old_cars({"zoe": {"brand": "Renault", "pin": 1}, "Big Car": {"credentials": {"token": "t"}}})
    assert {old.car.id: old.credentials for old in found} == {"zoe": {"pin": 1}, "big-car": {"token": "t"}}


def test_cars_of_the_new_shape_are_left_alone() -> None:
    new = {"cars": {"id3": {"id": "id3", "provider": "simulated", "name": "", "vin": "", "brand": "", "plate": ""}}}
    assert old_cars(new) == []
    assert list(new_cars(new)) == ["id3"]
    [old] = old_cars({**new, "password": "p"})
    assert old.credentials == {"password": "p"}


@pytest.mark.parametrize(
    "fields",
    [
        {"cars": {"audi": {"brand": "Audi", "password": "secret"}}},
        {"cars": [{"id": "audi", "password": "secret"}]},
        {"cars": "secret"},
        {"cars": {"audi": "secret"}},
        {"provider": {"name": "audi", "password": "secret"}},
        {"credentials": {"password": "secret"}},
        {"audi": {"tokens": {"refresh": ["secret"]}}},
    ],
)
def test_no_shape_lets_a_secret_slip_into_the_description_of_a_car(fields: dict[str, Any]) -> None:
    [old] = old_cars(fields)
    assert "secret" in str(old.credentials)
    assert "secret" not in str(old.car)
