"""A log goes out as a file and comes into another driver's log: the same trips, no kilometre lost or invented."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.driver import Language
from shared.domain.fitting import Unfit
from shared.domain.log.filed import Into
from shared.domain.log.gap_row import GapRow
from shared.domain.log.tiling import Row, why_not_tiled
from shared.domain.log.trip import Endpoint, Trip
from shared.formats.csv_file import csv_file
from shared.formats.incoming.files import opened
from shared.formats.incoming.found import Format
from shared.formats.incoming.tables import NO_TRIP
from shared.formats.json_file import json_file
from tests.domain.tracking.test_imports import OWNER, by_time, folded
from tests.formats.sample import export
from tests.rows import ZONE, gap, trip

NOW = datetime(2027, 1, 5, 10, tzinfo=UTC)
ZONES = (ZONE, "Pacific/Kiritimati", "America/St_Johns")
FORMATS: tuple[Format, ...] = ("csv", "dutch")
MAKERS = {"csv": csv_file, "json": json_file}
HOUR = timedelta(hours=1)
# The night in which the clock is set back, and New Year.
NIGHTS = (datetime(2026, 10, 24, 21, tzinfo=UTC), datetime(2026, 12, 31, 8, tzinfo=UTC))
HARD = (
    "", ';a;"b"', "two\nlines", "two\r\nlines", "'s-Gravenhage", "''x", "=1+1", "'=1", "-5", "\t=x", "\u200b=1",
    "🚗 \u202eabc", "שלום ;", "x" * 2000, "+31 6", "a\rb", "a\x00b", "\ufeffx", "3 - 5",
)  # fmt: skip
# Texts are kept without spaces around them.
texts = (st.sampled_from(HARD) | st.text(max_size=20)).map(str.strip)
lines = st.lists(
    st.fixed_dictionaries(
        {
            "waits": st.integers(1, 200), "lasts": st.integers(1, 90), "tenths": st.integers(0, 3000),
            "gap": st.sampled_from([0, 0, 7, 123]), "excess": st.sampled_from([0.0, 0.0, 0.0, 3.4]),
            "kind": st.sampled_from(["business", "private", "mixed", "unclassified"]), "share": st.integers(0, 10),
            "known": st.sampled_from(["read", "typed", "estimated"]), "texts": st.tuples(*[texts] * 4),
        }
    ),
    min_size=1, max_size=6,
)  # fmt: skip


def log_of(began_at: datetime, told: list[dict[str, Any]], zone: str) -> list[Row]:
    """A log of 2026 whose rows tile the odometer, from the first trip to the last one."""
    found, at_m, at = list[Row](), 10_000_000, began_at
    for n, one in enumerate(told):
        since, at = at, at + timedelta(minutes=one["waits"])
        if n and one["gap"]:
            found.append(gap(at_m, at_m + 100 * one["gap"], since))
            at_m += 100 * one["gap"]
        ended_at, to_m = at + timedelta(minutes=one["lasts"]), at_m + 100 * one["tenths"]
        address, purpose, notes, deviation = one["texts"]
        found.append(
            trip(
                at_m, to_m, at, one["excess"], ended_at=ended_at, kind=one["kind"],
                business_km=round(one["tenths"] * one["share"] / 100, 1), from_=Endpoint(address=address),
                to=Endpoint(52.12345, 5.54321), purpose=purpose, notes=notes, deviation=deviation, driver="Tim",
                timezone=zone, start_odometer_known="read", end_odometer_known=one["known"],
            )
        )  # fmt: skip
        at_m, at = to_m, ended_at
    while found and (
        isinstance(found[-1], GapRow) or found[-1].year > 2026
    ):  # what lies behind the last trip no trip tells
        found.pop()
    return found


def brought(rows: list[Row], format_: Format, language: Language, zone: str) -> list[Trip]:
    """The trips that are in a file of a log, all of them."""
    text = MAKERS[format_](export(rows, language=language, is_closed=False)).decode()
    found = [row for row in opened(format_, text).found(Into(OWNER.user, zone, "audi", NOW)).rows if row.why != NO_TRIP]
    assert [row.why for row in found] == [""] * len(found)
    return [row.trip for row in found if row.trip]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["csv", "json"]),
    st.sampled_from(["nl", "en"]),
    st.sampled_from(NIGHTS),
    st.sampled_from(ZONES),
    lines,
)
def test_every_trip_comes_back_as_it_was(
    format_: Format, language: Language, began_at: datetime, zone: str, told: Any
) -> None:
    rows = log_of(began_at, told, zone)
    trips = [row for row in rows if isinstance(row, Trip)]
    found = brought(rows, format_, language, zone)
    assert [one.id for one in found] == [one.id for one in trips]
    for one, was in zip(found, trips, strict=True):
        for name in ("kind", "distance_km", "business_km", "private_km", "purpose", "notes", "deviation", "driver",
                     "started_at", "from_", "to", "start_odometer_km"):  # fmt: skip
            assert getattr(one, name) == getattr(was, name), name
        is_known = was.end_odometer_known != "estimated"
        assert one.end_odometer_km == (was.end_odometer_km if is_known else None)
        # In an hour that the clock shows twice, a table does not tell which of them an end was in.
        assert one.ended_at == was.ended_at or (format_ == "csv" and was.ended_at - one.ended_at == HOUR)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["csv", "json"]), st.sampled_from(NIGHTS), lines)
def test_the_log_that_comes_of_it_has_the_same_kilometres(format_: Format, began_at: datetime, told: Any) -> None:
    rows = log_of(began_at, told, ZONE)
    store, _, _ = folded(brought(rows, format_, "nl", ZONE), [])
    laid = by_time(store)
    assert why_not_tiled(laid) is None
    assert {one.id: one.distance_km for one in store.trips_by_id.values()} == {
        row.id: row.distance_km for row in rows if isinstance(row, Trip)
    }
    if all(one["known"] != "estimated" and not one["excess"] for one in told):
        assert [(row.from_m, row.to_m) for row in laid] == [(row.from_m, row.to_m) for row in rows]
        assert [isinstance(row, GapRow) for row in laid] == [isinstance(row, GapRow) for row in rows]


def test_what_an_employer_got_makes_no_log() -> None:
    text = csv_file(export(view="employer")).decode()
    for format_ in FORMATS:
        with pytest.raises(Unfit, match="view of an employer"):
            opened(format_, text).found(Into(OWNER.user, ZONE, "audi", NOW))
