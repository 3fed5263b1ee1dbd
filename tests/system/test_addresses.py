"""Addresses come after the trip: through HTTP, emulators, the car cloud and geocoders on a server of ours."""

import json
import random
import secrets
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from shared.domain.place.places import Place
from shared.domain.thresholds import Rules
from shared.domain.tracking.look_ups import wanted
from shared.domain.tracking.state import DriverState, next_poll_at
from shared.repositories import documents
from shared.repositories.addresses import AddressBook
from shared.services import addressing
from tests.geocoding.services import (
    NOMINATIM,
    NOMINATIM_NOTHING,
    NOMINATIM_PATH,
    PDOK,
    PDOK_NOTHING,
    PDOK_PATH,
    settings,
)
from tests.system.fixtures import Driver, Stack, ago, running

DUTCH, FOREIGN = "Proefstraat 12, 1234AB Voorbeeld", "Musterstraße 12, 12345 Musterstadt, Deutschland"
Spot = tuple[float, float]


class Town:
    """The geocoders' services. Of each spot they say what they are told to, and remember when they were asked."""

    def __init__(self, server: HTTPServer) -> None:
        self._last, self._step = (random.uniform(51.1, 52.9), random.uniform(4, 6)), 0.089
        self.settings = settings(server, GEOCODER_TIMEOUT_S="20")
        self.down: set[Spot] = set()
        self.without_pdok: set[Spot] = set()
        self.abroad: set[Spot] = set()
        self.at_sea: set[Spot] = set()
        self.hanging: dict[Spot, threading.Event] = {}
        self.asked: dict[tuple[str, Spot], list[float]] = defaultdict(list)
        server.expect_request(PDOK_PATH).respond_with_handler(self._pdok)
        server.expect_request(NOMINATIM_PATH).respond_with_handler(self._nominatim)

    def spot(self) -> Spot:
        """A spot where no other test is, ten kilometres from the one before."""
        lat, lng = self._last
        if not 51 < lat + self._step < 53:
            self._step, lng = -self._step, lng + 0.01
        self._last = round(lat + self._step, 4), round(lng, 4)
        return self._last

    def count(self, service: str, *spots: Spot) -> int:
        """How often a service was asked for these spots."""
        return sum(len(self.asked[service, spot]) for spot in spots)

    def _pdok(self, request: Request) -> Response:
        spot = self._note("pdok", request)
        if spot in self.hanging:
            self.hanging[spot].wait(60)
        if spot in self.without_pdok:
            return Response("down", 503)
        return self._told(spot, PDOK_NOTHING if spot in self.abroad | self.at_sea else PDOK)

    def _nominatim(self, request: Request) -> Response:
        spot = self._note("nominatim", request)
        return self._told(spot, NOMINATIM if spot in self.abroad | self.without_pdok else NOMINATIM_NOTHING)

    def _note(self, service: str, request: Request) -> Spot:
        spot = float(request.args["lat"]), float(request.args["lon"])
        self.asked[service, spot].append(monotonic())
        return spot

    def _told(self, spot: Spot, body: dict[str, Any]) -> Response:
        return Response("down", 503) if spot in self.down else Response(json.dumps(body))


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    with HTTPServer(threaded=True) as server:
        found = Town(server)
        yield found
        for waiting in found.hanging.values():
            waiting.set()


@pytest.fixture(scope="module")
def running_stack(emulators: None, town: Town) -> Iterator[Stack]:
    with running(**town.settings) as stack:
        yield stack


@pytest.fixture
def here(town: Town, stack: Stack, set_by_operator: Callable[..., None]) -> Iterator[None]:
    """Look-ups of this process go to the stack's project and the town's services."""
    set_by_operator(**town.settings, GOOGLE_CLOUD_PROJECT=stack.project)
    documents.client.cache_clear()
    yield
    documents.client.cache_clear()


def drive(driver: Driver, begin: Spot, end: Spot, minutes: float = 30, from_km: float = 12345.0) -> None:
    """A drive of 12.4 km that the car confirms after it."""
    driver.phone("start", ago(minutes), begin)
    driver.wait_read(from_km)
    driver.arrive(ago(minutes - 20), end, from_km + 12.4)


def enter(driver: Driver, begin: Spot, end: Spot) -> dict[str, Any]:
    """A trip by hand between two spots."""
    (from_, to) = ({"lat": lat, "lng": lng} for lat, lng in (begin, end))
    times = {"started_at": ago(60).isoformat(), "ended_at": ago(50).isoformat()}
    made = driver.call("POST", "/trips", json={**times, "from": from_, "to": to, "distance_km": 10})
    assert made.status_code == 201, made.text
    trip: dict[str, Any] = made.json()
    return trip


def pending(driver: Driver) -> list[str]:
    """The ids of his trips that still wait for an address."""
    return [trip["id"] for trip in driver.trips() if "address_pending" in trip["flags"]]


def addresses(trip: dict[str, Any]) -> tuple[str, str]:
    return trip["from"]["address"], trip["to"]["address"]


def found(driver: Driver) -> list[dict[str, Any]]:
    """His trips, once none waits for an address."""
    trips: list[dict[str, Any]] = driver.wait(lambda: driver.trips() and not pending(driver) and driver.trips(), "all")
    return trips


def test_a_trip_gets_its_addresses_and_one_more_revision_from_a_later_tick(town: Town, driver: Driver) -> None:
    begin, end = town.spot(), town.spot()
    drive(driver, begin, end)
    driver.wait_trips(1)
    (trip,) = found(driver)
    assert addresses(trip) == (DUTCH, DUTCH)
    assert (trip["flags"], trip["revision"], trip["distance_km"]) == ([], 2, 12.4)
    assert driver.next_poll_at is None


def test_while_the_geocoders_are_down_the_trip_is_there_flagged_and_a_later_tick_repairs_it(
    town: Town, driver: Driver
) -> None:
    begin, end = town.spot(), town.spot()
    town.down |= {begin, end}
    drive(driver, begin, end)
    (trip,) = driver.wait_trips(1)
    assert (addresses(trip), trip["flags"], trip["distance_km"]) == (("", ""), ["address_pending"], 12.4)
    driver.wait(lambda: town.count("pdok", begin) >= 3, "three failures")
    (trip,) = driver.trips()
    assert (trip["flags"], trip["revision"]) == (["address_pending"], 1)
    town.down -= {begin, end}
    (trip,) = found(driver)
    assert addresses(trip) == (DUTCH, DUTCH)


def test_one_end_that_fails_does_not_hold_up_the_other(town: Town, driver: Driver) -> None:
    begin, end = town.spot(), town.spot()
    town.down.add(end)
    drive(driver, begin, end)
    trip = driver.wait(lambda: [one for one in driver.trips() if one["from"]["address"]], "the first address")[0]
    assert (addresses(trip), trip["flags"]) == ((DUTCH, ""), ["address_pending"])
    town.down.remove(end)
    assert addresses(found(driver)[0]) == (DUTCH, DUTCH)


def test_a_geocoder_that_hangs_delays_no_trip_and_is_not_asked_twice(town: Town, driver: Driver) -> None:
    begin, end = town.spot(), town.spot()
    town.hanging[begin] = threading.Event()
    drive(driver, begin, end, minutes=100)
    driver.wait(lambda: town.count("pdok", begin) == 1, "the look-up that hangs")
    for _ in range(3):
        driver.stack.tick()
    drive(driver, end, end, minutes=30, from_km=12357.4)
    trips = driver.wait_trips(2)
    assert [trip["distance_km"] for trip in trips] == [12.4, 12.4]
    assert len(pending(driver)) == 2
    assert town.count("pdok", begin) == 1
    town.hanging[begin].set()
    assert {addresses(trip) for trip in found(driver)} == {(DUTCH, DUTCH)}
    assert town.count("pdok", begin) == 1


def test_one_spot_is_asked_for_once_whoever_parks_there(town: Town, stack: Stack, driver: Driver) -> None:
    begin, end = town.spot(), town.spot()
    drive(driver, begin, end)
    found(driver)
    other = stack.driver()
    drive(other, begin, (end[0] + 0.00002, end[1]))
    assert addresses(found(other)[0]) == (DUTCH, DUTCH)
    assert (town.count("pdok", begin), town.count("pdok", end)) == (1, 1)
    kept = [snapshot.to_dict() for snapshot in stack.db.collection("addresses").stream()]
    assert not any("@" in json.dumps(document, default=str) for document in kept)


def test_abroad_the_second_geocoder_is_asked_once_a_second_by_all_drivers_together(
    town: Town, stack: Stack, driver: Driver
) -> None:
    drivers = [driver, stack.driver()]
    spots = [town.spot() for _ in range(4)]
    town.abroad |= set(spots)
    for n, one in enumerate(drivers):
        enter(one, *spots[2 * n : 2 * n + 2])
    assert stack.tick()["published"] >= 2
    for one in drivers:
        assert addresses(found(one)[0]) == (FOREIGN, FOREIGN)
    moments = sorted(moment for (service, _), times in town.asked.items() if service == "nominatim" for moment in times)
    assert town.count("nominatim", *spots) == 4
    assert min(later - earlier for earlier, later in pairwise(moments)) >= 1.0


def test_turns_that_are_taken_at_the_same_moment_lie_apart_and_far_ones_are_left(stack: Stack) -> None:
    def take(_: int) -> tuple[float, timedelta | None]:
        wait = AddressBook(stack.db).take_turn(name, timedelta(seconds=1), timedelta(seconds=2))
        return monotonic(), wait

    name = secrets.token_hex(4)
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(take, range(8)))
    turns = sorted(at + wait.total_seconds() for at, wait in taken if wait is not None)
    assert 1 <= len(turns) < 8
    # The commit of a turn takes its time between the two clocks.
    assert all(later - earlier > 0.5 for earlier, later in pairwise(turns))
    AddressBook(stack.db).rest(name, datetime.now(UTC) + timedelta(minutes=1))
    assert AddressBook(stack.db).take_turn(name, timedelta(seconds=1), timedelta(seconds=2)) is None


def test_where_one_geocoder_fails_the_next_one_is_asked(town: Town, driver: Driver) -> None:
    begin, end = town.spot(), town.spot()
    town.without_pdok.add(begin)
    drive(driver, begin, end)
    assert addresses(found(driver)[0]) == (FOREIGN, DUTCH)


def test_where_nobody_knows_an_address_nothing_waits_and_nobody_is_asked_again(
    town: Town, stack: Stack, driver: Driver
) -> None:
    begin, end = town.spot(), town.spot()
    town.at_sea |= {begin, end}
    drive(driver, begin, end)
    (trip,) = found(driver)
    assert (addresses(trip), trip["flags"]) == (("", ""), [])
    other = stack.driver()
    drive(other, end, begin)
    assert addresses(found(other)[0]) == ("", "")
    assert (town.count("pdok", begin), town.count("nominatim", end)) == (1, 1)


def test_a_trip_that_is_deleted_meanwhile_is_forgotten(town: Town, driver: Driver) -> None:
    begin, end = town.spot(), town.spot()
    town.down |= {begin, end}
    drive(driver, begin, end)
    (trip,) = driver.wait_trips(1)
    assert driver.call("DELETE", f"/trips/{trip['id']}").status_code == 204
    driver.wait(lambda: not driver.store.state().value.look_ups.trips, "the list to be empty")
    assert driver.trips() == []
    assert driver.next_poll_at is None


def test_an_address_that_the_driver_writes_meanwhile_stays(town: Town, driver: Driver) -> None:
    begin, end = town.spot(), town.spot()
    town.down |= {begin, end}
    drive(driver, begin, end)
    (trip,) = driver.wait_trips(1)
    own = {"lat": end[0], "lng": end[1], "place": "Customer", "address": "At the back 3, Voorbeeld"}
    assert driver.call("PATCH", f"/trips/{trip['id']}", json={"to": own, "kind": "private"}).status_code == 200
    town.down -= {begin, end}
    (trip,) = found(driver)
    assert addresses(trip) == (DUTCH, own["address"])
    assert (trip["kind"], trip["private_km"]) == ("private", 12.4)


def test_the_address_of_a_place_is_used_and_nobody_is_asked(town: Town, driver: Driver) -> None:
    begin, end = town.spot(), town.spot()
    for n, (lat, lng) in enumerate((begin, end)):
        driver.store.save_place(Place(str(n), f"Place {n}", lat, lng, address=f"Own street {n}"))
    drive(driver, begin, end)
    (trip,) = driver.wait_trips(1)
    assert (addresses(trip), trip["flags"], trip["revision"]) == (("Own street 0", "Own street 1"), [], 1)
    assert town.count("pdok", begin, end) == 0


def test_what_is_found_after_the_claim_ran_out_is_left_to_the_poll_that_holds_it(
    here: None, town: Town, driver: Driver
) -> None:
    trip = enter(driver, town.spot(), town.spot())
    read, change = driver.store.state(), driver.store.change()
    state, claim = addressing.claim(read.value, datetime.now(UTC))
    assert claim
    change.put_state(read, state)
    change.commit()
    addressing.find_addresses(driver.store, claim._replace(lease_until=claim.lease_until - timedelta(seconds=1)))
    assert driver.trips() == [trip]
    addressing.find_addresses(driver.store, claim)
    assert addresses(driver.trips()[0]) == (DUTCH, DUTCH)
    addressing.find_addresses(driver.store, claim)
    assert driver.trips()[0]["revision"] == trip["revision"] + 1


def test_where_geocoders_are_switched_off_nobody_stays_due_for_them(set_by_operator: Callable[..., None]) -> None:
    waiting = wanted(DriverState(), ["20260302T080000Z-0a1b2c"], datetime.now(UTC))
    assert next_poll_at(waiting, Rules())
    set_by_operator(GEOCODERS="")
    assert addressing.claim(waiting, datetime.now(UTC)) == (DriverState(), None)
    set_by_operator(GEOCODERS="nominatim")  # without a contact it must not be asked
    assert addressing.claim(waiting, datetime.now(UTC)) == (DriverState(), None)


def test_a_trip_by_hand_gets_the_addresses_that_it_lacks(town: Town, driver: Driver) -> None:
    begin, end = town.spot(), town.spot()
    body = {
        "started_at": ago(60).isoformat(),
        "ended_at": ago(50).isoformat(),
        "from": {"lat": begin[0], "lng": begin[1]},
        "to": {"place": "Customer"},
        "distance_km": 10,
    }
    made = driver.call("POST", "/trips", json=body).json()
    assert "address_pending" in made["flags"]
    assert addresses(found(driver)[0]) == (DUTCH, "")
    where = {"to": {"lat": end[0], "lng": end[1]}}
    moved = driver.call("PATCH", f"/trips/{made['id']}", json=where).json()
    assert "address_pending" in moved["flags"]
    assert addresses(found(driver)[0]) == (DUTCH, DUTCH)
    assert driver.call("PATCH", f"/trips/{made['id']}", json={"notes": "x"}).json()["flags"] == ["odometer_pending"]


def test_no_log_line_holds_a_position_or_a_key(town: Town, stack: Stack, driver: Driver) -> None:
    begin, end = town.spot(), town.spot()
    town.down |= {begin, end}
    drive(driver, begin, end)
    driver.wait(lambda: town.count("pdok", end) >= 1, "a failure")
    town.down -= {begin, end}
    found(driver)
    log = Path(stack.data / "logs" / "functions.log").read_text()
    assert "no address from pdok: status 503" in log
    assert driver.email in log
    for secret in (*map(str, (*begin, *end)), "an-invented-key", driver.key):
        assert secret not in log
