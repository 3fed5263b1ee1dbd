"""What instances let through together, however their requests fall."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.handlers.limiting import (
    Count,
    Limit,
    after_answer,
    after_fault,
    first_block,
    served,
    subscriber,
    to_tell,
    window_end,
)

NOW = datetime(2026, 1, 23, 8, 12, 30, tzinfo=UTC)


class Instances:
    """Some instances, and the counter that they share."""

    def __init__(self, how_many: int, limit: Limit) -> None:
        self.limit, self.sum_of_all, self.asked = limit, 0, 0
        self.counts = [first_block(limit) for _ in range(how_many)]

    def serves(self, n: int) -> bool:
        """Whether the n-th instance serves one more request."""
        count = self.counts[n]
        if count.is_spent and not count.is_last:
            self.asked += 1
            self.sum_of_all += to_tell(count, self.limit)
            count = after_answer(count, self.limit, self.sum_of_all)
        self.counts[n] = count if count.is_used_up else served(count)
        return not count.is_used_up


@given(st.integers(1, 200), st.integers(1, 6), st.lists(st.integers(0, 5), max_size=400))
def test_instances_let_through_the_limit_and_a_block_for_each_but_one(
    requests: int, how_many: int, order: list[int]
) -> None:
    limit = Limit(requests)
    instances = Instances(how_many, limit)
    got_through = sum(instances.serves(n % how_many) for n in order)
    assert got_through <= requests + (how_many - 1) * limit.block
    # And nobody is refused before the limit is used up: however many are sent, so many get through.
    got_through += sum(instances.serves(n) for n in range(how_many) for _ in range(2 * requests + 1))
    assert requests <= got_through <= requests + (how_many - 1) * limit.block


@given(st.integers(1, 2000), st.integers(0, 5000))
def test_an_instance_alone_lets_through_exactly_the_limit_and_asks_once_a_block(requests: int, sent: int) -> None:
    instances = Instances(1, Limit(requests))
    assert sum(instances.serves(0) for _ in range(sent)) == min(sent, requests)
    assert instances.asked <= 20


def test_the_first_block_is_served_without_asking() -> None:
    limit = Limit(600)
    instances = Instances(1, limit)
    assert all(instances.serves(0) for _ in range(limit.block))
    assert (limit.block, instances.asked) == (60, 0)


def test_after_a_refusal_the_counter_is_not_asked_again() -> None:
    instances = Instances(2, Limit(20))
    assert 20 <= sum(instances.serves(n % 2) for n in range(100)) <= 22
    asked = instances.asked
    assert not any(instances.serves(n % 2) for n in range(1000))
    assert instances.asked == asked


def test_where_the_counter_cannot_be_reached_one_more_block_is_served_and_told_of_later() -> None:
    limit = Limit(100)
    count = Count(served=10, allowed=10)
    count = after_fault(count, limit)
    assert (count.allowed, count.is_used_up, to_tell(count, limit)) == (20, False, 30)


@pytest.mark.parametrize(
    ("now", "end"),
    [
        (NOW, NOW + timedelta(seconds=30)),
        (NOW.replace(second=0), NOW.replace(second=0) + timedelta(minutes=1)),
        (NOW.replace(second=59, microsecond=999_999), NOW + timedelta(seconds=30)),
    ],
)
def test_all_instances_have_the_same_windows_by_the_clock(now: datetime, end: datetime) -> None:
    assert window_end(now) == end


@pytest.mark.parametrize(
    ("address", "is_of"),
    [
        ("203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7 ", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("unknown", None),
        ("", None),
        ("203.0.113.7:443", None),
    ],
)
def test_an_ipv6_subscriber_is_one_caller_by_any_of_their_addresses(address: str, is_of: str | None) -> None:
    assert subscriber(address) == is_of
