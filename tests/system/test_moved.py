"""A log that was moved from the old system: read over HTTP, corrected there, and gone on with by a live drive."""

import io
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import pytest

from shared.repositories import documents
from tests.system.fixtures import Driver, ago
from tools.local import processes
from tools.migrate.__main__ import main

OLD = {"start_time": "08:12", "end_time": "08:41", "trip_type": "B", "car_id": "car", "distance_km": 22.4}
HOME, AWAY = (52.0907, 5.1214), (52.2, 5.1214)


@pytest.fixture
def moved(driver: Driver) -> Driver:
    """A driver who had two trips in the old system, with kilometres of nobody between them."""
    rows = (
        {**OLD, "date": "05-01-2026", "start_odo": 12_290.0, "end_odo": 12_312.4},
        {**OLD, "date": "06-01-2026", "start_odo": 12_320.0, "end_odo": 12_342.4, "trip_type": "P"},
    )
    for n, row in enumerate(rows):
        driver.stack.db.document(f"trips/{driver.email}-{n}").set({**row, "user_id": driver.email})
    told = io.StringIO()
    documents.client.cache_clear()
    project = {"GOOGLE_CLOUD_PROJECT": driver.stack.project}
    with processes.environment(project), redirect_stdout(told), redirect_stderr(told):
        code = main(["--default-user", driver.email, "--delete-old"])
    documents.client.cache_clear()
    assert code == 0, told.getvalue()
    return driver


def rows(driver: Driver) -> list[tuple[float, float]]:
    """The odometers at which the rows of the logbook begin and end."""
    return [
        (row["start_odometer_km"], row["end_odometer_km"])
        if row["row"] == "trip"
        else (row["from_odometer_km"], row["to_odometer_km"])
        for row in driver.call("GET", "/logbook").json()["rows"]
    ]


def test_its_rows_tile_and_are_compared_with_the_odometer(moved: Driver) -> None:
    assert rows(moved) == [(12_290.0, 12_312.4), (12_312.4, 12_320.0), (12_320.0, 12_342.4)]
    sums = moved.call("GET", "/logbook").json()["sums"]
    assert (sums["total_km"], sums["business_km"], sums["private_km"], sums["gap_km"]) == (44.8, 22.4, 22.4, 7.6)
    compared = moved.call("GET", "/compare").json()
    [gap] = compared["gaps"]
    assert (compared["start_odometer_km"], gap["missing_km"], compared["closed"]) == (12_290.0, 7.6, False)


def test_a_live_drive_goes_on_where_the_moved_trips_end(moved: Driver) -> None:
    moved.phone("start", ago(40), HOME)
    moved.wait_read(12_345.0)
    moved.arrive(ago(20), AWAY, 12_360.0)
    trip = moved.wait_trips(3)[-1]
    assert (trip["start_odometer_km"], trip["end_odometer_km"], trip["gap_before_km"]) == (12_345.0, 12_360.0, 2.6)
    assert rows(moved)[2:] == [(12_320.0, 12_342.4), (12_342.4, 12_345.0), (12_345.0, 12_360.0)]
    compared = moved.call("GET", "/compare").json()["comparison"]
    assert (compared["actual_odometer_km"], compared["difference_km"]) == (12_360.0, 10.2)


@pytest.mark.parametrize(
    ("said", "odometers"),
    [
        ({"purpose": "client"}, (12_290.0, 12_312.4)),
        ({"end_odometer_km": 12_315.0}, (12_290.0, 12_315.0)),
        ({"distance_km": 20.0}, (12_290.0, 12_310.0)),
    ],
)
def test_what_its_driver_corrects_of_a_moved_trip_leaves_the_rows_tiled(
    moved: Driver, said: dict[str, Any], odometers: tuple[float, float]
) -> None:
    first = moved.trips()[0]
    assert (first["set_by_hand"], first["flags"], first["start_odometer_known"]) == ([], [], "typed")
    answer = moved.call("PATCH", f"/trips/{first['id']}", json=said)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["start_odometer_km"], answer.json()["end_odometer_km"]) == odometers
    assert rows(moved) == [odometers, (odometers[1], 12_320.0), (12_320.0, 12_342.4)]


def test_a_moved_trip_that_is_deleted_leaves_a_gap(moved: Driver) -> None:
    first = moved.trips()[0]
    assert moved.call("DELETE", f"/trips/{first['id']}").status_code == 204
    assert rows(moved)[-1] == (12_320.0, 12_342.4)
    assert moved.call("GET", "/logbook").json()["sums"]["gap_km"] == pytest.approx(30.0)
