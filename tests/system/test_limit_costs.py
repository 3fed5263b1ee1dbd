"""What request limits cost in documents and memory, whose address it is, and what happens while the store is down."""

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from flask import Request
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore, pubsub_v1
from werkzeug.test import EnvironBuilder

from shared.handlers.limiting import MOST_NAMES, Door, Limit, window_end
from shared.handlers.limiting import address as address_of
from shared.repositories.limits import RequestCounters
from tests.system.fixtures import Driver, Stack
from tests.system.test_limits import CALLS, FAILURES, SETTINGS, addresses, in_one_window
from tools.deploy.indexes import EXPIRING, NOT_INDEXED
from tools.local import processes
from tools.measure import metering
from tools.measure.metering import Functions, Meter

NOW = datetime(2026, 1, 23, 8, 12, 30, tzinfo=UTC)


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
def start_metered(emulators: None, tmp_path: Path) -> Iterator[Callable[..., Metered]]:
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
def counters(emulators: None) -> RequestCounters:
    return RequestCounters(firestore.Client(project=f"limits-{secrets.token_hex(4)}"))


@pytest.fixture
def door(counters: RequestCounters, set_by_operator: Callable[..., None]) -> Door:
    set_by_operator(LIMIT_USER_CALLS="20")
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


def test_a_limit_of_zero_is_none(set_by_operator: Callable[..., None], door: Door) -> None:
    set_by_operator(LIMIT_USER_CALLS="0")
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
    set_by_operator: Callable[..., None],
) -> None:
    set_by_operator(LIMIT_USER_CALLS="20", FIRESTORE_EMULATOR_HOST=f"127.0.0.1:{processes.free_port()}")
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
    proxies: str, header: str | None, comes_from: str, set_by_operator: Callable[..., None]
) -> None:
    set_by_operator(PROXIES_IN_FRONT=proxies)
    headers = {"X-Forwarded-For": header} if header else {}
    request = EnvironBuilder(headers=headers, environ_base={"REMOTE_ADDR": "127.0.0.9"}).get_request(Request)
    assert address_of(request) == comes_from
