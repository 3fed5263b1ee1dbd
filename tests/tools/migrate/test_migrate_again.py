"""The migration stopped, started again, run twice at once, and beside live drivers."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.domain.log.tiling import why_not_tiled
from shared.domain.log.trip import Trip, classified, dated
from shared.services.by_hand import locked
from tests.tools.migrate.migration import House, add, rows_of, sums_of_all
from tests.tools.migrate.old_store import BORIS, CARLA, DEWI, OldStore, everything
from tools.local.processes import wait_until


def test_twice_is_the_same_as_once_to_the_last_document() -> None:
    house, old = House(), OldStore(200, seed=3)
    old.write(house.db)
    first = house.run()
    once = everything(house.db)
    assert [house.differences(email) for email in (BORIS, CARLA, DEWI)] == [[], [], []]
    second = house.run()
    assert everything(house.db) == once
    assert "before and after agree" in first
    assert "before and after agree" in second


def test_two_at_once_do_what_one_does() -> None:
    house, old = House(), OldStore(250, seed=9)
    old.write(house.db)
    running = [house.start() for _ in range(2)]
    for process in running:
        out, errors = process.communicate(timeout=600)
        assert process.returncode == 0, out + errors
    assert sum(len(house.trips(email)) for email in (BORIS, CARLA, DEWI)) == len(old.truth)
    assert [house.differences(email) for email in (BORIS, CARLA, DEWI)] == [[], [], []]
    once = everything(house.db)
    house.run()
    assert everything(house.db) == once


def test_deleting_can_be_stopped_and_started_again() -> None:
    house, old = House(), OldStore(600, seed=4)
    old.write(house.db)
    house.run()
    paths = everything(house.db).keys()
    users = {path for path in paths if path.startswith("users/")}
    former = {one.reference: one.to_dict() for one in house.db.get_all(map(house.db.document, paths - users))}
    early = house.db.document(f"trips/{min(old.truth)}")
    for _ in range(10):
        house.kill(house.start("--delete-old"), lambda: not early.get().exists, "deletions")
        if house.roots() - old.unreadable:
            break
        for document, fields in former.items():  # it was through before it was stopped: once more from the start
            document.set(fields)
    assert 0 < len(house.roots() - old.unreadable) < 600
    house.run("--delete-old")
    assert everything(house.db).keys() == users | old.unreadable
    assert house.roots() == old.unreadable


def test_rows_that_come_later_move_in_a_later_run(house: House) -> None:
    house.put(one={"start_odo": 100, "end_odo": 122.4}, three={"date": "02-02-2024", "start_odo": 150})
    house.run()
    house.put(two={"date": "01-02-2024", "start_odo": 122.4, "end_odo": 144.8})
    house.run()
    assert [trip.gap_before_km for trip in house.trips()] == [0.0, 0.0, 5.2]
    assert house.differences() == []


# --- the live system meanwhile


def test_trips_that_are_moved_and_those_of_the_new_system_are_rows_of_one_log(house: House) -> None:
    add(house, datetime(2024, 1, 30, 7, tzinfo=UTC), 90)
    add(house, datetime(2024, 2, 1, 7, tzinfo=UTC), 130)
    before = house.trips()
    house.put(one={"start_odo": 100, "end_odo": 122.4})
    house.run()
    assert [trip.gap_before_km for trip in house.trips()] == [0.0, 5.0, 7.6]
    rows = rows_of(house)
    assert [(row.from_m, row.to_m) for row in rows] == [
        (90_000, 95_000), (95_000, 100_000), (100_000, 122_400), (122_400, 130_000), (130_000, 135_000)]  # fmt: skip
    assert why_not_tiled(rows) is None
    after = {trip.id: trip for trip in house.trips()}
    for trip in before:
        assert (after[trip.id].distance_km, after[trip.id].set_by_hand) == (trip.distance_km, trip.set_by_hand)
    assert house.differences() == []


def test_a_live_driver_and_the_migration_do_not_disturb_each_other() -> None:
    house, old = House(), OldStore(400, seed=5)
    old.write(house.db)
    process = house.start()
    meanwhile: list[bool] = []

    def drive() -> None:
        wait_until(lambda: house.store().state_and_changes()[1], "the first trips")
        for n in range(40):
            add(house, datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=7 * n), 500 + 6 * n, car_id="live")
            meanwhile.append(process.poll() is None)

    driver = threading.Thread(target=drive)
    driver.start()
    out, errors = process.communicate(timeout=600)
    driver.join()
    assert process.returncode == 0, out + errors
    assert any(meanwhile)
    house.run()
    wanted = sum(truth.user == BORIS for truth in old.truth.values()) + len(meanwhile)
    assert len(house.trips()) == wanted
    stored, made = sums_of_all(house)
    assert stored == made
    for car_id in ("audi", "live"):
        assert why_not_tiled(rows_of(house, car_id=car_id)) is None


def test_a_moved_trip_that_was_corrected_since_stays_corrected_and_may_be_deleted_from_the_old_store(
    house: House,
) -> None:
    house.put(one={})
    house.run()
    [trip] = house.trips()
    store = house.store()
    read = store.trips.find(trip.id)
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
