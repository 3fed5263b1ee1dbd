"""Each rule of the trip machine through HTTP, emulators and the car cloud."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.system.fixtures import UTRECHT, Driver, Stack, ago

NORTH = (52.1807, 5.1214)  # 10 km north of Utrecht


def drive(driver: Driver, begin: float, end: float, odometer_km: float, at_start_km: float = 12345.0) -> None:
    """A whole drive that the car confirms, `begin` and `end` in minutes ago."""
    driver.phone("start", ago(begin), UTRECHT)
    driver.wait_read(at_start_km)
    driver.arrive(ago(end), NORTH, odometer_km)


def test_a_start_during_a_trip_is_a_ping(driver: Driver) -> None:
    begin = ago(20)
    assert driver.phone("start", begin, UTRECHT)["status"] == "trip_started"
    assert driver.phone("start", ago(15), (52.1, 5.12))["status"] == "ping_recorded"
    assert driver.phone("start", ago(15), (52.11, 5.12))["status"] == "ping_recorded"
    driver.wait_read(12345.0)
    assert driver.active()["points"] == 3
    driver.phone("end", ago(5), NORTH)
    driver.set_car(odometer_km=12360.0, measured_at=ago(4))
    (trip,) = driver.wait_trips(1)
    assert trip["distance_km"] == 15.0
    assert datetime.fromisoformat(trip["started_at"]) == begin.replace(microsecond=0)


def test_a_start_soon_after_an_end_resumes_the_trip(driver: Driver) -> None:
    driver.set_car(fault="error")
    driver.phone("start", ago(20), UTRECHT)
    assert driver.phone("end", ago(3))["status"] == "ending"
    assert driver.phone("start", ago(1))["status"] == "trip_resumed"
    assert driver.active()["phase"] == "driving"
    assert driver.trips() == []


def test_a_start_long_after_an_end_closes_the_trip_and_begins_another(driver: Driver) -> None:
    driver.set_car(fault="error")
    driver.phone("start", ago(30), UTRECHT)
    driver.phone("end", ago(12), NORTH)
    assert driver.phone("start", ago(1))["status"] == "trip_started"
    (trip,) = driver.wait(driver.trips, "the trip before")
    assert trip["distance_source"] == "gps"
    assert "odometer_pending" in trip["flags"]
    assert driver.active()["phase"] == "driving"


def test_a_start_that_comes_when_its_trip_is_saved_moves_the_beginning(driver: Driver) -> None:
    begin, middle, end = (ago(minutes).replace(microsecond=0) for minutes in (40, 30, 20))
    driver.set_car(odometer_km=12357.4, measured_at=ago(10))
    assert driver.phone("end", end, NORTH)["status"] == "end_noted"
    halfway = ((UTRECHT[0] + NORTH[0]) / 2, UTRECHT[1])
    driver.phone("start", middle, halfway)
    (saved,) = driver.wait_trips(1)
    assert (datetime.fromisoformat(saved["started_at"]), saved["from"]["lat"]) == (middle, halfway[0])
    assert driver.phone("start", begin, UTRECHT)["status"] == "ping_recorded"
    (trip,) = driver.wait(lambda: [one for one in driver.trips() if one["revision"] > saved["revision"]], "it")
    assert (trip["id"], trip["revision"]) == (saved["id"], saved["revision"] + 1)
    assert [datetime.fromisoformat(trip[name]) for name in ("started_at", "ended_at")] == [begin, end]
    assert (trip["from"]["lat"], trip["to"]["lat"]) == (UTRECHT[0], NORTH[0])
    stats = driver.call("GET", "/stats").json()
    assert (stats["trip_count"], stats["total_km"]) == (1, trip["distance_km"])
    assert driver.phone("start", begin, UTRECHT)["status"] == "ping_recorded"
    driver.wait(lambda: driver.next_poll_at is None, "the end of all that waits")
    assert driver.trips() == [trip]


def test_a_reading_from_before_the_end_is_no_end_odometer(driver: Driver) -> None:
    driver.phone("start", ago(30), UTRECHT)
    driver.wait_read(12345.0)
    driver.phone("end", ago(5), NORTH)
    driver.set_car(odometer_km=12352.0, measured_at=ago(6))
    driver.wait_read(12352.0)
    assert driver.active()["phase"] == "ending"
    driver.set_car(odometer_km=12357.4, measured_at=ago(4))
    (trip,) = driver.wait_trips(1)
    assert (trip["start_odometer_km"], trip["end_odometer_km"], trip["distance_km"]) == (12345.0, 12357.4, 12.4)


def test_a_car_that_gives_nothing_but_an_odometer_is_enough(driver: Driver) -> None:
    driver.set_car(state="unknown", lat=None, lng=None)
    drive(driver, 30, 5, 12357.4)
    (trip,) = driver.wait_trips(1)
    assert trip["distance_km"] == 12.4


@pytest.mark.parametrize("wrong", [0, 12000.0, 14400.0, None, -5.0])
def test_a_wrong_odometer_is_ignored(driver: Driver, wrong: float | None) -> None:
    driver.phone("start", ago(30), UTRECHT)
    driver.wait_read(12345.0)
    driver.set_car(odometer_km=wrong, measured_at=ago(10))
    asked = driver.asked()
    driver.wait(lambda: driver.asked() > asked + 1, "two more reads")
    assert driver.active()["odometer_km"] == 12345.0
    driver.phone("end", ago(5), NORTH)
    driver.set_car(odometer_km=12357.4, measured_at=ago(4))
    (trip,) = driver.wait_trips(1)
    assert trip["distance_km"] == 12.4
    kept = {reading["odometer_km"] for reading in driver.call("GET", "/compare").json()["odometer_readings"]}
    assert kept == {12345.0, 12357.4}


@pytest.mark.parametrize("fault", ["error", "garbage", "rate_limited"])
def test_a_failing_cloud_loses_nothing(driver: Driver, fault: str) -> None:
    driver.phone("start", ago(30), UTRECHT)
    driver.wait_read(12345.0)
    asked = driver.asked()
    driver.set_car(fault=fault)
    driver.wait(lambda: driver.asked() > asked, "a failed read")
    assert driver.active()["odometer_km"] == 12345.0
    driver.phone("end", ago(5), NORTH)
    driver.set_car(fault=None, odometer_km=12357.4, measured_at=ago(4))
    (trip,) = driver.wait_trips(1)
    assert trip["distance_km"] == 12.4


def test_two_refused_logins_stop_the_asking_until_the_car_is_set_again(driver: Driver) -> None:
    driver.set_car(fault="unauthorized")
    driver.phone("start", ago(30), UTRECHT)
    driver.wait(lambda: driver.asked() == 2, "two refused reads")
    for _ in range(5):
        driver.stack.tick()
    driver.wait(lambda: driver.store.cars.list_cars()["car"].login_stopped, "the flag")
    assert driver.asked() == 2
    assert any("credentials" in warning for warning in driver.call("GET", "/compare").json()["warnings"])
    driver.add_car("car", driver.vin)
    driver.set_car(fault=None)
    driver.wait_read(12345.0)


def test_three_still_readings_end_a_trip_whose_end_never_came(driver: Driver) -> None:
    driver.phone("start", ago(60), UTRECHT)
    driver.wait_read(12345.0)
    for minutes in (40, 34, 28):
        assert driver.active()["phase"] == "driving"
        driver.set_car(odometer_km=12357.4, measured_at=ago(minutes))
        driver.wait(lambda m=minutes: not driver.active() or abs(_age(driver) - m) < 1, "it")  # type: ignore[misc]
    (trip,) = driver.wait_trips(1)
    assert trip["distance_km"] == 12.4
    assert ago(41) < datetime.fromisoformat(trip["ended_at"]) < ago(39)


def test_a_phone_that_moves_keeps_the_trip_going(driver: Driver) -> None:
    driver.phone("start", ago(60), UTRECHT)
    for minutes in (40, 34, 28):
        driver.set_car(odometer_km=12357.0, measured_at=ago(minutes))
        driver.phone("start", ago(minutes - 1), (52.1 - minutes / 1000, 5.12))
        driver.wait(lambda m=minutes: abs(_age(driver) - m) < 1, "the reading")  # type: ignore[misc]
    assert driver.active()["phase"] == "driving"
    assert driver.trips() == []


def _age(driver: Driver) -> float:
    at = driver.active().get("odometer_at")
    return (datetime.now(UTC) - datetime.fromisoformat(at)) / timedelta(minutes=1) if at else 0.0


def test_after_the_grace_a_trip_is_saved_by_gps_and_settled_later(driver: Driver) -> None:
    driver.phone("start", ago(60), UTRECHT)
    driver.wait_read(12345.0)
    driver.set_car(fault="error")
    driver.phone("end", ago(20), NORTH)
    (trip,) = driver.wait_trips(1)
    assert trip["distance_source"] == "gps"
    assert trip["distance_km"] == pytest.approx(12.5, abs=0.1)
    assert (trip["end_odometer_km"], trip["end_odometer_known"]) == (12357.5, "estimated")
    assert "odometer_pending" in trip["flags"]
    driver.set_car(fault=None, odometer_km=12357.4, measured_at=ago(10))
    trip = driver.wait(lambda: [t for t in driver.trips() if not t["flags"]], "the settled trip")[0]
    assert (trip["distance_km"], trip["distance_source"], trip["end_odometer_km"]) == (12.4, "odometer", 12357.4)
    assert driver.call("GET", "/stats").json()["total_km"] == 12.4


def test_trips_of_which_the_car_said_nothing_share_its_next_word_in_one_commit(driver: Driver) -> None:
    driver.phone("start", ago(120), UTRECHT)
    driver.wait_read(12345.0)
    driver.set_car(fault="error")
    driver.phone("end", ago(100), NORTH)
    driver.wait_trips(1)
    driver.phone("start", ago(60), NORTH)
    driver.phone("end", ago(40), UTRECHT)
    assert [trip["flags"] for trip in driver.wait_trips(2)] == [
        ["odometer_pending"],
        ["odometer_pending", "start_odometer_estimated"],
    ]
    driver.set_car(fault=None, odometer_km=12369.0, measured_at=ago(30))  # GPS says 26
    first, second = driver.wait(
        lambda: [t for t in driver.trips() if "odometer_pending" not in t["flags"]][1:] and driver.trips(), "both"
    )
    assert (first["start_odometer_km"], first["end_odometer_km"], first["distance_km"]) == (12345.0, 12357.0, 12.0)
    assert (second["start_odometer_km"], second["end_odometer_km"], second["distance_km"]) == (12357.0, 12369.0, 12.0)
    assert (first["flags"], second["flags"]) == (["end_odometer_estimated"], ["start_odometer_estimated"])
    assert driver.call("GET", "/stats").json()["total_km"] == 24.0
    compared = driver.call("GET", "/compare").json()
    assert (compared["closed"], compared["gaps"]) == (True, [])


def test_an_end_at_a_pause_place_does_not_end_the_trip(driver: Driver) -> None:
    driver.add_place(*NORTH, "pause")
    driver.phone("start", ago(60), UTRECHT)
    driver.wait_read(12345.0)
    assert driver.phone("end", ago(40), NORTH)["status"] == "paused"
    assert driver.active()["phase"] == "paused"
    for minutes in (38, 32, 26):
        driver.set_car(odometer_km=12357.4, measured_at=ago(minutes), state="parked")
        driver.wait(lambda m=minutes: abs(_age(driver) - m) < 1, "the reading")  # type: ignore[misc]
    assert driver.active()["phase"] == "paused"
    driver.phone("start", ago(20), NORTH)
    driver.phone("end", ago(5), UTRECHT)
    driver.set_car(odometer_km=12370.0, measured_at=ago(4))
    (trip,) = driver.wait_trips(1)
    assert trip["distance_km"] == 25.0


def test_a_trip_of_which_nothing_is_heard_is_closed_even_at_a_pause_place(start_stack: object) -> None:
    stack: Stack = start_stack(STALE_AFTER_S="2")  # type: ignore[operator]
    driver = stack.driver()
    driver.add_place(*NORTH, "pause")
    driver.phone("start", ago(60), UTRECHT)
    driver.wait_read(12345.0)
    driver.set_car(odometer_km=12357.4, measured_at=ago(41))
    assert driver.phone("end", ago(40), NORTH)["status"] == "paused"
    (trip,) = driver.wait_trips(1)
    assert "end_unknown" not in trip["flags"], "they left it there"
    assert ago(41) < datetime.fromisoformat(trip["ended_at"]) < ago(39)


def test_a_drive_of_no_distance_is_no_trip(driver: Driver) -> None:
    driver.phone("start", ago(30), UTRECHT)
    driver.wait_read(12345.0)
    driver.phone("end", ago(5), UTRECHT)
    driver.set_car(odometer_km=12345.0, measured_at=ago(4))
    driver.wait(lambda: not driver.active(), "the end")
    assert driver.trips() == []
    assert driver.call("GET", "/stats").json()["trip_count"] == 0


def test_each_of_two_cars_keeps_its_own_odometer(driver: Driver) -> None:
    driver.add_car("second", "VIN2" + driver.vin)
    driver.set_car(vin="VIN2" + driver.vin, odometer_km=500.0)
    driver.phone("start", ago(60), UTRECHT, car_id="Second")
    driver.wait_read(500.0)
    driver.arrive(ago(40), NORTH, 512.0, vin="VIN2" + driver.vin)
    driver.wait_trips(1)
    drive(driver, 30, 5, 12357.4)
    first, second = driver.wait_trips(2)
    assert (first["car_id"], first["distance_km"]) == ("second", 12.0)
    assert (second["car_id"], second["distance_km"], second["gap_before_km"]) == ("car", 12.4, 0.0)


def test_a_driver_without_a_car_has_trips_by_gps(stack: Stack) -> None:
    driver = stack.driver(car=False)
    driver.phone("start", ago(60), UTRECHT)
    driver.phone("end", ago(30), NORTH)
    (trip,) = driver.wait_trips(1)
    assert (trip["car_id"], trip["distance_source"]) == (None, "gps")
    assert trip["distance_km"] == pytest.approx(12.5, abs=0.1)
    assert trip["flags"] == []


def test_a_trip_over_midnight_counts_for_the_day_of_its_start(stack: Stack) -> None:
    hour = (datetime.now(UTC) - timedelta(minutes=30)).replace(minute=0, second=0, microsecond=0)
    west = hour.hour if hour.hour <= 12 else hour.hour - 24  # whole hours behind UTC where that hour is midnight
    driver = stack.driver(timezone=f"Etc/GMT{west:+d}")
    begin, end = hour - timedelta(minutes=20), hour + timedelta(minutes=10)
    driver.phone("start", begin, UTRECHT)
    driver.wait_read(12345.0)
    driver.phone("end", end, NORTH)
    driver.set_car(odometer_km=12357.4, measured_at=end + timedelta(minutes=1))
    (trip,) = driver.wait(lambda: [trip for trip in driver.trips() if not trip["flags"]], "the settled trip")
    day_before = (hour - timedelta(hours=west) - timedelta(days=1)).date().isoformat()
    assert trip["date"] == day_before
    year, month = int(day_before[:4]), int(day_before[5:7])
    assert driver.call("GET", f"/stats?year={year}&month={month}").json()["total_km"] == 12.4


def test_kilometres_that_no_trip_explains_are_a_gap(driver: Driver) -> None:
    drive(driver, 300, 280, 12357.4)
    driver.wait_trips(1)
    driver.set_car(odometer_km=12400.0, measured_at=ago(50))
    driver.phone("start", ago(40), UTRECHT)
    driver.wait_read(12400.0)
    driver.phone("end", ago(10), NORTH)
    driver.set_car(odometer_km=12412.0, measured_at=ago(9))
    _, trip = driver.wait_trips(2)
    assert (trip["gap_before_km"], trip["distance_km"]) == (42.6, 12.0)
    compared = driver.call("GET", "/compare").json()
    assert compared["closed"] is False
    assert compared["comparison"]["status"] == "warning"
    assert [gap["missing_km"] for gap in compared["gaps"]] == [42.6]


def test_what_phone_and_car_say_without_a_time_is_of_now(driver: Driver) -> None:
    driver.phone("start", ago(20), UTRECHT)
    driver.wait_read(12345.0)
    driver.set_car(odometer_km=12357.4, measured_at=None)
    told_at = datetime.now(UTC)
    driver.phone("end", None, NORTH)
    (trip,) = driver.wait_trips(1)
    assert abs(datetime.fromisoformat(trip["ended_at"]) - told_at) < timedelta(seconds=30)
    assert (trip["distance_km"], trip["distance_source"], trip["flags"]) == (12.4, "odometer", [])
