"""What a driver's key may be called."""

import pytest

from shared.domain import fitting
from shared.domain.fitting import Unfit


@pytest.mark.parametrize("label", ["", "A", "Anna van der 🚗", "x" * 40])
def test_a_label_is_one_line_of_forty_letters_at_most(label: str) -> None:
    assert fitting.label(label) == label


@pytest.mark.parametrize("label", ["x" * 41, "Anna\nBram", "Anna\x00", "\x1b[31mAnna", "Anna\x85"])
def test_another_label_is_refused(label: str) -> None:
    with pytest.raises(Unfit) as refused:
        fitting.label(label)
    assert refused.value.field == "label"
