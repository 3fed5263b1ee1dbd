"""Files of trips that come into a log over HTTP: said beforehand row by row, taken in once, and nobody else's."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.domain.log.history import Author
from shared.repositories import documents
from shared.services.file_import import import_file
from shared.services.file_rows import Written
from tests.system.fixtures import UTRECHT, Driver, Stack, ago
from tests.system.test_tenancy import MANUAL
from tools.local import processes

HEAD = "Datum;Vertrektijd;Aankomsttijd;Beginstand;Eindstand;Afstand;Vertrekadres;Aankomstadres;Soort"
KEPT = ("trips", "gaps", "stats", "cache", "history", "odometer_readings", "chapters", "drives", "settings")
FIRST = datetime.fromisoformat("2024-01-05T08:12")


def line(n: int, start_km: float, km: float = 22.4, kind: str = "Zakelijk") -> str:
    """A trip, n days after the first."""
    at = FIRST + timedelta(days=n)
    kms = f"{start_km:.1f};{start_km + km:.1f};{km:.1f}".replace(".", ",")
    return f"{at:%d-%m-%Y};{at:%H:%M};{at + timedelta(minutes=29):%H:%M};{kms};Dorpsstraat 1;Kerkweg 2;{kind}"


def table(*lines: str) -> str:
    return "\n".join([HEAD, *lines])


LINES = (line(0, 1000), line(1, 1022.4), line(2, 1050, kind="Privé"))


def everything(driver: Driver) -> dict[str, dict[str, Any]]:
    return {name: driver.kept(name) for name in KEPT}


def sent(driver: Driver, data: str, **body: Any) -> dict[str, Any]:
    """What is answered to a file."""
    answer = driver.call("POST", "/trips/import", json={"format": "csv", "data": data, **body})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def results(told: dict[str, Any]) -> list[str]:
    return [row["result"] for row in told["rows"]]


def counts(told: dict[str, Any]) -> tuple[int, int, int, int]:
    return told["new"], told["there_already"], told["refused"], told["left"]


ALWAYS_OTHER = ("created_at", "updated_at")


def trips_of(told: dict[str, Any]) -> list[dict[str, Any]]:
    trips = (row["trip"] for row in told["rows"] if row["trip"])
    return [{name: value for name, value in trip.items() if name not in ALWAYS_OTHER} for trip in trips]


def test_it_is_a_preview_until_somebody_says_otherwise_and_that_is_what_comes_of_it(driver: Driver) -> None:
    before = everything(driver)
    said = sent(driver, table(*LINES, "x;y"))
    assert everything(driver) == before
    assert (said["dry_run"], counts(said)) == (True, (3, 0, 1, 0))
    assert [row["row"] for row in said["rows"]] == ["line 2", "line 3", "line 4", "line 5"]
    [sums] = said["sums"]
    assert (sums["year"], sums["before"]["trip_count"], sums["after"]["total_km"]) == (2024, 0, 67.2)
    assert sums["after"]["gap_km"] == 5.2

    done = sent(driver, table(*LINES, "x;y"), dry_run=False, why="From the old log")
    assert (done["dry_run"], counts(done), done["sums"]) == (False, (3, 0, 1, 0), said["sums"])
    assert trips_of(done) == trips_of(said)
    stored = {trip["id"]: trip for trip in driver.trips()}
    assert all(stored[row["trip"]["id"]].items() >= row["trip"].items() for row in done["rows"][:3])
    assert driver.differences() == []
    entries = driver.kept("history").values()
    assert {(entry["by"], entry["why"]) for entry in entries} == {("", "From the old log")}


def test_twice_is_once(driver: Driver) -> None:
    sent(driver, table(*LINES), dry_run=False)
    once = everything(driver)
    again = sent(driver, table(*LINES, LINES[0]), dry_run=False)
    assert (counts(again), again["sums"], again["changed_trips"]) == ((0, 4, 0, 0), [], [])
    assert all(row["trip"] for row in again["rows"])
    assert everything(driver) == once


def test_a_row_that_is_twice_in_a_file_comes_once_and_another_of_its_moment_does_not(driver: Driver) -> None:
    told = sent(driver, table(LINES[0], LINES[0], line(0, 1000, 25.0)), dry_run=False)
    assert results(told) == ["new", "there_already", "refused"]
    assert ("line 2" in told["rows"][1]["why"], "line 2" in told["rows"][2]["why"]) == (True, True)
    assert len(driver.trips()) == 1


def test_what_the_log_has_of_that_time_is_told_and_what_lies_beside_it_changes(driver: Driver) -> None:
    for at, start_km in (("2024-01-05T08:11", 1000.0), ("2024-01-07T08:11", 1050.0)):
        begun = datetime.fromisoformat(at)
        body = MANUAL | {"started_at": at, "ended_at": (begun + timedelta(minutes=30)).isoformat()}
        del body["distance_km"]
        body |= {"start_odometer_km": start_km, "end_odometer_km": start_km + 22.4}
        assert driver.call("POST", "/trips", json=body).status_code == 201
    trips = driver.trips()
    said = sent(driver, table(*LINES))
    assert results(said) == ["there_already", "new", "there_already"]
    assert (said["rows"][0]["trip"]["id"], "08:11" in said["rows"][0]["why"]) == (trips[0]["id"], True)
    assert said["changed_trips"] == [trips[1]["id"]]
    done = sent(driver, table(*LINES), dry_run=False)
    assert (results(done), done["changed_trips"]) == (results(said), said["changed_trips"])
    assert [trip["gap_before_km"] for trip in driver.trips()] == [0.0, 0.0, 5.2]
    assert driver.differences() == []


def test_what_a_driver_took_out_of_the_log_no_file_brings_back(driver: Driver) -> None:
    done = sent(driver, table(*LINES), dry_run=False)
    assert driver.call("DELETE", f"/trips/{done['rows'][1]['trip']['id']}").status_code == 204
    again = sent(driver, table(*LINES), dry_run=False)
    assert results(again) == ["there_already", "refused", "there_already"]
    assert "taken out" in again["rows"][1]["why"]
    assert (len(driver.trips()), driver.differences()) == (2, [])


def test_a_log_by_day_comes_in_with_times_that_say_that_nobody_wrote_them(driver: Driver) -> None:
    head = "Datum;Beginstand;Eindstand;Van;Naar;Soort"
    days = f"{head}\n5-1-2024;1000;1030;A;B;Z\n5-1-2024;1030;1090;B;C;P\n6-1-2024;1090;1100;C;A;Z"
    done = sent(driver, days, format="dutch", dry_run=False)
    assert counts(done) == (3, 0, 0, 0)
    assert all("not written down" in row["why"] for row in done["rows"])
    assert counts(sent(driver, days, format="dutch", dry_run=False)) == (0, 3, 0, 0)
    more = sent(driver, f"{head}\n5-1-2024;1200;1230;A;B;Z", format="dutch", dry_run=False)
    assert "other trips of this day" in more["rows"][0]["why"]
    assert driver.differences() == []


def test_what_is_earlier_than_where_the_book_began_comes_before_it(driver: Driver) -> None:
    car = {"provider": "simulated", "vin": driver.vin, "start_odometer_km": 12_000, "available_from": "2026-01-01"}
    assert driver.call("PUT", "/cars/car", json=car).status_code in (200, 201)
    driver.phone("start", ago(40), UTRECHT)
    driver.wait_read(12_345.0)
    driver.set_car(odometer_km=12_360.0, measured_at=ago(18), state="parked")
    driver.phone("end", ago(20), (52.2, 5.1))
    driver.wait_trips(1)
    assert counts(sent(driver, table(*LINES), dry_run=False)) == (3, 0, 0, 0)
    assert len(driver.trips()) == 4
    assert driver.differences() == []


@pytest.fixture
def here(driver: Driver) -> Iterator[None]:
    """The service in this process, on the store of the stack."""
    documents.client.cache_clear()
    with processes.environment({"GOOGLE_CLOUD_PROJECT": driver.stack.project}):
        yield
    documents.client.cache_clear()


@pytest.mark.usefixtures("here")
def test_what_there_was_no_time_for_the_same_call_goes_on_with_whatever_happens_between(driver: Driver) -> None:
    lines = [line(n, 1000 + 25.0 * n) for n in range(230)]
    written, author = Written("csv", table(*lines)), Author("key", datetime.now(UTC))
    left = [230]
    while left[-1]:
        found = import_file(driver.account, written, author, 0.0)
        left.append(found.number_of("left"))
        assert left[-1] < left[-2]
        assert [row.trip is None for row in found.rows] == [row.result == "left" for row in found.rows]
        driver.phone("start", ago(10 - len(left)), UTRECHT)
    assert len(left) > 3
    assert [trip["distance_km"] for trip in driver.kept("trips").values()] == [22.4] * 230
    assert driver.active()["points"] == len(left) - 1
    assert driver.differences() == []


def test_a_process_that_dies_on_the_way_leaves_whole_parts_and_the_next_call_the_rest(stack: Stack) -> None:
    driver = stack.driver()
    data = table(*(line(n, 1000 + 25.0 * n) for n in range(400)))
    with socket.create_connection(("127.0.0.1", stack.port), timeout=60) as connection:
        body = json.dumps({"format": "csv", "data": data, "dry_run": False}).encode()
        head = f"POST /trips/import HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {driver.key}\r\n"
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        processes.wait_until(lambda: driver.store.sums(None), "a part of it")
        stack.kill_functions()
    assert 0 < sum(sums.trip_count for year in driver.store.sums(None).values() for months in year.values()
                   for sums in months.values()) <= 400  # fmt: skip
    told = sent(driver, data, dry_run=False)
    while told["left"]:
        told = sent(driver, data, dry_run=False)
    assert (len(driver.kept("trips")), driver.differences()) == (400, [])


# --- our own export


def exported(driver: Driver) -> str:
    """What an export of a driver's car has for an import."""
    readings = driver.call("GET", "/cars/car/readings?limit=200").json()["readings"]
    rows = driver.call("GET", "/logbook?limit=200").json()["rows"]
    file = {"format": "mileage-log", "version": 1, "view": "full", "car": {"id": "car"}}
    return json.dumps({**file, "rows": rows, "readings": [{"car_id": "car", **one} for one in readings]})


def test_a_log_goes_to_another_user_and_back_to_its_own_nothing_comes(driver: Driver, stack: Stack) -> None:
    sent(driver, table(*LINES), dry_run=False)
    word = {"odometer_km": 1060, "at": "2024-01-06T12:00:00+01:00", "source": "garage", "confirm": True}
    assert driver.call("POST", "/cars/car/odometer", json=word).status_code == 201
    driver.phone("start", ago(40), UTRECHT)
    driver.wait_read(12_345.0)
    driver.phone("end", ago(20), (52.2, 5.1))
    driver.wait_trips(4)
    data, before = exported(driver), everything(driver)
    own = sent(driver, data, format="json", dry_run=False)
    assert (own["new"], own["there_already"], own["new_readings"]) == (0, 4, 0)
    assert everything(driver) == before

    other = stack.driver()
    said = sent(other, data, format="json")
    done = sent(other, data, format="json", dry_run=False)
    assert (counts(done), done["new_readings"]) == (counts(said), said["new_readings"])
    assert (done["new"], done["new_readings"] > 0) == (4, True)
    assert {trip["id"] for trip in other.trips()} == {trip["id"] for trip in driver.trips()}
    assert {reading["source"] for reading in other.kept("odometer_readings").values()} == {"device", "garage"}
    assert (other.differences(), everything(driver)) == ([], before)


TOLD = ("id", "started_at", "ended_at", "kind", "distance_km", "business_km", "purpose", "deviation", "notes",
        "start_odometer_km", "end_odometer_km", "gap_before_km", "excess_km")  # fmt: skip


@pytest.mark.parametrize("format_", ["csv", "json"])
def test_a_file_of_a_year_makes_the_same_year_of_another_driver_and_nothing_new_of_ones_own(
    driver: Driver, stack: Stack, format_: str
) -> None:
    sent(driver, table(*LINES), dry_run=False)
    hard = {"purpose": '=1;"a"\nb', "notes": "'s avonds 🚗", "deviation": "-5", "kind": "mixed", "business_km": 20}
    trip_id = driver.trips()[0]["id"]
    assert driver.call("PATCH", f"/trips/{trip_id}", json=hard).status_code == 200
    file = driver.call("GET", f"/export?year=2024&format={format_}&lang=en").text
    own = sent(driver, file, format=format_, dry_run=False)
    assert (own["new"], own["there_already"], own["changed_trips"], own["sums"]) == (0, 3, [], [])

    other = stack.driver()
    assert sent(other, file, format=format_, dry_run=False)["new"] == 3
    was, found = ([{name: trip[name] for name in TOLD} for trip in one.trips()] for one in (driver, other))
    assert found == was
    assert [one.differences() for one in (driver, other)] == [[], []]


def test_an_export_of_another_car_needs_to_be_told_whose_it_is(driver: Driver) -> None:
    data = exported(driver).replace('"id": "car"', '"id": "zoe"')
    answer = driver.call("POST", "/trips/import", json={"format": "json", "data": data})
    assert (answer.status_code, answer.json()["field"], "zoe" in answer.text) == (400, "car_id", True)
    assert sent(driver, data, format="json", car_id="car")["refused"] == 0


# --- what is refused


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"format": "xlsx", "data": "x"}, "format"),
        ({"data": "x"}, "format"),
        ({"format": "csv"}, "data"),
        ({"format": "csv", "data": None}, "data"),
        ({"format": "csv", "data": ["x"]}, "data"),
        ({"format": "csv", "data": "x"}, "data"),
        ({"format": "dutch", "data": ""}, "data"),
        ({"format": "json", "data": "[" * 60_000}, "data"),
        ({"format": "json", "data": "[" * 200_000}, "data"),
        ({"format": "csv", "data": table(*LINES), "dry_run": "no"}, "dry_run"),
        ({"format": "csv", "data": table(*LINES), "car_id": "other"}, "car_id"),
        ({"format": "csv", "data": table(*LINES), "car_id": "../x"}, "car_id"),
        ({"format": "csv", "data": table(*LINES), "user": "x"}, "user"),
        ({"format": "csv", "data": table(*LINES), "why": "x" * 3000}, "why"),
    ],
)
def test_what_cannot_be_taken_in_is_named_and_changes_nothing(driver: Driver, body: Any, field: str) -> None:
    before = everything(driver)
    answer = driver.call("POST", "/trips/import", json={"dry_run": False, **body})
    assert (answer.status_code, answer.json().get("field")) == (400, field), answer.text
    assert everything(driver) == before


def test_nothing_of_it_is_another_users(driver: Driver, stack: Stack) -> None:
    other = stack.driver()
    before = everything(other)
    told = sent(driver, table(*LINES), dry_run=False)
    assert everything(other) == before
    assert other.call("GET", f"/trips/{told['rows'][0]['trip']['id']}").status_code == 404
    assert counts(sent(other, table(*LINES))) == (3, 0, 0, 0)


# --- large bodies


def test_a_file_may_be_larger_than_other_bodies_and_not_larger_than_8_mib(driver: Driver) -> None:
    large = table(*(f"{one};{'x' * 100_000}" for one in LINES)).replace("Soort", "Soort;Klant zegt", 1)
    assert counts(sent(driver, large)) == (3, 0, 0, 0)
    chunks = json.dumps({"format": "csv", "data": large}).encode()
    chunked = driver.call("POST", "/trips/import", data=iter([chunks[:1000], chunks[1000:]]))
    assert chunked.status_code == 200, chunked.text
    too_large = b"{" + b" " * 8 * 1024 * 1024 + b"}"
    for data in (too_large, iter([too_large])):
        answer = driver.call("POST", "/trips/import", data=data)
        assert (answer.status_code, "8 MiB" in answer.text) == (413, True)


@pytest.mark.parametrize("how", ["Content-Length: 8000000", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("key", ["wrong", ""])
def test_a_strangers_large_body_is_not_read(stack: Stack, how: str, key: str) -> None:
    """They are told so before it is there."""
    head = f"POST /trips/import HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n{how}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", stack.port), timeout=20) as connection:
        connection.sendall(head.encode())
        assert connection.recv(12) == b"HTTP/1.1 401"
