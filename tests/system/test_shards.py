"""Where very many polls are due, the scheduler leaves those beyond a number to its shards; nobody is asked twice."""

import json
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.auth.exceptions import DefaultCredentialsError
from google.cloud import firestore, pubsub_v1

from shared.domain.tracking.state import DriverState, GoingOn, OpenLog
from shared.messaging.polls import SHARDS_TOPIC, TOPIC, ask_for_polls
from shared.messaging.publishing import AT_ONCE
from shared.repositories.streaming import LongReader
from shared.repositories.user_store import SHARDS, UserStore
from tests.system.fixtures import Stack, ago
from tools.local.processes import wait_until
from tools.local.relay import as_push
from tools.measure import metering
from tools.measure.metering import Functions, Meter

SHARD_FROM = 5


class Clock:
    """The scheduler in this process with a project of its own, and those who hear what it publishes."""

    def __init__(self, project: str, meter: Meter) -> None:
        self.project, self.meter, self.db = project, meter, firestore.Client(project=project)
        self._functions, self._subscriber = Functions(), pubsub_v1.SubscriberClient()
        for topic in (TOPIC, SHARDS_TOPIC):
            path = f"projects/{project}/topics/{topic}"
            pubsub_v1.PublisherClient().create_topic(name=path)
            self._subscriber.create_subscription(name=f"projects/{project}/subscriptions/{topic}", topic=path)

    def driver(self, next_poll_at: datetime | None) -> str:
        """A driver whose next poll is at a moment."""
        email = f"d{secrets.token_hex(6)}@example.com"
        self.poll_at(email, next_poll_at)
        return email

    def poll_at(self, email: str, next_poll_at: datetime | None) -> None:
        """Sets a driver's next poll: their car is asked then."""
        store = UserStore(self.db, email)
        change = store.change()
        change.put_state(store.state(), DriverState(open={"car": OpenLog(ask_at=next_poll_at)}))
        change.commit()

    def call(self, path: str, **more: Any) -> dict[str, Any]:
        """The scheduler's answer to a call."""
        answer = self._functions.call("scheduler", "POST", path, **more)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.get_json()
        return told

    def heard(self, topic: str, count: int) -> list[Any]:
        """So many messages of a topic. How many were published, the answers say."""
        name, found = f"projects/{self.project}/subscriptions/{topic}", []
        while len(found) < count:
            pulled = self._subscriber.pull(
                subscription=name, max_messages=min(count, 1000), timeout=30
            ).received_messages
            self._subscriber.acknowledge(subscription=name, ack_ids=[one.ack_id for one in pulled])
            found += [one.message for one in pulled]
        return found

    def users(self, count: int) -> Counter[str]:
        """The users whom so many messages of poll-car ask for."""
        return Counter(json.loads(message.data)["user"] for message in self.heard(TOPIC, count))

    def push(self, message: Any) -> int:
        """Posts a shard's message as Pub/Sub does; how many polls it asked for."""
        told = self.call("/poll-shard", json=as_push(message, self.project)[1])
        published: int = told["published"]
        return published

    def close(self) -> None:
        """Closes what it holds open."""
        self._subscriber.close()


@pytest.fixture
def clock(emulators: None) -> Iterator[Clock]:
    project = f"test-{secrets.token_hex(6)}"
    with metering.metered({"GOOGLE_CLOUD_PROJECT": project, "SHARD_FROM": str(SHARD_FROM)}) as meter:
        made = Clock(project, meter)
        yield made
        made.close()


def test_up_to_the_number_one_call_asks_for_all_and_no_shard(clock: Clock) -> None:
    due = {clock.driver(ago(n)) for n in range(SHARD_FROM - 1)}
    clock.driver(datetime.now(UTC) + timedelta(minutes=1))
    clock.driver(None)
    clock.meter.reset()
    assert clock.call("/poll-all") == {"active": len(due), "published": len(due)}
    assert (clock.meter.read, clock.meter.changed) == (len(due), 0)
    assert clock.users(len(due)) == dict.fromkeys(due, 1)


def test_beyond_it_every_due_user_is_asked_once_by_the_call_or_by_one_shard(clock: Clock) -> None:
    same = ago(10)  # many polls may be due at the same moment: those after the last one asked begin among them
    due = {clock.driver(ago(20)) for _ in range(2)} | {clock.driver(same) for _ in range(20)}
    due |= {clock.driver(ago(1)) for _ in range(10)}
    clock.driver(datetime.now(UTC) + timedelta(minutes=1))
    clock.meter.reset()
    assert clock.call("/poll-all") == {"active": SHARD_FROM, "published": SHARD_FROM, "shards": SHARDS}
    by_shards = sum(clock.push(message) for message in clock.heard(SHARDS_TOPIC, SHARDS))
    assert by_shards == len(due) - SHARD_FROM
    assert clock.users(len(due)) == dict.fromkeys(due, 1)
    # A shard without anybody left costs the one read that Firestore bills for a query that finds nothing.
    assert (clock.meter.read, clock.meter.changed) == (len(due), 0)
    assert clock.meter.empty_queries <= SHARDS


def test_who_was_polled_meanwhile_is_not_asked_again_by_a_shard(clock: Clock) -> None:
    due = [clock.driver(ago(20 - n)) for n in range(SHARD_FROM + 3)]
    clock.call("/poll-all")
    for email in due[:-1]:  # due again at once, as with POLL_EVERY_S=0
        clock.poll_at(email, datetime.now(UTC))
    assert [clock.push(message) for message in clock.heard(SHARDS_TOPIC, SHARDS)].count(1) == 1
    assert clock.users(SHARD_FROM + 1) == dict.fromkeys([*due[:SHARD_FROM], due[-1]], 1)


def test_a_shard_message_that_comes_twice_asks_only_for_those_who_are_still_due(clock: Clock) -> None:
    due = [clock.driver(ago(20 - n)) for n in range(SHARD_FROM + 1)]
    clock.call("/poll-all")
    messages = clock.heard(SHARDS_TOPIC, SHARDS)
    assert [sum(clock.push(message) for message in messages) for _ in range(2)] == [1, 1], "the poller claims one"
    clock.poll_at(due[-1], datetime.now(UTC) + timedelta(minutes=5))
    assert sum(clock.push(message) for message in messages) == 0


def test_a_late_shard_message_is_dropped_and_reads_nothing(clock: Clock) -> None:
    for n in range(SHARD_FROM + 3):
        clock.driver(ago(n))
    clock.call("/poll-all")
    messages = clock.heard(SHARDS_TOPIC, SHARDS)
    clock.meter.reset()
    for message in messages:
        body = json.loads(message.data)
        body["now"] = (datetime.fromisoformat(body["now"]) - timedelta(minutes=1)).isoformat()
        message.data = json.dumps(body).encode()
    assert sum(clock.push(message) for message in messages) == 0
    assert clock.meter.billed_reads == 0


GOOD = {"shard": 0, "now": "2026-01-23T08:00:00Z", "after_user": "boris@example.com", "after": "2026-01-23T07:00:00Z"}


@pytest.mark.parametrize(
    "change",
    [{"shard": 16}, {"shard": -1}, {"shard": "0"}, {"now": "2026-01-23T08:00:00"}, {"after_user": "a/b@example.com"}],
)
def test_a_shard_message_that_cannot_be_read_is_dropped_and_not_sent_again(clock: Clock, change: Any) -> None:
    message = metering.Message(json.dumps({**GOOD, **change}).encode(), "1", datetime.now(UTC))
    assert clock.push(message) == 0
    assert clock.meter.billed_reads == 0


def test_what_is_no_message_is_dropped_too(clock: Clock) -> None:
    for data in (b"", b"[]", b'{"message": {"data": "!"}}', b'{"message": {"data": "AAAA"}}', b"\xff"):
        assert clock.call("/poll-shard", data=data) == {"published": 0}


def test_more_messages_than_may_be_under_way_at_a_time_are_all_published(clock: Clock) -> None:
    users = [f"d{n}@example.com" for n in range(3 * AT_ONCE + 10)]
    assert ask_for_polls(iter(users), "schedule") == len(users)
    assert clock.users(len(users)) == dict.fromkeys(users, 1)


def test_away_from_the_emulator_who_is_due_is_read_with_the_accounts_own_credentials(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "account.json"))
    with pytest.raises(DefaultCredentialsError):
        LongReader("a-project")
    account = {"type": "authorized_user", "client_id": "id", "client_secret": "secret", "refresh_token": "token"}
    (tmp_path / "account.json").write_text(json.dumps(account))
    assert LongReader("a-project").name("users") == "projects/a-project/databases/(default)/documents/users"


def test_on_the_local_stack_the_shards_are_delivered_and_every_car_is_asked_once(
    start_stack: Callable[..., Stack],
) -> None:
    stack = start_stack(SHARD_FROM="2", POLL_EVERY_S="300", POLL_AFTER_END_S="300")
    drivers = [stack.driver() for _ in range(5)]
    for n, driver in enumerate(drivers):
        driver.put_state(drive=GoingOn(started_at=ago(5), car_id="car", heard_at=ago(1)))
        driver.put_log("car", ask_at=ago(n / 10))
    assert stack.tick() == {"active": 2, "published": 2, "shards": SHARDS}
    for driver in drivers:
        wait_until(lambda asked=driver.asked: asked() == 1, "the car to be asked")  # type: ignore[misc]
    assert stack.tick() == {"active": 0, "published": 0}
