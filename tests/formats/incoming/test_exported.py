"""Our own JSON export, read back: trips under their ids, readings as a driver's words, nothing that cannot be true."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.domain.car.odometer import Reading
from shared.domain.fitting import Unfit
from shared.domain.log.filed import Into
from shared.domain.log.shown import row_view
from shared.formats.incoming.files import opened
from shared.formats.incoming.found import MOST_ROWS, Found

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
INTO = Into("boris@example.com", "Europe/Amsterdam", "audi", NOW)
TRIP: dict[str, Any] = {
    "row": "trip", "id": "20240105T071200Z-7f3a9c", "car_id": "old", "started_at": "2024-01-05T08:12:00+01:00",
    "ended_at": "2024-01-05T08:41:00+01:00", "from": {"lat": 52.09, "lng": 5.12, "place": "Home", "address": "A 1"},
    "to": None, "start_odometer_km": 12345.0, "end_odometer_km": 12367.4, "distance_km": 22.4, "kind": "mixed",
    "business_km": 20.0, "private_km": 2.4, "purpose": "client", "start_odometer_known": "read",
    "end_odometer_known": "estimated", "source": "automatic", "flags": ["odometer_pending"], "anything": {"new": 1},
}  # fmt: skip
READING: dict[str, Any] = {"id": "x", "at": "2024-01-05T07:00:00Z", "odometer_km": 12345.0, "source": "car"}


def text(*rows: Any, **fields: Any) -> str:
    return json.dumps({"format": "mileage-log", "version": 1, "car": {"id": "old"}, "rows": rows, **fields})


def found(*rows: Any, **fields: Any) -> Found:
    return opened("json", text(*rows, **fields)).found(INTO)


def test_a_trip_keeps_its_id_and_what_it_says_and_is_typed_in_now() -> None:
    trip = found(TRIP).rows[0].trip
    assert trip
    assert (trip.id, trip.car_id, trip.user) == (TRIP["id"], "audi", INTO.user)
    assert (trip.from_.position, trip.from_.place, trip.to.position) == ((52.09, 5.12), "Home", None)
    assert (trip.start_odometer_km, trip.end_odometer_km, trip.distance_km) == (12345.0, None, 22.4)
    assert (trip.kind, trip.business_km, trip.private_km, trip.purpose) == ("mixed", 20.0, 2.4, "client")
    assert (trip.source, trip.late, trip.flags, trip.created_at) == ("manual", True, (), NOW)


def test_what_was_read_back_is_written_the_same() -> None:
    trip = found(TRIP).rows[0].trip
    assert trip
    again = found(row_view(trip)).rows[0].trip
    assert again == trip


def test_an_id_of_another_form_is_not_taken() -> None:
    for id_ in ("x", "../x", "", TRIP["id"] + "0"):
        trip = found({**TRIP, "id": id_}).rows[0].trip
        assert trip
        assert trip.id.startswith("20240105T071200Z-")
        assert trip.id != id_


def test_it_names_its_car() -> None:
    assert opened("json", text()).car_id == "old"
    assert opened("json", text(car={})).car_id == ""


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"row": "gap"}, "no trip"),
        ({"started_at": 5}, "started_at"),
        ({"started_at": "yesterday"}, "started_at"),
        ({"ended_at": "2024-01-05T08:00:00+01:00"}, "before started_at"),
        ({"ended_at": "2027-01-05T08:00:00+01:00"}, "future"),
        ({"distance_km": "22"}, "distance_km"),
        ({"distance_km": -1}, "distance_km"),
        ({"distance_km": 1e308}, "distance_km"),
        ({"end_odometer_km": 12000.0, "end_odometer_known": "read"}, "below"),
        ({"from": {"lat": 52.0}}, "lat and lng"),
        ({"from": {"lat": 91.0, "lng": 5.0}}, "from"),
        ({"from": [1]}, "from"),
        ({"kind": "holiday"}, "kind"),
        ({"business_km": 30.0}, "business_km"),
        ({"purpose": "x" * 2001}, "purpose"),
        ({"driver": "x" * 100}, "driver"),
    ],
)
def test_a_row_that_cannot_be_true_says_why_and_the_others_are_read(said: dict[str, Any], told: str) -> None:
    rows = found({**TRIP, **said}, TRIP).rows
    assert (rows[0].where, rows[0].trip, told in rows[0].why) == ("row 1", None, True), rows[0].why
    assert rows[1].trip


def test_a_row_that_is_nested_without_end_or_no_object_is_refused_by_itself() -> None:
    bomb = text(TRIP).replace('"client"', "[" * 900 + "]" * 900)
    assert opened("json", bomb).found(INTO).rows[0].trip is None
    assert [row.trip for row in found(1, "x", None, []).rows] == [None] * 4


@pytest.mark.parametrize(
    "data",
    ["", "x", "[]", "null", "{}", '{"format": "mileage-log"}', text(format="x"), text(version=2), text(rows=5),
     text(rows={}), text(car=1), text(readings=1), text(view="employer"), "[" * 100_000, '{"a":' * 50_000,
     text(*[1] * (MOST_ROWS + 1)), "\ud800"],
)  # fmt: skip
def test_what_is_no_export_or_not_all_of_one_is_refused(data: str) -> None:
    with pytest.raises(Unfit) as error:
        opened("json", data)
    assert error.value.field == "data"


def readings(*told: Any) -> list[Reading]:
    return [*found(readings=told).readings.get("audi", ())]


def test_what_a_car_said_is_told_by_a_device_now_for_a_file_proves_nothing() -> None:
    assert readings(READING) == [Reading(datetime(2024, 1, 5, 7, tzinfo=UTC), 12345.0, source="device")]
    assert not readings({**READING, "confirm": True, "new_series": True})[0].is_confirmed


def test_words_of_a_driver_stay_and_what_is_no_fact_of_its_own_does_not_come() -> None:
    [word] = readings({**READING, "source": "garage", "confirm": True, "resolution_km": 1.0})
    assert (word.source, word.is_confirmed, word.resolution_km) == ("garage", True, 1.0)
    assert readings({**READING, "source": "typed"}, {**READING, "source": "struck"}) == []
    assert readings({**READING, "standing": "withdrawn"}) == []


@pytest.mark.parametrize(
    "said",
    [{"at": "x"}, {"at": "2027-01-01T00:00:00Z"}, {"odometer_km": -1}, {"odometer_km": "1"}, {"resolution_km": 0},
     {"since": "2025-01-01T00:00:00Z"}],
)  # fmt: skip
def test_a_reading_that_cannot_be_true_says_why(said: dict[str, Any]) -> None:
    [row] = found(readings=[{**READING, **said}]).rows
    assert (row.where, row.trip, bool(row.why)) == ("reading 1", None, True)
