"""Logs that a version before this one kept are taken over: no kilometre changes, and all of it can be verified."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import msgspec
import pytest
from google.api_core.exceptions import FailedPrecondition

from shared import settings
from shared.domain.car.car import Car
from shared.domain.car.odometer import Reading
from shared.domain.driver import LOG_VERSION, Account
from shared.domain.log.drive import Heard, drive_id
from shared.domain.log.gap_row import GapRow
from shared.domain.log.record import recorded
from shared.domain.log.tiling import why_not_tiled
from shared.domain.log.trip import Trip
from shared.repositories import documents
from shared.repositories.accounts import AccountRepository
from shared.repositories.documents import OldLog, to_document
from shared.repositories.readings import reading_fields, reading_id
from shared.repositories.user_store import UserStore
from shared.services.log import StoredOwner
from tests.tools.admin.former_log import FormerLog, kilometres, sums_by_year
from tests.tools.migrate.migration import House, rows_of, sums_of_all
from tests.tools.migrate.old_store import BORIS, CARLA, everything
from tools.admin import upgrade
from tools.admin.__main__ import main
from tools.admin.former import upgraded
from tools.local import processes

DAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
COLLECTIONS = ("trips", "gaps", "drives", "history", "odometer_readings", "stats")


@pytest.fixture
def house(emulators: None) -> Iterator[House]:
    """A store of its own, on which the tool works."""
    made = House()
    documents.client.cache_clear()
    with processes.environment({"GOOGLE_CLOUD_PROJECT": made.project}):
        yield made
    documents.client.cache_clear()


def admin(*call: str, code: int = 0) -> str:
    """What the tool says."""
    told = StringIO()
    with redirect_stdout(told), redirect_stderr(told):
        returned = main(call)
    assert returned == code, told.getvalue()
    return told.getvalue()


def account_of(house: House) -> Account:
    found = AccountRepository(house.db).find(BORIS)
    assert found
    return found


def taking_over(house: House) -> Iterator[None]:
    """The upgrade of a log that is read by now; it stops after each commit."""
    account = account_of(house)
    hold = upgrade.Hold(account)
    former = upgrade.read(account, hold)
    owner = StoredOwner(UserStore(documents.client(), BORIS), account)
    made = upgraded(former, owner, hold.since, settings.current.rules)
    return upgrade.commits(account, hold, former, made, at_once=25)


def stored(house: House, collection: str) -> dict[str, Any]:
    """The documents of a collection by their ids."""
    return {one.id: one.to_dict() for one in house.db.collection(f"users/{BORIS}/{collection}").stream()}


def words(trips: Sequence[Trip]) -> dict[str, Any]:
    names = ("kind", "purpose", "notes", "deviation", "driver", "source", "set_by_hand", "route")
    return {trip.id: [getattr(trip, name) for name in names] for trip in trips}


def explanations(gaps: Sequence[GapRow]) -> Counter[Any]:
    return Counter((gap.car_id, gap.missing_km, gap.explained_as, gap.reason, gap.business_m) for gap in gaps)


def trip_sums(trips: Sequence[Trip]) -> dict[int, Any]:
    return sums_by_year(trips)


# --- the version before this one


def test_trips_of_several_commits_are_taken_over_and_no_kilometre_changes(house: House) -> None:
    log = FormerLog(BORIS, 640)
    log.write(house.db)
    former, readings = [*log.trips.values()], stored(house, "odometer_readings")
    assert len(former) > 3 * upgrade.AT_ONCE
    with pytest.raises(OldLog, match=f"`python -m tools.admin upgrade {BORIS}`"):
        house.store().state()
    assert admin("upgrade", BORIS).endswith("Nothing differs.\n")
    trips, gaps = house.trips(), house.gaps()
    assert kilometres(trips) == kilometres(former)
    assert words(trips) == words(former)
    assert trip_sums(trips) == trip_sums(former)
    assert {str(year): {"months": of} for year, of in sums_by_year([*trips, *gaps]).items()} == stored(house, "stats")
    assert explanations(gaps) == explanations([*log.gaps.values()])
    assert stored(house, "odometer_readings") == readings
    once = house.store().state()
    assert "is of this version already" in admin("upgrade", BORIS)
    assert house.store().state() == once


def test_twice_is_the_same_as_once_to_the_last_document(house: House) -> None:
    FormerLog(BORIS, 60).write(house.db)
    admin("upgrade", BORIS)
    once = everything(house.db)
    admin("upgrade", BORIS)
    assert "no log that a version before" in admin("upgrade", "--all")
    assert everything(house.db) == once


def test_the_history_that_was_kept_is_told_as_it_was_and_chained(house: House) -> None:
    log = FormerLog(BORIS, 120)
    log.write(house.db)
    admin("upgrade", BORIS)
    entries = [*house.store().history.all()]
    names = ("n", "by", "why", "kind", "row", "before", "after")
    kept = [{name: getattr(one, name) for name in names} for one in entries[: len(log.entries)]]
    assert json.loads(msgspec.json.encode(kept)) == [
        {name: json.loads(msgspec.json.encode(entry[name])) for name in names} for entry in log.entries
    ]
    assert {(one.by, one.why) for one in entries[len(log.entries) :]} == {("operator", "upgrade from version 3")}
    deleted = [one for one in entries if one.row == log.deleted[0]]
    assert [(one.is_word, one.after, "drive" in one.before) for one in deleted] == [(True, {}, False), (True, {}, True)]


def test_whoever_stops_it_between_two_commits_and_runs_it_again_has_the_same_log(house: House) -> None:
    log = FormerLog(BORIS, 60)
    log.write(house.db)
    stops = sum(1 for _ in taking_over(house))
    once = {collection: {*stored(house, collection)} for collection in COLLECTIONS}
    assert stops >= 4
    for after in range(1, stops):
        log.write(house.db)
        steps = taking_over(house)
        for _ in range(after):
            next(steps)
        with pytest.raises(OldLog):
            house.store().state()
        assert admin("upgrade", "--all").endswith("Nothing differs.\n")
        assert {collection: {*stored(house, collection)} for collection in COLLECTIONS} == once
        assert kilometres(house.trips()) == kilometres([*log.trips.values()])


def test_of_two_that_take_over_at_once_one_gives_up_and_nothing_is_half_written(house: House) -> None:
    FormerLog(BORIS, 60).write(house.db)
    late = taking_over(house)
    next(late)
    assert admin("upgrade", BORIS).endswith("Nothing differs.\n")
    once = everything(house.db)
    with pytest.raises(FailedPrecondition):
        next(late)
    assert everything(house.db) == once


def test_what_the_version_before_writes_while_its_log_is_read_makes_it_be_run_again(house: House) -> None:
    FormerLog(BORIS, 60).write(house.db)
    steps = taking_over(house)
    house.db.document(f"users/{BORIS}/cache/trip_start").update({"next_poll_at": DAY})
    before = everything(house.db)
    with pytest.raises(FailedPrecondition):
        next(steps)
    assert everything(house.db) == before


def test_a_dry_run_writes_nothing_and_says_what_would_come_of_it(house: House) -> None:
    log = FormerLog(BORIS, 60)
    log.write(house.db)
    before = everything(house.db)
    assert f"{BORIS}: would have {len(log.trips)} trips and {len(log.gaps)} gaps" in admin(
        "upgrade", "--all", "--dry-run"
    )
    assert everything(house.db) == before


def test_a_drive_that_became_a_trip_though_none_was_kept_does_not_come_back(house: House) -> None:
    log = FormerLog(BORIS, 60)
    gone = sorted(log.trips.values(), key=lambda trip: trip.started_at)[30]
    del log.trips[gone.id]
    log.write(house.db)
    told = admin("upgrade", BORIS)
    assert "Nothing differs" in told
    assert kilometres(house.trips()) == kilometres([*log.trips.values()])


def test_the_live_log_goes_on_where_it_was(house: House) -> None:
    log = FormerLog(BORIS, 120)
    log.write(house.db)
    admin("upgrade", BORIS)
    state = house.store().state().value
    assert {one.trip_ids for one in state.told if one.trip_ids} <= {(trip.id,) for trip in house.trips()}
    assert {car_id for car_id, of in state.open.items() if of.start} == {"audi", "polo", "zoe"}
    assert account_of(house).log_version == LOG_VERSION


def test_a_log_that_cannot_be_read_is_left_as_it_is_and_it_is_said_whose(house: House) -> None:
    FormerLog(BORIS, 20).write(house.db)
    house.db.document(f"users/{BORIS}/trips/odd").set({"id": "odd", "distance_km": "far"})
    before = everything(house.db)
    told = admin("upgrade", BORIS, code=1)
    assert f"The log of {BORIS} cannot be read: trips/odd" in told
    assert told.endswith(f"Not taken over: {BORIS}\n")
    assert f"{CARLA} is not registered" in admin("upgrade", CARLA, code=1)
    assert "name the users, or --all" in admin("upgrade", code=1)
    assert everything(house.db) == before


def test_a_log_that_cannot_be_read_keeps_no_other_from_being_taken_over(house: House) -> None:
    FormerLog(BORIS, 20).write(house.db)
    house.db.document(f"users/{BORIS}/trips/odd").set({"id": "odd", "distance_km": "far"})
    FormerLog(CARLA, 20).write(house.db)
    house.db.document("users/nobody").set({"what": "an old system left"})
    told = admin("upgrade", "--all", code=1)
    assert f"{CARLA}: has 19 trips" in told
    assert f"Not taken over: {BORIS}" in told
    assert house.differences(CARLA) == []


# --- the versions before that


class Older:
    """A log as the versions before that kept it: they knew no stretches, and no facts but words and readings."""

    def __init__(self, house: House) -> None:
        house.register(BORIS)
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

    def drive(self, started_at: datetime, minutes: int, metres: int) -> None:
        """What the phone said of a drive, due north."""
        ended_at = started_at + minutes * MINUTE
        heard = [Heard(started_at, 52.0, 5.0), Heard(ended_at, 52.0 + metres / 111_195, 5.0, is_end=True)]
        record = recorded(drive_id(started_at, ended_at, None), heard)
        self.root.collection("drives").document(record.id).set(to_document(record))

    def reading(self, at: datetime, km: float) -> None:
        """What the car said, as it was kept and believed."""
        reading = Reading(at, km)
        fields = reading_fields("audi", reading, at)
        self.root.collection("odometer_readings").document(reading_id("audi", reading)).set(fields)

    def state(self, **fields: Any) -> None:
        """What was remembered of the driver."""
        open_ = {"audi": {"trip_id": "20260302T080000Z-000001", "ended_at": "2026-03-02T08:30:00Z"}}
        text = json.dumps({"open": open_, "closed_until": "2026-03-02T08:30:00Z", "recent": [], **fields})
        document = {"version": 2, "state": text, "next_poll_at": None, "shard": 0}
        self.root.collection("cache").document("trip_start").set(document)


@pytest.fixture
def older(house: House) -> Older:
    """Two drives that the phone told, with kilometres of nobody between them, and one by hand."""
    made = Older(house)
    for n, km in enumerate((12_345.0, 12_362.0)):
        began = DAY + n * timedelta(hours=4)
        made.drive(began, 20, 12_000)
        made.reading(began - 30 * MINUTE, km)
        made.reading(began + 21 * MINUTE, km + 12.4)
        made.trip(began, 20, 12.4, start_odometer_km=km, end_odometer_km=km + 12.4)
    made.trip(DAY + timedelta(hours=9), 20, 8.0, source="manual", start_odometer_km=None, end_odometer_km=None,
              kind="private", business_km=0.0, private_km=8.0, purpose="beach", distance_source="manual")  # fmt: skip
    made.state()
    return made


def test_the_trips_of_an_older_version_become_facts_of_their_own_kind(house: House, older: Older) -> None:
    assert admin("upgrade", BORIS).endswith("Nothing differs.\n")
    first, second, third = house.trips()
    [gap] = house.gaps()
    assert why_not_tiled(rows_of(house)) is None
    assert [(row.from_m, row.to_m) for row in (first, gap, second, third)] == [
        (12_345_000, 12_357_400), (12_357_400, 12_362_000), (12_362_000, 12_374_400), (12_374_400, 12_382_400),
    ]  # fmt: skip
    assert [trip.distance_km for trip in (first, second, third)] == [12.4, 12.4, 8.0]
    assert (third.purpose, third.source, third.kind, second.gap_before_km) == ("beach", "manual", "private", 4.6)
    assert (first.from_.place, first.from_.address) == ("Home", "Dorpsstraat 1")
    assert sums_of_all(house)[0] == sums_of_all(house)[1]


def test_what_the_phone_said_of_a_trip_that_was_deleted_brings_none_back(house: House, older: Older) -> None:
    older.drive(DAY + timedelta(days=1), 20, 9_000)
    assert admin("upgrade", BORIS).endswith("Nothing differs.\n")
    assert len(house.trips()) == 3
    assert len(stored(house, "drives")) == 3


def test_a_drive_going_on_goes_on(house: House, older: Older) -> None:
    event = {"at": "2026-03-03T08:00:00Z", "lat": 52.0, "lng": 5.0, "car_id": "audi"}
    drive = {"started_at": "2026-03-03T08:00:00Z", "car_id": "audi", "heard_at": "2026-03-03T08:00:00Z"}
    older.state(drive=drive, events=[event])
    admin("upgrade", BORIS)
    state = house.store().state().value
    assert state.drive
    assert (state.drive.car_id, [heard.at.hour for heard in state.events]) == ("audi", [8])


def test_a_log_of_the_first_version_is_taken_over_too(house: House, older: Older) -> None:
    older.root.update({"log_version": 1})
    older.root.collection("cache").document("trip_start").set(
        {"active": True, "started_at": DAY + timedelta(days=1), "car_id": "audi", "heard_at": DAY + timedelta(days=1),
         "fixes": [{"at": DAY + timedelta(days=1), "lat": 52.0, "lng": 5.0}], "next_poll_at": None}
    )  # fmt: skip
    assert "has 3 trips" in admin("upgrade", "--all")
    drive = house.store().state().value.drive
    assert drive
    assert drive.started_at == DAY + timedelta(days=1)
    assert "no log that a version before" in admin("upgrade", "--all")
