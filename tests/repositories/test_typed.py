"""Values of documents are told in JSON, and come back as what they were to the last bit."""

import math
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.repositories.typed import fields_of, typed, typed_fields, value_of

PLAIN = (
    some.none()
    | some.booleans()
    | some.integers(-(2**63), 2**63 - 1)
    | some.floats()
    | some.text()
    | some.binary()
    | some.datetimes(timezones=some.just(UTC))
)
VALUES = some.recursive(PLAIN, lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner), max_leaves=12)


def as_told(value: Any) -> Any:
    return value_of(msgspec.json.decode(msgspec.json.encode(typed(value))))


def exact(value: Any) -> Any:
    """What tells 1 from 1.0 and from True, and 0.0 from -0.0."""
    if isinstance(value, dict):
        return {name: exact(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [exact(inner) for inner in value]
    if isinstance(value, datetime):
        return datetime, value.timestamp(), value.microsecond, value.tzinfo is not None
    return type(value), repr(value)


@given(VALUES)
def test_every_value_comes_back(value: Any) -> None:
    assert exact(as_told(value)) == exact(value)


def test_numbers_stay_what_they_are_and_nothing_is_told_as_a_number_that_json_has_not() -> None:
    for value in (0, 1, 2**53 + 1, 1.0, -0.0, 12345.0, math.inf, -math.inf):
        assert exact(as_told(value)) == exact(value)
    assert math.isnan(as_told(math.nan))
    assert typed(3) == {"integerValue": "3"}
    assert typed(3.0) == {"doubleValue": 3.0}


def test_fields_come_back_by_their_names_whatever_these_are() -> None:
    fields = {"a.b": 1, "`": {"": [None, {}]}, "keys": []}
    assert fields_of(typed_fields(fields)) == fields


def test_a_value_that_no_document_of_ours_has_is_refused() -> None:
    with pytest.raises(TypeError, match="complex"):
        typed(1j)
    for told in ({"geoPointValue": {}}, {}, {"integerValue": "x"}, {"bytesValue": "?"}):
        with pytest.raises(ValueError):
            value_of(told)
