"""Owns who is due for a poll or a daily look. One of the two places that look at more than one user."""

from collections.abc import Iterator
from datetime import datetime
from zlib import crc32

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

# All users' next polls lie close to now, and Firestore takes about 500 writes a second to one stretch of an index.
# A number in front of the time spreads them over as many stretches; a query can ask for 30 of them at once.
SHARDS = 16


def shard_of(email: str) -> int:
    """The stretch of the index in which a user's next poll stands."""
    return crc32(email.encode()) % SHARDS


def due_users(db: firestore.Client, now: datetime) -> Iterator[str]:
    """The e-mails of the users whose poll is due, streamed: the cost grows with them, not with all users."""
    query = db.collection_group("cache").where(filter=FieldFilter("shard", "in", list(range(SHARDS))))
    query = query.where(filter=FieldFilter("next_poll_at", "<=", now)).select(["next_poll_at"])
    for snapshot in query.stream():
        yield snapshot.reference.parent.parent.id


def users_with_a_car(db: firestore.Client) -> Iterator[str]:
    """The e-mails of the users with a car, streamed: the cost grows with them."""
    query = db.collection("users").where(filter=FieldFilter("default_car_id", ">", "")).select([])
    for snapshot in query.stream():
        yield snapshot.id
