"""Budgets and logins: what is counted, what is over, what is still to come."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.car import asking
from shared.domain.car.asking import Asking, Budget, Window
from tests.domain.world import at

HOURLY = Budget(20, timedelta(hours=1), a_read=3)


def test_a_read_that_would_go_over_waits_for_the_end_of_its_window() -> None:
    now = Asking()
    for minutes in range(6):
        assert asking.free_again_at(now, "car", HOURLY, at(minutes)) is None
        now = asking.taken(now, "car", HOURLY, at(minutes))
    # Six reads took 18 of 20 requests, a seventh would take 21.
    assert now.windows == {"car": Window(at(60), 18)}
    assert asking.free_again_at(now, "car", HOURLY, at(59)) == at(60)
    assert asking.free_again_at(now, "other", HOURLY, at(59)) is None
    assert asking.free_again_at(now, "car", HOURLY, at(60)) is None
    assert asking.taken(now, "car", HOURLY, at(70)).windows == {"car": Window(at(130), 3)}


def test_windows_that_are_over_are_forgotten() -> None:
    now = Asking(windows={"old": Window(at(-1), 5), "other": Window(at(1), 5)})
    assert set(asking.taken(now, "car", HOURLY, at(0)).windows) == {"other", "car"}


@given(st.lists(st.integers(0, 300), max_size=80).map(sorted))
def test_no_window_ever_has_more_requests_than_the_budget(minutes: list[int]) -> None:
    now, requests = Asking(), list[int]()
    for minute in minutes:
        if asking.free_again_at(now, "car", HOURLY, at(minute)) is None:
            now = asking.taken(now, "car", HOURLY, at(minute))
            requests.append(minute)
    # From the first request of each window to its end.
    while requests:
        inside = [minute for minute in requests if minute < requests[0] + 60]
        assert len(inside) * HOURLY.a_read <= HOURLY.requests
        requests = requests[len(inside) :]


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
