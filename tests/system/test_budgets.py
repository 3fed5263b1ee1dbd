"""What each call may read and write, counted at the gRPC channel, with one trip and with two thousand."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache, reduce
from typing import Any

import pytest
from google.cloud import firestore, pubsub_v1
from google.cloud.firestore_v1.types import CommitRequest
from msgspec.structs import asdict, replace
from pytest_httpserver import HTTPServer

from shared.domain.car.car import Car
from shared.domain.car.odometer import Reading
from shared.domain.log.trip import Endpoint, Trip, trip_id
from shared.domain.place.places import Place
from shared.repositories import documents
from shared.repositories.places import SharedPlaceRepository
from shared.services.private_km import private_km
from tests.geocoding.services import PDOK, PDOK_PATH
from tests.rows import gap, put, trip
from tests.system.fixtures import UTRECHT, Driver, Stack, ago
from tests.system.test_settled import driven, settle
from tools.measure import metering
from tools.measure.metering import Functions, Message, Meter


class Metered:
    """The functions in this process, with a metered store of a project of their own."""

    def __init__(self, stack: Stack, meter: Meter) -> None:
        self.stack, self.meter = stack, meter
        self.driver: Driver = stack.driver()
        self._functions = Functions()

    def call(self, function: str, method: str, path: str = "/", **more: Any) -> tuple[Any, Meter]:
        """A call after one that warms the instance up; the answer and what it cost."""
        headers = {"Authorization": f"Bearer {self.driver.key}", "X-User-Email": self.driver.email}
        self.meter.reset()
        response = self._functions.call(function, method, path, headers=headers, **more)
        assert response.status_code in (200, 201), response.text
        return response.get_json(), self.meter

    def poll(self, reason: str = "x") -> Meter:
        """A message to the poller."""
        data = json.dumps({"user": self.driver.email, "reason": reason}).encode()
        self.meter.reset()
        answer = self._functions.deliver("poller", Message(data, "1", datetime.now(UTC)), self.stack.project)
        assert answer.status_code == 200
        return self.meter

    def log(self, count: int) -> None:
        """Fills the log with trips of one car, each beginning where the one before ended."""
        names = zip(NOBODY, (self.stack.project, self.driver.email), strict=True)
        renamed = [(nobody.encode(), name.encode()) for nobody, name in names]
        assert all(len(nobody) == len(name) for nobody, name in renamed)
        for commit in commits_of_a_log(count):
            own = reduce(lambda text, names: text.replace(*names), renamed, commit)
            self.stack.db._firestore_api.commit(CommitRequest.deserialize(own))


# A project and a driver with names as long as those of all the others.
NOBODY = ("test-000000000000", "d000000000000@example.com")


@cache
def commits_of_a_log(count: int) -> list[bytes]:
    """What writes a log of so many trips, as it goes over the wire: made once, for making it costs most."""
    project, email = NOBODY
    db, begin = firestore.Client(project=project), datetime(2024, 1, 1, tzinfo=UTC)
    root, months, commits = db.collection("users").document(email), Counter[tuple[int, int]](), []
    for part in range(0, count, 200):
        batch = db.batch()
        for n in range(part, min(part + 200, count)):
            at = begin + timedelta(hours=8 * n)
            trip = Trip(
                id=trip_id(email, at), user=email, car_id="car", started_at=at,
                ended_at=at + timedelta(hours=1), timezone="UTC", date=at.date().isoformat(), year=at.year,
                month=at.month, from_=Endpoint(), to=Endpoint(), start_odometer_km=1000.0 + n,
                end_odometer_km=1001.0 + n, from_m=1_000_000 + 1000 * n, to_m=1_001_000 + 1000 * n, distance_km=1.0,
                created_at=at, updated_at=at,
            )  # fmt: skip
            batch.set(root.collection("trips").document(trip.id), documents.to_document(trip))
            months[(at.year, at.month)] += 1
        if part + 200 >= count:
            for (year, month), n in months.items():
                sums = {"car": {"trip_count": n, "total_m": 1000 * n, "unclassified_m": 1000 * n}}
                batch.set(root.collection("stats").document(str(year)), {"months": {str(month): sums}}, merge=True)
        commits.append(CommitRequest.serialize(CommitRequest(database=db._database_string, writes=batch._write_pbs)))
    return commits


@pytest.fixture
def metered(stack: Stack, tmp_path: Any) -> Iterator[Metered]:
    own = Stack(tmp_path)
    own.cloud_url = stack.cloud_url
    pubsub_v1.PublisherClient().create_topic(name=f"projects/{own.project}/topics/poll-car")
    settings = {"POLL_EVERY_S": "0", "POLL_AFTER_END_S": "0", "USER_CACHE_S": "60"}
    settings |= {"GOOGLE_CLOUD_PROJECT": own.project, "CAR_CLOUD_URL": stack.cloud_url}
    with metering.metered(settings) as meter:
        yield Metered(own, meter)


@pytest.fixture(params=[1, 2000], ids=["one trip", "two thousand trips"])
def with_log(request: pytest.FixtureRequest, metered: Metered) -> Metered:
    metered.log(request.param)
    metered.driver.set_car(odometer_km=1000.0 + request.param, measured_at=ago(60))
    metered.call("stats", "GET")
    return metered


def last_read_km(metered: Metered) -> float:
    """What the car said last."""
    return metered.driver.store.state().value.known_readings("car")[-1].km


def position(n: float) -> dict[str, Any]:
    return {"lat": UTRECHT[0] + n / 1000, "lng": UTRECHT[1], "accuracy_m": 5}


def test_a_start_costs_little_warm_or_cold(metered: Metered) -> None:
    _, cold = metered.call("webhook_start", "POST", json=position(0))
    assert (cold.read <= 3, cold.changed <= 1) == (True, True), (cold.read, cold.changed)


def test_starts_pings_and_ends_cost_the_same_however_many_trips_there_are(with_log: Metered) -> None:
    for function, n in (("webhook_start", 0), ("webhook_start", 1), ("webhook_end", 2)):
        _, cost = with_log.call(function, "POST", json=position(n))
        assert cost.read <= 2
        assert cost.changed == 1


def test_the_thousandth_ping_costs_what_the_first_did(metered: Metered, set_by_operator: Callable[..., None]) -> None:
    set_by_operator(LIMIT_USER_WEBHOOKS="0")  # a day's pings in a minute: they would be counted in blocks
    begin, costs = ago(500), []
    for n in range(1000):
        body = {**position(n / 10), "timestamp": (begin + timedelta(seconds=20 * n)).isoformat()}
        _, cost = metered.call("webhook_start", "POST", json=body)
        assert cost.read <= 3 if n == 0 else cost.billed_reads <= 2
        assert cost.bytes_read < 20_000
        costs.append(cost.changed)
    assert set(costs) <= {1, 2}
    assert costs.count(2) <= 10
    _, cost = metered.call("trips", "GET", "/active")
    end = (begin + timedelta(seconds=20_001)).isoformat()
    metered.call("webhook_end", "POST", json={**position(100), "timestamp": end})
    metered.driver.set_car(odometer_km=12360.0, measured_at=ago(1))
    cost = metered.poll()
    assert cost.read <= 9 + 10
    assert cost.changed <= 6 + 10
    (trip,) = metered.call("trips", "GET")[0]["trips"]
    assert trip["end_odometer_km"] == 12360.0
    (record,) = metered.driver.kept("drives").values()
    assert len(record["kinds"]) == 1001


def test_polls_cost_the_same_however_many_trips_there_are(with_log: Metered) -> None:
    driver = with_log.driver
    with_log.call("webhook_start", "POST", json={**position(0), "timestamp": ago(30).isoformat()})
    with_log.poll()
    driver.set_car(odometer_km=10_000.0, measured_at=ago(20))
    driver.set_car(odometer_km=last_read_km(with_log) + 5, measured_at=ago(19))
    driving = with_log.poll()
    assert (driving.read <= 5, driving.changed <= 3) == (True, True), (driving.read, driving.changed)
    with_log.call("webhook_end", "POST", json={**position(9), "timestamp": ago(10).isoformat()})
    driver.set_car(odometer_km=last_read_km(with_log) + 1, measured_at=ago(9))
    finishing = with_log.poll()
    # Read are the state twice, the cars, a car's secrets, places, the account, the trip and the record that are not
    # there yet; written the state twice, the trip, its year's sums, the reading, and what was heard of the drive.
    assert (finishing.billed_reads, finishing.changed) == (8, 6)
    assert with_log.driver.store.state().value.drive is None


def test_a_start_that_names_another_car_costs_a_look_at_the_cars_until_it_is_going_on(metered: Metered) -> None:
    driver, vin = metered.driver, f"V2{metered.driver.vin}"
    driver.add_car("second", vin)
    driver.set_car(vin=vin, odometer_km=500.0, measured_at=ago(1))
    metered.call("stats", "GET")
    _, first = metered.call("webhook_start", "POST", json={**position(0), "car_id": "second"})
    assert (first.billed_reads, first.changed) == (2, 1)
    metered.poll()
    _, again = metered.call("webhook_start", "POST", json={**position(1), "car_id": "second"})
    assert (again.billed_reads, again.changed) == (1, 1)


def test_a_start_that_names_a_car_of_nobody_costs_a_look_at_the_cars(metered: Metered) -> None:
    metered.call("stats", "GET")
    for n in range(3):
        _, cost = metered.call("webhook_start", "POST", json={**position(n), "car_id": f"nobodys-{n}"})
        assert (cost.billed_reads, cost.changed) == (2, 1)


def test_an_ordinary_trip_costs_what_it_says(metered: Metered) -> None:
    driver, written = metered.driver, 0
    driver.set_car(odometer_km=1000.0, measured_at=ago(60))
    for n in range(25):
        at = ago(30) + timedelta(seconds=60 * n)
        written += metered.call("webhook_start", "POST", json={**position(n), "timestamp": at.isoformat()})[1].changed
        written += metered.poll().changed if n == 0 else 0
    written += metered.call("webhook_end", "POST", json={**position(25), "timestamp": ago(3).isoformat()})[1].changed
    driver.set_car(odometer_km=1003.0, measured_at=ago(2))
    written += metered.poll().changed
    (trip,) = metered.call("trips", "GET")[0]["trips"]
    assert trip["distance_km"] == 3.0
    # One for each of 26 words of the phone, three for the first poll, six for the one that finishes it.
    assert written == 26 + 3 + 6


def test_finding_addresses_costs_polls_nothing_but_one_of_its_own(
    metered: Metered, httpserver: HTTPServer, set_by_operator: Callable[..., None]
) -> None:
    set_by_operator(GEOCODERS="pdok", PDOK_URL=httpserver.url_for("/pdok"))
    httpserver.expect_request(PDOK_PATH).respond_with_json(PDOK)
    driver = metered.driver
    driver.set_car(odometer_km=1000.0, measured_at=ago(60))
    metered.call("webhook_start", "POST", json={**position(0), "timestamp": ago(30).isoformat()})
    driving = metered.poll()
    assert (driving.read <= 5, driving.changed <= 3) == (True, True), (driving.read, driving.changed)
    metered.call("webhook_end", "POST", json={**position(9), "timestamp": ago(10).isoformat()})
    driver.set_car(odometer_km=1001.0, measured_at=ago(9))
    finishing = metered.poll()
    assert (finishing.read <= 9, finishing.changed <= 6) == (True, True), (finishing.read, finishing.changed)
    assert not httpserver.log
    told, tick = metered.call("scheduler", "POST", "/poll-all")
    assert (told["published"], tick.read) == (1, 1)
    finding = metered.poll()
    assert (finding.read <= 7, finding.changed <= 6) == (True, True), (finding.read, finding.changed)
    (trip,) = metered.call("trips", "GET")[0]["trips"]
    assert trip["from"]["address"] == trip["to"]["address"] != ""
    assert metered.poll().read == 1
    assert metered.call("scheduler", "POST", "/poll-all")[0]["published"] == 0


def test_a_message_too_many_costs_one_read(with_log: Metered) -> None:
    cost = with_log.poll()
    assert (cost.read + cost.missing, cost.changed) == (1, 0)
    with_log.poll("daily")
    cost = with_log.poll("daily")
    assert (cost.read, cost.changed) == (1, 0)


def test_of_many_messages_that_come_at_once_one_folds_and_if_it_dies_a_later_one(metered: Metered) -> None:
    driver, store = metered.driver, metered.driver.store
    for way, minutes, odometer_km in (("start", 30, 1000.0), ("end", 20, 1010.0)):
        metered.call(f"webhook_{way}", "POST", json={**position(minutes), "timestamp": ago(minutes).isoformat()})
        driver.set_car(odometer_km=odometer_km, measured_at=ago(minutes))
        metered.poll()
    (before,) = metered.call("trips", "GET")[0]["trips"]
    for minutes in (90, 80):
        metered.call("webhook_start", "POST", json={**position(minutes), "timestamp": ago(minutes).isoformat()})

    def folding_until(minutes: float) -> None:
        read, change = store.state(), store.change()
        change.put_state(read, replace(read.value, folding_until=ago(-minutes)))
        change.commit()

    folding_until(1)
    cost = metered.poll()
    assert (cost.read, cost.changed) == (1, 0)
    assert metered.call("trips", "GET")[0]["trips"] == [before]
    assert metered.call("scheduler", "POST", "/poll-all")[0]["published"] == 1
    folding_until(-1)
    metered.poll()
    assert metered.call("trips", "GET")[0]["trips"][0]["started_at"] < before["started_at"]
    assert store.state().value.folding_until is None


def test_a_daily_look_costs_the_same_however_many_trips_there_are(with_log: Metered) -> None:
    with_log.driver.set_car(measured_at=ago(5), odometer_km=9000.0)
    cost = with_log.poll("daily")
    assert with_log.driver.asked() == 1
    assert (cost.read <= 5, cost.changed) == (True, 3), (cost.read, cost.changed)


def test_the_daily_call_reads_the_users_with_a_car_and_writes_nothing(metered: Metered) -> None:
    for _ in range(3):
        metered.stack.driver(car=False)
    for _ in range(2):
        metered.stack.driver()
    told, cost = metered.call("scheduler", "POST", "/read-odometers")
    assert told == {"users": 3, "published": 3}
    assert (cost.read, cost.changed) == (3, 0)


def test_sums_lists_and_comparison_cost_what_they_show(with_log: Metered) -> None:
    stats, cost = with_log.call("stats", "GET", "/?year=2024")
    assert (cost.read, cost.changed) == (1, 0)
    assert stats["trip_count"] >= 1
    everything, cost = with_log.call("stats", "GET")
    assert cost.read <= 2
    assert everything["trip_count"] in (1, 2000)
    page, cost = with_log.call("trips", "GET", "/?limit=10")
    assert cost.read <= 11
    assert cost.changed == 0
    assert len(page["trips"]) == min(10, everything["trip_count"])
    _, cost = with_log.call("trips", "GET", f"/purposes?trip_id={page['trips'][0]['id']}")
    assert (cost.read, cost.changed) == (min(200, everything["trip_count"]) + 1, 0)
    compared, cost = with_log.call("compare", "GET")
    shown = len(compared["gaps"]) + len(compared["odometer_readings"])
    assert cost.read <= 4 + 2 + shown
    assert cost.changed == 0


def test_a_page_of_the_log_costs_what_it_shows_and_a_word_of_a_gap_little(with_log: Metered) -> None:
    store, trips = with_log.driver.store, with_log.call("stats", "GET")[0]["trip_count"]
    begin_m, begin = 1_000_000 + 1000 * trips, datetime(2024, 1, 1, 2, tzinfo=UTC)
    gaps = [gap(begin_m + 1000 * n, begin_m + 1000 * (n + 1), begin + timedelta(hours=8 * n)) for n in range(30)]
    put(store, *gaps)
    for query in ("?limit=10", "?limit=10&year=2024&month=1"):
        page, cost = with_log.call("logbook", "GET", f"/{query}")
        assert cost.read + cost.missing <= 2 * 10 + 4 + 2
        assert (cost.changed, len(page["rows"])) == (0, 10)
    compared, cost = with_log.call("compare", "GET")
    assert (len(compared["gaps"]), compared["closed"]) == (30, False)
    assert cost.billed_reads <= 4 + 2 + 30 + 20
    _, cost = with_log.call("logbook", "PATCH", f"/gaps/{gaps[0].id}", json={"explained_as": "private"})
    # The gap and the state; written are the gap, the state, the sums and the history.
    assert (cost.read + cost.missing, cost.changed) == (2, 4)
    body = {"explained_as": "correction", "reason": "Tyres"}
    _, cost = with_log.call("logbook", "PATCH", f"/gaps/{gaps[-1].id}", json=body)
    # And the rows of its month, the sums of each year, that there was no correction yet, and the account anew.
    assert (cost.billed_reads, cost.changed) == (2 + min(trips, 3 * 31) + 30 + (1 if trips == 1 else 2) + 1 + 1, 4)


def test_the_checks_of_a_year_are_computed_once_however_long_its_log_is(with_log: Metered) -> None:
    first, cost = with_log.call("logbook", "GET", "/2024/checks")
    assert (cost.read >= len(first["checks"][6]["rows"]) >= 1, cost.changed) == (True, 1)
    again, cost = with_log.call("logbook", "GET", "/2024/checks")
    # The state, the cars, the places, whether the year is closed, and what is kept; those shared by all are remembered.
    assert (cost.read + cost.missing <= 5, cost.changed) == (True, 0)
    assert again == first
    assert [check["result"] for check in first["checks"] if check["n"] == 19] == ["holds"]


def test_the_meter_of_private_kilometres_reads_three_documents_and_says_what_the_rows_do(metered: Metered) -> None:
    begin = datetime(2026, 1, 23, 8, tzinfo=UTC)
    rows = [
        trip(1_000_000, 1_050_000, begin, kind="private"),
        gap(1_050_000, 1_054_000, begin + timedelta(hours=1), explained_as="private"),
        gap(1_054_000, 1_060_000, begin + timedelta(days=40)),
        trip(1_060_000, 1_085_000, begin + timedelta(days=41)),
    ]
    put(metered.driver.store, *rows)
    told, _ = metered.call("logbook", "GET", "/2026/checks")
    metered.meter.reset()
    meter = private_km(metered.driver.account, None, 2026)
    assert (metered.meter.read + metered.meter.missing, metered.meter.changed) == (3, 0)
    assert (meter.so_far, meter.worst_case) == (54.0, 85.0)
    assert told["private_km"] == asdict(meter)


def test_a_word_of_a_settled_log_costs_the_stretch_around_it_and_an_entry_for_each_row(metered: Metered) -> None:
    costs = list[list[tuple[int, int]]]()
    for count in (24, 96):
        metered.driver = metered.stack.driver()
        trips = [driven(1_000_000 + 20_000 * n, 1_020_000 + 20_000 * n, 4 * n, kind="business") for n in range(count)]
        settle(metered.driver, trips)
        metered.call("stats", "GET")
        one, two, three, *others = trips[-9:-3]
        calls: list[tuple[str, str, dict[str, Any], int]] = [
            ("PATCH", f"/{one.id}", {"kind": "private"}, 1),
            ("POST", f"/{one.id}/split", {"at": (one.started_at + timedelta(minutes=15)).isoformat()}, 2),
            ("POST", "/merge", {"ids": [two.id, three.id]}, 2),
            ("PATCH", "/", {"ids": [trip.id for trip in others], "set": {"purpose": "A"}}, 3),
        ]
        costs.append([])
        for method, path, body, rows in calls:
            answer, cost = metered.call("trips", method, path, json=body)
            # The state, the sums of a year, a chapter or two, and of each row that is changed the row and an entry of
            # the history.
            assert cost.changed <= 4 + 2 * rows, (path, answer)
            costs[-1].append((cost.read + cost.missing, cost.changed))
    short, long = ([read for read, _ in each] for each in costs)
    assert short == pytest.approx(long, abs=2), "however long the log is"
    assert max(short[:3]) <= 44
    assert short[3] <= 44 * 3


def test_readings_that_are_not_believed_cost_the_comparison_what_it_says_of_them(metered: Metered) -> None:
    metered.log(1)
    metered.call("stats", "GET")
    store, at = metered.driver.store, datetime(2025, 12, 31, 12, tzinfo=UTC)
    for n in range(30):
        change = store.change()
        believed = Reading(at - timedelta(hours=n), 1000.0 - n)
        change.add_reading("car", believed, at)
        change.add_reading("car", Reading(believed.at, 90_000.0 + n), at, "not_believed", "jumps")
        change.commit()
    told, cost = metered.call("compare", "GET")
    assert len(told["odometer_readings"]) == 20
    assert any("30 odometer readings" in warning for warning in told["warnings"])
    assert cost.billed_reads <= 4 + 2 + 1 + 20 + 1, "one gap that is not there, and the reading in the warning"


def test_what_a_driver_set_up_costs_the_same_however_much_it_is(metered: Metered) -> None:
    driver = metered.driver
    shared = SharedPlaceRepository(metered.stack.db)
    shared.put(shared.read(), Place("5ha4ed000000", "Depot", 40.0, -3.7))
    for n in range(20):
        driver.store.cars.save(Car(id=f"car-{n}", provider="simulated"), {"token": "t"})
        driver.add_place(52 + n / 100, 5.1, "private")
    metered.call("stats", "GET")
    metered.call("webhook_start", "POST", json=position(0))
    cars, cost = metered.call("cars", "GET")
    assert (cost.read <= 2, cost.changed, len(cars["cars"])) == (True, 0, 21)
    places, cost = metered.call("locations", "GET")
    assert (cost.read <= 2, cost.changed, len(places["locations"])) == (True, 0, 21)
    places, cost = metered.call("locations", "GET")
    assert (cost.read, cost.changed, len(places["locations"])) == (1, 0, 21), "the shared ones are remembered"
    for path in ("/", "/keys"):
        _, cost = metered.call("settings", "GET", path)
        assert (cost.read, cost.changed) == (1, 0), "it shows the driver as they are now"
    _, cost = metered.call("cars", "GET", "/car/data")
    assert (cost.read <= 3, cost.changed) == (True, 0)
    _, cost = metered.call("webhook_end", "POST", json=position(9))
    assert (cost.read, cost.changed) == (2, 1)


def test_changes_of_what_is_set_up_cost_little(metered: Metered) -> None:
    metered.call("stats", "GET")
    calls = [
        ("settings", "PATCH", "/", {"name": "Boris"}, (2, 1)),
        ("settings", "PATCH", "/", {"default_car_id": "car"}, (3, 2)),
        ("settings", "POST", "/keys", {"scope": "webhook"}, (2, 1)),
        ("cars", "PUT", "/car", {"provider": "simulated", "vin": metered.driver.vin}, (3, 2)),
        ("cars", "PUT", "/car/credentials", {"token": f"t-{metered.driver.vin}"}, (3, 3)),
        ("cars", "POST", "/car/test", {}, (7, 4)),
        ("cars", "POST", "/car/odometer", {"odometer_km": 12350.0}, (6, 3)),
    ]
    for function, method, path, body, (reads, writes) in calls:
        _, cost = metered.call(function, method, path, json=body)
        assert (cost.read <= reads, cost.changed <= writes) == (True, True), (path, cost.read, cost.changed)


def test_a_place_reads_a_page_of_the_log_and_writes_what_it_names(with_log: Metered) -> None:
    trips = with_log.call("stats", "GET")[0]["trip_count"]
    told, cost = with_log.call("locations", "POST", json={"name": "Home", **_at(0)})
    # Each hundred is one commit with the driver's state, and reads one trip more to know whether there are others.
    assert cost.read <= min(trips, 500) + 5 * 2 + 4
    assert (told["renamed"], bool(told["next_cursor"]), cost.changed) == (0, trips > 500, 2)


def _at(n: float) -> dict[str, float]:
    return {name: value for name, value in position(n).items() if name != "accuracy_m"}


def test_the_scheduler_reads_the_due_trips_and_no_others(metered: Metered) -> None:
    idle: Callable[[], Driver] = metered.stack.driver
    for _ in range(5):
        idle()
    for _ in range(3):
        metered.driver = metered.stack.driver()
        metered.call("webhook_start", "POST", json=position(0))
    told, cost = metered.call("scheduler", "POST", "/poll-all")
    assert told == {"active": 3, "published": 3}
    assert (cost.read, cost.changed) == (3, 0)
