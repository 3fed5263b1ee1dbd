"""The checks of kilometres that nobody explained, that are private, or that were corrected; and the meter."""

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from shared.domain.checks.private_km import of_year
from shared.domain.checks.vat import vat_km
from shared.domain.log.sealing import Correction
from shared.domain.place.places import Place
from tests.domain.checks.years import BREDA, CAR, UTRECHT, drive, end, found, moment, outcome, year
from tests.rows import at, gap, trip

# --- 5: gaps


def test_a_gap_fails_until_it_is_explained_also_behind_the_last_drive() -> None:
    missing, behind = gap(1_010_000, 1_012_500, at(1)), gap(1_012_500, 1_013_000, at(2), id="open-car")
    assert found(5, year(drive(0), missing, behind=behind)) == ("fails", (missing.id, "open-car"))
    assert outcome(5, year(drive(0), missing, behind=behind)).numbers["missing_km"] == 3.0
    assert found(5, year(drive(0), replace(missing, explained_as="private"))) == ("holds", ())
    assert found(5, year(drive(0), gap(1_010_010, 1_010_020, at(1)))) == ("holds", ()), "it shows no kilometre"


# --- 8: the private kilometres


def private(km: float, n: int = 0) -> Any:
    return trip(0, round(1000 * km), at(n), kind="private")


@pytest.mark.parametrize(
    ("km", "result"), [(399.9, "holds"), (400.0, "warns"), (450.0, "warns"), (500.0, "warns"), (500.1, "fails")]
)
def test_private_kilometres_warn_from_400_and_fail_over_500(km: float, result: str) -> None:
    assert found(8, year(private(km))) == (result, ())


@pytest.mark.parametrize("unknown", ["gap", "behind", "unclassified"])
def test_what_nobody_explained_counts_as_private(unknown: str) -> None:
    missing = gap(499_000, 500_200, at(5))
    rows: dict[str, Any] = {
        "gap": year(private(499.0), missing), "behind": year(private(499.0), behind=missing),
        "unclassified": year(private(499.0), trip(499_000, 500_200, at(5))),
    }  # fmt: skip
    assert found(8, rows[unknown]) == ("fails", ())
    meter = of_year(rows[unknown])
    assert (meter.so_far, meter.worst_case) == (499.0, 500.2)


def test_the_private_part_of_mixed_trips_and_explained_gaps_is_in_the_meter() -> None:
    rows = (
        trip(0, 10_000, at(0), kind="mixed", business_km=7.5), gap(10_000, 14_000, at(1), explained_as="private"),
        gap(14_000, 20_000, at(2), explained_as="correction", reason="Tyres", business_m=5_000),
        trip(20_000, 90_000, at(3), kind="business"),
    )  # fmt: skip
    meter = of_year(year(*rows))
    assert (meter.so_far, meter.worst_case, meter.forecast, meter.limit) == (7.5, 7.5, 7.5, 500.0)


@pytest.mark.parametrize(
    ("today", "more", "forecast"),
    [
        (date(2026, 12, 31), {}, 73.0), (date(2027, 3, 1), {}, 73.0), (date(2026, 7, 2), {}, 73.0 * 365 / 183),
        (date(2026, 3, 14), {}, 73.0 * 5), (date(2026, 3, 14), {"available_from": "2026-03-05"}, 73.0 * 302 / 10),
        (date(2026, 3, 14), {"available_until": "2026-03-31"}, 73.0 * 90 / 73),
        (date(2026, 4, 14), {"available_until": "2026-03-31"}, 73.0), (date(2025, 12, 1), {}, 73.0),
    ],
)  # fmt: skip
def test_the_forecast_goes_on_as_the_year_did_to_its_end_or_that_of_the_car(
    today: date, more: dict[str, Any], forecast: float
) -> None:
    examined = year(private(73.0), car=replace(CAR, **more), today=today)
    assert of_year(examined).forecast == round(forecast, 1)


def test_a_log_that_begins_in_the_year_is_forecast_from_its_first_month() -> None:
    in_june = trip(0, 30_000, moment(6, 10), kind="private")
    examined = year(in_june, car=replace(CAR, available_from=None), today=date(2026, 6, 30))
    assert of_year(examined).forecast == round(30.0 * 214 / 30, 1)


# --- 9: VAT

HOME = Place("1", "Home", *UTRECHT, role="home")
WORK = Place("2", "Work", *BREDA, role="work", radius_m=300)


@pytest.mark.parametrize(
    ("ends", "commutes"),
    [
        ((end(UTRECHT), end(BREDA)), True),
        ((end(BREDA), end(UTRECHT)), True),
        ((end(place="Work"), end(UTRECHT)), True),
        ((end(UTRECHT), end((BREDA[0] + 0.01, BREDA[1]), place="Work")), True),
        ((end(UTRECHT), end(place="Elsewhere")), False),
        ((end(UTRECHT), end(UTRECHT)), False),
        ((end(UTRECHT), end()), False),
    ],
)
def test_commuting_is_business_and_private_for_vat(ends: Any, commutes: bool) -> None:
    way = drive(0, from_=ends[0], to=ends[1])
    examined = year(way, trip(1_010_000, 1_013_000, at(1), kind="private"), places=[HOME, WORK])
    assert vat_km(examined) == (13.0 if commutes else 3.0)
    assert of_year(examined).so_far == 3.0


def test_the_number_for_vat_is_always_given() -> None:
    examined = year(drive(0, from_=end(UTRECHT), to=end(BREDA), kind="mixed", business_km=6.0), places=[HOME, WORK])
    told = outcome(9, examined)
    assert (told.result, told.numbers) == ("holds", {"vat_km": 10.0, "commuting_km": 6.0})
    without = outcome(9, year(drive(0)))
    assert (without.result, without.numbers["vat_km"]) == ("holds", 0.0)
    assert without.advice != told.advice


# --- 14: corrections


def test_a_correction_has_a_reason() -> None:
    row = gap(1_010_000, 1_012_000, at(1), explained_as="correction", reason="Tyres")
    assert found(14, year(drive(0), row)) == ("holds", ())
    assert found(14, year(drive(0), bare := replace(row, reason=" "))) == ("fails", (bare.id,))
    assert found(14, year(drive(0), replace(row, explained_as="private", reason=""))) == ("not_applicable", ())


def test_a_correction_of_a_closed_year_has_a_reason() -> None:
    why = Correction(id="1", car_id="car", year=2026, at=at(0), by="session", why="A typo", row="some-row")
    assert found(14, year(drive(0), corrections=[why])) == ("holds", ())
    assert found(14, year(drive(0), corrections=[why, replace(why, row="other", why="")])) == ("fails", ("other",))
