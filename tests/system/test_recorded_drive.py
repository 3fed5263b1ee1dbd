"""A real recorded drive, where the file is there, replayed through the webhooks."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.system.fixtures import Driver, Stack

RECORDED = Path(__file__).parents[3] / "shared" / "data" / "drive-munich.csv"


def replay(driver: Driver) -> datetime:
    """Sends every fix, as if the drive had ended two minutes ago; gives its end."""
    with RECORDED.open() as lines:
        rows = [(datetime.fromisoformat(r["time"]), float(r["lat"]), float(r["lng"])) for r in csv.DictReader(lines)]
    shift = datetime.now(UTC) - timedelta(minutes=2) - rows[-1][0]
    driver.set_car(odometer_km=20_000.0, measured_at=rows[0][0] + shift - timedelta(minutes=3))
    for n, (at, lat, lng) in enumerate(rows):
        driver.phone("start", at + shift, (lat, lng))
        if n == 0 and driver.account.default_car_id:
            driver.wait_read(20_000.0)
    driver.phone("end", rows[-1][0] + shift, rows[-1][1:])
    return rows[-1][0] + shift


if RECORDED.exists():

    def test_a_recorded_drive_is_one_trip_by_odometer(driver: Driver) -> None:
        end = replay(driver)
        driver.set_car(odometer_km=20_015.1, measured_at=end + timedelta(minutes=1))
        (trip,) = driver.wait_trips(1)
        assert (trip["distance_km"], trip["distance_source"]) == (15.1, "odometer")

    def test_a_recorded_drive_without_a_car_is_one_trip_by_gps(start_stack: object) -> None:
        stack: Stack = start_stack(RESUME_WITHIN_S="60")  # type: ignore[operator]
        driver = stack.driver(car=False)
        replay(driver)
        (trip,) = driver.wait_trips(1)
        assert 13.4 <= trip["distance_km"] <= 16.1
