"""What a phone says is heard: of any shape that phones send, and no finer than what is kept of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.driver import PHONE, Account, Caller, Scope
from shared.domain.log.drive import Heard
from shared.handlers.problems import Problem
from shared.handlers.webhooks import _heard, who_drives

NOW = datetime(2026, 1, 23, 8, 12, 0, 123_987, tzinfo=UTC)
BORIS = Account("boris@example.com", timezone="Europe/Amsterdam")


def said(**body: Any) -> Heard:
    return _heard(body, BORIS, NOW)


def test_times_positions_and_accuracy_are_rounded_as_they_are_heard() -> None:
    heard = said(lat="52,09070049", lng=5.121400499, accuracy_m=12.3456, timestamp="2026-01-23T09:11:59.987654+01:00")
    at = datetime(2026, 1, 23, 8, 11, 59, 987_000, tzinfo=UTC)
    assert heard == Heard(at, 52.0907, 5.1214, 12.3, delay_s=0.137)


def test_an_event_without_a_time_is_of_now_and_never_later() -> None:
    assert said().at == NOW.replace(microsecond=123_000)


def test_what_rounds_to_nought_in_both_directions_is_no_position() -> None:
    assert said(lat=4e-7, lng=-4e-7).position is None
    assert said(lat=4e-7, lng=5.1).position == (0.0, 5.1)


@given(
    lat=st.floats(-90, 90),
    lng=st.floats(-180, 180),
    accuracy_m=st.floats(0, 1e7),
    ago=st.timedeltas(timedelta(minutes=-4), timedelta(hours=23)),
)
def test_what_was_heard_once_is_heard_the_same_again(lat: float, lng: float, accuracy_m: float, ago: timedelta) -> None:
    at = NOW - ago
    heard = said(lat=lat, lng=lng, accuracy_m=accuracy_m, timestamp=at.isoformat())
    again = said(lat=heard.lat, lng=heard.lng, accuracy_m=heard.accuracy_m, timestamp=heard.at.isoformat())
    assert again == heard
    assert timedelta(0) <= at - heard.at < timedelta(milliseconds=1)
    assert abs(NOW - heard.at - timedelta(seconds=heard.delay_s)) <= timedelta(milliseconds=0.5)


@pytest.mark.parametrize("ago", [timedelta(hours=24), timedelta(minutes=-5)])
def test_an_event_at_the_edge_of_what_is_taken_is_taken(ago: timedelta) -> None:
    assert said(timestamp=(NOW - ago).isoformat()).at == (NOW - ago).replace(microsecond=123_000)


@pytest.mark.parametrize("ago", [timedelta(hours=24, milliseconds=1), timedelta(minutes=-5, milliseconds=-1)])
def test_an_event_beyond_it_is_refused(ago: timedelta) -> None:
    with pytest.raises(Problem, match="timestamp"):
        said(timestamp=(NOW - ago).isoformat())


@pytest.mark.parametrize(
    ("scope", "label", "driver"),
    [("webhook", "Anna", "Anna"), ("webhook", PHONE, ""), ("webhook", "", ""), ("full", "first key", "")],
)
def test_a_phones_key_with_a_label_of_its_own_names_who_drives(scope: Scope, label: str, driver: str) -> None:
    assert who_drives(Caller(BORIS, scope, label)) == driver
