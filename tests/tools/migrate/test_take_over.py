"""Logs that an earlier version of this system kept are taken over: folded anew, and of this version from then on."""

import json
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest

from shared.domain.car.car import Car
from shared.domain.car.odometer import Reading
from shared.domain.log.drive import Heard
from shared.domain.log.record import recorded
from shared.domain.log.tiling import why_not_tiled
from shared.repositories import documents
from shared.repositories.accounts import AccountRepository
from shared.repositories.documents import OldLog, to_document
from shared.repositories.readings import reading_fields, reading_id
from tests.tools.migrate.migration import House, rows_of, sums_of_all
from tests.tools.migrate.old_store import BORIS, CARLA, everything
from tools.local import processes
from tools.migrate import former
from tools.migrate.__main__ import main

DAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Former:
    """A log as the version before kept it: it knew no stretches, and no facts but words and readings."""

    def __init__(self, house: House) -> None:
        self.house, self.root = house, house.db.document(f"users/{BORIS}")
        house.store().cars.save(Car("audi", "simulated"), {"token": "t"})
        self.root.update({"log_version": 2, "default_car_id": "audi"})
        self.count = 0

    def trip(self, started_at: datetime, minutes: int, km: float, **fields: Any) -> dict[str, Any]:
        """A trip as it was stored, measured by its odometers."""
        ended_at, self.count = started_at + minutes * MINUTE, self.count + 1
        trip = {
            "id": f"{started_at:%Y%m%dT%H%M%SZ}-{self.count:06}", "user": BORIS, "car_id": "audi",
            "started_at": started_at, "ended_at": ended_at, "timezone": "Europe/Amsterdam",
            "date": f"{started_at:%Y-%m-%d}", "year": started_at.year, "month": started_at.month,
            "from": {"lat": 52.0, "lng": 5.0, "place": "Home", "address": "Dorpsstraat 1"},
            "to": {"lat": 52.1, "lng": 5.0, "place": "", "address": "Marktplein 2"}, "distance_km": km,
            "distance_source": "odometer", "gps_km": km, "gap_before_km": 0.0, "gap": None, "kind": "business",
            "business_km": km, "private_km": 0.0, "purpose": "", "notes": "", "route": "", "source": "automatic",
            "flags": [], "revision": 1, "created_at": ended_at, "updated_at": ended_at, **fields,
        }  # fmt: skip
        self.root.collection("trips").document(trip["id"]).set(trip)
        return trip

    def drive(self, started_at: datetime, minutes: int, metres: int, since_m: int = 0) -> None:
        """What the phone said of a drive, due north from so many metres on."""
        heard = [
            Heard(started_at + n * MINUTE, 52.0 + (since_m + n * metres / minutes) / 111_195, 5.0, is_end=n == minutes)
            for n in range(minutes + 1)
        ]
        record = recorded(f"{started_at:%Y%m%dT%H%M%SZ}-000000000000", heard)
        self.root.collection("drives").document(record.id).set(to_document(record))

    def reading(self, at: datetime, km: float) -> None:
        """What the car said, as it was kept and believed."""
        reading = Reading(at, km)
        self.root.collection("odometer_readings").document(reading_id("audi", reading)).set(
            reading_fields("audi", reading, at)
        )

    def state(self, **fields: Any) -> None:
        """What was remembered of the driver."""
        open_ = {"audi": {"trip_id": "20260302T080000Z-000001", "ended_at": "2026-03-02T08:30:00Z"}}
        text = json.dumps({"open": open_, "closed_until": "2026-03-02T08:30:00Z", "recent": [], **fields})
        self.root.collection("cache").document("trip_start").set(
            {"version": 2, "state": text, "next_poll_at": None, "shard": 0}
        )

    def sums(self) -> None:
        """The sums of all trips, as they were kept."""
        km = sum(one.get("distance_km") for one in self.root.collection("trips").get())
        sums = {"trip_count": self.count, "total_m": round(1000 * km), "business_m": round(1000 * km)}
        self.root.collection("stats").document("2026").set({"months": {"3": {"audi": sums}}})


@pytest.fixture
def log(house: House) -> Former:
    """Two drives that the phone told, with kilometres of nobody between them, and one by hand."""
    made = Former(house)
    for n, (km, metres) in enumerate(((12_345.0, 12_000), (12_362.0, 12_000))):
        began = DAY + n * timedelta(hours=4)
        made.drive(began, 20, metres, since_m=n * metres)
        made.reading(began - 30 * MINUTE, km)
        made.reading(began + 21 * MINUTE, km + 12.4)
        made.trip(began, 20, 12.4, start_odometer_km=km, end_odometer_km=km + 12.4)
    made.trip(DAY + timedelta(hours=9), 20, 8.0, source="manual", start_odometer_km=None, end_odometer_km=None,
              kind="private", business_km=0.0, private_km=8.0, purpose="beach", distance_source="manual")  # fmt: skip
    made.state()
    made.sums()
    return made


def taken(house: House, *arguments: str, code: int = 0) -> str:
    told = StringIO()
    documents.client.cache_clear()
    with processes.environment({"GOOGLE_CLOUD_PROJECT": house.project}), redirect_stdout(told), redirect_stderr(told):
        returned = main(["take-over", *arguments])
    documents.client.cache_clear()
    assert returned == code, told.getvalue()
    return told.getvalue()


def test_a_log_that_was_refused_goes_on_and_its_rows_tile(house: House, log: Former) -> None:
    with pytest.raises(OldLog):
        house.store().state()
    assert "has 3 trips and 1 gaps" in taken(house, BORIS)
    account = AccountRepository(house.db).find(BORIS)
    assert account
    assert account.log_version == 3
    first, second, third = house.trips()
    [gap] = house.gaps()
    assert why_not_tiled(rows_of(house)) is None
    assert [(row.from_m, row.to_m) for row in (first, gap, second, third)] == [
        (12_345_000, 12_357_400), (12_357_400, 12_362_000), (12_362_000, 12_374_400), (12_374_400, 12_382_400),
    ]  # fmt: skip
    assert (first.start_odometer_known, first.distance_km, second.gap_before_km) == ("read", 12.4, 4.6)
    stored, made = sums_of_all(house)
    assert stored == made
    assert {one.trip_ids[0] for one in house.store().state().value.told} == {first.id, second.id, third.id}


def test_what_its_driver_made_and_touched_stays_as_it_is(house: House, log: Former) -> None:
    log.drive(DAY + timedelta(days=1), 20, 9_000)
    log.trip(DAY + timedelta(days=1), 20, 7.5, revision=3, kind="private", purpose="mine", notes="n",
             start_odometer_km=None, end_odometer_km=None)  # fmt: skip
    taken(house, BORIS)
    third, touched = house.trips()[2:]
    assert (third.distance_km, third.purpose, third.source, third.kind) == (8.0, "beach", "manual", "private")
    assert (touched.distance_km, touched.purpose, touched.notes, touched.kind) == (7.5, "mine", "n", "private")
    assert (touched.from_.place, touched.from_.address, touched.set_by_hand) == ("Home", "Dorpsstraat 1", ())


def test_what_the_phone_said_of_a_trip_that_was_deleted_brings_none_back(house: House, log: Former) -> None:
    log.drive(DAY + timedelta(days=1), 20, 9_000)
    taken(house, BORIS)
    assert len(house.trips()) == 3
    assert len(house.db.collection(f"users/{BORIS}/drives").get()) == 3


def test_a_drive_going_on_goes_on(house: House, log: Former) -> None:
    event = {"at": "2026-03-03T08:00:00Z", "lat": 52.0, "lng": 5.0, "car_id": "audi"}
    drive = {"started_at": "2026-03-03T08:00:00Z", "car_id": "audi", "heard_at": "2026-03-03T08:00:00Z"}
    log.state(drive=drive, events=[event])
    taken(house, BORIS)
    state = house.store().state().value
    assert state.drive
    assert (state.drive.car_id, [heard.at.hour for heard in state.events]) == ("audi", [8])


def test_a_log_of_the_first_version_is_taken_over_too(house: House, log: Former) -> None:
    log.root.update({"log_version": 1})
    log.root.collection("cache").document("trip_start").set(
        {"active": True, "started_at": DAY + timedelta(days=1), "car_id": "audi", "heard_at": DAY + timedelta(days=1),
         "fixes": [{"at": DAY + timedelta(days=1), "lat": 52.0, "lng": 5.0}], "next_poll_at": None}
    )  # fmt: skip
    assert "has 3 trips" in taken(house, "--all")
    drive = house.store().state().value.drive
    assert drive
    assert drive.started_at == DAY + timedelta(days=1)


def test_it_is_the_same_where_it_was_stopped_between_two_commits(house: House, log: Former) -> None:
    account = AccountRepository(house.db).find(BORIS)
    assert account
    kept = former.kept_of(log.root)
    folded = former.folded(house.db, account, kept, datetime.now(UTC))
    former.commit(house.db, former.row_writes(log.root, kept, folded))
    assert len(house.gaps()) == 1
    with pytest.raises(OldLog):
        house.store().state()
    taken(house, BORIS)
    assert [(row.from_m, row.to_m) for row in rows_of(house)][::3] == [
        (12_345_000, 12_357_400), (12_374_400, 12_382_400)]  # fmt: skip
    stored, made = sums_of_all(house)
    assert stored == made


def test_twice_is_the_same_as_once_and_a_dry_run_writes_nothing(house: House, log: Former) -> None:
    before = everything(house.db)
    assert "would have 3 trips and 1 gaps" in taken(house, "--all", "--dry-run")
    assert everything(house.db) == before
    taken(house, BORIS)
    once = everything(house.db)
    assert "is of this version already" in taken(house, BORIS)
    assert "no log that an earlier version kept" in taken(house, "--all")
    assert everything(house.db) == once


def test_a_log_that_cannot_be_read_is_left_as_it_is_and_it_is_said_whose(house: House, log: Former) -> None:
    log.root.collection("trips").document("odd").set({"id": "odd", "distance_km": "far"})
    before = everything(house.db)
    assert f"The log of {BORIS} cannot be read" in taken(house, BORIS, code=1)
    assert f"Nobody is registered as {CARLA}" in taken(house, CARLA, code=1)
    assert everything(house.db) == before
