"""The migration, run as its command against a store of its own for each test."""

import signal
import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.domain.machine import Ended, advance
from shared.domain.places import Place
from shared.domain.trail import Fix
from shared.domain.trip import Sums, Trip, classified, dated, sums_of, trip_id
from shared.handlers.log_keeping import locked, relink
from shared.repositories.cars import Car
from shared.repositories.documents import until_current
from shared.settings import rules
from tests.tools.migration import House
from tests.tools.old_store import BORIS, CARLA, DEWI, OTHER, SECRETS, OldStore, everything
from tools.migrate import deleting
from tools.migrate.source import Source, Stop
from tools.processes import wait_until


@pytest.fixture
def house() -> House:
    """A store with Boris, who gets what has no owner."""
    made = House()
    made.register(BORIS)
    return made


def new_trip(email: str, started_at: datetime, start_km: float, km: float = 5.0, car_id: str = "audi") -> Trip:
    """A trip of the new system."""
    return classified(dated(Trip(
        id=trip_id(email, started_at), user=email, car_id=car_id, started_at=started_at,
        ended_at=started_at + timedelta(minutes=5), timezone="Europe/Amsterdam", date="", year=0, month=0,
        start_odometer_km=start_km, end_odometer_km=start_km + km, distance_km=km, created_at=started_at,
        updated_at=started_at)))  # fmt: skip


def add(house: House, trip: Trip) -> None:
    """Adds a trip as the live system does."""

    def attempt() -> None:
        store = house.store(trip.user)
        change = store.change()
        locked(change, store.state())
        relink(change, store, None, trip)
        change.commit()

    until_current(attempt)


def sums_of_all(house: House, email: str = BORIS) -> tuple[Sums, Sums]:
    """What the sums say, and what the trips say."""
    stored, made = Sums(), Sums()
    for months in house.store(email).sums(None).values():
        for cars in months.values():
            for sums in cars.values():
                stored = stored.plus(sums)
    for trip in house.trips(email):
        made = made.plus(sums_of(trip))
    return stored, made


# --- what moves


def test_each_row_moves_below_its_user_and_nothing_else_changes(house: House) -> None:
    house.register(CARLA, timezone="Europe/Lisbon")
    house.register(OTHER)
    add(house, new_trip(OTHER, datetime(2024, 1, 31, 7, tzinfo=UTC), 100))
    house.store(OTHER).cars.save(Car("id3", "simulated"), {"token": "t"})
    others = {path: at for path, at in everything(house.db).items() if path.startswith(f"users/{OTHER}")}
    house.put(one={}, two={"user_id": " Carla@Example.com"}, three={"user_id": None, "user": CARLA})
    house.db.document("odometer_readings/r").set({"user_id": CARLA, "odometer_km": 5, "car_id": "zoe",
                                                  "fetched_at": "2024-01-31T07:00:00"})  # fmt: skip
    house.db.document("locations/Home").set({"user_id": CARLA, "lat": 52.0, "lng": 5.0})
    told = house.run()
    assert [trip.user for trip in house.trips(BORIS)] == [BORIS]
    assert [trip.started_at.hour for trip in house.trips(CARLA)] == [8, 8]
    assert [reading["km"] for reading in house.store(CARLA).readings("zoe", 9)] == [5.0]
    assert [place.name for place in house.store(CARLA).places()] == ["Home"]
    assert house.db.collection(f"users/{CARLA}/locations").get()[0].get("name") == "Home"
    assert {path: at for path, at in everything(house.db).items() if path.startswith(f"users/{OTHER}")} == others
    assert OTHER not in told


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


def test_sums_and_gaps_are_computed(house: House) -> None:
    house.put(
        first={"start_odo": 100, "end_odo": 122.4, "trip_type": "M", "business_km": 12.4},
        second={"date": "01-02-2024", "start_odo": 130, "end_odo": 152.4, "trip_type": "P"},
        other={"date": "01-02-2024", "start_time": "07:00", "car_id": "polo", "trip_type": ""},
    )
    house.run()
    sums = house.store().sums(2024)[2024]
    assert sums[1]["audi"] == Sums(1, 22400, 12400, 10000, 0)
    assert sums[2] == {"audi": Sums(1, 22400, 0, 22400, 0), "polo": Sums(1, 22400, 0, 0, 22400)}
    first, _, second = house.trips()
    assert second.gap_before_km == 7.6
    assert second.gap
    assert (second.gap.after_trip, second.gap.from_odometer_km) == (first.id, 122.4)


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
    found = house.store().find_trip(trip.id)
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
    assert house.store().cars.credentials("audi")["password"] == SECRETS[0]
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
    assert house.store().cars.credentials("audi") == {"password": "new", "spin": "1"}


def test_another_car_of_the_same_id_is_kept_apart(house: House) -> None:
    house.db.document(f"users/{BORIS}/settings/car").set({"car_id": "audi", "vin": "V1", "password": "old"})
    house.store().cars.save(Car("audi", "simulated", vin="V2"), {"password": "new"})
    house.run()
    assert {car.id: car.vin for car in house.store().cars.list_cars().values()} == {"audi": "V2", "audi-2": "V1"}
    assert house.store().cars.credentials("audi-2") == {"password": "old"}


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
    end = Ended(Fix(datetime(2026, 1, 23, 8, 30, tzinfo=UTC), 52.2, 5.0))
    outcome = advance(state, end, datetime(2026, 1, 23, 9, tzinfo=UTC), rules())
    assert (state.active, state.car_id, outcome.status) == (True, "audi", "ending")


def test_a_trip_going_on_is_taken_up_once_and_never_again(house: House) -> None:
    house.db.document("cache/trip_start").set(ACTIVE)
    house.run()
    started = house.store().state()
    house.run()
    assert house.store().state() == started
    house.db.document(f"users/{BORIS}/cache/trip_start").update({"active": False, "started_at": None, "fixes": [],
                                                                "closed_until": started.value.heard_at})  # fmt: skip
    told = house.run("--delete-old")
    assert not house.store().state().value.active
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


def test_where_no_trip_goes_on_nothing_moves_and_the_document_can_go(house: House) -> None:
    house.db.document("cache/trip_start").set({**ACTIVE, "active": False})
    assert "no trip is going on" in house.run("--delete-old")
    assert house.roots() == set()
    assert house.store().state().version is None


# --- stopping and starting again


def test_twice_is_the_same_as_once_to_the_last_document() -> None:
    house, old = House(), OldStore(200, seed=3)
    old.write(house.db)
    first = house.run()
    once = everything(house.db)
    second = house.run()
    assert everything(house.db) == once
    assert "before and after agree" in first
    assert "before and after agree" in second


def test_two_at_once_do_what_one_does() -> None:
    house, old = House(), OldStore(1500, seed=9)
    old.write(house.db)
    running = [house.start() for _ in range(2)]
    for process in running:
        out, errors = process.communicate(timeout=120)
        assert process.returncode == 0, out + errors
    assert sum(len(house.trips(email)) for email in (BORIS, CARLA, DEWI)) == len(old.truth)
    for email in (BORIS, CARLA, DEWI):
        stored, made = sums_of_all(house, email)
        assert stored == made
    once = everything(house.db)
    house.run()
    assert everything(house.db) == once


def test_deleting_can_be_stopped_and_started_again() -> None:
    house, old = House(), OldStore(3000, seed=4)
    old.write(house.db)
    house.run()
    users = {path for path in everything(house.db) if path.startswith("users/")}
    early = house.db.document(f"trips/{min(old.truth)}")
    house.kill(house.start("--delete-old"), lambda: not early.get().exists, "deletions")
    assert 0 < len(house.roots() - old.unreadable) < 3000
    house.run("--delete-old")
    assert everything(house.db).keys() == users | old.unreadable
    assert house.roots() == old.unreadable


def test_rows_that_come_later_move_in_a_later_run(house: House) -> None:
    house.put(one={"start_odo": 100, "end_odo": 122.4}, three={"date": "02-02-2024", "start_odo": 150})
    house.run()
    house.put(two={"date": "01-02-2024", "start_odo": 122.4, "end_odo": 144.8})
    house.run()
    assert [trip.gap_before_km for trip in house.trips()] == [0.0, 0.0, 5.2]
    stored, made = sums_of_all(house)
    assert stored == made


# --- the live system meanwhile


def test_gaps_join_the_trips_of_the_new_system_on_both_sides_and_nothing_else_of_them_changes(house: House) -> None:
    add(house, new_trip(BORIS, datetime(2024, 1, 30, 7, tzinfo=UTC), 90))
    add(house, new_trip(BORIS, datetime(2024, 2, 1, 7, tzinfo=UTC), 130))
    before = house.trips()
    house.put(one={"start_odo": 100, "end_odo": 122.4})
    assert "gaps were put right" in house.run()
    assert [trip.gap_before_km for trip in house.trips()] == [0.0, 5.0, 7.6]
    after = {trip.id: trip for trip in house.trips()}
    for trip in before:
        assert (after[trip.id].revision, after[trip.id].updated_at) == (trip.revision, trip.updated_at)


def test_a_live_driver_and_the_migration_do_not_disturb_each_other() -> None:
    house, old = House(), OldStore(1500, seed=5)
    old.write(house.db)
    process = house.start()
    meanwhile: list[bool] = []

    def drive() -> None:
        wait_until(lambda: house.store().state().value.log_changes, "the first trips")
        for n in range(40):
            trip = new_trip(BORIS, datetime(2021, 3, 1, tzinfo=UTC) + timedelta(hours=7 * n, seconds=30), 500 + n)
            add(house, trip)
            meanwhile.append(process.poll() is None)

    driver = threading.Thread(target=drive)
    driver.start()
    out, errors = process.communicate(timeout=120)
    driver.join()
    assert process.returncode == 0, out + errors
    assert any(meanwhile)
    house.run()
    wanted = sum(truth.user == BORIS for truth in old.truth.values()) + len(meanwhile)
    trips = house.trips()
    assert len(trips) == wanted
    stored, made = sums_of_all(house)
    assert stored == made
    assert_gaps(trips)


def assert_gaps(trips: list[Trip]) -> None:
    """Each gap is that to the last trip of the car that started before."""
    for trip in trips:
        if trip.car_id == "audi" and trip.start_odometer_km is not None:
            earlier = [t for t in trips if t.car_id == "audi" and t.started_at < trip.started_at]
            left_km = end_km(earlier[-1]) if earlier else None
            gap_km = 0.0 if left_km is None else trip.start_odometer_km - left_km
            assert trip.gap_before_km == pytest.approx(gap_km, abs=0.01)


def end_km(trip: Trip) -> float | None:
    if trip.end_odometer_km is None and trip.start_odometer_km is not None:
        return trip.start_odometer_km + trip.distance_km
    return trip.end_odometer_km


def test_a_moved_trip_that_was_corrected_since_stays_corrected_and_may_be_deleted_from_the_old_store(
    house: House,
) -> None:
    house.put(one={})
    house.run()
    [trip] = house.trips()
    store = house.store()
    read = store.find_trip(trip.id)
    change = store.change()
    locked(change, store.state())
    change.put_trip(read, dated(classified(Trip(**{**_fields(trip), "kind": "private", "revision": 2}))))
    change.commit()
    told = house.run("--delete-old")
    assert "1 moved trips were corrected since" in told
    assert [trip.kind for trip in house.trips()] == ["private"]
    assert house.roots() == set()


def _fields(trip: Trip) -> dict[str, Any]:
    return {name: getattr(trip, name) for name in Trip.__struct_fields__}


# --- what is told, and what is refused


def test_a_dry_run_writes_nothing_needs_no_keys_and_tells_the_same_rows() -> None:
    house, old = House(), OldStore(100, seed=6)
    old.write(house.db)
    before = everything(house.db)
    dry = house.run("--dry-run", CREDENTIALS_KEYS="")
    assert everything(house.db) == before
    assert "Nothing was written" in dry
    wet = house.run()
    for told in (dry, wet):
        for path in old.unreadable | old.adopted:
            assert path.partition("/")[2] in told
        assert not any(secret in told for secret in SECRETS)
    assert f"Would register {DEWI}" in dry


def test_the_table_shows_counts_and_kilometres_before_and_after(house: House) -> None:
    house.put(one={}, two={"date": "01-02-2024", "trip_type": "P", "distance_km": "1000,6"}, bad={"date": ""})
    lines = [line.split() for line in house.run().splitlines() if "│" in line]
    old, moved = ([cell for cell in line if cell != "│"] for line in lines)
    assert old == [BORIS, "old", "2", "1,023.0", "22.4", "1,000.6", "0", "0", "0"]
    assert moved == ["moved", *old[2:]]


def test_ctrl_c_stops_it_in_one_sentence() -> None:
    house, old = House(), OldStore(1500, seed=8)
    old.write(house.db)
    process = house.start()
    wait_until(lambda: house.store().state().value.log_changes, "the first trips")
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors.splitlines()[-1].startswith("Stopped.")
    assert not out
    assert "before and after agree" in house.run()


def test_progress_is_shown(house: House) -> None:
    house.put(one={})
    told = house.run()
    for step in ("reading trips", f"{BORIS}: trips"):
        assert step in told


def test_before_and_after_that_do_not_agree_are_told_and_nothing_is_deleted(house: House) -> None:
    house.put(one={}, two={"date": "01-02-2024"})
    house.run()
    house.db.document("trips/one").update({"distance_km": 30})
    told = house.run("--delete-old", code=1)
    assert f"Before and after do NOT agree for {BORIS}" in told
    assert {"trips/one", "trips/two"} <= house.roots()


def test_sums_that_are_not_those_of_the_trips_are_told(house: House) -> None:
    house.put(one={})
    house.run()
    house.db.document(f"users/{BORIS}/stats/2024").update({"months.`1`.audi.total_m": 1})
    assert "the stored sums are NOT those of the trips" in house.run(code=1)


@pytest.mark.parametrize(
    ("spoilt", "what"),
    [
        ({"ended_at": datetime(2024, 1, 31, 7, 50, tzinfo=UTC)}, "end"),
        ({"started_at": datetime(2024, 1, 31, 7, 11, tzinfo=UTC)}, "start"),
        ({"user": CARLA}, "owner"),
    ],
)
def test_the_second_check_finds_what_the_table_cannot_and_nothing_is_deleted(
    house: House, spoilt: dict[str, Any], what: str
) -> None:
    house.put(one={}, two={"date": "01-02-2024"})
    house.run()
    house.db.document(f"users/{BORIS}/trips/{house.trips()[0].id}").update(spoilt)
    told = house.run("--delete-old", code=1)
    assert f"differs from what was moved in: {what} (1): one" in told
    assert house.roots() == {"trips/one", "trips/two"}


def test_the_second_check_covers_readings_and_places(house: House) -> None:
    house.db.document("locations/Home").set({"lat": 52.0, "lng": 5.0})
    house.db.document("odometer_readings/r").set({"odometer_km": 5, "car_id": "a", "fetched_at": "2024-01-31T07:00"})
    house.run()
    [reading] = house.db.collection(f"users/{BORIS}/odometer_readings").get()
    reading.reference.update({"km": 6.0})
    [place] = house.store().places()
    house.store().save_place(Place(place.id, "Home", 53.0, 5.0))
    told = house.run("--delete-old", code=1)
    assert "odometer_km (1): r" in told
    assert "lat (1): Home" in told
    assert house.roots() == {"locations/Home", "odometer_readings/r"}


def test_an_old_row_that_changes_after_the_second_check_is_not_deleted(house: House) -> None:
    house.put(one={}, two={"date": "01-02-2024"})
    house.run()

    def unwatched(what: str, items: Iterable[Any]) -> Iterator[Any]:
        return iter(items)

    check = deleting.checked(Source(house.db, BORIS), unwatched)
    house.db.document("trips/one").update({"distance_km": 30})
    with pytest.raises(Stop, match="changed during the check"):
        deleting.delete(house.db, check, unwatched)
    assert house.roots() == {"trips/one", "trips/two"}


def test_without_delete_old_nothing_old_is_deleted(house: House) -> None:
    house.put(one={})
    house.run()
    assert house.roots() == {"trips/one"}


def test_a_default_user_who_is_not_registered_stops_it_in_one_sentence() -> None:
    told = House().run(code=1)
    assert told.count("\n") == 1
    assert f"python -m tools.admin add-user {BORIS}" in told


@pytest.mark.parametrize("keys", ["", "no-fernet-key"])
def test_without_keys_for_credentials_it_stops_in_one_sentence_before_anything_is_written(
    house: House, keys: str
) -> None:
    house.put(one={})
    before = everything(house.db)
    told = house.run(code=1, CREDENTIALS_KEYS=keys)
    assert told.count("\n") == 1
    assert "CREDENTIALS_KEYS" in told
    assert everything(house.db) == before


def test_keys_that_do_not_fit_what_is_sealed_already_lose_nothing(house: House) -> None:
    document = house.db.document(f"users/{BORIS}/settings/car")
    document.set({"car_id": "audi", "password": "old"})
    house.db.document(f"users/{BORIS}/settings/credentials").set({"sealed": {"audi": "of-another-key"}})
    assert "CREDENTIALS_KEYS does not fit" in house.run(code=1)
    assert document.get().get("password") == "old"
