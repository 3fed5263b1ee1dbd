"""Budgets and logins: what is counted, what is over, what is still to come, and what is kept for what a log needs."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import cycle, islice

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.car import asking
from shared.domain.car.asking import Asking, Budget, Taken, Window
from tests.domain.world import at

HOURLY = Budget(20, timedelta(hours=1), a_read=3)
DAILY = Budget(500, timedelta(days=1), a_read=6)
MONTHLY = Budget(500, timedelta(days=30), a_read=3)
USUAL = timedelta(minutes=5)


def spent(requests: int, on_the_way: int = 0, reads: int = 0, minutes: float = 60) -> Asking:
    """So many requests are taken of a window that is over then."""
    return Asking(windows={"car": Window(at(minutes), requests, on_the_way, reads)})


def test_a_read_that_would_go_over_waits_for_the_end_of_its_window() -> None:
    now = Asking()
    for minutes in range(6):
        assert asking.free_again_at(now, "car", HOURLY, at(minutes)) is None
        now = asking.taken(now, "car", HOURLY, at(minutes))
    # Six reads took 18 of 20 requests, a seventh would take 21.
    assert now.windows == {"car": Window(at(60), 18, reads=6)}
    assert asking.free_again_at(now, "car", HOURLY, at(59)) == at(60)
    assert asking.free_again_at(now, "other", HOURLY, at(59)) is None
    assert asking.free_again_at(now, "car", HOURLY, at(60)) is None
    assert asking.taken(now, "car", HOURLY, at(70)).windows == {"car": Window(at(130), 3, reads=1)}


def test_windows_that_are_over_are_forgotten() -> None:
    now = Asking(windows={"old": Window(at(-1), 5), "other": Window(at(1), 5)})
    assert set(asking.taken(now, "car", HOURLY, at(0)).windows) == {"other", "car"}


def test_a_window_from_before_reads_were_told_apart_is_still_read() -> None:
    stored = b'{"windows": {"car simulated": {"until": "2026-01-23T08:00:00Z", "requests": 7}}}'
    (window,) = msgspec.json.decode(stored, type=Asking).windows.values()
    assert (window.requests, window.on_the_way, window.reads) == (7, 0, 0)


# --- the account ---------------------------------------------------------------------------------------------------


def test_what_a_read_did_not_need_is_given_back() -> None:
    now = asking.taken(asking.taken(Asking(), "car", HOURLY, at(0)), "car", HOURLY, at(1), on_the_way=True)
    now = asking.booked(now, Taken("car", at(60), 3, on_the_way=True), 1)
    assert now.windows == {"car": Window(at(60), 4, on_the_way=1, reads=2)}
    now = asking.booked(now, Taken("car", at(60), 3), 0)
    assert now.windows == {"car": Window(at(60), 1, on_the_way=1, reads=1)}, "it asked nobody and is no read"


def test_a_read_that_needed_more_than_was_said_costs_what_it_cost() -> None:
    now = asking.booked(asking.taken(Asking(), "car", HOURLY, at(0)), Taken("car", at(60), 3), 5)
    assert now.windows == {"car": Window(at(60), 5, reads=1)}


def test_what_was_taken_from_a_window_that_is_over_is_given_to_no_other() -> None:
    now = asking.taken(asking.taken(Asking(), "car", HOURLY, at(0)), "car", HOURLY, at(60))
    assert asking.booked(now, Taken("car", at(60), 3), 1) == now
    assert asking.booked(now, Taken("other", at(120), 3), 1) == now


Step = tuple[int, int, bool, int]  # minutes since the one before, of how many it tells first, on the way, its cost


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 4), st.booleans(), st.integers(0, 3)), max_size=80))
def test_no_window_ever_costs_more_than_the_budget_and_what_is_kept_is_touched_by_no_read_on_the_way(
    steps: list[Step],
) -> None:
    now, minute, under_way = Asking(), 0, list[tuple[Taken, int]]()
    costs, kept = dict[str, int](), HOURLY.requests / 3
    for wait, telling, on_the_way, cost in steps:
        minute += wait
        while len(under_way) > telling:  # the newest tells first
            now = asking.booked(now, *under_way.pop())
        if asking.free_again_at(now, "car", HOURLY, at(minute), on_the_way) is None:
            now = asking.taken(now, "car", HOURLY, at(minute), on_the_way)
            window = now.windows["car"]
            assert window.requests <= HOURLY.requests
            assert not on_the_way or HOURLY.requests - window.requests >= kept
            under_way.append((Taken("car", window.until, HOURLY.a_read, on_the_way), cost))
            costs[window.until.isoformat()] = costs.get(window.until.isoformat(), 0) + cost
        for window in now.windows.values():
            open_until = [taken for taken, _ in under_way if taken.until == window.until]
            assert window.requests >= costs.get(window.until.isoformat(), 0), "never too low"
            assert window.requests <= costs.get(window.until.isoformat(), 0) + 3 * len(open_until)
    assert all(cost <= HOURLY.requests for cost in costs.values())


@given(st.permutations(range(5)), st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=5, max_size=5))
def test_reads_at_the_same_time_cost_the_same_in_whatever_order_they_tell(
    order: list[int], reads: list[tuple[int, bool]]
) -> None:
    now = Asking()
    for _, on_the_way in reads:
        now = asking.taken(now, "car", DAILY, at(0), on_the_way)
    for n in order:
        cost, on_the_way = reads[n]
        now = asking.booked(now, Taken("car", at(24 * 60), DAILY.a_read, on_the_way), cost)
    window = now.windows["car"]
    assert window.requests == sum(cost for cost, _ in reads)
    assert window.on_the_way == sum(cost for cost, on_the_way in reads if on_the_way)
    assert window.reads == sum(cost > 0 for cost, _ in reads)


# --- what is kept --------------------------------------------------------------------------------------------------


def test_the_last_third_of_a_window_is_for_ends_and_daily_readings() -> None:
    almost, third = spent(20 - 3 - 7), spent(20 - 3 - 6)
    assert asking.free_again_at(almost, "car", HOURLY, at(30), on_the_way=True) is None
    assert asking.free_again_at(third, "car", HOURLY, at(30), on_the_way=True) == at(60)
    assert asking.free_again_at(third, "car", HOURLY, at(30)) is None
    assert asking.free_again_at(spent(18), "car", HOURLY, at(30)) == at(60)


def test_a_long_window_keeps_what_the_days_that_are_left_are_going_to_need() -> None:
    # Of 500 requests for 30 days, five reads a day would take 450.
    first = spent(48, 48, minutes=30 * 24 * 60)
    assert asking.free_again_at(first, "car", MONTHLY, at(0), on_the_way=True) == at(24 * 60)
    assert asking.free_again_at(first, "car", MONTHLY, at(24 * 60), on_the_way=True) is None
    # Half a month later a third is more than they need, but not where the ends of this driver took more.
    calm, busy = (spent(250, on_the_way, minutes=15 * 24 * 60) for on_the_way in (200, 0))
    assert asking.free_again_at(calm, "car", MONTHLY, at(0), on_the_way=True) is None
    assert asking.free_again_at(busy, "car", MONTHLY, at(0), on_the_way=True) is not None


def test_reads_that_cost_less_than_they_may_leave_more_to_the_way() -> None:
    dear, cheap = (spent(60, 20, reads, minutes=28 * 24 * 60) for reads in (20, 60))
    assert asking.free_again_at(dear, "car", MONTHLY, at(0), on_the_way=True) is None
    assert asking.way_interval(dear, "car", MONTHLY, at(0), USUAL) > timedelta(hours=2)
    assert asking.way_interval(cheap, "car", MONTHLY, at(0), USUAL) < timedelta(hours=1)


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 170), st.integers(1, 30 * 24 * 60))
def test_when_a_read_on_the_way_is_told_to_be_free_it_is(
    requests: int, on_the_way: int, reads: int, minutes: int
) -> None:
    now = spent(requests, min(on_the_way, requests), reads, minutes)
    free_at = asking.free_again_at(now, "car", MONTHLY, at(0), on_the_way=True)
    if free_at:
        assert at(0) < free_at <= at(minutes)
        assert asking.free_again_at(now, "car", MONTHLY, free_at, on_the_way=True) is None


# --- further apart -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("budget", [DAILY, Budget(60, timedelta(hours=1), 2), Budget(20, timedelta(hours=1))])
def test_while_there_is_plenty_reads_on_the_way_come_as_usual(budget: Budget) -> None:
    assert asking.way_interval(Asking(), "car", budget, at(0), USUAL) == USUAL


def test_where_no_wait_is_usual_there_is_none_while_a_budget_allows_a_read_each_second() -> None:
    plenty, never = Budget(1_000_000), timedelta(0)
    assert asking.way_interval(Asking(), "car", plenty, at(0), never) == never


def test_reads_on_the_way_come_further_apart_until_only_what_is_kept_is_left() -> None:
    requests = (0, 200, 300, 320, 330, 340, 500)
    waits = [
        asking.way_interval(spent(count, count, count // 3, 12 * 60), "car", DAILY, at(0), USUAL) for count in requests
    ]
    assert waits[:2] == [USUAL, USUAL]
    assert USUAL < waits[2] < waits[3] < waits[4]
    assert waits[5:] == [timedelta(hours=12), timedelta(hours=12)]


@given(
    st.sampled_from([HOURLY, DAILY, MONTHLY]),
    st.integers(0, 500),
    st.integers(0, 500),
    st.floats(0.001, 1),
    st.sampled_from([USUAL, timedelta(0), timedelta(hours=3)]),
)
def test_a_wait_is_never_shorter_than_usual_nor_than_with_fewer_requests_taken(
    budget: Budget, some: int, more: int, share: float, usual: timedelta
) -> None:
    few, many = sorted((some, more))
    minutes = budget.per / timedelta(minutes=1) * share
    shorter, longer = (
        asking.way_interval(spent(count, count, minutes=minutes), "car", budget, at(0), usual) for count in (few, many)
    )
    assert usual <= shorter <= longer <= max(usual, timedelta(minutes=minutes))


def month(cost: int, again: Sequence[int], budget: Budget = MONTHLY) -> tuple[Asking, list[str], list[int]]:
    """Two drives a day of 40 minutes, each `again` so many times read after its end: the first said what was before.

    What is left, which of the reads that a log needs were not made, and how many reads each day had on the way.
    """
    now, missed, way, agains = Asking(), list[str](), list[int](), cycle(again)

    def made(minute: float, on_the_way: bool = False) -> bool:
        nonlocal now
        if asking.free_again_at(now, "car", budget, at(minute), on_the_way):
            return False
        now = asking.taken(now, "car", budget, at(minute), on_the_way)
        now = asking.booked(now, Taken("car", now.windows["car"].until, budget.a_read, on_the_way), cost)
        return True

    for day in range(30):
        morning, on_this_day = day * 24 * 60.0, 0
        missed += [] if made(morning) else [f"the reading of day {day}"]
        for begin in (morning + 5 * 60, morning + 14 * 60):
            minute, end = begin, begin + 40
            while minute < end:
                on_this_day += made(minute, on_the_way=True)
                minute += asking.way_interval(now, "car", budget, at(minute), USUAL) / timedelta(minutes=1)
            reads = [end + wait for wait in (1, 2, 4, 8)[: 1 + next(agains)]]
            missed += [f"an end of day {day}" for minute in reads if not made(minute)]
        way.append(on_this_day)
    return now, missed, way


@pytest.mark.parametrize(
    ("cost", "again"),
    [(3, [0]), (3, [0, 1]), (3, [0, 1, 0, 3]), (2, [0]), (2, [0, 1, 2, 3]), (2, [0] * 30 + [2] * 30), (1, [3])],
)
def test_a_month_of_500_requests_ends_with_some_left_and_each_end_and_each_day_was_read(
    cost: int, again: list[int]
) -> None:
    now, missed, way = month(cost, again)
    assert missed == []
    needed = cost * (30 + sum(1 + n for n in islice(cycle(again), 60)))
    window = now.windows["car"]
    assert window.requests == needed + cost * sum(way) < MONTHLY.requests
    assert way[0] > 0, "while there is something beside what is kept, the way has some of it"


def test_a_day_that_has_plenty_is_read_every_five_minutes_on_the_way() -> None:
    _, missed, way = month(3, [1], Budget(500, timedelta(days=1), 6))
    assert (missed, set(way)) == ([], {16})


# --- logins --------------------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(["begin", "refused", "answered", "failed", "dies", "time"]), max_size=60))
def test_no_order_of_events_makes_a_third_refused_login_without_an_answer_between(events: list[str]) -> None:
    now, counted, minute, alive, in_a_row = Asking(), 0, 0, list[float](), 0
    for event in events:
        now, lost = asking.without_lost(now, "car", at(minute))
        counted += lost
        if event == "begin" and asking.may_log_in(now, "car", counted):
            minute += 1
            now = asking.begun(now, "car", at(minute + 5))
            alive.append(minute + 5)
        elif event == "time":
            minute += 6
        elif event == "dies" and alive:
            alive.pop(0)
            in_a_row += 1  # it may have been refused
        elif event in ("refused", "answered", "failed") and alive:
            refused, answered = event == "refused", event == "answered"
            now, was_lost = asking.told(now, "car", at(alive.pop(0)), answered)
            in_a_row = 0 if answered else in_a_row + refused
            counted = asking.refusals_after(counted, answered=answered, refused=refused, was_lost=was_lost)
        assert in_a_row <= 2
        assert len(now.lost.get("car", ())) <= 2


def test_a_read_that_was_lost_long_ago_counts_no_more() -> None:
    now = Asking(lost={"car": (at(5), at(30)), "other": (at(5),)})
    kept, forgotten = asking.without_old_lost(now, "car", at(69), timedelta(hours=1))
    assert (kept.lost, forgotten) == ({"car": (at(30),), "other": (at(5),)}, 1)
    kept, forgotten = asking.without_old_lost(kept, "car", at(90), timedelta(hours=1))
    assert (kept.lost, forgotten) == ({"other": (at(5),)}, 1)


@pytest.mark.parametrize(
    ("before", "answered", "refused", "was_lost", "after"),
    [
        (0, False, True, False, 1),
        (1, False, True, True, 1),  # counted already when it was given up
        (1, False, False, True, 0),  # it was given up and only slow
        (1, False, False, False, 1),
        (2, True, False, True, 0),
        (0, False, False, True, 0),
    ],
)
def test_the_count_after_a_read(before: int, answered: bool, refused: bool, was_lost: bool, after: int) -> None:
    assert asking.refusals_after(before, answered=answered, refused=refused, was_lost=was_lost) == after


def test_a_look_is_due_once_a_day() -> None:
    now = Asking(looked_at=at(0))
    assert not asking.look_is_due(now, at(11 * 60))
    assert asking.look_is_due(now, at(24 * 60 - 30))
