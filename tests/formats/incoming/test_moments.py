"""Dates and times as drivers write them, by the clock where they live, also in the nights when that is changed."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from shared.domain.fitting import Unfit
from shared.formats.incoming.moments import day_of, parted, refuse_months_first, span_of, time_of

ZONE = "Europe/Amsterdam"


@pytest.mark.parametrize(
    "text",
    [
        "05-01-2024",
        "5-1-2024",
        "2024-01-05",
        "05/01/2024",
        "5.1.2024",
        "05-01-24",
        "vr 5-1-2024",
        "2024/1/5",
        "5 januari 2024",
        "vrijdag 5 januari 2024",
        "5-jan-24",
        "5 Jan. 2024",
    ],
)
def test_a_day_is_read_however_it_is_written(text: str) -> None:
    assert day_of(text) == date(2024, 1, 5)


@pytest.mark.parametrize("text", ["", "31-02-2024", "2024", "5 brumaire 2024", "13-13-2024", "05-01-20245", "Totaal"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(Unfit, match="no date"):
        day_of(text)


@pytest.mark.parametrize("text", ["25:00", "8", "", "08:61", "8:1", "acht uur"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(Unfit, match="no time"):
        time_of(text, "started_at")


@pytest.mark.parametrize(
    ("text", "hours"), [("8:05 AM", 8), ("8:05 p.m.", 20), ("12:05 am", 0), ("12:05 PM", 12), ("8.05 uur", 8)]
)
def test_a_time_may_be_of_half_a_day(text: str, hours: int) -> None:
    assert time_of(text, "started_at") == time(hours, 5)


def test_half_a_day_has_twelve_hours() -> None:
    for text in ("13:05 PM", "0:05 AM"):
        with pytest.raises(Unfit, match="no time"):
            time_of(text, "started_at")


def test_a_cell_may_have_day_and_time() -> None:
    assert parted("05-01-2024 08:12", is_time=False) == ("05-01-2024", "08:12")
    assert parted("2024-01-05T08:12:30", is_time=True) == ("2024-01-05", "08:12:30")
    assert parted("5 jan 2024 17:05", is_time=True) == ("5-1-2024", "17:05")
    assert parted("5.12.24", is_time=True) == ("", "5.12.24")
    assert parted("5.12.24", is_time=False) == ("5.12.24", "")


def test_dates_month_first_make_nothing_of_the_file_readable() -> None:
    refuse_months_first(["05/01/2024", "23/01/2024", "2024-01-23"])
    with pytest.raises(Unfit, match="month before the day"):
        refuse_months_first(["05/01/2024", "01/23/2024"])


def span(begin: str, end: str, is_end_dated: bool = False) -> tuple[datetime, datetime]:
    return span_of(datetime.fromisoformat(begin), datetime.fromisoformat(end), ZONE, is_end_dated=is_end_dated)


def test_times_are_those_of_the_drivers_clock() -> None:
    assert span("2024-01-05T08:12", "2024-01-05T08:41")[0] == datetime(2024, 1, 5, 7, 12, tzinfo=UTC)
    assert span("2024-07-05T08:12", "2024-07-05T08:41")[0] == datetime(2024, 7, 5, 6, 12, tzinfo=UTC)


def test_a_trip_that_ends_earlier_on_the_clock_went_over_midnight() -> None:
    begun, ended = span("2024-01-05T23:30", "2024-01-05T00:15")
    assert ended - begun == timedelta(minutes=45)
    with pytest.raises(Unfit, match="before started_at"):
        span("2024-01-05T09:30", "2024-01-05T08:15")
    with pytest.raises(Unfit, match="before started_at"):
        span("2024-01-05T23:30", "2024-01-05T00:15", is_end_dated=True)


def test_an_hour_that_the_clock_leaves_out_is_that_of_a_clock_not_put_forward_yet() -> None:
    begun, ended = span("2024-03-31T01:50", "2024-03-31T02:20")
    assert (begun, ended - begun) == (datetime(2024, 3, 31, 0, 50, tzinfo=UTC), timedelta(minutes=30))


def test_an_hour_that_the_clock_shows_twice_is_the_first_unless_the_trip_would_end_before_it_begins() -> None:
    begun, ended = span("2024-10-27T02:10", "2024-10-27T02:40")
    assert (begun, ended - begun) == (datetime(2024, 10, 27, 0, 10, tzinfo=UTC), timedelta(minutes=30))
    begun, ended = span("2024-10-27T02:50", "2024-10-27T02:10")
    assert (begun, ended - begun) == (datetime(2024, 10, 27, 0, 50, tzinfo=UTC), timedelta(minutes=20))


def test_in_an_hour_that_the_clock_shows_twice_what_is_told_elsewhere_decides() -> None:
    begin, end = (datetime.fromisoformat(f"2024-10-27T02:{n}") for n in (10, 40))
    likely_at = datetime(2024, 10, 27, 1, 10, 33, tzinfo=UTC)
    for told, begun in ((likely_at, likely_at.replace(second=0)), (datetime(2020, 1, 1, tzinfo=UTC), None)):
        found = span_of(begin, end, ZONE, is_end_dated=True, likely_at=told)
        assert found.started_at == (begun or datetime(2024, 10, 27, 0, 10, tzinfo=UTC))
        assert found.ended_at - found.started_at == timedelta(minutes=30)
