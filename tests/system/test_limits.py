"""Request limits of users and addresses over several instances, and what they never stop."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import count
from typing import Any, NamedTuple, TypeVar

import pytest
import requests
from google.cloud import pubsub_v1

from shared.handlers.limiting import Limit, window_end
from tests.system.fixtures import Driver, Stack
from tools.local import processes, stack

CALLS, WEBHOOKS, FAILURES = Limit(40), Limit(30), Limit(20)
SETTINGS = {
    "LIMIT_USER_CALLS": str(CALLS.requests),
    "LIMIT_USER_WEBHOOKS": str(WEBHOOKS.requests),
    "LIMIT_ADDRESS_FAILURES": str(FAILURES.requests),
    "USER_CACHE_S": "60",
}
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
def cloud(emulators: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("instances")
    project = Stack(folder, **SETTINGS)
    pubsub_v1.PublisherClient().create_topic(name=f"projects/{project.project}/topics/poll-car")
    with ExitStack() as running:
        ports = [processes.free_port() for _ in range(3)]
        for port in ports:
            server = processes.start(stack.gunicorn(port), folder / f"{port}.log", project.env)
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
