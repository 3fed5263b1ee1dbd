"""Owns who is due for a poll, a daily look or a reminder. One of the two places that look at more than one user."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from google.cloud.firestore_v1.types import ArrayValue, Cursor, StructuredQuery, Value

from shared.repositories.streaming import LongReader
from shared.repositories.user_store import SHARDS

_Field, _Order, _From = StructuredQuery.FieldReference, StructuredQuery.Order, StructuredQuery.CollectionSelector
_Filter, _FieldFilter, _All = StructuredQuery.Filter, StructuredQuery.FieldFilter, StructuredQuery.CompositeFilter


class Due(NamedTuple):
    """A user whose poll is due since a moment (aware UTC). Those who are due have one order: by moment, then user."""

    user: str
    since: datetime


def due_users(store: LongReader, now: datetime, at_most: int) -> Iterator[Due]:
    """The users whose poll is due, those longest due first, streamed: the cost grows with them, not with all users."""
    query = _due_query(range(SHARDS), now)
    query.limit = at_most
    return _due(store, query)


def due_users_of_shard(store: LongReader, shard: int, now: datetime, after: Due) -> Iterator[Due]:
    """The users of one shard whose poll is due and who come after one that is known, streamed."""
    query, known = _due_query([shard], now), store.name("users", after.user, "cache", "trip_start")
    query.start_at = Cursor(values=[Value(timestamp_value=after.since), Value(reference_value=known)])
    return _due(store, query)


def users_with_a_car(store: LongReader) -> Iterator[str]:
    """The e-mails of the users with a car, streamed: the cost grows with them."""
    query = StructuredQuery(
        from_=[_From(collection_id="users")],
        where=_where("default_car_id", "GREATER_THAN", Value(string_value="")),
        select=_only("__name__"),
    )
    for document in store.documents(query):
        yield document.name.rsplit("/", 1)[1]


def all_users(store: LongReader) -> Iterator[str]:
    """The e-mails of all users, streamed: the cost grows with them."""
    query = StructuredQuery(from_=[_From(collection_id="users")], select=_only("__name__"))
    for document in store.documents(query):
        yield document.name.rsplit("/", 1)[1]


def _due_query(shards: Iterable[int], now: datetime) -> StructuredQuery:
    among = Value(array_value=ArrayValue(values=[Value(integer_value=shard) for shard in shards]))
    until_now = _where("next_poll_at", "LESS_THAN_OR_EQUAL", Value(timestamp_value=now))
    both = _All(op=_All.Operator.AND, filters=[_where("shard", "IN", among), until_now])
    return StructuredQuery(
        from_=[_From(collection_id="cache", all_descendants=True)],
        where=_Filter(composite_filter=both),
        select=_only("next_poll_at"),
        order_by=[_Order(field=_Field(field_path=path)) for path in ("next_poll_at", "__name__")],
    )


def _where(path: str, operator: str, value: Value) -> StructuredQuery.Filter:
    op = _FieldFilter.Operator[operator]
    return _Filter(field_filter=_FieldFilter(field=_Field(field_path=path), op=op, value=value))


def _only(path: str) -> StructuredQuery.Projection:
    return StructuredQuery.Projection(fields=[_Field(field_path=path)])


def _due(store: LongReader, query: StructuredQuery) -> Iterator[Due]:
    for document in store.documents(query):
        since = document.fields["next_poll_at"].timestamp_value
        yield Due(document.name.rsplit("/", 3)[1], since.ToDatetime(UTC))
