"""The scheduler's query: the users whose poll is due. One of the two places that look at more than one user."""

from collections.abc import Iterator
from datetime import datetime

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter


def due_users(db: firestore.Client, now: datetime) -> Iterator[str]:
    """The e-mails of the users whose poll is due, streamed: the cost grows with them, not with all users."""
    query = db.collection_group("cache").where(filter=FieldFilter("next_poll_at", "<=", now)).select(["next_poll_at"])
    for snapshot in query.stream():
        yield snapshot.reference.parent.parent.id
