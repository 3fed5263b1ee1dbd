"""Whom an instance lets in without asking the store, for how long, and what makes it ask again."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.cloud import pubsub_v1
from msgspec.structs import replace

from shared.domain.driver import Account
from shared.handlers.http import KNOWN, MOST_KNOWN
from shared.repositories.accounts import AccountRepository, new_key
from tests.system.fixtures import Driver, Stack
from tools.measure import metering
from tools.measure.metering import Functions, Meter


class Instance:
    """The functions of this process as one instance, with a metered store of a project of their own."""

    def __init__(self, project: Stack, meter: Meter) -> None:
        self.project, self.meter, self._functions = project, meter, Functions()
        self.driver = Driver(project, car=False, timezone="UTC")

    def call(self, function: str, method: str, path: str = "/", key: str = "", named: bool = True, **more: Any) -> int:
        """The status of a call as the driver; the meter tells what it read."""
        headers = {"Authorization": f"Bearer {key or self.driver.key}"}
        headers |= {"X-User-Email": self.driver.email} if named else {}
        self.meter.reset()
        status: int = self._functions.call(function, method, path, headers=headers, **more).status_code
        return status

    def change(self, changed: Callable[[Account], Account]) -> None:
        """Changes the driver from elsewhere."""
        AccountRepository(self.project.db).change(self.driver.email, changed)


@pytest.fixture
def instance(emulators: None, tmp_path: Path) -> Iterator[Instance]:
    project = Stack(tmp_path)
    pubsub_v1.PublisherClient().create_topic(name=f"projects/{project.project}/topics/poll-car")
    with metering.metered({"USER_CACHE_S": "60", "GOOGLE_CLOUD_PROJECT": project.project}) as meter:
        yield Instance(project, meter)


def revoked(account: Account) -> Account:
    return replace(account, keys={"full": account.keys["full"]})


@pytest.mark.parametrize("named", [True, False], ids=["by e-mail and key", "by key alone"])
def test_a_caller_is_read_once_and_then_known(instance: Instance, named: bool) -> None:
    reads = []
    for _ in range(3):
        assert instance.call("stats", "GET", named=named) == 200
        reads.append(instance.meter.billed_reads)
    assert reads == [reads[1] + 1, reads[1], reads[1]]


def test_where_nobody_is_to_be_remembered_each_call_reads_who_calls(
    instance: Instance, set_by_operator: Callable[..., None]
) -> None:
    set_by_operator(USER_CACHE_S="0")
    assert instance.call("webhook_start", "POST", key=instance.driver.webhook_key) == 200
    instance.change(revoked)
    assert instance.call("webhook_start", "POST", key=instance.driver.webhook_key) == 401


def test_what_another_instance_changed_is_seen_later(instance: Instance) -> None:
    assert instance.call("webhook_start", "POST", key=instance.driver.webhook_key) == 200
    instance.change(revoked)
    assert instance.call("webhook_start", "POST", key=instance.driver.webhook_key) == 200


def test_a_key_that_was_deleted_here_is_refused_at_once(instance: Instance) -> None:
    for named in (True, False):
        assert instance.call("webhook_start", "POST", key=instance.driver.webhook_key, named=named) == 200
    assert instance.call("settings", "DELETE", "/keys/hook") == 204
    for named in (True, False):
        assert instance.call("webhook_start", "POST", key=instance.driver.webhook_key, named=named) == 401


def test_a_change_that_was_refused_may_have_been_made_all_the_same(instance: Instance) -> None:
    assert instance.call("webhook_start", "POST", key=instance.driver.webhook_key) == 200
    instance.change(revoked)
    assert instance.call("settings", "DELETE", "/keys/hook") == 404
    assert instance.call("webhook_start", "POST", key=instance.driver.webhook_key) == 401


def test_a_change_of_one_driver_has_no_other_one_read_again(instance: Instance) -> None:
    other = Driver(instance.project, car=False, timezone="UTC")
    assert instance.call("stats", "GET") == 200
    assert KNOWN.read(other.email, other.key, datetime.now(UTC))
    assert instance.call("settings", "PATCH", json={"name": "Boris"}) == 200
    assert KNOWN.find(other.email, other.key, datetime.now(UTC))
    assert KNOWN.find(instance.driver.email, instance.driver.key, datetime.now(UTC)) is None


def test_who_was_read_before_a_change_is_not_remembered_after_it(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    email, key, now = instance.driver.email, instance.driver.key, datetime.now(UTC)
    answered = instance.meter.intercept_unary_stream

    def changed_meanwhile(*call: Any) -> Any:
        KNOWN.forget("somebody@example.com")
        return answered(*call)

    monkeypatch.setattr(instance.meter, "intercept_unary_stream", changed_meanwhile)
    assert KNOWN.read(email, key, now)
    assert KNOWN.find(email, key, now) is None


def test_the_use_of_a_key_is_noted_once_on_each_day(instance: Instance) -> None:
    driver, changed = instance.driver, []
    for _ in range(3):
        assert instance.call("trips", "GET") == 200
        changed.append(instance.meter.changed)
    instance.change(
        lambda account: replace(account, keys={"full": replace(account.keys["full"], last_used_on="2026-01-23")})
    )
    KNOWN.forget_all()
    for _ in range(3):
        assert instance.call("trips", "GET") == 200
        changed.append(instance.meter.changed)
    assert changed == [0, 0, 0, 1, 0, 0]
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert KNOWN.find(driver.email, driver.key, tomorrow) is None


def test_strangers_are_not_remembered_and_fill_no_memory(instance: Instance) -> None:
    before = len(KNOWN._known)
    for _ in range(5):
        assert instance.call("stats", "GET", key=new_key()) == 401
        assert instance.call("stats", "GET", key=new_key(), named=False) == 401
        assert instance.meter.billed_reads == 1
    assert len(KNOWN._known) == before


def test_a_caller_whose_key_is_gone_is_forgotten_when_read_anew(instance: Instance) -> None:
    email, key, now = instance.driver.email, instance.driver.webhook_key, datetime.now(UTC)
    assert KNOWN.read(email, key, now)
    instance.change(revoked)
    assert KNOWN.read(email, key, now) is None
    assert KNOWN.find(email, key, now) is None


def test_the_one_known_for_longest_makes_room(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    email, key, now = instance.driver.email, instance.driver.key, datetime.now(UTC)
    assert KNOWN.read(email, key, now)
    (known,) = KNOWN._known.values()
    filled = {(f"d{n}@example.com", b""): known for n in range(MOST_KNOWN)}
    monkeypatch.setattr(KNOWN, "_known", filled)
    assert KNOWN.read(email, key, now)
    assert (len(KNOWN._known), ("d0@example.com", b"") in KNOWN._known) == (MOST_KNOWN, False)
