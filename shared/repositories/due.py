"""Owns who is due for a poll or a daily look. One of the two places that look at more than one user."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zlib import crc32

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

# All users' next polls lie close to now, and Firestore takes about 500 writes a second to one stretch of an index.
# A number in front of the time spreads them over as many stretches; a query can ask for 30 of them at once.
SHARDS = 16


class Due(NamedTuple):
    """A user whose poll is due since a moment (aware UTC). Those who are due have one order: by moment, then user."""

    user: str
    since: datetime


def shard_of(email: str) -> int:
    """The stretch of the index in which a user's next poll stands."""
    return crc32(email.encode()) % SHARDS


def due_users(db: firestore.Client, now: datetime, at_most: int) -> Iterator[Due]:
    """The users whose poll is due, those longest due first, streamed: the cost grows with them, not with all users."""
    return _due(db, _due_query(db, range(SHARDS), now).limit(at_most))


def due_users_of_shard(db: firestore.Client, shard: int, now: datetime, after: Due) -> Iterator[Due]:
    """The users of one shard whose poll is due and who come after one that is known, streamed."""
    cursor = {"next_poll_at": after.since, "__name__": db.document(f"users/{after.user}/cache/trip_start")}
    return _due(db, _due_query(db, [shard], now).start_after(cursor))


def _due_query(db: firestore.Client, shards: Iterable[int], now: datetime) -> Any:
    query = db.collection_group("cache").where(filter=FieldFilter("shard", "in", list(shards)))
    query = query.where(filter=FieldFilter("next_poll_at", "<=", now)).select(["next_poll_at"])
    return query.order_by("next_poll_at").order_by("__name__")


def _due(db: firestore.Client, query: Any) -> Iterator[Due]:
    """Takes the answers as they come over the wire: a snapshot of each would cost three times the work.

    Those are not public names of the client, whose version is pinned. A stream that breaks is not taken up again.
    """
    asked = {"parent": f"{db._database_string}/documents", "structured_query": query._to_protobuf()}
    for answer in db._firestore_api.run_query(request=asked, metadata=db._rpc_metadata):
        document = type(answer).pb(answer).document
        if document.name:
            since = document.fields["next_poll_at"].timestamp_value
            yield Due(document.name.rsplit("/", 3)[1], since.ToDatetime(UTC))


def users_with_a_car(db: firestore.Client) -> Iterator[str]:
    """The e-mails of the users with a car, streamed: the cost grows with them."""
    query = db.collection("users").where(filter=FieldFilter("default_car_id", ">", "")).select([])
    for snapshot in query.stream():
        yield snapshot.id
