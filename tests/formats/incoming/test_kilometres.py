"""Kilometres as people write them: a dot or a comma that may part thousands or tenths is never guessed at."""

import pytest

from shared.domain.fitting import Unfit
from shared.formats.incoming.kilometres import Measured, measured, tenths_of, ways_of


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("12345", [12345.0]),
        ("12.345", [12345.0, 12.345]),
        ("12,345", [12345.0, 12.345]),
        ("12.345,6", [12345.6]),
        ("12,345.6", [12345.6]),
        ("1.234.567", [1234567.0]),
        ("22,4", [22.4]),
        ("22.40 km", [22.4]),
        ("0,500", [0.5]),
        ("12345.678", [12345.678]),
        ("12 345", [12345.0]),
        ("12\u00a0345,6", [12345.6]),
        ("-5", []),
        ("1e5", []),
        ("12.34.5", []),
        ("12..345", []),
        ("veel", []),
        ("٣", []),
    ],
)
def test_a_number_has_the_ways_in_which_it_can_be_read(text: str, values: list[float]) -> None:
    assert [way.km for way in ways_of(text)] == values


@pytest.mark.parametrize(
    ("texts", "sign"),
    [(["12.345", "22,4"], ","), (["12.345", "22.4"], "."), (["12.345"], None), (["22.4", "22,4"], None), ([], None)],
)
def test_a_file_tells_how_it_parts_tenths_by_its_clear_numbers(texts: list[str], sign: str | None) -> None:
    assert tenths_of(texts) == sign


@pytest.mark.parametrize(
    ("cells", "tenths", "found"),
    [
        (("12.345", "12.367", "22"), None, (12345, 12367, 22)),
        (("12.345", "12.367", "22,4"), ",", (12345, 12367, 22.4)),
        (("12.345", "12.367", "22.4"), ".", (12345, 12367, 22.4)),
        (("12.345", "12.346", "0,8"), ",", (12345, 12346, 0.8)),
        (("12.345", "12.367", "0.022"), None, (12.345, 12.367, 0.022)),
        (("12.345", "", "22,4"), ",", (12345, None, 22.4)),
        (("12345", "12367", ""), None, (12345, 12367, None)),
        (("", "", "22,4"), None, (None, None, 22.4)),
        (("12345", "12367", "30"), None, (12345, 12367, 30)),
    ],
)
def test_begin_end_and_distance_tell_of_each_other(
    cells: tuple[str, str, str], tenths: str | None, found: Measured
) -> None:
    assert measured(cells, tenths, is_sure=False) == found


@pytest.mark.parametrize(
    ("cells", "tenths"),
    [
        (("12.345", "12.367", ""), None),
        (("12.345", "", "22"), None),
        (("", "", "1.234"), None),
        (("12.345", "12.346", "0.500"), None),
        (("12.345", "12.367", "99"), None),
        (("12345", "12367", "-22"), None),
        (("12345", "x", "22"), None),
    ],
)
def test_where_nothing_tells_it_is_not_guessed(cells: tuple[str, str, str], tenths: str | None) -> None:
    with pytest.raises(Unfit, match=r"more than one way|no number"):
        measured(cells, tenths, is_sure=False)


def test_where_the_format_is_sure_of_its_comma_a_dot_is_no_comma() -> None:
    with pytest.raises(Unfit, match="no number"):
        measured(("12345,0", "12367,4", "22.4"), ",", is_sure=True)
    assert measured(("12.345", "", "22,4"), ",", is_sure=True) == (12345, None, 22.4)
