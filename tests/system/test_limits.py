"""Request limits of users and addresses: over several instances, what they cost, and what they never stop."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pytest
import requests
from flask import Request
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore, pubsub_v1
from werkzeug.test import EnvironBuilder

from shared.domain.limits import Limit, window_end
from shared.handlers.limiting import MOST_NAMES, Door
from shared.handlers.limiting import address as address_of
from shared.repositories.limits import RequestCounters
from tests.system.fixtures import Driver, Stack
from tools import metering, processes, stack
from tools.deploy.indexes import EXPIRING, NOT_INDEXED
from tools.metering import Functions, Meter

CALLS, WEBHOOKS, FAILURES = Limit(40), Limit(30), Limit(20)
SETTINGS = {
    "LIMIT_USER_CALLS": str(CALLS.requests),
    "LIMIT_USER_WEBHOOKS": str(WEBHOOKS.requests),
    "LIMIT_ADDRESS_FAILURES": str(FAILURES.requests),
    "USER_CACHE_S": "60",
}
NOW = datetime(2026, 1, 23, 8, 12, 30, tzinfo=UTC)
T = TypeVar("T")
addresses = (f"203.0.113.{n}" for n in count(1))


def in_one_window(attempt: Callable[[], T]) -> T:
    """What an attempt gives that ran within one window; it is repeated where a minute ended meanwhile."""
    while True:
        end = window_end(datetime.now(UTC))
        try:
            found = attempt()
        except AssertionError:
            if datetime.now(UTC) < end:
                raise
        else:
            if datetime.now(UTC) < end:
                return found


class Cloud(NamedTuple):
    """Three instances that serve all functions of one project, each a process of its own."""

    project: Stack
    urls: tuple[str, ...]

    def driver(self) -> Driver:
        return Driver(self.project, car=False, timezone="UTC")

    def many(self, requests_of_each: int, call: Callable[[str], requests.Response]) -> Counter[int]:
        """The statuses of so many calls at each of the instances, several at once."""
        urls = self.urls * requests_of_each
        with ThreadPoolExecutor(12) as pool:
            return Counter(response.status_code for response in pool.map(call, urls))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("instances")
    project = Stack(folder, **SETTINGS)
    pubsub_v1.PublisherClient().create_topic(name=f"projects/{project.project}/topics/poll-car")
    with ExitStack() as running:
        ports = [processes.free_port() for _ in range(3)]
        for port in ports:
            server = processes.start(stack._gunicorn(port), folder / f"{port}.log", project.env)
            running.callback(processes.stop, server)
        for port in ports:
            processes.wait_until(lambda at=port: processes.answers(at), "an instance")  # type: ignore[misc]
        yield Cloud(project, tuple(f"http://127.0.0.1:{port}" for port in ports))


def call(
    url: str, driver: Driver | None = None, path: str = "/stats", key: str = "", address: str = "", **more: Any
) -> requests.Response:
    """A call as a driver, or with a key that is nobody's, from an address."""
    headers = {"Authorization": f"Bearer {key or (driver.key if driver else 'wrong')}"}
    headers |= {"X-User-Email": driver.email} if driver else {}
    headers |= {"X-Forwarded-For": address} if address else {}
    method = "POST" if path.startswith(("/webhook", "/scheduler")) else "GET"
    return requests.request(method, f"{url}{path}", headers=headers, timeout=60, **more)


def shut_out(cloud: Cloud, address: str) -> None:
    """Uses up what an address may fail, at each instance."""
    cloud.many(FAILURES.requests + 1, lambda url: call(url, address=address))
    assert {call(url, address=address).status_code for url in cloud.urls} == {429}


def test_three_instances_let_a_user_through_as_often_as_the_limit_and_two_blocks_more(cloud: Cloud) -> None:
    def attempt() -> Counter[int]:
        driver = cloud.driver()
        return cloud.many(2 * CALLS.requests, lambda url: call(url, driver))

    told = in_one_window(attempt)
    assert set(told) == {200, 429}
    assert CALLS.requests <= told[200] <= CALLS.requests + 2 * CALLS.block


def test_three_instances_let_an_address_fail_as_often_as_the_limit_and_two_blocks_more(cloud: Cloud) -> None:
    def attempt() -> Counter[int]:
        address = next(addresses)
        return cloud.many(2 * FAILURES.requests, lambda url: call(url, address=address, path="/webhook/start"))

    told = in_one_window(attempt)
    assert set(told) == {401, 429}
    assert FAILURES.requests <= told[401] <= FAILURES.requests + 2 * FAILURES.block


def test_one_instance_keeps_exactly_to_the_limit(cloud: Cloud) -> None:
    def attempt() -> Counter[int]:
        driver = cloud.driver()
        return Cloud(cloud.project, cloud.urls[:1]).many(60, lambda url: call(url, driver))

    assert in_one_window(attempt) == {200: CALLS.requests, 429: 60 - CALLS.requests}


def test_a_dashboard_in_a_loop_stops_neither_the_phone_nor_anybody_else(cloud: Cloud) -> None:
    def attempt() -> list[int]:
        driver, other, url = cloud.driver(), cloud.driver(), cloud.urls[0]
        looping = [call(url, driver, path).status_code for path in ("/stats", "/trips", "/settings") * 20]
        assert looping.count(200) == CALLS.requests
        return [
            call(url, driver, "/compare").status_code,
            call(url, driver, "/webhook/start", driver.webhook_key).status_code,
            call(url, driver, "/webhook/start").status_code,
            call(url, other).status_code,
        ]

    assert in_one_window(attempt) == [429, 200, 200, 200]


def test_an_automation_that_runs_away_is_stopped_and_the_driver_still_sees_his_log(cloud: Cloud) -> None:
    def attempt() -> tuple[int, int]:
        driver, url = cloud.driver(), cloud.urls[0]
        told = [call(url, driver, "/webhook/start", driver.webhook_key).status_code for _ in range(40)]
        return told.count(200), call(url, driver).status_code

    assert in_one_window(attempt) == (WEBHOOKS.requests, 200)


def test_a_refusal_says_how_long_to_wait_and_nothing_about_who_is_registered(cloud: Cloud) -> None:
    def attempt() -> list[requests.Response]:
        url, address = cloud.urls[0], next(addresses)
        driver = cloud.driver()
        for _ in range(FAILURES.requests):
            assert call(url, driver, key="wrong", address=address).status_code == 401
        stranger = cloud.driver()
        stranger.email = "nobody@example.com"
        refused = [call(url, of, key="wrong", address=address) for of in (driver, stranger, None)]
        refused.append(call(url, driver, "/webhook/end", key="wrong", address=address))
        for _ in range(CALLS.requests):
            call(url, driver)
        return [*refused, call(url, driver)]

    answers = in_one_window(attempt)
    assert {answer.status_code for answer in answers} == {429}
    assert {answer.headers["Content-Type"] for answer in answers} == {"application/problem+json"}
    assert all(1 <= int(answer.headers["Retry-After"]) <= 60 for answer in answers)
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["title"] == "Too Many Requests"


def test_what_a_caller_writes_into_the_header_himself_is_not_taken_for_his_address(cloud: Cloud) -> None:
    def attempt() -> list[int]:
        url, mine, neighbours = cloud.urls[0], next(addresses), next(addresses)
        forged = [f"198.51.100.{n}, {neighbours}, {mine}" for n in range(FAILURES.requests)]
        assert {call(url, address=told).status_code for told in forged} == {401}
        return [call(url, address=told).status_code for told in (f"198.51.100.99, {mine}", mine, neighbours)]

    assert in_one_window(attempt) == [429, 429, 401]


def test_another_address_of_the_same_ipv6_subscriber_is_no_other_caller(cloud: Cloud) -> None:
    def attempt() -> list[int]:
        url, net = cloud.urls[0], f"2001:db8:{secrets.token_hex(2)}"
        told = [f"{net}:1:{n:x}::{n:x}" for n in range(FAILURES.requests)]
        assert {call(url, address=address).status_code for address in told} == {401}
        assert [call(url, address=address).status_code for address in told] == [429] * len(told)
        return [call(url, address=f"{net}:2::1").status_code]

    assert in_one_window(attempt) == [401]


def test_behind_an_address_that_is_shut_out_valid_keys_get_in_and_no_event_is_lost(cloud: Cloud) -> None:
    def attempt() -> None:
        address, driver, url = next(addresses), cloud.driver(), cloud.urls[0]
        assert call(url, driver).status_code == 200
        shut_out(cloud, address)
        assert call(url, driver, address=address).status_code == 200, "this instance knows the key"
        unknown = cloud.driver()
        told = call(url, unknown, address=address)
        assert told.status_code == 429, "it would have to ask the store, and the call can be repeated"
        assert call(url, unknown, address=next(addresses)).status_code == 200, "elsewhere the key is as good as ever"
        for at in cloud.urls:
            for path in ("/webhook/start", "/webhook/end"):
                phone = cloud.driver()
                assert call(at, phone, path, phone.webhook_key, address).status_code == 200

    in_one_window(attempt)


def test_the_clock_is_not_limited(cloud: Cloud) -> None:
    def attempt() -> set[int]:
        address, url = next(addresses), cloud.urls[0]
        shut_out(cloud, address)
        return {call(url, path="/scheduler/poll-all", address=address).status_code for _ in range(CALLS.requests + 5)}

    assert in_one_window(attempt) == {200}


class Metered(NamedTuple):
    """The functions in this process, with a metered store of a project of their own."""

    project: Stack
    functions: Functions
    meter: Meter

    def cost(self, function: str, driver: Driver, key: str = "", address: str = "", path: str = "/") -> tuple[int, ...]:
        """Status, documents read (as billed) and changed by a call."""
        headers = {"Authorization": f"Bearer {key or driver.key}", "X-User-Email": driver.email}
        self.meter.reset()
        method = "POST" if function.startswith("webhook") else "GET"
        answer = self.functions.call(function, method, path, headers={**headers, "X-Forwarded-For": address})
        return answer.status_code, self.meter.billed_reads, self.meter.changed


@pytest.fixture
def start_metered(tmp_path: Path) -> Iterator[Callable[..., Metered]]:
    with ExitStack() as running:

        def start(**settings: str) -> Metered:
            project = Stack(tmp_path)
            pubsub_v1.PublisherClient().create_topic(name=f"projects/{project.project}/topics/poll-car")
            env = {"USER_CACHE_S": "60", **settings, "GOOGLE_CLOUD_PROJECT": project.project}
            return Metered(project, Functions(), running.enter_context(metering.metered(env)))

        yield start


def costs_of_an_ordinary_hour(metered: Metered) -> list[tuple[int, ...]]:
    driver = Driver(metered.project, car=False, timezone="UTC")
    costs = [metered.cost("webhook_start", driver, driver.webhook_key) for _ in range(60)]
    costs.append(metered.cost("webhook_end", driver))
    pages = ("trips", "stats", "compare", "cars", "locations", "settings")
    return [*costs, *(metered.cost(page, driver) for page in pages * 5)]


def test_an_ordinary_driver_costs_not_one_document_more(start_metered: Callable[..., Metered]) -> None:
    with_limits = costs_of_an_ordinary_hour(start_metered())
    none = {name: "0" for name in SETTINGS if name.startswith("LIMIT")}
    assert with_limits == costs_of_an_ordinary_hour(start_metered(**none))
    assert {status for status, *_ in with_limits} == {200}


def test_a_flood_without_a_key_costs_no_more_documents_however_long_it_is(
    start_metered: Callable[..., Metered],
) -> None:
    metered = start_metered(**SETTINGS)

    def attempt() -> None:
        driver, address = Driver(metered.project, car=False, timezone="UTC"), next(addresses)
        told = [metered.cost("stats", driver, "wrong", address) for _ in range(100)]
        assert [status for status, *_ in told] == [401] * FAILURES.requests + [429] * (100 - FAILURES.requests)
        # A look for each key that was answered, and for the first one too many; a count for each block but the first.
        assert sum(reads for _, reads, _ in told) == FAILURES.requests + 1
        assert sum(changed for _, _, changed in told) == FAILURES.requests / FAILURES.block
        assert {cost for _, *cost in map(tuple, told[-50:]) for cost in cost} == {0}

    in_one_window(attempt)


def test_a_users_flood_costs_nothing_once_it_is_refused(start_metered: Callable[..., Metered]) -> None:
    metered = start_metered(**SETTINGS)

    def attempt() -> None:
        driver = Driver(metered.project, car=False, timezone="UTC")
        told = [metered.cost("settings", driver) for _ in range(100)]
        assert [status for status, *_ in told] == [200] * CALLS.requests + [429] * (100 - CALLS.requests)
        assert set(told[CALLS.requests + 1 :]) == {(429, 0, 0)}

    in_one_window(attempt)


def test_the_counters_hold_no_name_expire_and_are_not_indexed(start_metered: Callable[..., Metered]) -> None:
    metered = start_metered(**SETTINGS)
    driver, address = Driver(metered.project, car=False, timezone="UTC"), next(addresses)
    begun = datetime.now(UTC)
    for _ in range(FAILURES.block + 1):
        metered.cost("stats", driver, "wrong", address)
    for _ in range(CALLS.block + 1):
        metered.cost("stats", driver)
    kept = list(metered.project.db.collection("limits").stream())
    assert len(kept) >= 2 or window_end(begun) < datetime.now(UTC)
    for document in kept:
        fields = document.to_dict()
        assert set(fields) == set(NOT_INDEXED["limits"]) == {"taken", EXPIRING["limits"]}
        assert window_end(begun) <= fields["expires_at"] <= window_end(datetime.now(UTC))
        assert len(document.id) == 64
        assert driver.email not in document.id
        assert address not in document.id


@pytest.fixture
def counters() -> RequestCounters:
    return RequestCounters(firestore.Client(project=f"limits-{secrets.token_hex(4)}"))


@pytest.fixture
def door(counters: RequestCounters, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setenv("LIMIT_USER_CALLS", "20")
    return Door("LIMIT_USER_CALLS", lambda: counters)


def test_a_new_window_begins_from_nothing(door: Door) -> None:
    for now in (NOW, NOW + timedelta(seconds=30), NOW + timedelta(hours=1)):
        assert [door.lets_in("boris", now) for _ in range(22)] == [True] * 20 + [False] * 2
        assert door.is_shut("boris", now)
    assert not door.is_shut("boris", NOW + timedelta(hours=2))
    assert len(door) == 0


def test_the_threads_of_an_instance_together_keep_to_the_limit(door: Door) -> None:
    with ThreadPoolExecutor(40) as pool:
        told = list(pool.map(lambda _: door.lets_in("boris", NOW), range(200)))
    assert told.count(True) == 20


def test_a_days_pings_sent_at_once_get_through(counters: RequestCounters) -> None:
    door = Door("LIMIT_USER_WEBHOOKS", lambda: counters)
    assert all(door.lets_in("boris", NOW) for _ in range(24 * 60 + 10))


def test_a_limit_of_zero_is_none(monkeypatch: pytest.MonkeyPatch, door: Door) -> None:
    monkeypatch.setenv("LIMIT_USER_CALLS", "0")
    assert all(door.lets_in("boris", NOW) for _ in range(100))
    assert (door.is_shut("boris", NOW), len(door)) == (False, 0)


def test_whoever_has_more_addresses_than_an_instance_remembers_fills_no_memory(door: Door) -> None:
    for _ in range(21):
        door.lets_in("often", NOW)
    for n in range(MOST_NAMES + 100):
        door.lets_in(f"2001:db8::{n:x}", NOW)
        if n % 1000 == 0:
            assert not door.lets_in("often", NOW), "who keeps coming is not forgotten for those who come once"
    assert len(door) == MOST_NAMES
    door.is_shut("boris", NOW + timedelta(minutes=1))
    assert len(door) == 0


def test_while_the_store_is_down_nobody_is_refused_and_it_is_asked_once_a_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LIMIT_USER_CALLS", "20")
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{processes.free_port()}")
    down = RequestCounters(firestore.Client(project="down", credentials=AnonymousCredentials()))
    asked = iter(range(100))
    cut_off = Door("LIMIT_USER_CALLS", lambda: (next(asked), down)[1])
    assert all(cut_off.lets_in("boris", NOW) for _ in range(61))
    assert next(asked) == 60 / Limit(20).block


@pytest.mark.parametrize(
    ("proxies", "header", "comes_from"),
    [
        ("", "203.0.113.7", "203.0.113.7"),
        ("", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("1", "198.51.100.1,203.0.113.7,192.0.2.9", "203.0.113.7"),
        ("1", "203.0.113.7", "203.0.113.7"),
        ("", "203.0.113.7, <script>", "127.0.0.9"),
        ("", None, "127.0.0.9"),
    ],
)
def test_the_address_is_the_entry_of_the_front_end_before_us_or_else_the_peer(
    proxies: str, header: str | None, comes_from: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROXIES_IN_FRONT", proxies)
    headers = {"X-Forwarded-For": header} if header else {}
    request = EnvironBuilder(headers=headers, environ_base={"REMOTE_ADDR": "127.0.0.9"}).get_request(Request)
    assert address_of(request) == comes_from
