"""What phone and car said is kept: each word of a drive with its time and receipt, each reading with its standing."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from shared.domain.log.record import events_of
from tests.system.fixtures import UTRECHT, Driver, ago
from tests.system.test_rules import NORTH, drive

PINGS, MOST_BYTES = 60, 2048


def records(driver: Driver) -> dict[str, dict[str, Any]]:
    """What is kept of their drives, by id."""
    return driver.kept("drives")


def words(driver: Driver) -> int:
    """How many words of their phone are kept with drives."""
    return sum(len(record["kinds"]) for record in records(driver).values())


def readings(driver: Driver) -> dict[float, dict[str, Any]]:
    """What is kept of what their car said, by km."""
    return {reading["km"]: reading for reading in driver.kept("odometer_readings").values()}


def shown(driver: Driver) -> list[float]:
    """The readings that they are shown, oldest first."""
    found = driver.call("GET", "/compare").json()["odometer_readings"]
    return [reading["odometer_km"] for reading in found][::-1]


# --- drives --------------------------------------------------------------------------------------------------------


def test_a_drive_of_sixty_pings_is_kept_word_for_word_in_two_kilobytes(driver: Driver) -> None:
    rng, lat, lng, begin = Random(60), *UTRECHT, ago(90).replace(microsecond=0)
    sent = dict[datetime, tuple[float, float, float, datetime, datetime]]()
    for n in range(PINGS):
        at = begin + timedelta(minutes=n, seconds=rng.randrange(-9, 9) if n else 0)
        lat, lng = round(lat + rng.uniform(0, 0.01), 6), round(lng + rng.uniform(-0.005, 0.01), 6)
        accuracy_m, before = round(rng.uniform(3, 40), 1), datetime.now(UTC)
        driver.phone("start", at, (lat, lng), accuracy_m=accuracy_m, car_id="car")
        sent[at] = (lat, lng, accuracy_m, before, datetime.now(UTC))
    driver.wait_read(12345.0)
    ended_at = ago(25).replace(microsecond=0)
    driver.arrive(ended_at, (lat, lng), 12400.0)
    driver.wait_trips(1)
    (record_id,) = records(driver)
    record = driver.store.record(record_id)
    assert record
    *pings, end = events_of(record.value)
    assert [heard.at for heard in pings] == list(sent)
    for heard in pings:
        *said, before, after = sent[heard.at]
        assert [heard.lat, heard.lng, heard.accuracy_m] == said
        assert (heard.car_id, heard.is_end, heard.is_stray) == ("car", False, False)
        received_at = heard.at + timedelta(seconds=heard.delay_s)
        assert before - timedelta(seconds=0.001) <= received_at <= after
    assert (end.at, end.is_end, end.lat, end.car_id) == (ended_at, True, lat, None)
    assert driver.size_of(f"drives/{record_id}") < MOST_BYTES


def test_each_word_is_kept_with_the_label_of_the_phones_key_that_said_it(driver: Driver) -> None:
    bodies = ({"scope": "webhook", "label": "Anna"}, {"scope": "webhook"})
    anna, nobody = (driver.call("POST", "/settings/keys", json=body).json()["key"] for body in bodies)
    said = [("start", 60, anna, UTRECHT), ("start", 50, nobody, NORTH), ("start", 40, driver.key, UTRECHT)]
    for event, minutes_ago, key, (lat, lng) in (*said, ("end", 20, anna, NORTH)):
        body = {"timestamp": ago(minutes_ago).isoformat(), "lat": lat, "lng": lng}
        assert driver.call("POST", f"/webhook/{event}", key=key, json=body).status_code == 200
    driver.set_car(odometer_km=12400.0, measured_at=ago(19))
    driver.wait_trips(1)
    (record_id,) = records(driver)
    record = driver.store.record(record_id)
    assert record
    assert [heard.by for heard in events_of(record.value)] == ["Anna", "", "", "Anna"]


def test_what_was_heard_stays_whatever_becomes_of_the_trip(driver: Driver) -> None:
    drive(driver, 60, 40, 12357.4)
    (trip,) = driver.wait_trips(1)
    before = records(driver)
    assert len(before) == 1
    path = f"/trips/{trip['id']}"
    changes = {"started_at": ago(70).isoformat(), "distance_km": 3.0, "from": {"place": "Elsewhere"}, "car_id": None}
    assert driver.call("PATCH", path, json=changes).status_code == 200
    assert records(driver) == before
    assert driver.call("DELETE", path).status_code == 204
    assert (records(driver), driver.trips()) == (before, [])


def test_what_was_heard_of_a_trip_that_is_dropped_is_kept_and_said_to_be_dropped(driver: Driver) -> None:
    drive(driver, 60, 40, 12357.4)
    driver.wait_trips(1)
    before = records(driver)
    begin = ago(20).replace(microsecond=0)
    driver.phone("start", begin, NORTH)
    driver.phone("start", ago(10), UTRECHT)
    assert driver.call("DELETE", "/trips/active").status_code == 204
    after = records(driver)
    assert before.items() <= after.items()
    (dropped,) = (record for id_, record in after.items() if id_ not in before)
    assert (dropped["is_dropped"], dropped["kinds"], dropped["began_at"]) == (True, "ss", begin)
    driver.stack.tick()
    assert (len(driver.trips()), driver.active()) == (1, {})


def test_a_drive_of_many_words_is_kept_whole_and_leaves_nothing_in_the_state(driver: Driver) -> None:
    begin, trail = ago(300), driver.store._state.collection("trail")
    for n in range(130):
        driver.phone("start", begin + timedelta(minutes=n), (52 + n / 500, 5.0))
    assert len(list(trail.stream())) == 1
    assert driver.call("DELETE", "/trips/active").status_code == 204
    (record,) = records(driver).values()
    assert (record["kinds"], record["is_dropped"], list(trail.stream())) == ("s" * 130, True, [])


@pytest.mark.parametrize(("minutes", "lat"), [(50, 52.12), (70, 52.085)], ids=["within it", "before it"])
def test_a_word_that_comes_when_its_trip_is_saved_is_kept_once_however_often_it_comes(
    driver: Driver, minutes: int, lat: float
) -> None:
    drive(driver, 60, 40, 12357.4)
    driver.wait_trips(1)
    late, heard = ago(minutes), words(driver)
    driver.phone("start", late, (lat, UTRECHT[1]))
    driver.wait(lambda: words(driver) == heard + 1, "the late word")
    once = records(driver)
    driver.phone("start", late, (lat, UTRECHT[1]))
    driver.phone("start", late, (lat, UTRECHT[1]))
    driver.wait(lambda: driver.next_poll_at is None, "the end of all that waits")
    assert records(driver) == once
    driver.phone("end", ago(45), NORTH)
    driver.wait(lambda: words(driver) == heard + 2, "the late end")


def test_starts_of_a_drive_that_was_none_are_kept_too(driver: Driver) -> None:
    driver.phone("start", ago(60), UTRECHT)
    driver.wait_read(12345.0)
    driver.arrive(ago(40), UTRECHT, 12345.0)
    driver.wait(lambda: records(driver) and not driver.active(), "the end of the drive")
    assert (driver.trips(), [record["kinds"] for record in records(driver).values()]) == ([], ["se"])


# --- readings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("odometer_km", "why"), [(12300.0, "falls"), (99000.0, "jumps"), (3_000_000.0, "out of range")]
)
def test_a_reading_that_is_not_believed_is_kept_with_why_and_shown_nowhere(
    driver: Driver, odometer_km: float, why: str
) -> None:
    driver.phone("start", ago(60), UTRECHT)
    driver.wait_read(12345.0)
    measured_at = ago(30)
    driver.set_car(odometer_km=odometer_km, measured_at=measured_at)
    driver.wait(lambda: odometer_km in readings(driver), "the reading")
    kept = readings(driver)[odometer_km]
    assert (kept["standing"], kept["why"], kept["source"], kept["car_id"]) == ("not_believed", why, "car", "car")
    assert abs(kept["at"] - measured_at) < timedelta(milliseconds=1)
    assert measured_at < kept["fetched_at"] <= datetime.now(UTC)
    assert shown(driver) == [12345.0]
    driver.set_car(odometer_km=12357.4, measured_at=ago(9))
    driver.phone("end", ago(10), NORTH)
    (trip,) = driver.wait_trips(1)
    assert trip["distance_km"] == 12.4
    assert shown(driver) == [12345.0, 12357.4]


def test_a_reading_that_comes_late_is_believed_and_shown_where_it_fits(driver: Driver) -> None:
    drive(driver, 60, 40, 12357.4)
    driver.wait_trips(1)
    driver.set_car(odometer_km=12350.5, measured_at=ago(50))
    driver.phone("start", ago(20), NORTH)
    driver.wait(lambda: 12350.5 in readings(driver), "the reading")
    assert readings(driver)[12350.5]["standing"] == "believed"
    assert shown(driver) == [12345.0, 12350.5, 12357.4]
    driver.set_car(odometer_km=12370.0, measured_at=ago(4))
    driver.phone("end", ago(5), UTRECHT)
    _, trip = driver.wait_trips(2)
    assert (trip["start_odometer_km"], trip["distance_km"], trip["gap_before_km"]) == (12357.4, 12.6, 0.0)
