"""A driver reads why a reading is not believed, in their own language."""

from typing import get_args

import pytest

from shared.domain.car.odometer import Disbelief
from shared.domain.car.sentences import DUTCH, ENGLISH, why_sentence


@pytest.mark.parametrize("sentences", [DUTCH, ENGLISH])
def test_there_is_one_sentence_for_each_reason(sentences: dict[Disbelief, str]) -> None:
    assert {*sentences} == {*get_args(Disbelief)}
    assert all(sentence.endswith(".") and sentence[0].isupper() for sentence in sentences.values())
    assert len({*sentences.values()}) == len(sentences)


def test_the_language_is_the_drivers_and_what_is_believed_has_no_sentence() -> None:
    assert why_sentence("withdrawn", "en") == "You took it back."
    assert why_sentence("withdrawn", "nl") == "Je hebt deze stand ingetrokken."
    assert why_sentence("", "en") == why_sentence("", "nl") == ""
