"""What the migration tells, refuses, checks and deletes."""

import signal
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.domain.place.places import Place
from tests.tools.migrate.migration import House
from tests.tools.migrate.old_store import BORIS, CARLA, DEWI, SECRETS, OldStore, everything
from tools.local.processes import wait_until
from tools.migrate import deleting
from tools.migrate.source import Source, Stop


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


def test_a_dry_run_says_what_would_come_of_the_log(house: House) -> None:
    house.put(one={"start_odo": 100, "end_odo": 122.4}, two={"date": "01-02-2024", "start_odo": 130, "end_odo": 150})
    told = house.run("--dry-run")
    assert (
        f"{BORIS}: 2 trips would come to the log, 1 of them contradicted by an odometer; its trips 0.0 → 44.8 km, "
        "its gaps 0.0 → 7.6 km, and 0 of the trips that it has would change."
    ) in told
    house.run()
    assert f"{BORIS}: 0 trips would come to the log" in house.run("--dry-run")


def test_ctrl_c_stops_it_in_one_sentence() -> None:
    house, old = House(), OldStore(400, seed=8)
    old.write(house.db)
    process = house.start()
    wait_until(lambda: house.store().state_and_changes()[1], "the first trips")
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
    assert "the stored sums are NOT those of the rows" in house.run(code=1)


def test_rows_that_do_not_follow_each_other_are_told(house: House) -> None:
    house.put(one={"start_odo": 100, "end_odo": 122.4}, two={"date": "01-02-2024", "start_odo": 130, "end_odo": 152.4})
    house.run()
    [gap] = house.gaps()
    house.db.document(f"users/{BORIS}/gaps/{gap.id}").update({"to_m": gap.to_m + 3})
    assert f"{BORIS}: the rows do NOT follow each other along the odometer of audi" in house.run(code=1)


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
