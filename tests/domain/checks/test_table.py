"""The checks together: their table, their words, their car and history, and what holds of any log that tiles."""

import re
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.domain.checks.table import checked
from shared.domain.log.history import Author, Head, chained, entry_of_change
from shared.domain.log.tiling import Row
from tests.domain.checks.years import CAR, drive, found, reading, year
from tests.rows import at, gap, trip

CLEAN = year(*(drive(n) for n in range(4)), readings=[reading(0, 1_000.0)])
# In the words of this product, and of no driver.
JARGON = re.compile(r"_|pending|odometer_|row\b|GPS|Privacy|keurmerk|quality mark|approved|goedgekeurd", re.IGNORECASE)


def test_there_are_21_by_their_numbers_and_a_log_in_which_all_is_well_holds() -> None:
    told = checked(CLEAN, "nl")
    assert [finding.n for finding in told.findings] == [*range(1, 22)]
    assert {finding.result for finding in told.findings} == {"holds", "not_applicable"}
    laws = [finding.n for finding in told.findings if finding.basis == "law"]
    assert laws == [1, 2, 4, 5, 6, 8, 9, 10, 13, 14, 15, 16, 17, 21]
    assert (told.private_km.so_far, told.private_km_vat) == (0.0, 0.0)


def test_of_a_year_without_rows_or_odometers_nothing_holds_that_nobody_knows() -> None:
    unread: dict[str, Any] = dict.fromkeys(("from_m", "to_m", "start_odometer_km", "end_odometer_km"))
    empty, without = year(), year(*(drive(n, **unread) for n in range(3)))
    held = {one.n for one in checked(empty, "nl").findings if one.result != "not_applicable"}
    assert held == {1, 9, 16, 21}
    results = {one.n: one.result for one in checked(without, "nl").findings}
    assert (results[2], {results[n] for n in (3, 5, 19)}) == ("fails", {"not_applicable"})


def test_each_check_is_told_in_both_languages_without_jargon() -> None:
    broken = year(replace(drive(0), kind="unclassified"), gap(5_000, 1_239_500, at(9)), car=replace(CAR, plate=""))
    dutch, english = (checked(broken, language).findings for language in ("nl", "en"))
    for one, other in zip(dutch, english, strict=True):
        assert (one.n, one.result, one.rows) == (other.n, other.result, other.rows)
        assert one.name != other.name
        assert (one.advice == "") == (other.advice == "")
        assert not JARGON.search(one.name + one.advice)
    assert "1.234,5 km" in dutch[4].advice
    assert "1,234.5 km" in english[4].advice


def test_numbers_that_are_ours_are_called_ours() -> None:
    for name in ("continuity", "whereabouts", "detours", "outside_readings", "round_numbers", "plausibility"):
        module = vars(import_module(f"shared.domain.checks.{name}"))
        advice = module.get("ADVICE") or module["APART"]
        assert "van ons" in advice.nl, name
        assert "ours" in advice.en, name


# --- 1: the car


@pytest.mark.parametrize("field", ["make", "type", "plate", "available_from"])
def test_a_car_needs_make_type_plate_and_period(field: str) -> None:
    assert found(1, year(car=CAR)) == ("holds", ())
    assert found(1, year(car=replace(CAR, brand="Skoda", make=""))) == ("holds", ()), "a brand is a make"
    assert found(1, year(car=replace(CAR, **{field: None if field == "available_from" else ""}))) == ("fails", ())


# --- 16: the history


def entries(*rows: str) -> list[Any]:
    said = [entry_of_change(Author("phone", at(n)), "trip", row, {}, {"id": row}) for n, row in enumerate(rows)]
    return chained((one for one in said if one), Head())


def test_a_history_as_it_was_written_holds_also_where_other_years_lie_between() -> None:
    first, second, third = entries("a", "b", "c")
    assert found(16, year()) == ("holds", ())
    assert found(16, year(entries=[first, second, third])) == ("holds", ())
    assert found(16, year(entries=[first, third])) == ("holds", ())


def test_a_history_that_was_changed_or_put_together_anew_fails() -> None:
    first, second, third = entries("a", "b", "c")
    changed = replace(second, by="somebody")
    assert found(16, year(entries=[first, changed, third])) == ("fails", ("b",))
    other = entries("x", "b")[1]
    assert found(16, year(entries=[first, other, third])) == ("fails", ("b", "c"))
    assert found(16, year(entries=[second, first])) == ("fails", ("a",))


def test_an_employer_never_sees_private_trips() -> None:
    assert found(21, year()) == ("holds", ())


# --- what holds of any log that tiles

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["business", "private", "mixed", "unclassified", "gap", "explained"]),
        st.integers(0, 90_000), st.integers(0, 50).map(lambda tenths: tenths / 10),
        st.one_of(st.just(0), st.integers(-5_000_000, 5_000_000)),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


def tiled(steps: list[Any]) -> list[Row]:
    """Rows that tile an odometer, with excess and where the car got another odometer."""
    rows, at_m = list[Row](), 9_000_000
    for n, (kind, length_m, excess_km, set_on_m) in enumerate(steps):
        set_on = max(set_on_m, -at_m) if n else 0
        begin_m, when = at_m + set_on, at(n)
        at_m = begin_m + length_m
        if kind in ("gap", "explained"):
            more: dict[str, Any] = {"explained_as": "business", "business_m": length_m // 2} if kind != "gap" else {}
            rows.append(gap(begin_m, at_m, when, set_on_m=set_on, id=f"g{n}", **more))
        else:
            half = {"business_km": 1.0} if kind == "mixed" else {}
            rows.append(trip(begin_m, at_m, when, excess_km, kind=kind, set_on_m=set_on, **half))
    return rows


@given(STEPS)
def test_rows_that_tile_add_up_and_meet_and_the_worst_case_is_never_below_what_is_private(steps: list[Any]) -> None:
    rows = tiled(steps)
    examined = year(*rows, behind=gap(0, 5_000, at(99) + timedelta(days=1)))
    told = checked(year(*rows), "en")
    results = {finding.n: finding.result for finding in told.findings}
    assert (results[2], results[19]) == ("holds", "holds")
    assert results[3] == ("fails" if any(getattr(row, "excess_km", 0) for row in rows) else "holds")
    meter, behind = told.private_km, checked(examined, "en").private_km
    assert 0 <= meter.so_far <= meter.worst_case
    assert meter.so_far <= meter.forecast
    assert behind.worst_case == pytest.approx(meter.worst_case + 5.0)
    assert told.private_km_vat >= meter.so_far
