"""A driver's places over HTTP: they name the ends of past and coming trips, and hold at ends at once."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.domain.log.trip import Endpoint, Trip, trip_id
from shared.domain.place.places import Place
from shared.repositories.documents import to_document
from shared.repositories.places import SharedPlaceRepository
from tests.system.fixtures import UTRECHT, Driver, Stack, ago

NORTH = (52.1807, 5.1214)
HOME = {"name": "Home", "lat": UTRECHT[0], "lng": UTRECHT[1], "radius_m": 300, "kind": "private", "address": "Here 1"}


def add(driver: Driver, **more: Any) -> dict[str, Any]:
    response = driver.call("POST", "/locations", json={**HOME, **more})
    assert response.status_code == 201, response.text
    told: dict[str, Any] = response.json()
    return told


def own(driver: Driver) -> list[dict[str, Any]]:
    return [place for place in driver.call("GET", "/locations").json()["locations"] if not place["shared"]]


def log(driver: Driver, count: int, start: Any = UTRECHT) -> None:
    """Trips of which each begins at a position and ends at NORTH, straight into the store."""
    root, begin = driver.stack.db.document(f"users/{driver.email}"), datetime(2024, 1, 1, tzinfo=UTC)
    batch = driver.stack.db.batch()
    for n in range(count):
        at = begin + timedelta(hours=2 * n)
        trip = Trip(
            id=trip_id(driver.email, at), user=driver.email, car_id="car", started_at=at, timezone="UTC",
            ended_at=at + timedelta(hours=1), date=at.date().isoformat(), year=at.year, month=at.month,
            from_=Endpoint(*start), to=Endpoint(*NORTH), distance_km=10.0, created_at=at, updated_at=at,
        )  # fmt: skip
        batch.set(root.collection("trips").document(trip.id), to_document(trip))
        if n % 200 == 199 or n == count - 1:
            batch.commit()
            batch = driver.stack.db.batch()


@pytest.fixture
def shared_place(stack: Stack) -> Iterator[Place]:
    """A place of all, far from where other tests drive."""
    place = Place(secrets.token_hex(6), "Depot of all", 40.0 + secrets.randbelow(1000) / 1000, -3.7, 300, "pause")
    shared = SharedPlaceRepository(stack.db)
    shared.put(shared.read(), place)
    yield place
    stack.db.document("settings/places").delete()
    stack.db.document(f"locations/{place.id}").delete()


def test_a_place_is_added_changed_and_deleted_in_both_of_its_documents(driver: Driver) -> None:
    place = add(driver)
    told = {name: place.pop(name) for name in ("renamed", "next_cursor")}
    assert told == {"renamed": 0, "next_cursor": None}
    assert {name: place[name] for name in HOME} == HOME
    assert own(driver) == [place]
    root = driver.stack.db.document(f"users/{driver.email}")
    changed = driver.call("PATCH", f"/locations/{place['id']}", json={"kind": "pause", "radius_m": 20}).json()
    assert (changed["kind"], changed["radius_m"], changed["name"]) == ("pause", 20.0, "Home")
    back = driver.call("PATCH", f"/locations/{place['id']}", json={"kind": "private", "address": ""}).json()
    assert (back["kind"], back["address"], back["radius_m"]) == ("private", "", 20.0)
    assert [(found.kind, found.address, found.radius_m) for found in driver.store.places()] == [("private", "", 20.0)]
    stored = root.collection("locations").document(place["id"]).get().to_dict() or {}
    assert (stored["radius_m"], stored.get("kind", "private")) == (20.0, "private")
    assert driver.call("DELETE", f"/locations/{place['id']}").status_code == 204
    assert own(driver) == []
    assert not root.collection("locations").document(place["id"]).get().exists
    assert driver.call("DELETE", f"/locations/{place['id']}").status_code == 404


def test_a_place_has_a_radius_and_a_kind_where_none_is_said(driver: Driver) -> None:
    response = driver.call("POST", "/locations", json={"name": "Shop", "lat": 52, "lng": 5})
    place = response.json()
    assert (place["radius_m"], place["kind"], place["address"]) == (150.0, "private", "")


def test_a_place_has_the_role_that_its_driver_gives_it_until_null_takes_it_away(driver: Driver) -> None:
    homes = [add(driver, name=name, role="home") for name in ("Home", "Cottage")]
    assert [place["role"] for place in homes] == ["home", "home"]
    work = add(driver, name="Office")
    assert work["role"] is None
    for role in ("work", None):
        assert driver.call("PATCH", f"/locations/{work['id']}", json={"role": role}).json()["role"] == role
        assert driver.call("PATCH", f"/locations/{work['id']}", json={"address": "x"}).json()["role"] == role
        assert [place["role"] for place in own(driver)] == ["home", "home", role]
        stored = {place.name: place.role for place in driver.store.places()}
        assert stored == {"Home": "home", "Cottage": "home", "Office": role}


def test_places_hold_at_ends_at_once(driver: Driver) -> None:
    add(driver, name="School", lat=NORTH[0], lng=NORTH[1], kind="pause")
    driver.phone("start", ago(30), UTRECHT)
    assert driver.phone("end", ago(10), NORTH)["status"] == "paused"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": None}, "name"),
        ({"lat": 91}, "lat"),
        ({"lat": "52"}, "lat"),
        ({"lng": -180.5}, "lng"),
        ({"radius_m": 19}, "radius_m"),
        ({"radius_m": 2001}, "radius_m"),
        ({"kind": "holiday"}, "kind"),
        ({"role": "school"}, "role"),
        ({"role": ""}, "role"),
        ({"address": "x" * 201}, "address"),
        ({"shared": True}, "shared"),
        ({"id": "mine"}, "id"),
    ],
)
def test_a_bad_field_of_a_place_is_refused_and_changes_nothing(driver: Driver, body: Any, field: str) -> None:
    response = driver.call("POST", "/locations", json={**HOME, **body})
    assert (response.status_code, response.json().get("field")) == (400, field), response.text
    assert own(driver) == []
    place = add(driver)
    assert driver.call("PATCH", f"/locations/{place['id']}", json=body).status_code == 400
    assert [found["name"] for found in own(driver)] == ["Home"]


@pytest.mark.parametrize("name", ["name", "lat", "lng"])
def test_what_a_place_needs_is_asked_for(driver: Driver, name: str) -> None:
    body = {field: value for field, value in HOME.items() if field != name}
    response = driver.call("POST", "/locations", json=body)
    assert (response.status_code, response.json()["field"]) == (400, name)


def test_a_place_that_is_sent_twice_is_there_once(driver: Driver) -> None:
    add(driver)
    again = driver.call("POST", "/locations", json=HOME)
    assert (again.status_code, again.json()["field"]) == (409, "name")
    assert len(own(driver)) == 1


def test_ten_places_at_once_are_all_kept(driver: Driver) -> None:
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda n: add(driver, name=f"Place {n}"), range(10)))
    assert [place["name"] for place in own(driver)] == [f"Place {n}" for n in range(10)]
    assert len(driver.store.places()) == 10


def test_a_driver_can_have_two_hundred_places(driver: Driver) -> None:
    places = {f"{n:012x}": to_document(Place(f"{n:012x}", f"Place {n}", 50.0, 4.0)) for n in range(200)}
    driver.stack.db.document(f"users/{driver.email}/settings/places").set({"places": places})
    assert driver.call("POST", "/locations", json=HOME).status_code == 409
    assert driver.call("PATCH", "/locations/000000000000", json={"name": "Renamed"}).status_code == 200


# --- names of past trips -------------------------------------------------------------------------------------------


def test_a_new_place_names_the_ends_that_lie_in_it_and_no_others(driver: Driver) -> None:
    log(driver, 3)
    told = add(driver)
    assert (told["renamed"], told["next_cursor"]) == (3, None)
    trips = driver.trips()
    assert [(trip["from"]["place"], trip["to"]["place"], trip["revision"]) for trip in trips] == [("Home", "", 2)] * 3
    assert all(datetime.fromisoformat(trip["updated_at"]) > ago(2) for trip in trips)
    assert (trips[0]["distance_km"], trips[0]["from"]["lat"]) == (10.0, UTRECHT[0])
    assert driver.call("GET", "/stats").json()["trip_count"] == 0, "the sums are left as they are"


def test_naming_twice_changes_nothing(driver: Driver) -> None:
    log(driver, 3)
    place = add(driver)
    before, state = driver.trips(), driver.store.state()
    again = driver.call("POST", f"/locations/{place['id']}/apply")
    assert (again.status_code, again.json()) == (200, {"renamed": 0, "next_cursor": None})
    assert driver.trips() == before
    assert driver.store.state() == state


def test_a_new_name_follows_into_the_log_and_another_kind_does_not_touch_it(driver: Driver) -> None:
    log(driver, 2)
    place = add(driver)
    told = driver.call("PATCH", f"/locations/{place['id']}", json={"name": "Thuis"}).json()
    assert (told["renamed"], told["next_cursor"]) == (2, None)
    assert {trip["from"]["place"] for trip in driver.trips()} == {"Thuis"}
    before = driver.trips()
    told = driver.call("PATCH", f"/locations/{place['id']}", json={"kind": "business", "address": "x"}).json()
    assert (told["renamed"], told["next_cursor"]) == (0, None)
    assert driver.trips() == before


def test_the_nearest_place_gives_its_name(driver: Driver) -> None:
    log(driver, 1)
    add(driver, name="Near", lat=UTRECHT[0] + 0.0005)
    told = add(driver, name="Wide", lat=UTRECHT[0] + 0.001, radius_m=2000)
    assert told["renamed"] == 0
    assert driver.trips()[0]["from"]["place"] == "Near"


def test_a_deleted_place_leaves_its_name_in_the_log(driver: Driver) -> None:
    log(driver, 1)
    driver.call("DELETE", f"/locations/{add(driver)['id']}")
    assert driver.trips()[0]["from"]["place"] == "Home"


def test_a_long_log_is_named_five_hundred_trips_at_a_time(driver: Driver) -> None:
    log(driver, 1203)
    told = add(driver)
    pages = [told["renamed"]]
    while told["next_cursor"]:
        body = {"cursor": told["next_cursor"]}
        answer = driver.call("POST", f"/locations/{told.get('id', place_id(driver))}/apply", json=body)
        told = answer.json()
        pages.append(told["renamed"])
    assert pages == [500, 500, 203]
    revisions: set[tuple[str, int]] = set()
    cursor = ""
    while True:
        page = driver.call("GET", f"/trips?limit=200{cursor}").json()
        revisions |= {(trip["from"]["place"], trip["revision"]) for trip in page["trips"]}
        if not page["next_cursor"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert revisions == {("Home", 2)}


def place_id(driver: Driver) -> str:
    found: str = own(driver)[0]["id"]
    return found


def test_names_and_corrections_at_once_lose_nothing(driver: Driver) -> None:
    log(driver, 30)
    trips = driver.trips()
    with ThreadPoolExecutor(8) as pool:
        naming = pool.submit(add, driver)
        notes = list(
            pool.map(lambda trip: driver.call("PATCH", f"/trips/{trip['id']}", json={"notes": trip["id"]}), trips[:8])
        )
        assert naming.result()["renamed"] == 30
    assert {answer.status_code for answer in notes} == {200}
    found = driver.trips()
    assert {trip["from"]["place"] for trip in found} == {"Home"}
    assert [trip["notes"] for trip in found[:8]] == [trip["id"] for trip in trips[:8]]
    assert [trip["revision"] for trip in found[:8]] == [3] * 8


@pytest.mark.parametrize("body", [{"cursor": "abc"}, {"cursor": 5}, {"page": 2}, []])
def test_a_cursor_that_is_not_ours_is_refused(driver: Driver, body: Any) -> None:
    place = add(driver)
    assert driver.call("POST", f"/locations/{place['id']}/apply", json=body).status_code == 400


def test_the_start_of_the_log_is_a_cursor_too(driver: Driver) -> None:
    log(driver, 1)
    place = add(driver)
    told = driver.call("POST", f"/locations/{place['id']}/apply", json={"cursor": "start"}).json()
    assert told == {"renamed": 0, "next_cursor": None}


# --- places of all -------------------------------------------------------------------------------------------------


def test_a_shared_place_is_listed_and_only_the_operator_changes_it(driver: Driver, shared_place: Place) -> None:
    shown = [place for place in driver.call("GET", "/locations").json()["locations"] if place["shared"]]
    assert [(place["id"], place["name"]) for place in shown] == [(shared_place.id, "Depot of all")]
    path = f"/locations/{shared_place.id}"
    answers = [
        driver.call("PATCH", path, json={"name": "Mine"}),
        driver.call("DELETE", path),
        driver.call("POST", f"{path}/apply"),
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert "shared" in answers[0].json()["detail"]
    assert driver.stack.db.document(f"locations/{shared_place.id}").get().exists


def test_a_shared_place_pauses_and_names_trips_of_everybody(driver: Driver, shared_place: Place) -> None:
    lat, lng = there = (shared_place.lat, shared_place.lng)
    driver.phone("start", ago(80), (lat - 0.1, lng))
    driver.wait_read(12345.0)
    assert driver.phone("end", ago(60), there)["status"] == "paused"
    driver.phone("start", ago(50), there)
    driver.arrive(ago(45), (lat + 0.02, lng), 12362.4)
    driver.wait_trips(1)
    driver.phone("start", ago(30), there)
    driver.set_car(odometer_km=12375.4, measured_at=ago(9))
    driver.phone("end", ago(10), (lat + 0.1, lng))
    assert driver.wait_trips(2)[1]["from"]["place"] == "Depot of all"


def test_the_operator_shares_a_place(stack: Stack, driver: Driver) -> None:
    told = stack.admin("add-shared-place", "Charger", "41.5", "-8.1", "--kind", "pause")
    shown = {place["id"]: place for place in driver.call("GET", "/locations").json()["locations"]}
    assert shown[told.split()[-1]]["shared"] is True
    stack.db.document("settings/places").delete()


def test_another_users_place_cannot_be_seen_or_changed(stack: Stack, driver: Driver) -> None:
    path, other = f"/locations/{add(driver)['id']}", stack.driver()
    assert own(other) == []
    assert other.call("PATCH", path, json={"name": "Mine"}).status_code == 404
    assert other.call("DELETE", path).status_code == 404
    assert other.call("POST", f"{path}/apply").status_code == 404
    assert [place["name"] for place in own(driver)] == ["Home"]


@pytest.mark.parametrize("data", [b"{", b"[]", b"\xff\xfe", b"null", b"", b"[" * 60_000])
def test_a_body_that_is_no_object_is_refused(driver: Driver, data: bytes) -> None:
    path = f"/locations/{add(driver)['id']}"
    assert driver.call("POST", "/locations", data=data).status_code == 400
    assert driver.call("PATCH", path, data=data).status_code == 400
    assert driver.call("PATCH", path, data=b"{" + b" " * 65536 + b"}").status_code == 413
