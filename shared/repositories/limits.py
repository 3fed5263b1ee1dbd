"""Owns the counters of requests that all instances share. They hold no e-mail and no address, and expire.

A document for each name and window: it only ever grows, so one write that also answers is all that counting takes.
No read before it, no second try after somebody else, however many instances count the same name at once.
"""

import hashlib
from datetime import datetime

from google.cloud import firestore

# Longer than this no call waits to be counted.
TIMEOUT_S = 5.0


class RequestCounters:
    """The counters of all names."""

    def __init__(self, db: firestore.Client) -> None:
        self._counters = db.collection("limits")

    def add(self, name: str, window_end: datetime, requests: int) -> int:
        """Adds requests to those of all instances in a window, and gives the sum.

        Raises what the client library does where the store cannot be reached; they may be counted all the same.
        """
        digest = hashlib.sha256(f"{name} {window_end.isoformat()}".encode()).hexdigest()
        fields = {"taken": firestore.Increment(requests), "expires_at": window_end}
        written = self._counters.document(digest).set(fields, merge=True, retry=None, timeout=TIMEOUT_S)
        return int(written.transform_results[0].integer_value)
