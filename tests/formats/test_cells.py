"""A text stays a text in a spreadsheet, and comes back as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.formats.cells import guarded, unguarded


@pytest.mark.parametrize(
    "text", ["=1+1", "+31 30 123", "-5", "@SUM(A1)", "\tx", "\rx", "\n=x", "  =1", "\ufeff=1", "＝1", "'=1", "\u200b@x"]
)
def test_what_a_spreadsheet_would_compute_gets_an_apostrophe(text: str) -> None:
    assert guarded(text) == f"'{text}"
    assert unguarded(guarded(text)) == text


@pytest.mark.parametrize("text", ["", "Naar kantoor", "'s-Gravenhage", "3 - 5", "a=b", "''"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert guarded(text) == text == unguarded(text)


@given(st.text(st.sampled_from("'=+-@ \t\r\n\ufeffab"), max_size=8) | st.text())
def test_every_text_comes_back(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert guarded(text)[:1] not in tuple("=+-@\t\r")
