"""What a driver says of a gap: what it was, why, and how much of it was business."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.fitting import Unfit
from shared.domain.log.explaining import explained, interval, told, words_with
from shared.domain.log.gap_row import Explained
from shared.domain.log.sums import Sums, sums_of_gap
from shared.domain.log.tiling import why_not_sound
from tests.rows import at, gap

GAP = gap(12_050_040, 12_071_800, at(0))  # shows 21.8 km
DRIVEN = Sums(business_m=300_000, private_m=100_000, unclassified_m=900_000)
LATER = at(5)


def after(**said: Any) -> Any:
    return explained(GAP, said, DRIVEN, LATER)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"explained_as": "private"}, ("private", "", 0.0)),
        ({"explained_as": "private", "business_km": 0}, ("private", "", 0.0)),
        ({"explained_as": "business"}, ("business", "", 21.8)),
        ({"explained_as": "business", "business_km": 21.8}, ("business", "", 21.8)),
        ({"explained_as": "business", "business_km": 5.5, "reason": " The garage "}, ("business", "The garage", 5.5)),
        ({"explained_as": "other", "reason": "A neighbour", "business_km": 2}, ("other", "A neighbour", 2.0)),
        ({"explained_as": "other", "reason": "A neighbour"}, ("other", "A neighbour", 0.0)),
        ({"explained_as": "correction", "reason": "Tyres"}, ("correction", "Tyres", 16.3)),
    ],
)
def test_a_gap_is_explained(said: dict[str, Any], expected: tuple[str, str, float]) -> None:
    found = after(**said)
    assert (found.explained_as, found.reason, found.business_km) == expected
    assert (found.revision, found.updated_at) == (2, LATER)
    assert sums_of_gap(found).explained_m == sums_of_gap(found).gap_m == 21_800
    assert sums_of_gap(found).explained_business_m == round(1000 * expected[2])


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"explained_as": "business", "business_km": 21.9}, "business_km"),
        ({"explained_as": "business", "business_km": -0.1}, "business_km"),
        ({"explained_as": "business", "business_km": float("nan")}, "business_km"),
        ({"explained_as": "private", "business_km": 1}, "business_km"),
        ({"explained_as": "correction", "reason": "Tyres", "business_km": 1}, "business_km"),
        ({"explained_as": "correction"}, "reason"),
        ({"explained_as": "other", "reason": "  "}, "reason"),
        ({"explained_as": "private", "reason": "x" * 501}, "reason"),
        ({"explained_as": None, "reason": "x"}, "reason"),
        ({"business_km": 1}, "business_km"),
    ],
)
def test_what_cannot_be_said_of_a_gap_is_refused_with_its_field(said: dict[str, Any], field: str) -> None:
    with pytest.raises(Unfit) as error:
        after(**said)
    assert error.value.field == field


def test_a_correction_stays_divided_as_it_was_until_it_is_said_anew() -> None:
    first, private = after(explained_as="correction", reason="Tyres"), Sums(private_m=1000)
    again = explained(first, {"reason": "New tyres"}, private, LATER)
    assert (again.reason, again.business_km) == ("New tyres", 16.3)
    assert explained(first, {"explained_as": "correction"}, private, LATER).business_km == 0.0


def test_what_is_not_said_stays_and_another_kind_begins_anew() -> None:
    first = after(explained_as="business", business_km=5.5, reason="The garage")
    second = explained(first, {"reason": "The other garage"}, DRIVEN, LATER)
    assert told(second) == {"explained_as": "business", "reason": "The other garage", "business_km": 5.5}
    assert explained(second, {"explained_as": "private"}, DRIVEN, LATER).business_km == 0.0


def test_an_explanation_can_be_taken_back() -> None:
    back = explained(after(explained_as="other", reason="x", business_km=2), {"explained_as": None}, DRIVEN, LATER)
    assert (told(back), back.revision) == ({"explained_as": None, "reason": "", "business_km": 0.0}, 3)


def test_what_says_nothing_new_changes_nothing() -> None:
    once = after(explained_as="business")
    for said in ({"explained_as": "business"}, {}, {"business_km": 21.8}):
        assert explained(once, said, DRIVEN, LATER) is once
    assert explained(GAP, {"explained_as": None}, DRIVEN, LATER) is GAP


def test_the_interval_is_told_to_the_metre() -> None:
    assert interval(GAP) == {"from_odometer_km": 12_050.04, "to_odometer_km": 12_071.8}


@given(st.integers(0, 10**8), st.integers(0, 10**5), st.floats(0, 100), st.integers(0, 10**6), st.integers(0, 10**6))
def test_no_more_is_business_than_the_gap_has(
    begin_m: int, length_m: int, business_km: float, business_m: int, private_m: int
) -> None:
    row = gap(begin_m, begin_m + length_m, at(0))
    sums = Sums(business_m=business_m, private_m=private_m)
    for said in (
        {"explained_as": "business", "business_km": min(business_km, row.missing_km)},
        {"explained_as": "correction", "reason": "Tyres"},
    ):
        found = explained(row, said, sums, LATER)
        assert why_not_sound(found) is None
        assert 0 <= found.business_km <= found.missing_km


# --- words about intervals of the odometer

WORD = Explained(10_000, 40_000, "business", "The garage", 15_000)


def said_of(from_m: int, to_m: int, **more: Any) -> tuple[Explained, ...]:
    """What is said of all, once this is said of a stretch."""
    return words_with([WORD], gap(from_m, to_m, at(0), **more))


def test_what_is_said_of_a_gap_is_a_word_about_its_interval_beside_those_of_others() -> None:
    before = said_of(0, 10_000, explained_as="private")
    assert before == (Explained(0, 10_000, "private"), WORD)
    assert said_of(10_000, 40_000, series=1, explained_as="private") == (
        WORD,
        Explained(10_000, 40_000, "private", series=1),
    )


def test_what_is_said_anew_of_a_part_leaves_the_rest_as_it_was_said() -> None:
    assert said_of(20_000, 30_000, explained_as="private") == (
        Explained(10_000, 20_000, "business", "The garage", 5_000),
        Explained(20_000, 30_000, "private"),
        Explained(30_000, 40_000, "business", "The garage", 5_000),
    )


def test_what_is_taken_back_of_a_part_leaves_the_rest_and_of_all_nothing() -> None:
    assert said_of(10_000, 20_000) == (Explained(20_000, 40_000, "business", "The garage", 10_000),)
    assert said_of(10_000, 40_000) == said_of(0, 50_000) == ()
