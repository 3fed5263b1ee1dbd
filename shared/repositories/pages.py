"""Owns how a page of a user's rows is read: straight from what comes over the wire.

By way of the client's snapshots, which copy each document twice, a page takes the processor twice as long.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from google.cloud.firestore_v1.types import Cursor, StructuredQuery, Value

from shared.repositories.streaming import long_reader

T = TypeVar("T")
_Field, _Order, _From = StructuredQuery.FieldReference, StructuredQuery.Order, StructuredQuery.CollectionSelector
_Filter, _FieldFilter, _All = StructuredQuery.Filter, StructuredQuery.FieldFilter, StructuredQuery.CompositeFilter
_Unary = StructuredQuery.UnaryFilter


class Page(NamedTuple):
    """Which rows are asked for: whose fields equal these, by a moment and the id, after a position in that order; of
    each all fields, or only some."""

    collection: str
    equal: Mapping[str, str | int | None]
    moment: str
    limit: int
    after: tuple[datetime, str] | None = None
    newest_first: bool = False
    fields: Sequence[str] = ()


def rows_of(user: str, page: Page, made: Callable[[dict[str, Any]], T]) -> list[T]:
    """The rows of a page, in its order, each `made` of its fields; of the user whose document has this full name."""
    found = long_reader().documents(_query(page), user)
    return [made({name: _plain(value) for name, value in one.fields.items()}) for one in found]


def _query(page: Page) -> StructuredQuery:
    direction = StructuredQuery.Direction.DESCENDING if page.newest_first else StructuredQuery.Direction.ASCENDING
    query = StructuredQuery(
        from_=[_From(collection_id=page.collection)],
        order_by=[_Order(field=_Field(field_path=path), direction=direction) for path in (page.moment, "id")],
        limit=page.limit,
    )
    if page.fields:
        query.select = StructuredQuery.Projection(fields=[_Field(field_path=name) for name in page.fields])
    if filters := [_equals(name, value) for name, value in page.equal.items()]:
        query.where = _Filter(composite_filter=_All(op=_All.Operator.AND, filters=filters))
    if page.after:
        at, row_id = page.after
        query.start_at = Cursor(values=[Value(timestamp_value=at), Value(string_value=row_id)])
    return query


def _equals(name: str, value: str | int | None) -> StructuredQuery.Filter:
    field = _Field(field_path=name)
    if value is None:
        return _Filter(unary_filter=_Unary(field=field, op=_Unary.Operator.IS_NULL))
    told = Value(string_value=value) if isinstance(value, str) else Value(integer_value=value)
    return _Filter(field_filter=_FieldFilter(field=field, op=_FieldFilter.Operator.EQUAL, value=told))


def _plain(value: Any) -> Any:
    """What a protocol buffer holds, as the structs take it."""
    kind = value.WhichOneof("value_type")
    if kind == "null_value":
        return None
    if kind == "timestamp_value":
        return value.timestamp_value.ToDatetime(UTC)
    if kind == "map_value":
        return {name: _plain(inner) for name, inner in value.map_value.fields.items()}
    if kind == "array_value":
        return [_plain(inner) for inner in value.array_value.values]
    return getattr(value, kind)
