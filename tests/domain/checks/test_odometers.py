"""The checks of odometers: rows meet, distances fit, readings come in time and agree."""

from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from tests.domain.checks.years import CAR, drive, found, moment, outcome, reading, year
from tests.rows import at, gap, trip

FIRST, SECOND = drive(0), drive(1)


# --- 2: continuity


def test_rows_that_meet_hold_also_behind_the_year_before_and_where_the_car_got_another_odometer() -> None:
    other = trip(500_000, 510_000, at(3), set_on_m=-520_000)
    behind = gap(7_000, 9_000, at(5))  # on one that is newer still
    examined = year(SECOND, gap(1_020_000, 1_020_000, at(2)), other, before=FIRST, behind=behind)
    assert found(2, examined) == ("holds", ())
    assert found(2, year()) == ("holds", ())


@pytest.mark.parametrize(("apart_m", "result"), [(1, "warns"), (1_000, "warns"), (1_001, "fails"), (-1_001, "fails")])
def test_rows_that_do_not_meet_warn_within_a_kilometre_and_fail_beyond(apart_m: int, result: str) -> None:
    off = trip(1_010_000 + apart_m, 1_030_000, at(1))
    assert found(2, year(FIRST, off)) == (result, (off.id,))
    assert found(2, year(off, before=FIRST)) == (result, (off.id,)), "also behind the year before"


def test_a_trip_without_an_odometer_fails_and_one_that_waits_for_it_warns() -> None:
    without = drive(1, from_m=None, to_m=None, start_odometer_km=None, end_odometer_km=None)
    assert found(2, year(FIRST, without)) == ("fails", (without.id,))
    waiting = replace(without, flags=("odometer_pending",))
    assert found(2, year(FIRST, waiting)) == ("warns", (waiting.id,))


# --- 3: distances


def test_distances_that_are_end_less_begin_hold() -> None:
    assert found(3, year(FIRST, gap(1_010_000, 1_012_000, at(1)))) == ("holds", ())
    assert found(3, year(FIRST, drive(1, from_m=None, to_m=None))) == ("holds", ())


@pytest.mark.parametrize(
    "wrong",
    [
        {"distance_km": 10.1}, {"to_m": 999_000}, {"end_odometer_km": 1_009.0}, {"start_odometer_km": None},
        {"excess_km": -1.0, "distance_km": 9.0},
    ],
)  # fmt: skip
def test_a_trip_that_falls_or_shows_another_distance_fails(wrong: dict[str, Any]) -> None:
    broken = replace(FIRST, **wrong)
    assert found(3, year(broken, SECOND)) == ("fails", (broken.id,))


def test_a_trip_that_shows_more_than_its_odometer_or_contradicts_the_car_fails() -> None:
    longer = trip(1_000_000, 1_010_000, at(0), excess_km=2.5)
    against = drive(1, flags=("contradicted",))
    assert found(3, year(longer, against)) == ("fails", (longer.id, against.id))


# --- 12: estimates


def test_odometers_that_were_read_or_typed_hold_and_shared_out_ones_warn() -> None:
    typed = drive(1, end_odometer_known="typed")
    assert found(12, year(FIRST, typed)) == ("holds", ())
    shared, without = drive(2, end_odometer_known="estimated"), drive(3, start_odometer_known=None)
    assert found(12, year(FIRST, shared, without)) == ("warns", (shared.id, without.id))


# --- 13: the dashboard


def seen(month: int, day: int, source: Any = "eye") -> Any:
    """A reading of a day, whose id says so."""
    kept = reading(1, 1_000.0, source)
    return kept._replace(id=f"{month}-{day}", reading=replace(kept.reading, at=moment(month, day)))


def driven_on(month: int, day: int) -> Any:
    return replace(drive(0), started_at=moment(month, day), ended_at=moment(month, day, 13))


def test_a_car_that_tells_its_odometer_needs_no_look_at_the_dashboard() -> None:
    assert found(13, year(driven_on(1, 1), readings=[seen(1, 1, "car")])) == ("not_applicable", ())
    assert found(13, year()) == ("not_applicable", ())
    ahead = year(driven_on(6, 1), car=replace(CAR, available_from="2026-06-01"), today=date(2026, 6, 1))
    assert found(13, ahead) == ("not_applicable", ()), "a day is no time yet"


@pytest.mark.parametrize(("driven", "result"), [((2, 20), "not_applicable"), ((3, 10), "warns"), ((6, 1), "fails")])
def test_a_car_that_told_its_odometer_once_and_was_driven_since_needs_a_look(
    driven: tuple[int, int], result: str
) -> None:
    told = [seen(1, 2, "car"), seen(2, 10, "car"), *([seen(3, 20, "car")] if result == "warns" else [])]
    today = date(2026, 3, 5) if result == "not_applicable" else date(2026, 9, 1)
    examined = year(driven_on(1, 1), driven_on(*driven), readings=told, today=today)
    assert found(13, examined) == (result, ("2-10",) if result != "not_applicable" else ())


@pytest.mark.parametrize(
    ("today", "result"),
    [
        (date(2026, 3, 4), "holds"),
        (date(2026, 3, 5), "warns"),
        (date(2026, 4, 3), "warns"),
        (date(2026, 4, 4), "fails"),
    ],
)
def test_a_reading_by_hand_is_overdue_after_31_days_and_too_late_after_61(today: date, result: str) -> None:
    readings = [seen(1, 10), seen(2, 1)]
    rows = ("2-1",) if result != "holds" else ()
    assert found(13, year(driven_on(1, 1), readings=readings, today=today)) == (result, rows)


def test_what_was_late_stays_late_and_typed_odometers_of_trips_count_as_looks() -> None:
    readings = [seen(1, 10), seen(4, 1), seen(4, 20)]
    assert found(13, year(driven_on(1, 1), readings=readings, today=date(2026, 5, 1))) == ("fails", ("1-10",))
    looks = [
        replace(driven_on(month, day), id=f"t{month}", start_odometer_known="typed") for month, day in ((2, 5), (3, 5))
    ]
    examined = year(driven_on(1, 10), *looks, readings=readings, today=date(2026, 5, 1))
    assert found(13, examined) == ("holds", ())
    assert outcome(13, year(driven_on(1, 1), today=date(2026, 8, 1))).numbers["days"] == 212, "nobody ever looked"


def test_the_time_before_the_log_and_after_the_car_does_not_count() -> None:
    sold = replace(CAR, available_from=None, available_until="2026-04-25")
    assert found(13, year(driven_on(4, 1), readings=[seen(4, 2)], car=sold)) == ("holds", ())
    assert found(13, year(driven_on(4, 1), readings=[seen(4, 2)], car=sold, before=drive(0)))[0] == "fails"
    withdrawn = seen(4, 20)._replace(standing="withdrawn")
    assert found(13, year(driven_on(4, 1), readings=[withdrawn]))[0] == "fails"


# --- 17: readings from outside


@pytest.mark.parametrize(
    ("hours", "km", "result"),
    [
        (0.7, 1_010.0, "holds"), (0.7, 1_011.0, "holds"), (0.7, 1_011.1, "fails"), (0.7, 1_008.8, "fails"),
        (0.2, 1_000.0, "holds"), (0.2, 1_010.0, "holds"), (0.2, 998.8, "fails"), (-3, 900.0, "holds"),
        (-3, 1_001.5, "fails"), (30, 1_020.0, "holds"), (30, 1_022.0, "fails"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("source", ["garage", "inspection", "charging"])
def test_an_outside_reading_fits_what_the_rows_allow_at_its_moment(
    hours: float, km: float, result: str, source: Any
) -> None:
    told = reading(hours, km, source, "not_believed")
    assert found(17, year(FIRST, SECOND, readings=[told])) == (result, (told.id,) if result == "fails" else ())


def test_in_a_gap_that_nobody_watched_every_odometer_of_it_fits() -> None:
    unwatched = replace(gap(1_010_000, 1_400_000, at(1)), until=at(90))
    rows = (FIRST, unwatched, trip(1_400_000, 1_410_000, at(95)))
    assert found(17, year(*rows, readings=[reading(40, 1_200.0, "garage")])) == ("holds", ())
    late = reading(92, 1_200.0, "garage")
    assert found(17, year(*rows, readings=[late])) == ("fails", (late.id,))
    of_that_day = reading(92, 1_200.0, "garage", since=at(80))
    assert found(17, year(*rows, readings=[of_that_day])) == ("holds", ()), "it can be from before"


def test_without_readings_from_outside_there_is_nothing_to_fit() -> None:
    readings = [reading(1, 5_000.0, "eye"), reading(2, 5_000.0, "garage", "withdrawn")]
    assert found(17, year(FIRST, readings=readings)) == ("not_applicable", ())
    assert found(17, year(readings=[reading(1, 5.0, "garage")])) == ("not_applicable", ())


# --- 19: the year adds up


def test_a_year_adds_up_with_gaps_excess_and_another_odometer() -> None:
    rows = (
        trip(1_000_049, 1_010_020, at(0), kind="private"), gap(1_010_020, 1_013_370, at(1)),
        trip(77_777, 90_001, at(2), excess_km=3.0, set_on_m=-935_593), drive(9, from_m=None, to_m=None,
        start_odometer_km=None, end_odometer_km=None),
    )  # fmt: skip
    assert found(19, year(*rows)) == ("holds", ())
    unread = drive(0, from_m=None, to_m=None, start_odometer_km=None, end_odometer_km=None)
    assert found(19, year(unread)) == ("not_applicable", ())


def test_a_year_with_a_hole_or_kilometres_of_no_kind_does_not_add_up() -> None:
    assert found(19, year(FIRST, drive(2))) == ("fails", ())
    assert found(19, year(replace(FIRST, business_km=9.0))) == ("fails", ())
    assert found(19, year(replace(FIRST, distance_km=11.0, business_km=11.0))) == ("fails", ())


def test_a_trip_that_ends_at_the_boundary_of_the_next_is_no_overlap() -> None:
    assert found(20, year(FIRST, replace(SECOND, started_at=FIRST.started_at + timedelta(minutes=30)))) == ("holds", ())
