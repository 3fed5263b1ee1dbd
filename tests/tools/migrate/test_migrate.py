"""The migration, run as its command against a store of its own for each test: what moves, and where to."""

from datetime import UTC, datetime

import pytest
from google.cloud import firestore

from shared import settings
from shared.domain.car.car import Car
from shared.domain.log.drive import Heard
from shared.domain.log.record import recorded
from shared.domain.log.sums import Sums
from shared.domain.log.tiling import why_not_tiled
from shared.domain.tracking.closing import with_closed
from shared.domain.tracking.events import Ended
from shared.domain.tracking.machine import advance
from shared.domain.tracking.state import DriverState
from shared.repositories.due import due_users
from shared.repositories.streaming import LongReader
from tests.tools.migrate.migration import House, add, rows_of
from tests.tools.migrate.old_store import BORIS, CARLA, DEWI, OTHER, SECRETS, everything


def test_each_row_moves_below_its_user_and_nothing_else_changes(house: House) -> None:
    house.register(CARLA, timezone="Europe/Lisbon")
    house.register(OTHER)
    add(house, datetime(2024, 1, 31, 7, tzinfo=UTC), 100, email=OTHER)
    house.store(OTHER).cars.save(Car("id3", "simulated"), {"token": "t"})
    others = {path: at for path, at in everything(house.db).items() if path.startswith(f"users/{OTHER}")}
    house.put(one={}, two={"user_id": " Carla@Example.com"}, three={"user_id": None, "user": CARLA})
    house.db.document("odometer_readings/r").set({"user_id": CARLA, "odometer_km": 5, "car_id": "zoe",
                                                  "fetched_at": "2024-01-31T07:00:00"})  # fmt: skip
    house.db.document("locations/Home").set({"user_id": CARLA, "lat": 52.0, "lng": 5.0})
    told = house.run()
    assert [trip.user for trip in house.trips(BORIS)] == [BORIS]
    assert [trip.started_at.hour for trip in house.trips(CARLA)] == [8, 8]
    assert [reading.km for reading in house.store(CARLA).readings.newest("zoe", 9)] == [5.0]
    assert [place.name for place in house.store(CARLA).places()] == ["Home"]
    assert house.db.collection(f"users/{CARLA}/locations").get()[0].get("name") == "Home"
    assert {path: at for path, at in everything(house.db).items() if path.startswith(f"users/{OTHER}")} == others
    assert OTHER not in told


def test_a_reading_is_as_coarse_as_the_cloud_of_its_car_tells_it(house: House) -> None:
    house.store().cars.save(Car("id3", "skoda"))
    for car_id in ("id3", "sold"):
        row = {"user_id": BORIS, "odometer_km": 5, "car_id": car_id, "fetched_at": "2024-01-31T07:00:00"}
        house.db.document(f"odometer_readings/{car_id}").set(row)
    house.run()
    readings = [*house.store().readings.newest("id3", 9), *house.store().readings.newest("sold", 9)]
    assert [reading.resolution_km for reading in readings] == [1.0, 0.1]


def test_rows_without_an_owner_go_to_the_default_user_and_are_listed(house: House) -> None:
    house.put(none={"user_id": None}, odd={"user_id": "boris"}, number={"user_id": 7})
    told = house.run()
    assert len(house.trips(BORIS)) == 3
    assert "no user_id (1): none" in told
    assert "user_id is 'boris', no e-mail address (1): odd" in told
    assert "user_id is '7', no e-mail address (1): number" in told


def test_users_of_old_rows_are_registered_without_a_key_and_told(house: House) -> None:
    house.put(one={"user_id": DEWI})
    told = house.run()
    account = house.db.document(f"users/{DEWI}").get().to_dict()
    assert (account["timezone"], account["keys"]) == ("Europe/Amsterdam", {})
    assert f"tools.admin add-key {DEWI}" in told
    assert f"tools.admin add-key {BORIS}" not in told


def test_rows_and_sums_are_those_of_the_fold(house: House) -> None:
    house.put(
        first={"start_odo": 100, "end_odo": 122.4, "trip_type": "M", "business_km": 12.4},
        second={"date": "01-02-2024", "start_odo": 130, "end_odo": 152.4, "trip_type": "P"},
        other={"date": "01-02-2024", "start_time": "07:00", "car_id": "polo", "trip_type": ""},
    )
    house.run()
    sums = house.store().sums(2024)[2024]
    assert sums[1]["audi"] == Sums(1, 22400, 12400, 10000, 0, gap_m=7600)
    assert sums[2] == {"audi": Sums(1, 22400, 0, 22400, 0), "polo": Sums(1, 22400, 0, 0, 22400, unplaced_m=22400)}
    first, other, second = house.trips()
    [gap] = house.gaps()
    assert [(row.from_m, row.to_m) for row in (first, gap, second)] == [
        (100_000, 122_400), (122_400, 130_000), (130_000, 152_400)]  # fmt: skip
    assert (first.end_odometer_known, second.start_odometer_known, second.gap_before_km) == ("typed", "typed", 7.6)
    assert (gap.since, gap.until) == (first.ended_at, second.started_at)
    assert (other.from_m, other.flags, other.distance_km) == (None, (), 22.4)


def test_a_trip_whose_odometers_say_less_shows_what_it_showed_and_what_is_in_excess(house: House) -> None:
    house.put(
        one={"start_odo": 100, "end_odo": 120},
        two={"date": "01-02-2024", "start_odo": 115, "end_odo": 137.4},
        three={"date": "02-02-2024", "start_odo": 137.4, "end_odo": 159.8},
    )
    house.run()
    trips = house.trips()
    assert [trip.distance_km for trip in trips] == [22.4, 22.4, 22.4]
    assert why_not_tiled(rows_of(house)) is None
    odometer_km = (trips[-1].end_odometer_km or 0) - (trips[0].start_odometer_km or 0)
    assert odometer_km == pytest.approx(59.8, abs=0.11)
    assert sum(trip.excess_km for trip in trips) == pytest.approx(67.2 - odometer_km)
    assert any(trip.has("contradicted") for trip in trips)


def test_readings_between_trips_are_held_against_them_and_judged(house: House) -> None:
    house.put(one={"start_odo": 100, "end_odo": 122.4}, two={"date": "05-02-2024", "start_odo": 200, "end_odo": 222.4})
    for name, day, km in (("fits", 2, 150.0), ("wrong", 3, 90_000.0), ("late", 9, 230.0)):
        house.db.document(f"odometer_readings/{name}").set(
            {"user_id": BORIS, "car_id": "audi", "odometer_km": km, "fetched_at": f"2024-02-{day:02}T07:00:00"}
        )
    house.run()
    kept = house.store().readings.since("audi", datetime(2024, 1, 1, tzinfo=UTC))
    assert {one.reading.km: one.standing for one in kept} == {
        150.0: "believed", 90_000.0: "not_believed", 230.0: "believed"}  # fmt: skip
    assert [(gap.from_m, gap.to_m) for gap in house.gaps()] == [(122_400, 150_000), (150_000, 200_000)]


def test_a_place_gives_its_name_to_the_ends_of_trips(house: House) -> None:
    house.db.document("locations/Home").set({"user_id": BORIS, "lat": 52.0907, "lng": 5.1214})
    house.put(one={"from_lat": 52.0907, "from_lon": 5.1214})
    house.run()
    assert house.trips()[0].from_.place == "Home"


def test_rows_that_cannot_be_read_stay_and_are_listed_with_why(house: House) -> None:
    house.put(good={}, bad={"end_time": "25:00"}, worse={"end_time": "26:00"}, odd={"trip_type": "X"})
    told = house.run("--delete-old")
    assert "trips: end_time is not HH:MM (2): bad, worse" in told
    assert "trips: trip_type is not B, P or M (1): odd" in told
    assert "3 rows were left where they are" in told
    assert house.roots() == {"trips/bad", "trips/worse", "trips/odd"}


def test_what_of_a_row_does_not_come_along_is_told(house: House) -> None:
    house.put(one={"weather": "rain", "gps_trail": ["?"]})
    told = house.run()
    assert "weather (1): one" in told
    assert "points of gps_trail that cannot be read: left out (1): one" in told


def test_documents_of_the_old_cache_that_nobody_knows_stay_and_are_listed(house: House) -> None:
    house.db.document("cache/session").set({"token": SECRETS[0]})
    told = house.run("--delete-old")
    assert "cache: nothing that this tool knows (1): session" in told
    assert SECRETS[0] not in told
    assert house.roots() == {"cache/session"}


def test_trips_that_start_in_the_same_minute_stay_two(house: House) -> None:
    house.put(one={}, two={})
    house.run()
    assert len({trip.id for trip in house.trips()}) == 2


def test_a_driver_can_read_what_was_moved(house: House) -> None:
    """By the ids, kinds and fields that the handlers expect."""
    house.put(one={"start_odo": 100, "end_odo": 122.4})
    house.run()
    trip = house.trips()[0]
    found = house.store().trips.find(trip.id)
    assert found
    assert found.value == trip


# --- cars


def test_credentials_are_sealed_and_no_plain_text_remains_anywhere(house: House) -> None:
    document = house.db.document(f"users/{BORIS}/settings/car")
    document.set({"brand": "Audi", "vin": "V1", "username": "b", "password": SECRETS[0], "odd.name `x`": SECRETS[0]})
    told = house.run()
    assert list(document.get().to_dict()) == ["cars"]
    stored = [house.db.document(path).get().to_dict() for path in everything(house.db)]
    assert SECRETS[0] not in f"{stored}{told}"
    assert house.store().cars.list_cars()["audi"].vin == "V1"
    assert house.store().cars.access("audi").credentials["password"] == SECRETS[0]
    assert "password" in house.store().cars.list_cars()["audi"].credentials_set_at
    assert house.db.document(f"users/{BORIS}").get().get("default_car_id") == "audi"


def test_the_car_is_that_of_trips_that_name_none_also_in_a_second_run(house: House) -> None:
    house.db.document(f"users/{BORIS}/settings/car").set({"car_id": "q4", "password": SECRETS[0]})
    house.put(one={"car_id": None})
    house.run()
    house.put(two={"car_id": ""})
    house.run()
    assert [trip.car_id for trip in house.trips()] == ["q4", "q4"]


def test_a_car_that_was_set_anew_keeps_what_it_was_set_to(house: House) -> None:
    document = house.db.document(f"users/{BORIS}/settings/car")
    document.set({"car_id": "audi", "brand": "Audi", "password": "old", "spin": "1"})
    house.store().cars.save(Car("audi", "simulated", vin="V2"), {"password": "new"})
    house.run()
    car = house.store().cars.list_cars()["audi"]
    assert (car.provider, car.vin, car.brand) == ("simulated", "V2", "Audi")
    assert house.store().cars.access("audi").credentials == {"password": "new", "spin": "1"}


def test_another_car_of_the_same_id_is_kept_apart(house: House) -> None:
    house.db.document(f"users/{BORIS}/settings/car").set({"car_id": "audi", "vin": "V1", "password": "old"})
    house.store().cars.save(Car("audi", "simulated", vin="V2"), {"password": "new"})
    house.run()
    assert {car.id: car.vin for car in house.store().cars.list_cars().values()} == {"audi": "V2", "audi-2": "V1"}
    assert house.store().cars.access("audi-2").credentials == {"password": "old"}


def test_cars_below_users_without_a_document_or_of_another_spelling_are_found(house: House) -> None:
    house.db.document("users/Dewi@Example.com/settings/car").set({"car_id": "id3", "token": SECRETS[2]})
    house.db.document(f"users/{DEWI}/settings/car").set({"car_id": "up", "token": SECRETS[2]})
    house.db.document("users/nobody/settings/car").set({"car_id": "pool", "token": SECRETS[2]})
    told = house.run()
    assert set(house.store(DEWI).cars.list_cars()) == {"id3", "up"}
    assert set(house.store(BORIS).cars.list_cars()) == {"pool"}
    assert "'nobody', no e-mail address" in told
    assert not house.db.document("users/Dewi@Example.com/settings/car").get().exists
    assert house.db.document(f"users/{DEWI}").get().get("default_car_id") == "up"
    assert SECRETS[2] not in str([house.db.document(path).get().to_dict() for path in everything(house.db)])


# --- the trip going on


ACTIVE = {
    "active": True,
    "user_id": BORIS,
    "car_id": "audi",
    "start_time": "2026-01-23T08:00:00",
    "lat": 52.0,
    "lng": 5.0,
}


def test_a_trip_going_on_can_be_ended_in_the_new_system(house: House) -> None:
    house.db.document("cache/trip_start").set(ACTIVE)
    house.put(one={})
    house.run()
    state = house.store().state().value
    end = Ended(Heard(datetime(2026, 1, 23, 8, 30, tzinfo=UTC), 52.2, 5.0))
    outcome = advance(state, end, datetime(2026, 1, 23, 9, tzinfo=UTC), settings.current.rules)
    assert (state.drive and state.drive.car_id, outcome.status) == ("audi", "ending")
    assert [due.user for due in due_users(LongReader(house.db.project), datetime.now(UTC), 10)] == [BORIS]


def test_a_trip_going_on_is_taken_up_once_and_never_again(house: House) -> None:
    house.db.document("cache/trip_start").set(ACTIVE)
    house.run()
    store = house.store()
    started = store.state()
    house.run()
    assert store.state() == started
    assert started.value.drive
    change = store.change()
    change.put_state(started, DriverState())
    record = recorded("20260123T080000Z-over", started.value.events)
    change.put_record(record.id, None, record)
    change.commit()
    told = house.run("--delete-old")
    assert store.state().value.drive is None
    assert "has a state" not in told
    assert house.roots() == set()


def test_a_trip_going_on_does_not_displace_one_of_the_new_system(house: House) -> None:
    house.db.document("cache/trip_start").set({**ACTIVE, "start_time": "2026-01-23T10:00:00"})
    house.run()
    former = house.store().state()
    house.db.document("cache/trip_start").set(ACTIVE)
    told = house.run("--delete-old")
    assert house.store().state() == former
    assert "its user has a state in the new system already (1): trip_start" in told
    assert house.roots() == {"cache/trip_start"}


def test_nothing_is_moved_into_a_log_that_an_earlier_version_kept(house: House) -> None:
    house.put(one={})
    user = house.db.document(f"users/{BORIS}")
    user.update({"log_version": firestore.DELETE_FIELD})
    sentence = f"The log of {BORIS} was kept by an earlier version: first run `python -m tools.admin upgrade {BORIS}`."
    assert sentence in house.run(code=1)
    user.update({"log_version": 2})
    user.collection("cache").document("trip_start").set({"active": True})
    assert sentence in house.run(code=1)
    assert house.trips() == []


def test_a_trip_of_a_closed_year_stays_and_is_listed_and_the_others_move(house: House) -> None:
    house.put(one={})
    house.run()
    [there] = house.trips()
    read, change = house.store().state(), house.store().change()
    change.put_state(read, with_closed(read.value, there.car_id or "", there.year, there.timezone))
    change.commit()
    house.put(two={"start_time": "10:12", "end_time": "10:41"}, other={"user_id": OTHER})
    told = house.run(code=1)
    assert f"trips: The year {there.year} of this car is closed. (1): 20240131T091200Z-" in told
    assert f"do NOT agree for {BORIS}." in told
    assert house.trips() == [there]
    assert len(house.trips(OTHER)) == 1


def test_where_no_trip_goes_on_nothing_moves_and_the_document_can_go(house: House) -> None:
    house.db.document("cache/trip_start").set({**ACTIVE, "active": False})
    assert "no trip is going on" in house.run("--delete-old")
    assert house.roots() == set()
    assert house.store().state().version is None
